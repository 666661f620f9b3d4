# SPDX-License-Identifier: Apache-2.0
"""Places of a request in which a word can hide, each with what must become of it (robustness E3).

A shape makes the same request of a forbidden word and of a harmless one, so that what is refused for the word can be
told from what is refused for its shape.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

HAN: Final = ("规矩金丝雀", "今天天气好")
LATIN: Final = ("guijucanary", "weatherdays")
"""A forbidden word and a harmless one of the same length."""
FIELDS: Final = {"hint": "forward", "top_k": "forward", "spam": "drop"}
"""The operator's table of further fields under which the shapes are tried."""

FILTERED: Final = "content_filter"
DROPPED: Final = "dropped"
PASSED_OVER: Final = "passed over"
"""What is not a code: the field is dropped and named; the word stands where nobody looks and nothing goes on."""
Body = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """One place.

    Attributes:
        make: the body with a word in it.
        fate: the code with which the forbidden word is refused, or DROPPED, or PASSED_OVER.
        words: the forbidden word and the harmless one.
        path, headers: where else than in the body the word stands.
    """

    name: str
    make: Callable[[str], Body | bytes]
    fate: str = FILTERED
    words: tuple[str, str] = HAN
    path: Callable[[str], str] = lambda word: "/v1/chat/completions"
    headers: Callable[[str], dict[str, str]] = field(default=lambda word: {})

    @property
    def twin_fate(self) -> str:
        """What becomes of the harmless word: nothing, unless the shape is refused whatever stands in it."""
        return "" if self.fate == FILTERED else self.fate


def said(*messages: Any, **more: Any) -> Body:
    """A body with these messages; a plain string, or a list of parts, is a user's."""
    listed = [one if isinstance(one, dict) else {"role": "user", "content": one} for one in messages]
    return {"model": "m", "messages": listed, **more}


def role(whose: str, content: Any, /, **more: Any) -> Body:
    return {"role": whose, "content": content, **more}


def part(text: str) -> Body:
    return {"type": "text", "text": text}


def called(name: str = "find", arguments: str = "{}", id: str = "c1") -> Body:
    call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def tool(parameters: Any = None, **more: Any) -> list[Body]:
    return [{"type": "function", "function": {"name": "find", "parameters": parameters or {"type": "object"}, **more}}]


def schema(inner: Any, **more: Any) -> Body:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": inner} | more}


def asked(**more: Any) -> Body:
    return said("你好", **more)


def spelt(change: Callable[[str], str], words: tuple[str, str], name: str) -> Shape:
    return Shape(name, lambda word: said(f"请看：{change(word)}。"), words=words)


def replaced(table: dict[str, str]) -> Callable[[str], str]:
    return lambda word: "".join(table.get(c, c) for c in word)


def escaped(word: str) -> bytes:
    """Every character of the word, and of the names of fields, as a JSON escape."""
    letters = "".join(f"\\u{ord(c):04X}" for c in word)
    names = "".join(f"\\u{ord(c):04x}" for c in "content")
    return f'{{"model":"m","messages":[{{"role":"user","{names}":"{letters}"}}]}}'.encode()


def twice(word: str) -> bytes:
    return f'{{"model":"m","messages":[{{"role":"user","content":"{word}","content":"你好"}}]}}'.encode()


SPELLINGS: Final = (
    spelt(lambda w: w, HAN, "as it is"),
    spelt("\u200b".join, HAN, "zero width"),
    spelt("\u2060\ufeff".join, LATIN, "joiners"),
    spelt(replaced(dict(zip("规丝气", "規絲氣", strict=True))), HAN, "traditional"),
    spelt(lambda w: "".join(chr(ord(c) + 0xFEE0) for c in w), LATIN, "full width"),
    spelt(replaced(dict(zip("aceijsuy", "асеіј\u0455ս\u0443", strict=True))), LATIN, "look-alikes"),
    spelt(lambda w: "".join(chr(0x1D41A + ord(c) - 97) for c in w), LATIN, "bold"),
    spelt(lambda w: "".join(chr(0x24D0 + ord(c) - 97) for c in w), LATIN, "circled"),
    spelt(str.upper, LATIN, "capitals"),
    spelt("\u0336".join, LATIN, "struck out"),
    spelt("\U000e0061".join, HAN, "tags"),
    spelt("\ufe0f".join, HAN, "variation selectors"),
    spelt(" ".join, HAN, "spaces"),
    spelt("·".join, HAN, "dots"),
    spelt("_".join, LATIN, "underscores"),
    spelt(lambda w: "\u202e" + w[::-1] + "\u202c", HAN, "turned round"),
    spelt(lambda w: w[:2] + w[2] * 4 + w[3:], HAN, "stretched"),
    Shape("JSON escapes", escaped),
)

ROLES: Final = (
    Shape("system", lambda w: said(role("system", w), "你好")),
    Shape("developer", lambda w: said(role("developer", f"记住{w}"), "你好")),
    Shape("earlier user turn", lambda w: said(w, role("assistant", "好"), "你好")),
    Shape("earlier answer", lambda w: said("你好", role("assistant", f"好，{w}。"), "继续")),
    Shape("an answer begun", lambda w: said("你好", role("assistant", w))),
    Shape("marked answer", lambda w: said("你好", role("assistant", f"【AI生成】\n{w}\n【AI生成】"), "继续")),
    Shape("tool result", lambda w: said("你好", called(), role("tool", w, tool_call_id="c1"))),
    Shape("user after much text", lambda w: said("今天" * 20_000 + w + "今天" * 20_000)),
    Shape("list of one part", lambda w: said([part(w)])),
    Shape("parts of a system message", lambda w: said(role("system", [part("一"), part(w)]), "你好")),
    Shape("refusal part", lambda w: said("你好", role("assistant", [{"type": "refusal", "refusal": w}]), "继续")),
    Shape("refusal", lambda w: said("你好", role("assistant", None, refusal=w), "继续")),
    Shape("reasoning", lambda w: said("你好", role("assistant", "好", reasoning_content=w), "继续")),
    Shape("name", lambda w: said(role("user", "你好", name=w))),
    Shape("an unknown role", lambda w: said(role(w, "你好")), "invalid_request"),
)

SPLIT: Final = (
    Shape("two parts", lambda w: said([part(w[:2]), part(w[2:])])),
    Shape("a part a character", lambda w: said([part(c) for c in w])),
    Shape("parts with an empty one", lambda w: said([part(w[:3]), part(""), part(w[3:])])),
    Shape("text and refusal", lambda w: said("你好", role("assistant", [part(w[:2]), {"type": "refusal", "refusal": w[2:]}]))),
    Shape("two user turns", lambda w: said(w[:2], w[2:])),
    Shape("a turn a character", lambda w: said(*w)),
    Shape("system and user", lambda w: said(role("system", w[:3]), w[3:])),
    Shape("user and answer", lambda w: said(w[:3], role("assistant", w[3:]), "继续")),
    Shape("two turns, the last part and the first", lambda w: said([part("一"), part(w[:2])], [part(w[2:]), part("二")])),
    Shape("two turns with names", lambda w: said(role("user", w[:2], name="li"), role("user", w[2:], name="li"))),
    Shape("two turns with reasoning", lambda w: said(w[:2], role("assistant", w[2:], reasoning_content="想"), "继续")),
    Shape("two turns with a reason between", lambda w: said("你好", role("assistant", w[:2], reasoning_content="想"), w[2:])),
    Shape("two turns around a call", lambda w: said(w[:2], called(), role("tool", w[2:], tool_call_id="c1"))),
    Shape("two tool results", lambda w: said("你好", called(), role("tool", w[:2], tool_call_id="c1"), role("tool", w[2:], tool_call_id="c2"))),
    Shape("two turns with an empty one", lambda w: said(w[:2], role("assistant", ""), w[2:])),
    Shape("two stop sequences", lambda w: asked(stop=[w[:2], w[2:]])),
    Shape("two values of an enum", lambda w: asked(tools=tool({"enum": [w[:2], w[2:]]}))),
)  # fmt: skip

TOOLS: Final = (
    Shape("tool description", lambda w: asked(tools=tool(description=w))),
    Shape("tool name", lambda w: asked(tools=tool(name=w))),
    Shape("second tool", lambda w: asked(tools=tool() + tool(description=w))),
    Shape("parameter enum", lambda w: asked(tools=tool({"properties": {"a": {"enum": ["x", w]}}}))),
    Shape("parameter title", lambda w: asked(tools=tool({"title": w}))),
    Shape("parameter description", lambda w: asked(tools=tool({"properties": {"a": {"description": w}}}))),
    Shape("parameter default", lambda w: asked(tools=tool({"properties": {"a": {"default": {"b": [w]}}}}))),
    Shape("name of a parameter", lambda w: asked(tools=tool({"properties": {w: {"type": "string"}}}))),
    Shape("required", lambda w: asked(tools=tool({"required": [w]}))),
    Shape("deep in a schema", lambda w: asked(tools=tool({"allOf": [{"anyOf": [{"items": {"const": w}}]}]}))),
    Shape("tool choice", lambda w: asked(tool_choice={"type": "function", "function": {"name": w}})),
    Shape("arguments of a call", lambda w: said("你好", called(arguments=json.dumps({"q": w}, ensure_ascii=False)))),
    Shape("arguments with escapes", lambda w: said("你好", called(arguments=json.dumps({"q": [w]})))),
    Shape("key of arguments with escapes", lambda w: said("你好", called(arguments=json.dumps({w: 1})))),
    Shape("name of a call", lambda w: said("你好", called(name=w))),
    Shape("id of a call", lambda w: said("你好", called(id=w))),
    Shape("id of a result", lambda w: said("你好", called(), role("tool", "好", tool_call_id=w))),
    Shape("unknown field of a tool", lambda w: asked(tools=[{**tool()[0], "hint": w}]), "unknown_field"),
    Shape("custom tool", lambda w: asked(tools=[{"type": "custom", "custom": {"name": w}}]), "invalid_request"),
    Shape("functions", lambda w: asked(functions=[{"name": "f", "description": w}]), "unknown_field"),
    Shape("function_call", lambda w: said(role("assistant", None, function_call={"name": w, "arguments": ""})), "unknown_field"),
)  # fmt: skip

FORMS: Final = (
    Shape("name of a format", lambda w: asked(response_format=schema({}, name=w))),
    Shape("description of a format", lambda w: asked(response_format=schema({}, description=w))),
    Shape("enum of a format", lambda w: asked(response_format=schema({"properties": {"a": {"enum": [w]}}}))),
    Shape("key of a format", lambda w: asked(response_format=schema({"$defs": {w: {}}}))),
    Shape("title of a format", lambda w: asked(response_format=schema({"properties": {"a": {"items": {"title": w}}}}))),
    Shape("type of a format", lambda w: asked(response_format={"type": w}), "invalid_request"),
    Shape("stop", lambda w: asked(stop=w)),
    Shape("one of many stops", lambda w: asked(stop=["。", w])),
    Shape("key of logit_bias", lambda w: asked(logit_bias={w: 1})),
    Shape("model", lambda w: {**asked(), "model": w}, words=LATIN),
    Shape("model in Han", lambda w: {**asked(), "model": w}, "invalid_request"),
    Shape("effort", lambda w: asked(reasoning_effort=w), "invalid_request"),
    Shape("a number's place", lambda w: asked(temperature=w), "invalid_request"),
)

FURTHER: Final = (
    Shape("forwarded text", lambda w: asked(hint=w)),
    Shape("forwarded list", lambda w: asked(hint=["x", [w]])),
    Shape("forwarded key", lambda w: asked(top_k={"a": {w: 1}})),
    Shape("forwarded, split", lambda w: asked(hint=[w[:2], w[2:]])),
    Shape("dropped by the operator", lambda w: asked(spam=w), DROPPED),
    Shape("user", lambda w: asked(user=w), DROPPED),
    Shape("metadata", lambda w: asked(metadata={"a": w}), DROPPED),
    Shape("key of metadata", lambda w: asked(metadata={w: "a"}), DROPPED),
    Shape("safety_identifier", lambda w: asked(safety_identifier=w), DROPPED),
    Shape("prompt_cache_key", lambda w: asked(prompt_cache_key=w), DROPPED),
    Shape("unknown field", lambda w: asked(unheard_of=w), "unknown_field"),
    Shape("name of an unknown field", lambda w: asked(**{w: 1}), "unknown_field"),
    Shape("unknown field of a message", lambda w: said(role("user", "你好", hint=w)), "unknown_field"),
    Shape("unknown field of a part", lambda w: said([{**part("你好"), "hint": w}]), "unknown_field"),
    Shape("unknown kind of part", lambda w: said([{"type": w, "text": "你好"}]), "not_checkable"),
    Shape("unknown field of stream_options", lambda w: asked(stream_options={"hint": w}), "unknown_field"),
    Shape("prediction", lambda w: asked(prediction={"type": "content", "content": w}), "unknown_field"),
    Shape("prompt beside messages", lambda w: asked(prompt=w), "unknown_field"),
    Shape("input beside messages", lambda w: asked(input=[w]), "unknown_field"),
    Shape("web search", lambda w: asked(web_search_options={"user_location": w}), "unknown_field"),
    Shape("file", lambda w: said([{"type": "file", "file": {"file_data": f"data:text/plain,{w}"}}]), "not_checkable"),
    Shape("image", lambda w: said([{"type": "image_url", "image_url": {"url": f"data:,{w}"}}]), "not_checkable"),
    Shape("sound", lambda w: said([{"type": "input_audio", "input_audio": {"data": w}}]), "not_checkable"),
    Shape("a key twice", twice, "duplicate_key"),
    Shape("query of the target", lambda w: asked(), PASSED_OVER, LATIN, path=lambda w: f"/v1/chat/completions?q={w}"),
    Shape("header", lambda w: asked(), PASSED_OVER, LATIN, headers=lambda w: {"X-Note": w, "Cookie": f"a={w}"}),
    Shape("organisation", lambda w: asked(), PASSED_OVER, LATIN, headers=lambda w: {"OpenAI-Organization": w}),
)

SHAPES: Final = (*SPELLINGS, *ROLES, *SPLIT, *TOOLS, *FORMS, *FURTHER)
