# SPDX-License-Identifier: Apache-2.0
"""/v1/responses: the real client reads answers, refusals and stopped streams; what is asked is all looked at."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from conftest import KEY, Running, Start, ending

TERM = "规矩金丝雀"
STOPPED = "[[shift:好的。觅矪釒丞雁。]]"


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway at reach pattern."""
    return start_once(overlay=(("gateway.reach", "pattern"),))


def client(gateway: Running) -> openai.OpenAI:
    """The real SDK."""
    return ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0))


def test_an_answer(gateway: Running) -> None:
    made = client(gateway).responses.create(model="scripted", input="[[say:你好，世界。]]", instructions="be kind")
    assert made.status == "completed"
    assert "你好，世界。" in made.output_text
    assert made.usage is not None
    extra: Any = made.model_extra
    assert extra["aigc"]["ProduceID"] == made.id.removeprefix("resp_")
    closed = gateway.entry("closed", extra["aigc"]["ProduceID"])
    assert closed["state"] == "passed"


@pytest.mark.slow
def test_a_streamed_answer(gateway: Running) -> None:
    with client(gateway).responses.stream(model="scripted", input="[[say:你好，世界。Hello.]]") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert "你好，世界。Hello." in final.output_text


def test_a_request_that_is_refused(gateway: Running) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client(gateway).responses.create(model="scripted", input=f"说 {TERM}")
    assert caught.value.code == "content_filter"
    body: Any = caught.value.body
    assert body["guiju"]["article"] == "4.1"


def test_an_answer_that_is_stopped(gateway: Running) -> None:
    made = client(gateway).responses.create(model="scripted", input=STOPPED)
    assert (made.status, made.incomplete_details and made.incomplete_details.reason) == ("incomplete", "content_filter")
    assert TERM not in made.model_dump_json()
    part: Any = made.output[0]
    assert part.content[0].type == "refusal"


@pytest.mark.slow
def test_a_stream_that_is_stopped(gateway: Running) -> None:
    with client(gateway).responses.stream(model="scripted", input=STOPPED) as stream:
        events = list(stream)
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.incomplete_details.reason == "content_filter"
    assert any(event.type == "response.refusal.delta" for event in events)
    assert not any(TERM in event.model_dump_json() for event in events)


def test_a_stream_that_breaks_says_so(gateway: Running) -> None:
    with pytest.raises(openai.APIError) as caught:
        for _ in client(gateway).responses.create(model="scripted", input="[[reset:3]]", stream=True):
            pass
    assert getattr(caught.value, "code", None) == "upstream_failed"


def test_tools_and_history_reach_the_model_and_are_looked_at(gateway: Running) -> None:
    tool: Any = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
    history: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "think"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "[[say:ok]]"},
    ]
    assert client(gateway).responses.create(model="scripted", input=history, tools=[tool]).status == "completed"
    for at in (1, 2, 3):
        dirty = [dict(one) for one in history]
        name = ("", "summary", "arguments", "output")[at]
        dirty[at][name] = [{"type": "summary_text", "text": TERM}] if name == "summary" else TERM
        with pytest.raises(openai.BadRequestError) as caught:
            client(gateway).responses.create(model="scripted", input=dirty, tools=[tool])
        assert caught.value.code == "content_filter"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"previous_response_id": "resp_1"}, "not_checkable"),
        ({"background": True}, "not_checkable"),
        ({"tools": [{"type": "web_search"}]}, "not_checkable"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "not_checkable"),
        ({"input": [{"type": "reasoning", "summary": [], "encrypted_content": "x"}]}, "not_checkable"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "not_checkable"),
        ({"unheard_of": 1}, "unknown_field"),
        ({"input": 5}, "invalid_request"),
    ],
)
def test_what_can_not_be_looked_at_is_refused(gateway: Running, more: dict[str, Any], code: str) -> None:
    answer = gateway.ask("POST", "/v1/responses", {"model": "scripted", "input": "hi", **more})
    assert (answer.status, answer.json["error"]["code"]) == (400, code)
