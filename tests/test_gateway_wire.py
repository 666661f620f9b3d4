# SPDX-License-Identifier: Apache-2.0
"""What is asked and answered at chat completions is parsed strictly, once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiju.config import Limits
from guiju.errors import CallerError, OutsideError
from guiju.gateway.wire import canonical, chat_reply, strict
from guiju.gateway.wire.chat import Chat
from guiju.gateway.wire.sse import Events

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "你好"}]}


def parse(body: Any, **table: Any) -> canonical.Asked:
    """Parse with the default limits."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Chat().parse(data, table, Limits())


def fault(body: Any) -> CallerError:
    """The error that a body gets."""
    with pytest.raises(CallerError) as caught:
        parse(body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"model":"a","model":"b","messages":[]}', "duplicate_key"),
        (b'{"model":"m","messages":[{"role":"user","content":"x","content":"y"}]}', "duplicate_key"),
        (b"[]", "invalid_request"),
        (b"{", "invalid_request"),
        (b'\xef\xbb\xbf{"model":"m"}', "invalid_request"),
        (b'{"model":"m\xff"}', "invalid_request"),
        ('{"model":"m","messages":[]}'.encode("utf-16"), "invalid_request"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":NaN}', "invalid_request"),
        (b"[" * 100_000, "request_too_large"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "request_too_large"),
        ({**ASK, "messages": []}, "invalid_request"),
        ({**ASK, "n": 9}, "invalid_request"),
        ({**ASK, "n": 0}, "invalid_request"),
        ({**ASK, "model": "bad name; drop"}, "invalid_request"),
        ({**ASK, "prompt": "text beside messages"}, "unknown_field"),
        ({**ASK, "input": ["x"]}, "unknown_field"),
        ({**ASK, "prediction": {"type": "content", "content": "x"}}, "unknown_field"),
        ({**ASK, "messages": [{"role": "user", "content": "x", "hint": "y"}]}, "unknown_field"),
        ({**ASK, "messages": [{"role": "wizard", "content": "x"}]}, "invalid_request"),
        ({**ASK, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]}, "not_checkable"),
        ({**ASK, "messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "not_checkable"),
        ({**ASK, "messages": [{"role": "user", "content": "x"}] * 2049}, "request_too_large"),
    ],
)  # fmt: skip
def test_what_is_not_the_protocol_is_refused_with_its_code(body: Any, code: str) -> None:
    assert fault(body).code == code


def test_an_error_never_repeats_text_of_the_request() -> None:
    for body in (
        {**ASK, "秘密的话": 1},
        {**ASK, "n": "秘密的话"},
        {**ASK, "messages": [{"role": "秘密的话", "content": ""}]},
    ):
        error = fault(body)
        assert "秘密的话" not in str(error)
        assert "秘密的话" not in error.sentence("zh")


def test_a_lone_surrogate_is_not_text() -> None:
    with pytest.raises(CallerError):
        parse(b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}')
    asked = parse(b'{"model":"m","messages":[{"role":"user","content":"\\ud83d\\ude00"}]}')
    assert "😀".encode() in canonical.encode(asked, "m", "")


def test_every_string_leaf_is_a_text_to_look_at() -> None:
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "leaf1"},
            {"role": "user", "name": "leaf2", "content": [{"type": "text", "text": "leaf3"}, {"type": "text", "text": "leaf4"}]},
            {"role": "assistant", "content": None, "refusal": "leaf5", "reasoning_content": "leaf6",
             "tool_calls": [{"id": "leaf7", "type": "function", "function": {"name": "leaf8", "arguments": "leaf9"}}]},
            {"role": "tool", "tool_call_id": "leaf10", "content": "leaf11"},
        ],
        "tools": [{"type": "function", "function": {"name": "leaf12", "description": "leaf13",
                   "parameters": {"type": "object", "leaf14": {"enum": ["leaf15", ["leaf16"]]}}}}],
        "tool_choice": {"type": "function", "function": {"name": "leaf17"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "leaf18", "description": "leaf19", "schema": {"title": "leaf20"}}},
        "stop": ["leaf21"],
        "logit_bias": {"leaf22": 1},
    }  # fmt: skip
    texts = [text.text for text in parse(body).texts]
    assert {f"leaf{i}" for i in range(1, 23)} <= set(texts)
    joined = [text for text in parse(body).texts if text.joins]
    assert [text.text for text in joined] == ["leaf4"]


def test_known_fields_that_name_people_are_dropped_and_listed() -> None:
    asked = parse({**ASK, "user": "someone", "metadata": {"a": "b"}, "logprobs": True, "safety_identifier": "x"})
    assert set(asked.dropped) == {"user", "metadata", "logprobs", "safety_identifier"}
    sent = json.loads(canonical.encode(asked, "own", "person"))
    assert sent == {"model": "own", "messages": ASK["messages"], "safety_identifier": "person"}


def test_the_operators_table_decides_about_further_fields() -> None:
    asked = parse({**ASK, "top_k": 5, "spam": "x"}, top_k="forward", spam="drop")
    sent = json.loads(canonical.encode(asked, "m", ""))
    assert sent["top_k"] == 5
    assert asked.dropped == ("spam",)
    asked = parse({**ASK, "hint": {"a": ["text"]}}, hint="forward")
    assert "text" in [text.text for text in asked.texts]


def test_the_operators_table_outranks_the_built_in_one_field_by_field() -> None:
    asked = parse({**ASK, "seed": 7, "user": "u", "temperature": 1.0}, seed="drop", user="forward")
    assert asked.request.seed is None
    assert asked.request.temperature == 1.0
    assert asked.dropped == ("seed", "user")
    assert b'"u"' not in canonical.encode(asked, "m", "")
    with pytest.raises(CallerError) as caught:
        parse({**ASK, "seed": 7}, seed="refuse")
    assert (caught.value.code, caught.value.facts["param"]) == ("unknown_field", "seed")


def test_a_stream_asks_for_usage_upstream() -> None:
    sent = json.loads(canonical.encode(parse({**ASK, "stream": True}), "m", ""))
    assert sent["stream_options"] == {"include_usage": True}


def test_our_own_mark_in_history_does_not_reach_the_model() -> None:
    body = {**ASK, "messages": [{"role": "assistant", "content": "【AI生成】\n好\n【AI生成】"}, *ASK["messages"]]}
    assert json.loads(canonical.encode(parse(body), "m", ""))["messages"][0]["content"] == "好"


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    )
)
def test_strict_json_reads_what_json_reads(value: Any) -> None:
    body = json.dumps({"value": value}).encode()
    assert strict.decode(body, Limits(json_depth=64)) == {"value": value}


@pytest.mark.slow
@given(st.integers(0, 2**32), st.lists(st.sampled_from(["一", "a", "🙂", "\\n"]), min_size=1, max_size=5))
def test_events_are_the_same_however_the_bytes_are_cut(seed: int, words: list[str]) -> None:
    data = [json.dumps({"t": word}).encode() for word in words]
    for end in (b"\n", b"\r\n", b"\r"):
        stream = (
            b"\xef\xbb\xbf: comment" + end + b"".join(b"event: x" + end + b"data: " + one + end + end for one in data)
        )
        events, made, at = Events(1 << 20), [], 0
        step = seed
        while at < len(stream):
            size = 1 + step % 7
            step = step * 1103515245 + 12345 & 0xFFFFFFFF
            made += events.feed(stream[at : at + size])
            at += size
        assert made + events.close() == data


def test_an_event_may_have_several_data_lines_and_must_be_bounded() -> None:
    assert Events(100).feed(b'data: {"a":\ndata: 1}\n\n') == [b'{"a":\n1}']
    with pytest.raises(OutsideError):
        Events(100).feed(b"data: " + b"x" * 200)
    with pytest.raises(OutsideError):
        Events(100).feed(b"<html>502</html>\n\n")


@pytest.mark.parametrize(
    "data",
    [
        b"null", b"[]", b"{oops", b"\xff\xfe", b'{"error":{"message":"x"}}', b'{"choices":null}', b'{"choices":[1]}',
        b'{"choices":[{"index":5,"delta":{}}]}', b'{"choices":[{"index":0,"delta":"x"}]}',
        b'{"choices":[{"index":0,"delta":{"content":5}}]}',
        b'{"choices":[{"index":0,"delta":{"content":[{"type":"image"}]}}]}',
        b'{"choices":[{"index":0,"delta":{},"finish_reason":"because"}]}',
        b'{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"type":"magic"}]}}]}',
        b'{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"spaces are text"}]}}]}',
    ],
)  # fmt: skip
def test_a_wrong_shape_from_the_model_is_an_error(data: bytes) -> None:
    with pytest.raises(OutsideError):
        chat_reply.parse([data], 1)


def test_unknown_output_fields_are_dropped_and_named() -> None:
    data = {"id": "x", "system_fingerprint": "f", "choices": [
        {"index": 0, "delta": {"content": "a", "audio": {"data": "x"}}, "logprobs": {"content": [{"token": "a"}]}}]}  # fmt: skip
    delta = chat_reply.parse([json.dumps(data).encode()], 1)
    assert delta.dropped == {"system_fingerprint", "audio", "logprobs"}
    assert [piece.text for piece in delta.pieces] == ["a"]


def test_parts_of_content_are_joined_and_reasoning_has_one_name() -> None:
    said = {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "reasoning": "c"}
    for more in ({}, {"reasoning_content": "c"}):
        data = {"choices": [{"index": 0, "delta": said | more}]}
        delta = chat_reply.parse([json.dumps(data).encode()], 1)
        assert [(piece.field, piece.text) for piece in delta.pieces] == [("content", "ab"), ("reasoning_content", "c")]


def test_text_that_comes_together_is_one_piece() -> None:
    def call(**function: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "id": "call_1", "function": function}]}

    deltas: list[tuple[int, dict[str, Any]]] = [
        (0, {"content": "规"}), (0, {"content": "矩"}), (1, {"content": "x"}), (0, {"content": "金"}),
        (0, {"reasoning_content": "y"}), (0, call(name="f")), (0, call()), (0, call(arguments="{")), (0, {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}),
    ]  # fmt: skip
    events = [json.dumps({"choices": [{"index": i, "delta": delta}]}).encode() for i, delta in deltas]
    came = chat_reply.parse(events, 2)
    assert [(piece.choice, piece.field, piece.text) for piece in came.pieces] == [
        (0, "content", "规矩"), (1, "content", "x"), (0, "content", "金"), (0, "reasoning_content", "y"),
        (0, "id", "call_1"), (0, "name", "f"), (0, "id", "call_1"), (0, "arguments", "{}"),
    ]  # fmt: skip


def values(value: Any) -> int:
    """How many values stand in one, itself included."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(values(one) for one in inner)


@pytest.mark.slow
@given(
    st.recursive(
        st.one_of(st.integers(), st.booleans(), st.none(), st.text('",:\\[]{}a规', max_size=12)),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text('",:\\a', max_size=6), inner)),
        max_leaves=60,
    ),
    st.sampled_from([True, False]),
)
def test_values_are_counted_before_they_are_made(value: Any, ascii_only: bool) -> None:
    """Nothing within the limit is refused for what its strings hold, and little beyond it is let through."""
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    count = values(value)
    assert not strict.too_many(body, 2 * count)
    if count > 4:
        assert strict.too_many(body + b" " * count, count // 4 - 1)


@pytest.mark.parametrize(
    "body",
    [
        {**ASK, "metadata": {f"k{i}": i for i in range(20_000)}},
        {**ASK, "metadata": [0] * 20_000},
        {**ASK, "messages": [{"role": "user", "content": [{"type": "text", "text": "\\"}] * 10_000}]},
    ],
    ids=["keys", "numbers", "backslashes"],
)
def test_too_many_values_are_refused(body: Any) -> None:
    assert fault(body).code == "request_too_large"


def test_text_that_looks_like_many_values_is_not() -> None:
    parse({**ASK, "messages": [{"role": "user", "content": '{"a":1,"b":[2,3]},' * 20_000}]})
