# SPDX-License-Identifier: Apache-2.0
"""One chat request through the whole house, over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any

import msgspec
import pytest

from conftest import KEY, Start
from guiju import composition
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Limits

TERM = "规矩金丝雀"


def shifted(text: str) -> str:
    """A directive that makes the scripted model answer a text that the request does not hold."""
    return "[[shift:" + "".join(chr(ord(c) + 1) for c in text) + "]]"


def finish(events: list[Any]) -> str:
    """The finish reason of choice 0."""
    return next(c["finish_reason"] for e in events for c in e["choices"] if c["finish_reason"])


def test_a_harmless_request_is_answered_labelled_and_recorded(start: Start) -> None:
    gateway = start()
    answer = gateway.chat("[[say:你好，世界]]")
    said = answer.json
    assert answer.status == 200
    assert said["choices"][0]["message"]["content"] == "你好，世界"
    assert said["choices"][0]["finish_reason"] == "stop"
    assert said["model"] == "scripted"
    decision = answer.headers["x-guiju-decision-id"]
    assert said["aigc"]["Label"] == "1"
    assert said["aigc"]["ProduceID"] == said["aigc"]["PropagateID"] == decision
    assert said["aigc"]["ContentProducer"] == said["aigc"]["ContentPropagator"] == "DEVELOPMENT"
    assert json.loads(answer.headers["x-guiju-aigc"]) == said["aigc"]
    assert said["id"] == f"chatcmpl-{decision}"
    opened, closed = gateway.entry("opened", decision), gateway.entry("closed", decision)
    asked = [control.id for control in composition.controls("none").request]
    assert {"policy", "identity", "words.input", "content.input", "personal.input"} <= set(asked)
    assert dict(opened["controls"]) == dict.fromkeys(asked, "pass")
    assert closed["state"] == "passed"
    assert closed["end"] == "finished"
    assert closed["chars_seen"] == closed["chars_released"] == 5
    assert "你好" not in json.dumps(gateway.entries(), ensure_ascii=False)


def test_a_stream_arrives_as_it_was_sent(start_once: Start) -> None:
    gateway = start_once(overlay=(("gateway.reach", "pattern"),))
    answer = gateway.chat(
        "[[stream:今天天气很好。We go out.\n```py\nx = 1\n```|3|10]]",
        stream=True,
        stream_options={"include_usage": True},
    )
    assert answer.text() == "今天天气很好。We go out.\n```py\nx = 1\n```"
    assert finish(answer.events) == "stop"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert answer.events[0]["aigc"]["ProduceID"] == answer.headers["x-guiju-decision-id"]
    usage = [event["usage"] for event in answer.events if event.get("usage")]
    assert len(usage) == 1
    assert len([event for event in answer.events if event["choices"]]) > 5
    plain = gateway.chat("[[say:好]]", stream=True)
    assert not [event for event in plain.events if event.get("usage")]


def test_a_forbidden_request_is_refused_before_the_model_sees_it(start: Start) -> None:
    with ScriptedModel() as model:
        gateway = start(upstream=model.url)
        answer = gateway.chat(f"请说 {TERM} 好吗")
        error = answer.json["error"]
        assert answer.status == 400
        assert error["code"] == "content_filter"
        assert error["type"] == "invalid_request_error"
        guiju = error["guiju"]
        assert guiju["decision_id"] == answer.headers["x-guiju-decision-id"]
        assert (guiju["stage"], guiju["article"], guiju["category"]) == ("input", "4.1", "A.1f")
        assert TERM not in answer.body.decode()
        refused = gateway.entry("refused", guiju["decision_id"])
        assert refused["state"] == "stopped"
        assert not model.requests
        zh = gateway.chat(TERM, headers={"Accept-Language": "zh-CN"})
        assert "人工复核" in zh.json["error"]["message"]


@pytest.mark.parametrize("reach", ["pattern", "sentence", "whole"])
def test_an_answer_is_stopped_in_mid_stream(start_once: Start, reach: str) -> None:
    gateway = start_once(overlay=(("gateway.reach", reach),))
    answer = gateway.chat(shifted(f"第一句话。第二句里有{TERM}，后面不该出现。"), stream=True)
    assert answer.status == 200
    text = answer.text()
    assert TERM[:1] not in text[-1:] or reach != "pattern"
    assert TERM not in answer.body.decode()
    assert "后面" not in text
    assert finish(answer.events) == "content_filter"
    assert answer.text("refusal")
    last = next(event for event in answer.events if event.get("guiju"))
    assert last["guiju"]["stage"] == "output"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    closed = gateway.entry("closed", answer.headers["x-guiju-decision-id"])
    assert (closed["state"], closed["end"]) == ("stopped", "stopped")
    assert closed["chars_released"] == len(text)
    assert closed["chars_seen"] >= closed["chars_released"]


@pytest.mark.slow
def test_a_whole_answer_that_is_stopped_is_a_refusal_in_both_fields(start_once: Start) -> None:
    answer = start_once().chat(shifted(f"x{TERM}y"), n=2)
    assert answer.status == 200
    for choice in answer.json["choices"]:
        assert choice["finish_reason"] == "content_filter"
        assert choice["message"]["content"] == choice["message"]["refusal"] != ""
    assert answer.json["guiju"]["reason"] == "content_filter"


@pytest.mark.slow
@pytest.mark.parametrize("field", ["reasoning", "refusal", "tool"])
@pytest.mark.parametrize("stream", [True, False])
def test_every_field_of_an_answer_is_looked_at(start_once: Start, field: str, stream: bool) -> None:
    # The word stands in the request as a directive, so the request is let through a list that only the answer meets.
    gateway = start_once(lexicon="term,category,severity\nguijucanary,A.1f,block\n")
    text = "guiju" + "canary"
    split = "[[" + (f"tool:f|{text}" if field == "tool" else f"{field}:{text}") + "]]"
    hidden = json.dumps(split)
    answer = gateway.chat(split.replace("guijucanary", "guijucanarx"), stream=stream)
    assert answer.status == 200
    assert hidden
    body = gateway.chat(split, stream=stream)
    assert body.status == 400


def test_a_tool_call_arrives_whole(start_once: Start) -> None:
    gateway = start_once()
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    whole = gateway.chat('[[tool:weather|{"city":"南京"}]]', tools=tools)
    call = whole.json["choices"][0]["message"]["tool_calls"][0]
    assert call["function"] == {"name": "weather", "arguments": '{"city":"南京"}'}
    assert whole.json["choices"][0]["finish_reason"] == "tool_calls"
    stream = gateway.chat('[[tool:weather|{"city":"南京"}]]', tools=tools, stream=True)
    calls = [c["delta"]["tool_calls"][0] for e in stream.events for c in e["choices"] if c["delta"].get("tool_calls")]
    assert calls[0]["id"] == "call_0"
    assert calls[0]["function"]["name"] == "weather"
    assert "".join(one["function"]["arguments"] for one in calls) == '{"city":"南京"}'


@pytest.mark.slow
def test_on_block_error_tells_agents_by_an_error(start: Start) -> None:
    gateway = start()
    agent = "gj-agent-key"
    record = gateway.house.live.keyring.find(KEY, 0)
    assert record is not None

    gateway.house.live.keyring.with_static(agent, msgspec.structs.replace(record, id="agent", on_block="error"))
    stream = gateway.chat(shifted(f"好的。{TERM}"), key=agent, stream=True)
    assert stream.events[-1]["error"]["code"] == "content_filter"
    whole = gateway.chat(shifted(TERM), key=agent)
    assert whole.status == 400
    assert whole.json["error"]["code"] == "content_filter"


def test_a_signal_is_noted_and_goes_on(start_once: Start) -> None:
    gateway = start_once()
    answer = gateway.chat("留意此词 [[say:好]]")
    assert answer.status == 200
    opened = gateway.entry("opened", answer.headers["x-guiju-decision-id"])
    assert ["words.input", "note"] in opened["controls"]


def test_a_term_split_over_parts_and_turns_is_found(start_once: Start) -> None:
    gateway = start_once()
    for messages in (
        [{"role": "user", "content": [{"type": "text", "text": "规矩"}, {"type": "text", "text": "金丝雀"}]}],
        [{"role": "user", "content": "规矩"}, {"role": "user", "content": "金丝雀"}],
        [{"role": "user", "content": c} for c in TERM],
    ):
        answer = gateway.ask("POST", "/v1/chat/completions", {"model": "m", "messages": messages})
        assert answer.json["error"]["code"] == "content_filter", messages


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/v1/chat/completions", "GET", 405, "method_not_allowed"),
        ("/v1/files", "POST", 404, "door_closed"),
        ("/v1/realtime", "POST", 404, "door_closed"),
        ("/anything", "GET", 404, "door_closed"),
        ("/v1/chat/completions/", "POST", 404, "door_closed"),
    ],
)
def test_what_is_not_in_the_table_of_routes_does_not_exist(
    start_once: Start, path: str, method: str, status: int, code: str
) -> None:
    answer = start_once().ask(method, path, {} if method == "POST" else None)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_a_wrong_key_is_401_and_no_key_is_401(start_once: Start) -> None:
    gateway = start_once()
    assert gateway.chat("hi", key="gj-wrong").json["error"]["code"] == "invalid_api_key"
    assert gateway.chat("hi", key="").status == 401
    assert gateway.ask("GET", "/v1/models", key="nope").status == 401


def test_models_health_readiness_and_metrics(start: Start) -> None:
    gateway = start()
    assert gateway.ask("GET", "/healthz", key="").json == {"status": "alive"}
    deadline = time.monotonic() + 5
    while (ready := gateway.ask("GET", "/readyz", key="")).status != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ready.json["status"] == "ready", ready.json
    assert gateway.ask("GET", "/v1/models").json["object"] == "list"
    gateway.chat("hello")
    page = gateway.ask("GET", "/metrics", key="").body.decode()
    assert 'guiju_requests_total{action="passed",door="chat"} 1.0' in page
    assert "guiju_stream_unscanned_chars_total 0.0" in page
    assert "guiju_canary_ok 1.0" in page


def test_no_list_no_service(start: Start) -> None:
    gateway = start(lexicon="")
    answer = gateway.chat("你好")
    assert answer.status == 503
    assert answer.json["error"]["code"] == "guard_unavailable"
    assert gateway.ask("GET", "/readyz", key="").status == 503


@pytest.mark.slow
def test_the_visible_mark_goes_where_the_key_says(start_once: Start) -> None:
    gateway = start_once(overlay=(("gateway.label", "both"),))
    assert gateway.chat("[[say:好]]").json["choices"][0]["message"]["content"] == "【AI生成】\n好\n【AI生成】"
    assert gateway.chat("[[say:好]]", stream=True).text() == "【AI生成】\n好\n【AI生成】"
    form = {"type": "json_object"}
    assert gateway.chat('[[say:{"a":1}]]', response_format=form).json["choices"][0]["message"]["content"] == '{"a":1}'


def test_dropped_fields_are_listed(start_once: Start) -> None:
    answer = start_once().chat("[[say:好]]", user="u1", metadata={"a": "b"})
    assert set(answer.headers["x-guiju-dropped"].split(",")) == {"user", "metadata"}


@pytest.mark.slow
def test_a_client_that_leaves_cancels_the_model_and_is_recorded(start: Start) -> None:
    with ScriptedModel() as model:
        gateway = start(upstream=model.url, overlay=(("gateway.reach", "pattern"),))
        body = json.dumps(
            {
                "model": "m",
                "stream": True,
                "messages": [{"role": "user", "content": "[[stream:一二三四五六七八九十一二三四五六七八九十|1|200]]"}],
            }
        ).encode()
        with socket.create_connection(("127.0.0.1", gateway.port)) as sock:
            sock.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + KEY.encode()
                + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )  # fmt: skip
            while b'"content":"' not in sock.recv(65536):
                pass
            left = time.monotonic()
        deadline = time.monotonic() + 5
        ends: list[str] = []
        while not ends and time.monotonic() < deadline:
            ends = [
                e["body"]["end"]
                for e in gateway.entries()
                if e["kind"] == "closed" and e["body"]["end"] == "client_gone"
            ]
            time.sleep(0.02)
        assert ends == ["client_gone"]
        while model.left == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert model.left == 1
        assert time.monotonic() - left < 2


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [
        ("[[status:500]]", 502, "upstream_failed"),
        ("[[status:400]]", 502, "upstream_refused"),
        ("[[status:429]]", 503, "overloaded"),
        ("[[status:302]]", 502, "upstream_refused"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_model_that_fails_before_its_first_byte_is_an_error(
    start_once: Start, prompt: str, status: int, code: str, stream: bool
) -> None:
    gateway = start_once()
    answer = gateway.chat(prompt, stream=stream)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    closed = gateway.entry("closed", answer.headers["x-guiju-decision-id"])
    assert closed["end"] == "upstream_failed"


@pytest.mark.parametrize("prompt", ["[[reset:3]]", "[[garbage:3]]", "[[error:3]]", "[[no-done]]"])
def test_a_stream_that_breaks_never_looks_like_a_good_ending(start_once: Start, prompt: str) -> None:
    gateway = start_once(overlay=(("gateway.reach", "pattern"),))
    answer = gateway.chat(prompt + "[[stream:一二三四五六七八|1]]", stream=True)
    assert not [c for e in answer.events for c in e.get("choices", ()) if c["finish_reason"]]
    assert answer.events[-1]["error"]["code"] == "upstream_failed"


@pytest.mark.slow
def test_the_circuit_opens_and_no_one_waits(start: Start) -> None:
    gateway = start(upstream="http://127.0.0.1:9/v1")
    codes = [gateway.chat("hi") for _ in range(6)]
    assert {answer.status for answer in codes} == {502}
    assert "circuit open" in codes[-1].json["error"]["message"]


@pytest.mark.slow
def test_a_key_has_a_rate(start: Start) -> None:
    gateway = start()
    record = gateway.house.live.keyring.find(KEY, 0)
    assert record is not None
    slow = msgspec.structs.replace(record, id="slow", requests_per_minute=2)
    gateway.house.live.keyring.with_static("gj-slow", slow)
    answers = [gateway.chat("hi", key="gj-slow") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.slow
def test_a_key_without_figures_of_its_own_has_those_of_the_settings(start: Start) -> None:
    few = msgspec.structs.replace(Limits(), requests_per_minute=2, streams_per_key=1)
    gateway = start(overlay=(("limits", few),))
    record = gateway.house.live.keyring.find(KEY, 0)
    assert record is not None
    for name in ("gj-one", "gj-two"):
        plain = msgspec.structs.replace(record, id=name, requests_per_minute=0, streams=0)
        gateway.house.live.keyring.with_static(name, plain)
    answers = [gateway.chat("hi", key="gj-one") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "[[say:好的。再来]][[hang:1]]"}]}
    held = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    held.request("POST", "/v1/chat/completions", json.dumps(body).encode(), {"Authorization": "Bearer gj-two"})
    assert held.getresponse().status == 200  # its head is here, and it goes on
    assert gateway.chat("hi", key="gj-two").status == 429
    held.close()
