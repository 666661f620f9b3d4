# SPDX-License-Identifier: Apache-2.0
"""A question in each protocol, and what an answer in it says. Pure: bytes in, bytes out."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from guiju.adapters import refusals
from guiju.config import UpstreamKind
from guiju.records.runs import Answer, Manner, Question

NOT_READABLE: Final = Answer("failed", error="not_readable")


class _Named(msgspec.Struct):
    name: str = ""
    arguments: str = ""


class _Call(msgspec.Struct):
    function: _Named = msgspec.field(default_factory=_Named)


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class _Label(msgspec.Struct):
    produce_id: str = msgspec.field(default="", name="ProduceID")


class _Chat(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None
    aigc: _Label | None = None


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    input: Any = None


class _Messages(msgspec.Struct):
    content: list[_Part]
    stop_reason: str | None = None
    usage: _Usage | None = None


def written(question: Question, model: str, speaks: UpstreamKind, manner: Manner) -> bytes:
    """The request for a question."""
    body: dict[str, Any] = {"model": model, "max_tokens": manner.max_tokens}
    if manner.temperature is not None:
        body["temperature"] = manner.temperature
    turns = [{"role": turn.role, "content": turn.text} for turn in question.turns]
    if speaks == "anthropic":
        body["system"] = "\n".join(turn.text for turn in question.turns if turn.role == "system")
        body["messages"] = [turn for turn in turns if turn["role"] != "system"]
        return msgspec.json.encode({name: value for name, value in body.items() if value != ""})
    if manner.seed is not None:
        body["seed"] = manner.seed
    return msgspec.json.encode({**body, "messages": turns})


def read(body: bytes, speaks: UpstreamKind) -> Answer:
    """What a whole answer says. One that can't be read is a failure, and so is one that says nothing at all."""
    try:
        if speaks == "anthropic":
            return _messages(msgspec.json.decode(body, type=_Messages))
        return _chat(msgspec.json.decode(body, type=_Chat))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return refusal_in(body)


def _chat(said: _Chat) -> Answer:
    if not said.choices:
        return NOT_READABLE
    choice, usage = said.choices[0], said.usage or _Usage()
    message = choice.message
    calls = [f"{call.function.name} {call.function.arguments}" for call in message.tool_calls or ()]
    aside = "\n".join(one for one in (message.reasoning_content, message.reasoning, *calls) if one)
    finish = choice.finish_reason or ""
    refused = refusals.FINISHES.get(finish)
    text = message.content or message.refusal or ""
    rule = refused.rule if refused else "refusal" if message.refusal else ""
    if not (text or aside or rule):
        return Answer("failed", finish=finish, error="empty")
    return Answer(
        "refused" if rule else "answered",
        text=text,
        aside=aside,
        finish=finish,
        error=rule,
        produce_id=said.aigc.produce_id if said.aigc else "",
        tokens_in=usage.prompt_tokens,
        tokens_out=usage.completion_tokens,
    )


def _messages(said: _Messages) -> Answer:
    text = "".join(part.text for part in said.content if part.type == "text")
    aside = [part.thinking for part in said.content if part.thinking]
    aside += [msgspec.json.encode(part.input).decode() for part in said.content if part.input is not None]
    finish, usage = said.stop_reason or "", said.usage or _Usage()
    refused = refusals.STOPS.get(finish)
    if not (text or aside or refused):
        return Answer("failed", finish=finish, error="empty")
    return Answer(
        "refused" if refused else "answered",
        text=text,
        aside="\n".join(aside),
        finish=finish,
        error=refused.rule if refused else "",
        tokens_in=usage.input_tokens,
        tokens_out=usage.output_tokens,
    )


def refusal_in(body: bytes) -> Answer:
    """An error object that came with 200: a refusal for content, or a failure."""
    try:
        found = refusals.read(msgspec.json.decode(body), "output")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NOT_READABLE
    return Answer("refused", error=found.rule) if found else NOT_READABLE
