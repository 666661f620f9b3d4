# SPDX-License-Identifier: Apache-2.0
"""Guard models on the road of an exchange: before the model or beside it, and before anything of an answer goes out;
what they did not look at is never in the books as passed (Articles 4, 15; robustness §6, T5)."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from conftest import KEY, Running, Start
from guard_server import MEANWHILE, GuardServer, hang, judge, says
from guards_kit import EITHER, QUICK, SLOW, controls, finish, guarded, run, shift, until
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Guard
from guiju.controls.guards import UNANSWERED
from guiju.controls.policy import Document, Ruling, Rulings
from guiju.terms import Finding, Severity


@pytest.fixture
def guard() -> Iterator[GuardServer]:
    """A guard model: 红灯 in a request and 红线 in a reply are unsafe, 黄灯 and 黄线 controversial."""
    with GuardServer(judge) as one:
        yield one


# ---------------------------------------------------------------------- requests
def test_a_request_is_looked_at_before_the_model_sees_it(start: Start, guard: GuardServer) -> None:
    with ScriptedModel() as model:
        gateway = guarded(start, guard, upstream=model.url)
        answer = gateway.chat("前面有红灯")
        assert answer.status == 400
        error = answer.json["error"]
        assert (error["code"], error["guiju"]["stage"], error["guiju"]["category"]) == (
            "content_filter",
            "input",
            "A.1f",
        )
        assert not model.requests
        refused = gateway.entry("refused", error["guiju"]["decision_id"])
        assert refused["controls"] == [["guard.input", "refuse"]]
        assert refused["reason"] == {"code": "content_filter", "article": "4.1", "category": "A.1f"}
        good = gateway.chat("[[say:好]]")
        assert good.status == 200
        assert controls(gateway, "opened", good)["guard.input"] == "pass"
        assert controls(gateway, "closed", good)["guard.output"] == "pass"
    assert "红灯" not in json.dumps(gateway.entries(), ensure_ascii=False)


@SLOW
def test_a_doubt_is_noted_and_goes_on(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard)
    answer = gateway.chat("这是黄灯" + shift("黄线"))
    assert answer.status == 200
    assert controls(gateway, "opened", answer)["guard.input"] == "note"
    closed = controls(gateway, "closed", answer)
    assert closed["guard.output"] == "note"
    assert gateway.entry("closed", answer.headers["x-guiju-decision-id"])["state"] == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["beside", pytest.param("before", marks=SLOW)])
def test_who_is_in_danger_is_answered_and_not_refused(mode: str, start: Start, guard: GuardServer) -> None:
    """Design, bounds: a statement of self-harm gets the approved answer, also when only a guard finds it."""
    gateway = guarded(start, guard, mode)
    for stream in (True, False):
        answer = gateway.chat("我很难受", stream=stream)
        assert answer.status == 200
        assert "12356" in answer.body.decode()


class Beside:
    """Stands before something, and does all but one thing as that does it."""

    def __init__(self, real: Any, met: asyncio.Future[None]) -> None:
        self._real = real
        self._met = met

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Judges(Beside):
    """Guards whose word comes a step after the model service may answer, in the same turn of the loop."""

    async def asked(self, *what: Any, **more: Any) -> Any:
        outcome = await self._real.asked(*what, **more)
        self._met.set_result(None)
        return outcome


class Services(Beside):
    """Model services, each of which waits for the guards."""

    def find(self, *what: Any, **more: Any) -> Any:
        service, to = self._real.find(*what, **more)
        return Answers(service, self._met), to


class Answers(Beside):
    """A model service that answers once it may."""

    async def ask(self, *what: Any, **more: Any) -> Any:
        reply = await self._real.ask(*what, **more)
        await self._met
        return reply


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_comes_with_the_objection_is_refused_like_any_other(
    stream: bool, start: Start, guard: GuardServer
) -> None:
    """The call to the model is over then, and nothing of the exchange may be cut short in its stead."""
    gateway = guarded(start, guard, "beside")

    async def meet() -> None:
        live: Any = gateway.house.live
        met: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        live.guards, live.upstreams = Judges(live.guards, met), Services(live.upstreams, met)

    run(gateway, meet)
    answer = gateway.chat("前面有红灯", stream=stream)
    assert (answer.status, answer.json["error"]["code"]) == (400, "content_filter")


def test_no_policy_lets_pass_what_a_guard_did_not_look_at(start: Start, guard: GuardServer) -> None:
    lenient = Rulings((Document((Ruling(action="pass"),)),))
    severities: tuple[Severity, ...] = ("block", "signal")
    silent = [Finding("guard.main", UNANSWERED, one, "timeout", "", 0, 0, "raw") for one in severities]
    assert lenient.graded(silent, "input") == lenient.graded(silent, "output") == silent


@pytest.mark.slow
def test_every_text_is_asked_about_and_none_twice(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard, side="request")
    said = "请介绍一下这座城市的历史、地理和饮食，最好分成几段来写，每一段不要太长，谢谢你。"
    history = [{"role": "user", "content": said}, {"role": "assistant", "content": "好" * 60}]
    tools = [{"type": "function", "function": {"name": "f", "description": "这里藏着红灯", "parameters": {}}}]
    body = {"model": "scripted", "messages": [*history, {"role": "user", "content": "[[say:好]]"}]}
    assert gateway.ask("POST", "/v1/chat/completions", body).status == 200
    assert sum(said in text for text in guard.texts) == 1
    asked = len(guard.asked)
    more = {**body, "messages": [*body["messages"], {"role": "user", "content": "[[say:再见]]"}]}
    assert gateway.ask("POST", "/v1/chat/completions", more).status == 200
    assert len(guard.asked) == asked + 1, "only what is new"
    assert gateway.ask("POST", "/v1/chat/completions", {**body, "tools": tools}).status == 400
    assert gateway.chat("[[say:好]]", user="红灯").status in (200, 400)


@pytest.mark.slow
def test_a_guard_for_replies_is_not_asked_about_requests(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard, side="reply")
    answer = gateway.chat("前面有红灯[[say:好]]")
    assert answer.status == 200
    assert "guard.input" not in controls(gateway, "opened", answer)
    assert [one.side for one in guard.asked] == ["reply"]
    (asked,) = guard.asked
    assert asked.json["messages"][0]["content"].startswith("前面有红灯"), "it is shown what is answered"


# ---------------------------------------------------------------------- replies
@pytest.mark.slow
@pytest.mark.parametrize(
    ("reach", "stream"),
    [
        ("sentence", True),
        ("whole", False),
        *(pytest.param(*one, marks=SLOW) for one in (("sentence", False), ("whole", True))),
    ],
)
def test_a_reply_that_a_guard_objects_to_does_not_go_out(
    reach: str, stream: bool, start: Start, guard: GuardServer
) -> None:
    gateway = guarded(start, guard, reach=reach, side="reply")
    answer = gateway.chat("[[stream:天气很好。后面是红线。还有别的。|5|60]]", stream=stream)
    decision = answer.headers["x-guiju-decision-id"]
    assert answer.status == 200
    said = answer.text() if stream else answer.json["choices"][0]["message"]["content"]
    assert "红线" not in said
    assert ("天气很好。" in said) == (stream and reach == "sentence")
    assert (finish(answer) if stream else answer.json["choices"][0]["finish_reason"]) == "content_filter"
    closed = gateway.entry("closed", decision)
    assert (closed["state"], closed["reason"]["category"]) == ("stopped", "A.1f")
    assert dict(closed["controls"])["guard.output"] == "refuse"
    assert closed["chars_released"] == (5 if stream and reach == "sentence" else 0)


@pytest.mark.slow
def test_a_stream_arrives_as_it_was_sent(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard)
    said = "第一句。第二句！\n\n```py\nx = 1\n```\n没有句号的结尾"
    answer = gateway.chat(f"[[stream:{said}|3|5]]", stream=True)
    assert answer.text() == said
    assert finish(answer) == "stop"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    replies = [one.text for one in guard.asked if one.side == "reply"]
    assert replies[-1].endswith("没有句号的结尾")
    assert all(one == said[: len(one)] for one in replies), "with what came before"
    whole = gateway.chat(f"[[say:{said}]]").json["choices"][0]["message"]["content"]
    assert whole == said


@pytest.mark.slow
def test_reasoning_and_tool_calls_are_looked_at_too(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard, side="reply")
    for stream in (True, False):
        answer = gateway.chat("[[reasoning:后面是红线]][[say:好]]", stream=stream)
        assert "红线" not in answer.body.decode()
        call = gateway.chat('[[tool:f|{"a": "红线"}]]', stream=stream)
        assert "红线" not in call.body.decode()
    good = gateway.chat('[[tool:f|{"a": "b"}]]')
    assert good.json["choices"][0]["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": "b"}'}
    events = gateway.chat('[[tool:f|{"a": "b"}]]', stream=True).events
    calls = [c["delta"]["tool_calls"][0] for e in events for c in e["choices"] if c["delta"].get("tool_calls")]
    assert "".join(one["function"].get("arguments") or "" for one in calls) == '{"a": "b"}'


@SLOW
def test_each_choice_is_looked_at(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard)
    answer = gateway.chat("[[say:你好。再见。]]", n=3, stream=True)
    assert [answer.text(choice=i) for i in range(3)] == ["你好。再见。"] * 3


def streamed(gateway: Running, text: str) -> Iterator[tuple[float, str]]:
    """The pieces of a stream with the monotonic time at which each came."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    body = {"model": "scripted", "stream": True, "messages": [{"role": "user", "content": text}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {KEY}"})
    answer = connection.getresponse()
    while line := answer.readline():
        if line.startswith(b"data: {"):
            for one in json.loads(line[6:])["choices"]:
                if said := one["delta"].get("content"):
                    yield time.monotonic(), said
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reach", "first"), [("sentence", "一句。"), pytest.param("whole", f"一句。{MEANWHILE}再说。", marks=SLOW)]
)
def test_nothing_goes_out_before_the_guard_has_answered_about_it(
    reach: str, first: str, start: Start, guard: GuardServer
) -> None:
    gateway = guarded(start, guard, reach=reach, side="reply")
    pieces = list(streamed(gateway, f"[[stream:一句。{MEANWHILE}再说。|3|60]]"))
    assert "".join(text for _, text in pieces) == f"一句。{MEANWHILE}再说。"
    assert pieces[0][1] == first[: len(pieces[0][1])]
    late = next(one for one in guard.asked if MEANWHILE in one.text)
    for at, text in pieces:
        if MEANWHILE[0] in text or reach == "whole":
            assert at >= late.at + 0.2, "it waited for the answer"


# ---------------------------------------------------------------------- beside the model
@pytest.mark.slow
def test_beside_the_model_nothing_is_read_before_the_guards_answer(start: Start, guard: GuardServer) -> None:
    with ScriptedModel() as model:
        gateway = guarded(start, guard, "beside", upstream=model.url, side="request")
        began = time.monotonic()
        pieces = list(streamed(gateway, f"{MEANWHILE}[[say:好]]"))
        assert pieces[0][0] - began > 0.2
        assert model.requests, "the model was asked meanwhile"
        good = gateway.chat("[[say:好]]")
        assert "guard.input" not in controls(gateway, "opened", good)
        assert controls(gateway, "closed", good)["guard.input"] == "pass"


@pytest.mark.slow
@EITHER
def test_beside_the_model_an_objection_ends_the_call(stream: bool, start: Start, guard: GuardServer) -> None:
    with ScriptedModel() as model:
        gateway = guarded(start, guard, "beside", upstream=model.url)
        began = time.monotonic()
        answer = gateway.chat(f"红灯{MEANWHILE}[[hang]]", stream=stream)
        assert time.monotonic() - began < 3, "it does not wait for the model"
        assert answer.status == 400
        assert answer.json["error"]["guiju"]["stage"] == "input"
        assert len(model.requests) == 1
        until(lambda: model.left == 1)
        late = gateway.chat(f"红灯，{MEANWHILE}[[say:好]]", stream=stream)
        assert late.status == 400, "an answer that came meanwhile is not told"
    closed = gateway.entry("closed", answer.headers["x-guiju-decision-id"])
    assert (closed["state"], dict(closed["controls"])["guard.input"]) == ("stopped", "refuse")


@SLOW
def test_beside_the_model_silence_degrades_as_well(start: Start, guard: GuardServer) -> None:
    guard.script = says(b"", 401)
    gateway = guarded(start, guard, "beside", side="request")
    answer = gateway.chat("[[say:你好。再见。]]", stream=True)
    assert answer.text() == "你好。再见。"
    closed = gateway.entry("closed", answer.headers["x-guiju-decision-id"])
    assert (closed["degraded"], dict(closed["controls"])["guard.input"]) == (["main"], "note")


@SLOW
def test_vectors_are_guarded_too(start: Start, guard: GuardServer) -> None:
    for mode in ("before", "beside"):
        gateway = guarded(start, guard, mode)
        asked = {"model": "scripted", "input": "前面有红灯"}
        assert gateway.ask("POST", "/v1/embeddings", asked).status == 400
        assert gateway.ask("POST", "/v1/embeddings", {**asked, "input": "好"}).status == 200


# ---------------------------------------------------------------------- clients, doors, several guards
@pytest.mark.parametrize("mode", ["beside", pytest.param("before", marks=SLOW)])
def test_who_leaves_takes_the_question_along(mode: str, start: Start, guard: GuardServer) -> None:
    guard.script = hang
    gateway = guarded(start, guard, mode, timeout_ms=20_000)
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "[[say:好]]"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: len(guard.asked) == 1)
    until(lambda: guard.left == 1)
    assert gateway.house.live.guards.states(time.time()) == {"main": "up"}, "nothing is known about the guard"


@pytest.mark.slow
def test_whoever_asks_us_as_a_guard_gets_their_word_too(start: Start, guard: GuardServer) -> None:
    gateway = guarded(start, guard)
    answer = gateway.ask("POST", "/v1/moderations", {"input": ["天气很好", "前面有红灯"]})
    assert [one["flagged"] for one in answer.json["results"]] == [False, True]
    entry = gateway.entry("checked", answer.headers["x-guiju-decision-id"])
    assert ["guard.input", "refuse"] in entry["controls"]
    guard.script = says(b"{}")
    assert gateway.ask("POST", "/v1/moderations", {"input": "又一句"}).status == 503


@SLOW
def test_each_guard_has_its_say(start: Start, guard: GuardServer) -> None:
    with GuardServer(judge) as second:
        made = [
            msgspec.convert({"id": name, "kind": "qwen3guard", "url": one.url, "model": "g", "side": side}, Guard)
            for name, one, side in (("a", guard, "request"), ("b", second, "both"))
        ]
        gateway = start(overlay=(("guard", tuple(made)), ("limits", QUICK)))
        assert gateway.chat("[[say:好]]").status == 200
        assert [one.side for one in guard.asked] == ["request"]
        assert [one.side for one in second.asked] == ["request", "reply"]
        guard.script = says(b"", 401)
        answer = gateway.chat("又一句[[say:好]]")
        assert gateway.entry("opened", answer.headers["x-guiju-decision-id"])["degraded"] == ["a"]
        assert gateway.chat("前面有红灯").status == 400, "the other one objects"


@pytest.mark.slow
def test_without_guards_no_control_of_theirs_is_in_the_books(start: Start) -> None:
    gateway = start()
    answer = gateway.chat("[[say:好]]")
    for kind in ("opened", "closed"):
        assert not [name for name in controls(gateway, kind, answer) if name.startswith("guard.")]
    assert "guards" not in gateway.ask("GET", "/readyz").json
    assert b"guiju_guard" not in gateway.ask("GET", "/metrics").body
