# SPDX-License-Identifier: Apache-2.0
"""Every field, item and event that the newest SDKs know: what is asked in it is looked at, left out or refused; what is
answered in it is looked at, named as left behind, or an error. What we answer fits their types."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args, get_origin

import pydantic
import pytest
from anthropic.types import (
    ContentBlockParam,
    ImageBlockParam,
    RawMessageStreamEvent,
    TextBlockParam,
    ToolResultBlockParam,
    ToolUnionParam,
)
from anthropic.types import Message as AnthropicMessage
from anthropic.types.message_create_params import MessageCreateParamsBase as AskedMessages
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.chat_completion_content_part_param import ChatCompletionContentPartParam
from openai.types.chat.chat_completion_message_param import ChatCompletionMessageParam
from openai.types.chat.chat_completion_tool_union_param import ChatCompletionToolUnionParam
from openai.types.chat.completion_create_params import CompletionCreateParamsBase as AskedChat
from openai.types.completion_create_params import CompletionCreateParamsBase as AskedPrompt
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsBase as AskedResponse
from openai.types.responses.response_input_content_param import ResponseInputContentParam
from openai.types.responses.response_input_item_param import ResponseInputItemParam
from openai.types.responses.tool_param import ToolParam

from conftest import Running, Start
from doors import say
from guiju.adapters.upstream import Address, Spoken
from guiju.config import Limits
from guiju.errors import CallerError, OutsideError
from guiju.gateway.wire.anthropic_reply import AnthropicAnswer
from guiju.gateway.wire.canonical import Asked
from guiju.gateway.wire.chat import Chat
from guiju.gateway.wire.chat_reply import Delta
from guiju.gateway.wire.completions import Completions
from guiju.gateway.wire.messages import Messages
from guiju.gateway.wire.responses import Responses
from guiju.gateway.wire.services import Answer, ChatAnswer

WORD = "guijucanary"
SAID = [{"role": "user", "content": "hi"}]
BODIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "chat": (Chat(), {"model": "m", "messages": SAID}),
    "completions": (Completions(), {"model": "m", "prompt": "hi"}),
    "responses": (Responses(), {"model": "m", "input": "hi"}),
    "messages": (Messages(), {"model": "m", "max_tokens": 9, "messages": SAID}),
}
PARAMS = {"chat": AskedChat, "completions": AskedPrompt, "responses": AskedResponse, "messages": AskedMessages}
KINDS: tuple[Spoken, ...] = ("openai", "anthropic", "completions")
VALUES: tuple[Callable[[str], Any], ...] = (
    lambda w: w,
    lambda w: [w],
    lambda w: {w: w},
    lambda w: {"type": "text", "text": w},
    lambda w: [{"type": "text", "text": w, "content": w, "name": w, "id": w}],
    lambda w: {"type": "function", "name": w, "function": {"name": w, "arguments": w}},
    lambda w: {"type": "content", "content": w, "url": w, "data": w},
)
"""Shapes of a value that holds a word."""


def arms(kind: Any) -> list[Any]:
    """The members of a union, however it is written."""
    if isinstance(kind, type):
        return [kind]
    inner = get_args(kind)
    if get_origin(kind) is Annotated:
        return arms(inner[0])
    return [one for arm in inner for one in arms(arm)]


def tag(kind: Any) -> str:
    """The value of the field `type` that marks a member of a union; `""` where it has none."""
    if issubclass(kind, pydantic.BaseModel):
        field = kind.model_fields.get("type")
        said = field.annotation if field else None
    else:
        said = getattr(kind, "__annotations__", {}).get("type")
    while get_args(said) and get_origin(said) is not None and not isinstance(get_args(said)[0], str):
        said = get_args(said)[0]
    if hasattr(said, "__forward_arg__"):  # Required[Literal["text"]], not yet evaluated
        return (
            str(said.__forward_arg__).partition('["')[2].partition('"')[0] if "Literal" in said.__forward_arg__ else ""
        )
    return str(get_args(said)[0]) if get_args(said) else ""


def fields(kind: Any) -> list[str]:
    """The names of a type's fields, those that it inherits too."""
    if issubclass(kind, pydantic.BaseModel):
        return list(kind.model_fields)
    return [name for one in reversed(kind.__mro__) for name in getattr(one, "__annotations__", {})] or list(
        kind.__annotations__
    )


def looked_at(door: str, body: dict[str, Any]) -> str:
    """`refused`, `left out`, or `seen`; an error where a word of it goes on that is not among what is looked at.

    Args:
        door: the protocol's name.
        body: the request.
    """
    wire = BODIES[door][0]
    try:
        asked: Asked = wire.parse(json.dumps(body).encode(), {}, Limits())
    except CallerError:
        return "refused"
    texts = "\n".join(text.text for text in (*asked.texts, asked.name))
    for kind in KINDS:
        if kind == "completions" and door != "completions":
            continue
        try:
            goes = wire.encode(asked, Address("m", kind, 9), "").decode()
        except CallerError:
            continue
        left, seen = goes.count(WORD), texts.count(WORD)
        assert left <= seen, f"{door}, {kind}: {body} goes on as {goes}"
    return "seen" if WORD in texts else "left out"


@pytest.mark.parametrize("door", list(PARAMS))
def test_every_field_of_a_request(door: str) -> None:
    names = fields(PARAMS[door])
    assert len(names) >= 16
    for name in names:
        for value in VALUES:
            looked_at(door, {**BODIES[door][1], name: value(WORD)})


def filled(kind: Any, word: str) -> Iterator[dict[str, Any]]:
    """An object of a type with a word in one of its fields, or in all."""
    names = [name for name in fields(kind) if name != "type"]
    head = {"type": tag(kind)} if tag(kind) else {}
    plain = {"role": "user", "id": "a", "call_id": "a", "name": "f", "content": "hi", "text": "hi"}
    base = {**head, **{name: plain[name] for name in names if name in plain}}
    for value in VALUES:
        for name in names:
            yield {**base, name: value(word)}
        yield {**head, **{name: value(word) for name in names}}


INNER = {
    "messages of chat": ("chat", ChatCompletionMessageParam, lambda one: {"messages": [*SAID, one]}),
    "parts of chat": ("chat", ChatCompletionContentPartParam, lambda one: {"messages": [{"role": "user", "content": [one]}]}),
    "tools of chat": ("chat", ChatCompletionToolUnionParam, lambda one: {"tools": [one]}),
    "items of responses": ("responses", ResponseInputItemParam, lambda one: {"input": [one]}),
    "parts of responses": ("responses", ResponseInputContentParam, lambda one: {"input": [{"role": "user", "content": [one]}]}),
    "tools of responses": ("responses", ToolParam, lambda one: {"tools": [one]}),
    "blocks of messages": ("messages", ContentBlockParam, lambda one: {"messages": [{"role": "user", "content": [one]}]}),
    "results of messages": ("messages", TextBlockParam | ImageBlockParam | ToolResultBlockParam, lambda one: {
        "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [one]}]}]}),
    "tools of messages": ("messages", ToolUnionParam, lambda one: {"tools": [one]}),
}  # fmt: skip


@pytest.mark.parametrize("place", list(INNER))
def test_every_object_within_a_request(place: str) -> None:
    door, union, put = INNER[place]
    count = 0
    for kind in arms(union):
        for one in filled(kind, WORD):
            looked_at(door, {**BODIES[door][1], **put(one)})
            count += 1
    assert count > 15


# ---------------------------------------------------------------------- what is answered
IGNORED = {"id", "object", "created", "model", "role", "index", "type", "usage", "stop_sequence"}
"""Fields of an answer that are known and never passed on: ours stand in their place."""


HOLDERS = {"choices", "message", "delta", "content", "tool_calls", "function"}
"""Fields whose inner fields are named where nobody knows them."""


def answered(answer: Answer, document: Any, whole: bool) -> Delta | None:
    """What is read of a document; none where it is an error."""
    data = json.dumps(document).encode()
    try:
        return answer.whole(data) if whole else answer.events([data])
    except OutsideError:
        return None


def judged(made: Delta | None, name: str) -> bool:
    """Whether a word in a field of an answer has no way around the screen: an error, a piece, or named as left behind.
    A field without a name here says nothing to anybody."""
    if made is None or made.refused or any(WORD in piece.text for piece in made.pieces):
        return True
    return bool(made.dropped) if name in HOLDERS else name in made.dropped or name in IGNORED


def nodes(document: Any) -> Iterator[dict[str, Any]]:
    """The objects of a document."""
    if isinstance(document, dict):
        yield document
        document = list(document.values())
    for one in document if isinstance(document, list) else ():
        yield from nodes(one)


CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CHUNK = {"choices": [{"index": 0, "delta": {"content": "a", "tool_calls": [CALL]}, "finish_reason": "stop"}]}
CHAT = {"choices": [{"index": 0, "message": {"content": "a", "tool_calls": [CALL]}, "finish_reason": "stop"}]}
TEXT = {"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]}
MESSAGE = {
    "type": "message", "role": "assistant", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "a"}, {"type": "tool_use", "id": "a", "name": "f", "input": {}}],
}  # fmt: skip
ANSWERS: dict[str, tuple[Callable[[], Answer], Any, Any, bool]] = {
    "chunk of chat": (lambda: ChatAnswer(1), ChatCompletionChunk, CHUNK, False),
    "chat": (lambda: ChatAnswer(1), ChatCompletion, CHAT, True),
    "chunk of completions": (lambda: ChatAnswer(1, continued=True), Completion, TEXT, False),
    "completions": (lambda: ChatAnswer(1, continued=True), Completion, TEXT, True),
    "message": (AnthropicAnswer, AnthropicMessage, MESSAGE, True),
}


def models(kind: Any) -> set[Any]:
    """All object types within a type."""
    found: set[Any] = set()

    def into(one: Any) -> None:
        if isinstance(one, type) and issubclass(one, pydantic.BaseModel):
            if one not in found:
                found.add(one)
                for field in one.model_fields.values():
                    into(field.annotation)
        else:
            for arm in get_args(one):
                into(arm)

    into(kind)
    return found


@pytest.mark.parametrize("what", list(ANSWERS))
def test_every_field_of_an_answer(what: str) -> None:
    make, kind, document, whole = ANSWERS[what]
    assert answered(make(), document, whole) is not None
    names = {name for one in models(kind) for name in one.model_fields}
    assert len(names) > 15
    for number, _ in enumerate(nodes(document)):
        for name in names:
            for value in VALUES:
                made = json.loads(json.dumps(document))
                node = list(nodes(made))[number]
                node[name] = value(WORD)
                assert judged(answered(make(), made, whole), name), (number, name, value(WORD))


EVENTS = [*arms(ResponseStreamEvent), *arms(RawMessageStreamEvent), Response]


@pytest.mark.parametrize("continued", [False, True])
def test_no_event_of_another_protocol_is_taken_for_an_answer(continued: bool) -> None:
    """All 59 of the Responses API, among others: the service is asked for chats, so that these are wrong shapes."""
    assert len(EVENTS) > 60
    for kind in EVENTS:
        for value in VALUES[:3]:
            document = {name: value(WORD) for name in fields(kind)} | ({"type": tag(kind)} if tag(kind) else {})
            assert answered(ChatAnswer(1, continued), document, False) is None, kind.__name__
            assert answered(ChatAnswer(1, continued), document, True) is None, kind.__name__


def test_every_event_of_messages_is_read_strictly() -> None:
    """A block or delta that nobody here knows brings no text, and is named or an error."""
    start = {"type": "message_start", "message": {"id": "a", "type": "message", "role": "assistant", "content": []}}
    for block in ({"type": "text", "text": ""}, {"type": "thinking", "thinking": ""}):
        for event in arms(RawMessageStreamEvent):
            for one in filled(event, WORD):
                answer = AnthropicAnswer()
                answer.events([json.dumps(start).encode()])
                answer.events(
                    [json.dumps({"type": "content_block_start", "index": 0, "content_block": block}).encode()]
                )
                made = answered(answer, {"index": 0, **one}, False)
                assert made is None or all(piece.text for piece in made.pieces)


# ---------------------------------------------------------------------- what we answer
@pytest.mark.slow
@pytest.mark.parametrize(
    "asks", ["[[say:你好]]", "[[tool:find|{}]]", "[[reasoning:想]][[say:好]]", "[[shift:觅矪釒丞雁]]"]
)
def test_what_we_answer_is_what_the_sdks_types_say(start_once: Start, asks: str) -> None:
    """Not only does the client read it: it fits the types to the letter, which clients do not enforce."""
    gateway: Running = start_once()
    told: dict[str, tuple[Any, Any]] = {
        "/v1/chat/completions": (ChatCompletion, ChatCompletionChunk),
        "/v1/completions": (Completion, Completion),
        "/v1/responses": (Response, ResponseStreamEvent),
        "/v1/messages": (AnthropicMessage, RawMessageStreamEvent),
    }
    for path, (whole, event) in told.items():
        pydantic.TypeAdapter(whole).validate_python(say(gateway, path, asks).json)
        for one in say(gateway, path, asks, stream=True).events:
            for choice in one.get("choices", ()) if event is Completion else ():
                choice["finish_reason"] = (
                    choice["finish_reason"] or "stop"
                )  # the SDK has one type for both; in chunks it is null
            fits = event if "type" not in one else next(arm for arm in arms(event) if tag(arm) == one["type"])
            pydantic.TypeAdapter(fits).validate_python(one)
