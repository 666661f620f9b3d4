# SPDX-License-Identifier: Apache-2.0
"""Places of a request that only one door's protocol has, and what becomes of a chat's places where it has none
(robustness E3)."""

from __future__ import annotations

from typing import Any, Final

from shape_doors import ASKS
from shape_table import DROPPED, FILTERED, PASSED_OVER, Body, Shape

BLOCKED: Final = "blocked"
"""A guard lets it not pass, whatever stands in it."""
COMPLETIONS, MESSAGES, RESPONSES, EMBEDDINGS, MODERATIONS, LITELLM, DIFY, DETECTOR = ASKS

_NO_MODEL: Final = {PASSED_OVER: ("model", "model in Han")}
"""A guard asks no model, so that its name goes nowhere."""
DIFFERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    COMPLETIONS: {
        "invalid_request": ("two parts", "a part a character", "parts with an empty one", "unknown kind of part"),
        "unknown_field": ("effort", "metadata", "key of metadata", "safety_identifier", "prompt_cache_key"),
    },
    MESSAGES: {
        "unknown_field": (
            "name", "two turns with names", "name of a format", "description of a format", "enum of a format",
            "key of a format", "title of a format", "type of a format", "key of logit_bias", "effort",
            "safety_identifier", "prompt_cache_key",
        ),
        "not_checkable": ("custom tool",),
        DROPPED: ("forwarded key",),
    },
    RESPONSES: {
        "unknown_field": (
            "name", "two turns with names", "two stop sequences", "stop", "one of many stops", "key of logit_bias",
        ),
        "not_checkable": ("custom tool", "type of a format", "prompt beside messages", "web search"),
        DROPPED: ("unknown field of stream_options",),
    },
    EMBEDDINGS: {
        "invalid_request": ("unknown kind of part",),
        "unknown_field": (
            "two stop sequences", "stop", "one of many stops", "key of logit_bias", "effort", "a number's place",
            "metadata", "key of metadata", "safety_identifier", "prompt_cache_key",
        ),
    },
    MODERATIONS: {
        **_NO_MODEL,
        "unknown_field": (
            "two stop sequences", "stop", "one of many stops", "key of logit_bias", "effort", "a number's place",
            "forwarded text", "forwarded list", "forwarded key", "forwarded, split", "dropped by the operator", "user",
            "metadata", "key of metadata", "safety_identifier", "prompt_cache_key",
        ),
    },
    LITELLM: {
        **_NO_MODEL,
        FILTERED: (
            "an unknown role", "unknown field of a tool", "custom tool", "function_call", "unknown field of a message",
            "unknown field of a part",
        ),
        BLOCKED: ("unknown kind of part", "file", "image", "sound"),
    },
    DIFY: {**_NO_MODEL, FILTERED: ("unknown kind of part",)},
    DETECTOR: _NO_MODEL,
}  # fmt: skip
"""Door → fate → shapes of which something else becomes than at chat completions."""

PLACES: Final = dict(zip(ASKS, (52, 111, 110, 52, 52, 80, 30, 25), strict=True))
"""Door → how many of a chat's shapes its protocol has a place for."""


def fate(door: str, shape: Shape) -> str:
    """What must become of a shape's forbidden word at a door."""
    return next((told for told, names in DIFFERS[door].items() if shape.name in names), shape.fate)


def _turns(*blocks: Any, role: str = "user", **more: Any) -> Body:
    """A turn of /v1/messages with these blocks, and a question after it."""
    said = [{"role": role, "content": list(blocks)}, {"role": "user", "content": "你好"}]
    return {"model": "m", "max_tokens": 9, "messages": said, **more}


def _block(text: str, **more: Any) -> Body:
    return {"type": "text", "text": text, **more}


def _thought(text: str, signature: str = "") -> Body:
    return {"type": "thinking", "thinking": text, "signature": signature}


def _use(given: Any, **more: Any) -> Body:
    return {"type": "tool_use", "id": "c", "name": "f", "input": given, **more}


def _result(content: Any, **more: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": "c", "content": content, **more}


def _input(*items: Any, **more: Any) -> Body:
    """A request of /v1/responses with these items."""
    return {"model": "m", "input": [*items, {"role": "user", "content": "你好"}], **more}


def _item(kind: str, **more: Any) -> Body:
    return {"type": kind, **more}


def _thinks(*texts: str, field: str = "summary", kind: str = "summary_text", **more: Any) -> Body:
    return _item("reasoning", **{field: [{"type": kind, "text": text} for text in texts]}, **more)


def _said(part: Body, **more: Any) -> Body:
    return _item("message", role="assistant", content=[part], **more)


def _dify(point: str = "input", **params: Any) -> Body:
    return {"point": f"app.moderation.{point}", "params": params}


OWN: Final[dict[str, tuple[Shape, ...]]] = {
    COMPLETIONS: (
        Shape("list of one prompt", lambda w: {"model": "m", "prompt": [w]}),
        Shape("several prompts", lambda w: {"model": "m", "prompt": ["你好", w]}, "invalid_request"),
        Shape("prompt of tokens and text", lambda w: {"model": "m", "prompt": [1, w]}, "not_checkable"),
        Shape("suffix", lambda w: {"model": "m", "prompt": "你好", "suffix": w}, "invalid_request"),
        Shape("echo", lambda w: {"model": "m", "prompt": "你好", "echo": w}, "invalid_request"),
        Shape("logprobs", lambda w: {"model": "m", "prompt": "你好", "logprobs": w}, DROPPED),
    ),
    MESSAGES: (
        Shape("system blocks", lambda w: _turns(_block("好"), system=[_block("一"), _block(w)])),
        Shape("split over system blocks", lambda w: _turns(_block("好"), system=[_block(w[:2]), _block(w[2:])])),
        Shape("system and first turn", lambda w: _turns(_block(w[2:]), system=w[:2])),
        Shape("thought", lambda w: _turns(_thought(w), role="assistant")),
        Shape("split over thoughts", lambda w: _turns(_thought(w[:2]), _thought(w[2:]), role="assistant")),
        Shape("signature of a thought", lambda w: _turns(_thought("想", w), role="assistant"), PASSED_OVER),
        Shape("redacted thought", lambda w: _turns({"type": "redacted_thinking", "data": w}), "not_checkable"),
        Shape("text around a call", lambda w: _turns(_block(w[:2]), _use({}), _block(w[2:]), role="assistant")),
        Shape("value given to a tool", lambda w: _turns(_use({"a": [{"b": w}]}), role="assistant")),
        Shape("key given to a tool", lambda w: _turns(_use({w: 1}), role="assistant")),
        Shape("escapes given to a tool", lambda w: _turns(_use({"a": "\u200b".join(w)}), role="assistant")),
        Shape("name of a used tool", lambda w: _turns({**_use({}), "name": w}, role="assistant")),
        Shape("id of a used tool", lambda w: _turns({**_use({}), "id": w}, role="assistant")),
        Shape("blocks of a result", lambda w: _turns(_result([_block("一"), _block(w)]))),
        Shape("split over blocks of a result", lambda w: _turns(_result([_block(w[:2]), _block(w[2:])]))),
        Shape("split over result and text", lambda w: _turns(_result(w[:2]), _block(w[2:]))),
        Shape("split over two results", lambda w: _turns(_result(w[:2]), _result(w[2:]))),
        Shape("image in a result", lambda w: _turns(_result([{"type": "image", "source": {"data": w}}])), "not_checkable"),
        Shape("failed result", lambda w: _turns(_result("错", is_error=w)), "invalid_request"),
        Shape("cache_control", lambda w: _turns(_block("好", cache_control={"type": w})), PASSED_OVER),
        Shape("cache_control of a tool", lambda w: _turns(_use({}, cache_control={w: 1}), role="assistant"), PASSED_OVER),
        Shape("citations", lambda w: _turns(_block("好", citations=[{"cited_text": w}])), "invalid_request"),
        Shape("document", lambda w: _turns({"type": "document", "source": {"type": "text", "data": w}}), "not_checkable"),
        Shape("search result", lambda w: _turns({"type": "search_result", "content": [_block(w)]}), "not_checkable"),
        Shape("tool of the service", lambda w: _turns(_block("好"), tools=[{"type": "bash_20250124", "name": w}]), "not_checkable"),
        Shape("type of a tool choice", lambda w: _turns(_block("好"), tool_choice={"type": w}), "invalid_request"),
        Shape("user_id", lambda w: _turns(_block("好"), metadata={"user_id": w}), DROPPED),
        Shape("container", lambda w: _turns(_block("好"), container=w), DROPPED),
        Shape("thinking", lambda w: _turns(_block("好"), thinking={"type": w}), DROPPED),
        Shape("mcp_servers", lambda w: _turns(_block("好"), mcp_servers=[{"url": w}]), "unknown_field"),
    ),
    RESPONSES: (
        Shape("a text", lambda w: {"model": "m", "input": w}),
        Shape("instructions", lambda w: {"model": "m", "input": "你好", "instructions": w}),
        Shape("instructions and a text", lambda w: {"model": "m", "input": w[2:], "instructions": w[:2]}),
        Shape("content of a reason", lambda w: _input(_thinks(w, field="content", kind="reasoning_text"))),
        Shape("split over a reason", lambda w: _input(_thinks(w[:2], w[2:]))),
        Shape("split over summary and content", lambda w: _input({**_thinks(w[:2]), "content": [{"type": "reasoning_text", "text": w[2:]}]})),
        Shape("split over two reasons", lambda w: _input(_thinks(w[:2]), _thinks(w[2:]))),
        Shape("encrypted reason", lambda w: _input(_thinks("想", encrypted_content=w)), "not_checkable"),
        Shape("id of a reason", lambda w: _input(_thinks("想", id=w)), PASSED_OVER),
        Shape("status of a reason", lambda w: _input(_thinks("想", status=w)), PASSED_OVER),
        Shape("phase of an answer", lambda w: _input(_said(_item("output_text", text="好"), phase=w)), PASSED_OVER),
        Shape("annotations", lambda w: _input(_said(_item("output_text", text="好", annotations=[{"title": w}]))), PASSED_OVER),
        Shape("logprobs", lambda w: _input(_said(_item("output_text", text="好", logprobs=[{"token": w}]))), PASSED_OVER),
        Shape("list of an output", lambda w: _input(_item("function_call_output", call_id="c", output=[_item("input_text", text=w)]))),
        Shape("split over an output", lambda w: _input(_item("function_call_output", call_id="c", output=[_item("input_text", text=one) for one in (w[:2], w[2:])]))),
        Shape("reference to an item", lambda w: _input(_item("item_reference", id=w)), "not_checkable"),
        Shape("kind of an item", lambda w: _input(_item(w, text="好")), "not_checkable"),
        Shape("call of the service's own", lambda w: _input(_item("web_search_call", action={"query": w})), "not_checkable"),
        Shape("file", lambda w: _input({"role": "user", "content": [_item("input_file", file_data=w)]}), "not_checkable"),
        Shape("previous_response_id", lambda w: _input(previous_response_id=w), "not_checkable"),
        Shape("conversation", lambda w: _input(conversation={"id": w}), "not_checkable"),
        Shape("variables of a prompt", lambda w: _input(prompt={"id": "p", "variables": {"a": w}}), "not_checkable"),
        Shape("summary of the reasoning", lambda w: _input(reasoning={"summary": w}), PASSED_OVER),
        Shape("include", lambda w: _input(include=[w]), DROPPED),
        Shape("truncation", lambda w: _input(truncation=w), DROPPED),
    ),
    EMBEDDINGS: (
        Shape("second of a list", lambda w: {"model": "m", "input": ["你好", w]}),
        Shape("tokens and text", lambda w: {"model": "m", "input": [1, w]}, "not_checkable"),
        Shape("encoding_format", lambda w: {"model": "m", "input": "你好", "encoding_format": w}, "invalid_request"),
    ),
    MODERATIONS: (
        Shape("second of a list", lambda w: {"input": ["你好", w]}),
        Shape("strings and parts", lambda w: {"input": [w, {"type": "text", "text": w}]}, "invalid_request"),
        Shape("image", lambda w: {"input": [{"type": "image_url", "image_url": {"url": w}}]}, "not_checkable"),
    ),
    LITELLM: (
        Shape("split over texts", lambda w: {"texts": [w[:2], w[2:]]}),
        Shape("a text and messages", lambda w: {"texts": ["你好"], "structured_messages": [{"role": "user", "content": w}]}),
        Shape("messages turned round", lambda w: {"texts": [w[2:], w[:2]], "structured_messages": [{"role": "user", "content": w[2:]}, {"role": "user", "content": w[:2]}]}, PASSED_OVER),
        Shape("messages that are texts", lambda w: {"structured_messages": [w]}),
        Shape("one message", lambda w: {"structured_messages": {"role": "user", "content": w}}),
        Shape("parts that are texts", lambda w: {"structured_messages": [{"role": "user", "content": [w[:2], w[2:]]}]}),
        Shape("arguments", lambda w: {"tool_calls": [{"function": {"name": "f", "arguments": w}}]}),
        Shape("given to a tool", lambda w: {"structured_messages": [{"role": "assistant", "content": [_use({"type": "x", "a": w})]}]}),
        Shape("image in a result", lambda w: {"structured_messages": [{"role": "user", "content": [_result([{"type": "image"}])]}]}, BLOCKED),
        Shape("an answer", lambda w: {"texts": [w], "input_type": "response"}),
        Shape("fields of the call", lambda w: {"texts": ["你好"], "request_data": {"user_api_key_alias": w}}, PASSED_OVER),
    ),
    DIFY: (
        Shape("variable", lambda w: _dify(inputs={"a": w}, query="你好")),
        Shape("name of a variable", lambda w: _dify(inputs={w: "a"}, query="你好")),
        Shape("split over variables", lambda w: _dify(inputs={"a": w[:2], "b": w[2:]}, query="你好")),
        Shape("disguised in a list", lambda w: _dify(query=["\u200b".join(w)])),
        Shape("another parameter", lambda w: _dify(query="你好", files=[{"name": w}])),
        Shape("id of the application", lambda w: _dify(query="你好", app_id=w), PASSED_OVER),
        Shape("an answer", lambda w: _dify("output", text=w)),
        Shape("disguised in an answer", lambda w: _dify("output", text=["\u200b".join(w)])),
        Shape("no parameters", lambda w: {"point": "app.moderation.input"}, "invalid_request"),
        Shape("point", lambda w: {"point": w, "params": {}}, "invalid_request"),
    ),
    DETECTOR: (
        Shape("second of a list", lambda w: {"contents": ["你好", w]}),
        Shape("detector_params", lambda w: {"contents": ["你好"], "detector_params": {"a": w}}, PASSED_OVER),
        Shape("no list", lambda w: {"contents": w}, "invalid_request"),
    ),
}  # fmt: skip
