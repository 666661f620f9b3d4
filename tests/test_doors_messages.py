# SPDX-License-Identifier: Apache-2.0
"""/v1/messages: the real client reads answers, refusals and stopped streams; what is asked is all looked at."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from conftest import KEY, Running, Start, ending

TERM = "规矩金丝雀"
STOPPED = "[[shift:好的。觅矪釒丞雁。]]"


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway at reach pattern."""
    return start_once(overlay=(("gateway.reach", "pattern"),))


def client(gateway: Running) -> anthropic.Anthropic:
    """The real SDK."""
    return ending(anthropic.Anthropic(base_url=gateway.base, api_key=KEY, max_retries=0))


def ask(gateway: Running, text: Any, **more: Any) -> anthropic.types.Message:
    """One question."""
    said: Any = [{"role": "user", "content": text}]
    return client(gateway).messages.create(model="scripted", max_tokens=100, messages=said, **more)


def text_of(message: anthropic.types.Message) -> str:
    """The texts of an answer."""
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.slow
def test_an_answer(gateway: Running) -> None:
    made = ask(gateway, "[[say:你好，世界。]]", system="be kind")
    assert "你好，世界。" in text_of(made)
    assert made.stop_reason == "end_turn"
    extra: Any = made.model_extra
    assert gateway.entry("closed", extra["aigc"]["ProduceID"])["state"] == "passed"


def test_a_streamed_answer(gateway: Running) -> None:
    said: Any = [{"role": "user", "content": "[[stream:你好，世界。Hello.|3|10]]"}]
    with client(gateway).messages.stream(model="scripted", max_tokens=100, messages=said) as stream:
        parts = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(parts) > 1
    assert "".join(parts) == text_of(final)
    assert "你好，世界。Hello." in text_of(final)
    assert final.usage.output_tokens > 0


def test_a_request_that_is_refused(gateway: Running) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        ask(gateway, f"说 {TERM}")
    body: Any = caught.value.body
    assert body["error"]["code"] == "content_filter"
    assert body["error"]["guiju"]["article"] == "4.1"


def test_a_wrong_key(gateway: Running) -> None:
    with pytest.raises(anthropic.AuthenticationError) as caught:
        ending(anthropic.Anthropic(base_url=gateway.base, api_key="no", max_retries=0)).messages.create(
            model="scripted", max_tokens=1, messages=[{"role": "user", "content": "hi"}]
        )
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", "authentication_error")


def test_an_answer_that_is_stopped(gateway: Running) -> None:
    made = ask(gateway, STOPPED)
    assert made.stop_reason == "refusal"
    assert TERM not in made.model_dump_json()
    assert text_of(made)


def test_a_stream_that_is_stopped(gateway: Running) -> None:
    said: Any = [{"role": "user", "content": STOPPED}]
    with client(gateway).messages.stream(model="scripted", max_tokens=100, messages=said) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "refusal"
    assert TERM not in final.model_dump_json()


def test_a_stream_that_breaks_says_so(gateway: Running) -> None:
    said: Any = [{"role": "user", "content": "[[reset:3]]"}]
    with (
        pytest.raises(anthropic.APIError),
        client(gateway).messages.stream(model="scripted", max_tokens=100, messages=said) as stream,
    ):
        stream.get_final_message()


def test_tools_and_history_reach_the_model_and_are_looked_at(gateway: Running) -> None:
    tools: Any = [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]
    history: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "well", "signature": "s"},
            {"type": "text", "text": "so"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"q": "x"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "42"},
            {"type": "text", "text": "[[say:ok]]"},
        ]},
    ]  # fmt: skip
    made: Any = {"model": "scripted", "max_tokens": 9, "messages": history, "tools": tools}
    assert gateway.ask("POST", "/v1/messages", made).status == 200
    for turn, block, name in ((0, 0, "text"), (1, 0, "thinking"), (1, 1, "text"), (1, 2, "input"), (2, 0, "content")):
        kept = history[turn]["content"][block][name]
        history[turn]["content"][block][name] = {"q": TERM} if name == "input" else TERM
        answer = gateway.ask("POST", "/v1/messages", made)
        assert (answer.status, answer.json["error"]["code"]) == (400, "content_filter"), (turn, block)
        history[turn]["content"][block][name] = kept
    tools[0]["description"] = TERM
    assert gateway.ask("POST", "/v1/messages", made).json["error"]["code"] == "content_filter"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "not_checkable"),
        ({"messages": [{"role": "user", "content": [{"type": "document", "source": {}}]}]}, "not_checkable"),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]}]},
            "not_checkable",
        ),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "not_checkable"),
        ({"mcp_servers": []}, "unknown_field"),
        ({"max_tokens": None}, "invalid_request"),
    ],
)
def test_what_can_not_be_looked_at_is_refused(gateway: Running, more: dict[str, Any], code: str) -> None:
    body = {"model": "scripted", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **more}
    answer = gateway.ask("POST", "/v1/messages", body)
    assert (answer.status, answer.json["error"]["code"]) == (400, code)
