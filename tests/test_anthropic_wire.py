# SPDX-License-Identifier: Apache-2.0
"""The canonical request written for Anthropic's Messages API, and answers in it read as strictly as chat's (Article 4):
what has no place is refused with its name, an unknown shape is an error, an unknown event is dropped and named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import anthropic
import pydantic
import pytest

from guiju.config import Limits
from guiju.errors import CallerError, OutsideError
from guiju.gateway.wire import anthropic_request
from guiju.gateway.wire.anthropic_reply import AnthropicAnswer
from guiju.gateway.wire.chat import Chat
from guiju.gateway.wire.chat_reply import Delta, Piece
from guiju.gateway.wire.messages import Messages
from messages_upstream import begin, block, call, end, event, said, text, thinking, whole

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "问"}]}
TOOL = {"type": "function", "function": {"name": "look", "description": "d", "parameters": {"type": "object"}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
ALL: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "规则"},
        {"role": "developer", "content": [{"type": "text", "text": "再"}]},
        {"role": "user", "content": [{"type": "text", "text": "一"}, {"type": "text", "text": "二"}]},
        {
            "role": "assistant",
            "content": "查",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"q": "\\u597d"}'}},
                {"id": "b", "type": "function", "function": {"name": "look", "arguments": ""}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "甲"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "乙"}]},
        {"role": "user", "content": "续"},
    ],
    "tools": [TOOL, {"type": "function", "function": {"name": "bare", "strict": True}}],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "stop": "止",
    "temperature": 1.5,
    "top_p": 0.5,
    "stream": True,
    "max_tokens": 9,
    "max_completion_tokens": 8,
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}},
}
"""A request that uses all that has a place."""


@cache
def shape() -> pydantic.TypeAdapter[anthropic.types.MessageCreateParams]:
    """The SDK's own reader of requests, which takes a tenth of a second to make."""
    return pydantic.TypeAdapter(anthropic.types.MessageCreateParams)


def sent(body: dict[str, Any], person: str = "") -> dict[str, Any]:
    """What goes to the service for a chat request; Anthropic's own SDK must take its shape."""
    asked = Chat().parse(json.dumps(body).encode(), {}, Limits())
    made: dict[str, Any] = json.loads(anthropic_request.encode(asked, "own", person, 4096))
    shape().validate_python(made)
    return made


def refused(body: dict[str, Any]) -> str:
    """The field that a request is refused for."""
    asked = Chat().parse(json.dumps(body).encode(), {}, Limits())
    with pytest.raises(CallerError) as caught:
        anthropic_request.encode(asked, "own", "", 4096)
    assert caught.value.row.status == 400
    return str(caught.value.facts["param"])


# ---------------------------------------------------------------- the request
def test_turns_tools_and_settings_find_their_places() -> None:
    made = sent(ALL, "person")
    assert made == {
        "model": "own",
        "max_tokens": 8,
        "messages": [
            {"role": "user", "content": [said("一"), said("二")]},
            {
                "role": "assistant",
                "content": [
                    said("查"),
                    {"type": "tool_use", "id": "a", "name": "look", "input": {"q": "好"}},
                    {"type": "tool_use", "id": "b", "name": "look", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": [said("甲")]},
                    {"type": "tool_result", "tool_use_id": "b", "content": [said("乙")]},
                ],
            },
            {"role": "user", "content": [said("续")]},
        ],
        "system": [said("规则"), said("再")],
        "stream": True,
        "stop_sequences": ["止"],
        "temperature": 1.5,
        "top_p": 0.5,
        "tools": [
            {"name": "look", "description": "d", "input_schema": {"type": "object"}},
            {"name": "bare", "input_schema": {"type": "object", "properties": {}}, "strict": True},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        "metadata": {"user_id": "person"},
    }


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"max_tokens": 4096}),
        ({"max_tokens": 5, "n": 1, "stream": False}, {"max_tokens": 5}),
        ({"response_format": {"type": "text"}, "parallel_tool_calls": False}, {}),
        ({"tools": [TOOL], "parallel_tool_calls": False}, {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
        ({"tools": [TOOL], "parallel_tool_calls": True}, {}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"tool_choice": {"type": "none"}}),
        ({"tool_choice": {"type": "function", "function": {"name": "look"}}}, {"tool_choice": {"type": "tool", "name": "look"}}),
    ],
)  # fmt: skip
def test_what_is_left_out_and_what_stands_in_for_it(more: dict[str, Any], expected: dict[str, Any]) -> None:
    made = sent({**ASK, **more})
    made.pop("tools", None)
    base = {"model": "own", "max_tokens": made["max_tokens"], "messages": [{"role": "user", "content": [said("问")]}]}
    assert made == {**base, **expected}


def test_a_refusal_in_the_history_is_what_the_model_said() -> None:
    turn = {"role": "assistant", "content": None, "refusal": "不能。"}
    twice = {"role": "assistant", "content": "不能。", "refusal": "不能。"}
    made = sent({**ASK, "messages": [*ASK["messages"], turn, twice, *ASK["messages"]]})
    assert [one["content"] for one in made["messages"][1:3]] == [[said("不能。")]] * 2


def told(role: str, **more: Any) -> dict[str, Any]:
    return {**ASK, "messages": [*ASK["messages"], {"role": role, **more}]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *(({**ASK, name: value}, name) for name, value in {
            "n": 2, "presence_penalty": 0.5, "frequency_penalty": 0, "seed": 1, "logit_bias": {"1": 1},
            "reasoning_effort": "low", "verbosity": "low",
        }.items()),
        ({**ASK, "response_format": {"type": "json_object"}}, "response_format.type"),
        ({**ASK, "response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({**ASK, "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "description": "d"}}}, "response_format.json_schema.description"),
        ({"model": "m", "messages": [{"role": "system", "content": "x"}]}, "messages"),
        (told("user", content="x", name="n"), "messages[1].name"),
        (told("user", content=""), "messages[1].content"),
        (told("user", content="x", refusal="y"), "messages[1].refusal"),
        (told("user", content=[{"type": "refusal", "refusal": "y"}]), "messages[1].refusal"),
        (told("user", content="x", tool_call_id="y"), "messages[1].tool_call_id"),
        (told("assistant", content="x", reasoning_content="y"), "messages[1].reasoning_content"),
        (told("tool", content="x"), "messages[1].tool_call_id"),
        (told("user", content="x", tool_calls=[{"id": "a", "function": {"name": "f", "arguments": "{}"}}]), "messages[1].tool_calls"),
        *((told("assistant", tool_calls=[{"id": "a", "function": {"name": "f", "arguments": given}}]), "messages[1].tool_calls[0].function.arguments") for given in ("[]", "{", "x", "[" * 5000)),
    ],
)  # fmt: skip
def test_what_has_no_place_is_refused_with_its_name(body: dict[str, Any], field: str) -> None:
    assert refused(body) == field


def test_forwarded_fields_go_beside_but_replace_nothing() -> None:
    table: Any = {"top_k": "forward", "system": "forward"}
    asked = Chat().parse(json.dumps({**ASK, "top_k": 3}).encode(), table, Limits())
    assert json.loads(anthropic_request.encode(asked, "own", "", 1))["top_k"] == 3
    asked = Chat().parse(json.dumps({**ASK, "system": "x"}).encode(), table, Limits())
    with pytest.raises(CallerError) as caught:
        anthropic_request.encode(asked, "own", "", 1)
    assert (caught.value.code, caught.value.facts["param"]) == ("unknown_field", "system")


def test_a_request_of_the_same_protocol_comes_out_as_it_went_in() -> None:
    body = {
        "model": "own",
        "max_tokens": 9,
        "messages": [
            {"role": "user", "content": [said("问")]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {"q": ["一"]}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [said("甲")]}]},
        ],
        "system": [said("规则")],
        "tools": [{"name": "look", "input_schema": SCHEMA}],
        "tool_choice": {"type": "any"},
        "stop_sequences": ["止"],
    }
    asked = Messages().parse(json.dumps(body).encode(), {}, Limits())
    assert json.loads(anthropic_request.encode(asked, "own", "", 4096)) == body


def test_escaped_arguments_are_looked_at_as_the_model_reads_them() -> None:
    arguments = '{"q": "\\u89c4\\u77e9"}'
    body = told("assistant", tool_calls=[{"id": "a", "function": {"name": "f", "arguments": arguments}}])
    assert any("规矩" in one.text for one in Chat().parse(json.dumps(body).encode(), {}, Limits()).texts)


# ---------------------------------------------------------------- the answer
def read(*parts: bytes, at_once: bool = True) -> list[Delta]:
    """Deltas of a stream's events: all at once, or each by itself."""
    events = [line[6:] for line in b"".join(parts).split(b"\n") if line.startswith(b"data: ")]
    answer = AnthropicAnswer()
    return [answer.events(events)] if at_once else [answer.events([one]) for one in events]


def pieces(deltas: Sequence[Delta]) -> list[tuple[str, str, int]]:
    return [(one.field, one.text, one.tool) for delta in deltas for one in delta.pieces]


def test_a_stream_of_every_kind_of_block() -> None:
    parts = (
        begin(), thinking("想", "想"), text("好", "的", index=1), call('{"q"', ":1}", index=2),
        call(index=3, id="toolu_2"), text("了", index=4), end("tool_use"),
    )  # fmt: skip
    (delta,) = read(*parts)
    assert pieces([delta]) == [
        ("reasoning_content", "想想", -1), ("content", "好的", -1),
        ("id", "toolu_1", 0), ("name", "look", 0), ("arguments", '{"q":1}', 0),
        ("id", "toolu_2", 1), ("name", "look", 1), ("arguments", "{}", 1), ("content", "了", -1),
    ]  # fmt: skip
    assert delta.finishes == [(0, "tool_calls")]
    assert delta.usage is not None
    assert (delta.usage.prompt_tokens, delta.usage.completion_tokens, delta.usage.total_tokens) == (7, 5, 12)
    assert delta.dropped == {"signature", "signature_delta"}
    one_by_one = read(*parts, at_once=False)
    assert "".join(t for _, t, _ in pieces(one_by_one)) == "".join(t for _, t, _ in pieces([delta]))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"),
        ("model_context_window_exceeded", "length"), ("refusal", "content_filter"),
    ],
)  # fmt: skip
def test_how_it_ended(reason: str, finish: str) -> None:
    streamed, answer = (
        read(begin(), text("好"), end(reason))[0],
        AnthropicAnswer().whole(whole(said("好"), reason=reason)),
    )
    assert streamed.finishes == answer.finishes == [(0, finish)]
    assert streamed.usage == answer.usage
    assert (streamed.refused is not None) == (answer.refused is not None) == (reason == "refusal")


def test_a_whole_answer() -> None:
    delta = AnthropicAnswer().whole(
        whole(
            {"type": "thinking", "thinking": "想", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            said("好"),
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "好"}, "caller": {"type": "direct"}},
            reason="tool_use",
            container={"id": "c"},
        )
    )
    assert delta.pieces == [
        Piece(0, "reasoning_content", "想"), Piece(0, "content", "好"), Piece(0, "id", "toolu_1", 0),
        Piece(0, "name", "look", 0), Piece(0, "arguments", '{"q":"好"}', 0),
    ]  # fmt: skip
    assert delta.dropped == {"signature", "redacted_thinking", "caller", "container"}


def test_counts_of_the_cache_belong_to_what_was_asked() -> None:
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 1}
    (delta,) = read(begin(usage=usage), text("好"), end())
    assert delta.usage is not None
    assert delta.usage.prompt_tokens == 6
    (delta,) = read(begin(usage={"input_tokens": "7"}), text("好"), end())
    assert (delta.usage, "usage" in delta.dropped) == (None, True)


def test_unknown_events_and_fields_are_dropped_and_named() -> None:
    (delta,) = read(
        event("weather", text="不给"), begin(mood="x"), event("content_block_moved", index=9), text("好"),
        block(1, {"type": "text", "text": "", "citations": []}, {"type": "citations_delta", "citation": {"t": "x"}}),
        end(stop_details={"explanation": "x"}),
    )  # fmt: skip
    assert pieces([delta]) == [("content", "好", -1)]
    assert delta.dropped == {"weather", "content_block_moved", "mood", "citations", "citations_delta", "stop_details"}


TEXT = {"type": "text", "text": ""}


@pytest.mark.parametrize(
    "parts",
    [
        [b"data: {\n"], [b"data: []\n"], [b'data: {"type": 1}\n'], [b"data: {}\n"],
        [text("x")],
        [end()],
        [begin(), begin()],
        [begin(content=[said("x")])],
        [begin(), event("message_stop")],
        [begin(), end("pause_turn")],
        [begin(), event("message_delta", delta={"stop_reason": 1})],
        [begin(), event("message_delta")],
        [begin(), text("x"), text("y")],
        [begin(), text("x", index=-1)],
        [begin(), event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x"})],
        [begin(), event("content_block_stop", index=0)],
        [begin(), event("content_block_start", index=True, content_block=TEXT)],
        [begin(), event("content_block_start", index=0, content_block=None)],
        [begin(), event("content_block_start", index=0, content_block={"type": "server_tool_use", "id": "x"})],
        [begin(), block(0, {"type": "text"})],
        [begin(), block(0, {"type": "text", "text": ["x"]})],
        [begin(), block(0, TEXT, {"type": "input_json_delta", "partial_json": "x"})],
        [begin(), block(0, TEXT, {"type": "text_delta", "text": 1})],
        [begin(), block(0, TEXT, {"text": "x"})],
        [begin(), event("content_block_start", index=0, content_block=TEXT), event("content_block_delta", index=0, delta="x")],
        [begin(), block(0, {"type": "tool_use", "id": "a b", "name": "f", "input": {}})],
        [begin(), block(0, {"type": "tool_use", "id": "a", "name": "", "input": {}})],
        [begin(), block(0, {"type": "tool_use", "id": "a", "name": "f", "input": {"q": "x"}})],
        [begin(), *(call(index=i) for i in range(129))],
        [begin(), text("x"), event("error", error={"type": "overloaded_error", "message": "x"})],
        [begin(), text("x"), event("error")],
        [begin(), event("ping", error={"message": "x"})],
    ],
)  # fmt: skip
def test_wrong_shapes_are_errors(parts: list[bytes]) -> None:
    with pytest.raises(OutsideError):
        read(*parts, at_once=False)
    try:
        broken = read(*parts)[0].broken
    except OutsideError as error:
        broken = error
    assert broken is not None


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[]", whole(type="completion"), whole(content={}), whole(said("x"), reason=None), whole(reason="new"),
        whole({"type": "image"}), whole({"type": "text", "text": None}), whole("x"),  # type: ignore[arg-type] # on purpose
        whole({"type": "tool_use", "id": "a", "name": "f", "input": "{}"}), b'{"type":"error","error":{"message":"x"}}',
    ],
)  # fmt: skip
def test_wrong_whole_answers_are_errors(body: bytes) -> None:
    with pytest.raises(OutsideError):
        AnthropicAnswer().whole(body)


def test_an_error_by_which_a_service_refuses_for_content_is_its_refusal() -> None:
    (delta,) = read(begin(), text("x"), event("error", error={"code": "data_inspection_failed"}))
    assert delta.refused is not None
