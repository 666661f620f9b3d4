# SPDX-License-Identifier: Apache-2.0
"""What every guard's protocol must know: how it is asked, and how its answer is read, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from guiju.adapters.guards.labels import Said, Side

_MARKS: Final = re.compile(r"<(?=\||/?\s*(?:BEGIN|END)\b)", re.IGNORECASE)
"""Where a text could be taken for the marks of a model's own prompt."""


class ShapeError(ValueError):
    """The answer is not one: it is never taken for *nothing found*."""


class Ask(msgspec.Struct, frozen=True):
    """One HTTP request.

    Attributes:
        path: below the guard's address.
        headers: beside those that every request has.
    """

    path: str
    body: bytes
    headers: Mapping[str, str] = {}


class Speaks(Protocol):
    """One guard's protocol.

    Attributes:
        most: characters that it takes as one text, by side.
        batch: texts that it takes at once.
    """

    @property
    def most(self) -> Mapping[Side, int]: ...
    @property
    def batch(self) -> int: ...

    def ask(self, texts: Sequence[str], side: Side, prompt: str, now: float) -> Ask:
        """The request about texts; `prompt` is what a reply answers, `now` Unix seconds."""
        ...

    def read(self, body: bytes, side: Side, count: int) -> list[list[Said]]:
        """What it says of each text.

        Raises:
            ShapeError: the answer is none.
        """
        ...


def plain(text: str) -> str:
    """A text in which nothing reads as a mark of the guard's own prompt, so that it can't speak for the guard."""
    return _MARKS.sub("< ", text)


def decoded(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ShapeError: it is none.
    """
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ShapeError from None
    return obj(raw)


def obj(value: object) -> dict[str, Any]:
    """The same, when it is an object.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(value, dict):
        raise ShapeError
    return value


def items(value: object) -> list[dict[str, Any]]:
    """The same, when it is a list of objects.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(value, list):
        raise ShapeError
    return [obj(one) for one in value]


def one_of(value: object, allowed: Sequence[str]) -> str:
    """The same, when it is one of the allowed words.

    Raises:
        ShapeError: it is not.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ShapeError
    return value


def chat(model: str, text: str, side: Side, prompt: str, tokens: int) -> Ask:
    """A text put to a guard model as a conversation: a request as the user's turn, a reply as the turn after it."""
    messages = [{"role": "user", "content": plain(text)}]
    if side == "reply":
        messages = [
            {"role": "user", "content": plain(prompt) or "…"},
            {"role": "assistant", "content": plain(text)},
        ]
    asked = {"model": model, "messages": messages, "temperature": 0, "max_tokens": tokens, "stream": False}
    return Ask("/chat/completions", msgspec.json.encode(asked))


def answered(body: bytes) -> str:
    """What a guard model wrote, to its end.

    Raises:
        ShapeError: it is no chat completion, or was cut off.
    """
    choices = items(decoded(body).get("choices"))
    if len(choices) != 1 or choices[0].get("finish_reason") != "stop":
        raise ShapeError
    content = obj(choices[0].get("message")).get("content")
    if not isinstance(content, str):
        raise ShapeError
    return content.strip()
