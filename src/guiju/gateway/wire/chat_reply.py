# SPDX-License-Identifier: Apache-2.0
"""What a model service answers at chat completions and at completions, parsed as strictly as what is asked.

A whole reply and a chunk of a stream become the same thing, a Delta: pieces of text, each of one choice and one field.
An unknown field is dropped and named; a wrong shape is an error, never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from typing import Any, Final, Literal, NoReturn

import msgspec

from guiju.adapters import refusals
from guiju.errors import OutsideError
from guiju.gateway.wire.strict import shown

TEXTS: Final = ("content", "reasoning_content", "refusal")
FIELDS: Final = frozenset({*TEXTS, "id", "name", "arguments"})
FINISHES: Final = frozenset({"stop", "length", "tool_calls", *refusals.FINISHES})
CALL_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_CHUNK = frozenset({"id", "object", "created", "model", "choices", "usage"})
_DELTA = frozenset({"role", "content", "reasoning_content", "reasoning", "refusal", "tool_calls"})


class Piece(msgspec.Struct, frozen=True):
    """Some text of one choice and one field.

    Attributes:
        choice: the choice's index.
        field: one of TEXTS, or `id`, `name`, `arguments` of a tool call.
        text: the raw text.
        tool: the tool call's index; -1 for the texts of the message itself.
    """

    choice: int
    field: str
    text: str
    tool: int = -1


class Usage(msgspec.Struct, omit_defaults=True):
    """Token counts; numbers alone."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Delta(msgspec.Struct):
    """What some events, or one whole reply, brought.

    Attributes:
        refused: the model service refused for content; what it says else has no place to go.
        broken: what was wrong with the event after those.
    """

    pieces: list[Piece] = []
    finishes: list[tuple[int, str]] = []
    usage: Usage | None = None
    dropped: set[str] = set()
    refused: refusals.Refusal | None = None
    broken: OutsideError | None = None


Take = Callable[[bytes, Delta], None]
"""Takes one event into a delta."""
Body = Literal["message", "delta", "text"]
"""Where the text of a choice stands: of a whole reply, of a chunk, and of either where a prompt is continued."""
_BODIES: Final[tuple[Body, ...]] = ("message", "delta", "text")
_CHOICE: Final = {body: frozenset({"index", body, "finish_reason"}) for body in _BODIES}


def parse(events: Iterable[bytes], choices: int, *, whole: bool = False, continued: bool = False) -> Delta:
    """Parse events that came together, or one whole reply. Text of one field that follows itself becomes one piece.

    Args:
        events: JSON texts.
        choices: how many choices were asked for.
        whole: true for a reply that was not streamed.
        continued: true for what completions answer.

    Raises:
        OutsideError: `upstream_failed`, the first of them has not the protocol's shape.
    """
    return gather(taker(choices, whole=whole, continued=continued), events)


def taker(choices: int, *, whole: bool = False, continued: bool = False) -> Take:
    """What takes an event, or a whole reply; see `parse`."""
    body: Body = "message" if whole else "delta"
    return partial(_event, choices, "text" if continued else body, whole)


def gather(take: Take, events: Iterable[bytes]) -> Delta:
    """What events that came together brought, up to the first that is wrong.

    Args:
        take: takes one of them into the delta.
        events: JSON texts.

    Raises:
        OutsideError: `upstream_failed`, the first of them has not the protocol's shape.
    """
    made = Delta()
    for number, data in enumerate(events):
        try:
            take(data, made)
        except OutsideError as error:
            if not number:
                raise
            made.broken = error
            break
    if len(made.pieces) > 1:
        made.pieces = [_one(list(group)) for _, group in groupby(made.pieces, _place)]
    return made


def _place(piece: Piece) -> tuple[int, int, str, str]:
    return piece.choice, piece.tool, piece.field, piece.text if piece.field == "id" else ""


def _one(pieces: list[Piece]) -> Piece:
    """Pieces of one field that follow one another, as one; an id that is said again is still that id."""
    first = pieces[0]
    if len(pieces) == 1 or first.field == "id":
        return first
    return Piece(first.choice, first.field, "".join([piece.text for piece in pieces]), first.tool)


def decoded(data: bytes) -> dict[str, Any]:
    """One event, or one whole reply, of a model service.

    Raises:
        OutsideError: `upstream_failed`, it is not a JSON object.
    """
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        wrong("what it sent is not JSON")
    return raw if isinstance(raw, dict) else wrong("an event is not an object")


def _event(choices: int, body: Body, whole: bool, data: bytes, made: Delta) -> None:
    """Take one event, or one whole reply, into the delta."""
    raw = decoded(data)
    if raw.get("error"):
        made.refused = refusals.read(raw, "output") or wrong("it reported an error")
        return
    if unknown := raw.keys() - _CHUNK:
        made.dropped.update(shown(name) for name in unknown if raw[name] is not None)
    listed = raw.get("choices")
    if not isinstance(listed, list):
        wrong("there are no choices")
    for choice in listed:
        _choice(choice, choices, body, whole, made)
    if usage := raw.get("usage"):
        try:
            made.usage = msgspec.convert(usage, Usage)
        except msgspec.ValidationError:
            made.dropped.add("usage")


def _choice(choice: Any, choices: int, body: Body, whole: bool, made: Delta) -> None:
    """Take one choice into the delta."""
    if not isinstance(choice, dict):
        wrong("a choice is not an object")
    index = choice.get("index", 0)
    if type(index) is not int or not 0 <= index < choices:
        wrong("a choice that was not asked for")
    if unknown := choice.keys() - _CHOICE[body]:
        made.dropped.update(shown(name) for name in unknown if choice[name] is not None)
    delta = choice.get(body)
    if delta is None:
        if whole:
            wrong(f"a choice has no {body}")
    elif body == "text":
        _delta({"content": delta if isinstance(delta, str) else wrong("text is not text")}, index, made)
    elif not isinstance(delta, dict):
        wrong(f"{body} is not an object")
    else:
        _delta(delta, index, made)
    finish = choice.get("finish_reason")
    if finish is not None:
        if not isinstance(finish, str) or finish not in FINISHES:
            wrong("an unknown finish_reason")
        if refused := refusals.FINISHES.get(finish):
            made.refused, finish = refused, "content_filter"
        made.finishes.append((index, finish))
    elif whole:
        wrong("a choice without finish_reason")


def _delta(delta: dict[str, Any], index: int, made: Delta) -> None:
    """Take the fields of one message or delta."""
    for name, value in delta.items():
        if not value or name == "role" or (name == "reasoning" and value == delta.get("reasoning_content")):
            continue  # some services say it under both names
        if name == "content" and isinstance(value, list):
            value = "".join(_part(part) for part in value)
        if name == "tool_calls":
            _calls(value, index, made)
        elif name not in _DELTA:
            made.dropped.add(shown(name))
        elif not isinstance(value, str):
            wrong(f"{name} is not text")
        else:
            made.pieces.append(Piece(index, "reasoning_content" if name == "reasoning" else name, value))


def _part(part: Any) -> str:
    """The text of one part of a list of parts."""
    if not isinstance(part, dict) or part.keys() != {"type", "text"} or part["type"] != "text":
        wrong("a part of content is not text")
    text = part["text"]
    return text if isinstance(text, str) else wrong("a part of content is not text")


def _calls(calls: Any, index: int, made: Delta) -> None:
    """Take tool calls: id, name and arguments are pieces of their own."""
    if not isinstance(calls, list) or len(calls) > 128:
        wrong("tool_calls is not a list")
    for position, call in enumerate(calls):
        if not isinstance(call, dict) or call.get("type") not in (None, "function", ""):
            wrong("a tool call of an unknown type")
        tool = call.get("index", position)
        function = call.get("function") or {}
        if type(tool) is not int or not 0 <= tool < 128 or not isinstance(function, dict):
            wrong("a tool call has the wrong form")
        made.dropped.update(shown(name) for name in call.keys() - {"index", "id", "type", "function"})
        made.dropped.update(shown(name) for name in function.keys() - {"name", "arguments"})
        for field, text in (("id", call.get("id")), ("name", function.get("name"))):
            if text:
                if not isinstance(text, str) or (field == "id" and not CALL_ID.fullmatch(text)):
                    wrong("a tool call has the wrong form")
                made.pieces.append(Piece(index, field, text, tool))
        arguments = function.get("arguments")
        if arguments is not None:
            if not isinstance(arguments, str):
                wrong("arguments is not text")
            made.pieces.append(Piece(index, "arguments", arguments, tool))


def wrong(what: str) -> NoReturn:
    """Refuse what a model service sent.

    Raises:
        OutsideError: `upstream_failed`.
    """
    raise OutsideError("upstream_failed", what=what)
