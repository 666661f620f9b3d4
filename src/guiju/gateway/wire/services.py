# SPDX-License-Identifier: Apache-2.0
"""What model services speak: how the canonical request is written for each kind of them, and how its answers are read.

All answers become the same Delta, so that the screen, the label and the books know of one road alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from guiju.adapters.upstream import Address, Spoken
from guiju.gateway.wire import anthropic_request, canonical, chat_reply
from guiju.gateway.wire.anthropic_reply import AnthropicAnswer
from guiju.gateway.wire.canonical import Asked
from guiju.gateway.wire.chat_reply import Delta


class Answer(Protocol):
    """Reads one answer of a model service."""

    def events(self, came: Sequence[bytes]) -> Delta:
        """What events that came together brought.

        Raises:
            OutsideError: `upstream_failed`, the first of them has not the protocol's shape.
        """
        ...

    def whole(self, body: bytes) -> Delta:
        """What a reply that was not streamed brought.

        Raises:
            OutsideError: `upstream_failed`, it has not the protocol's shape.
        """
        ...


class ChatAnswer:
    """Reads one answer of chat completions, or of completions; see `Answer`."""

    __slots__ = ("_choices", "_continued", "events")

    def __init__(self, choices: int, continued: bool = False) -> None:
        self._choices = choices
        self._continued = continued
        take = chat_reply.taker(choices, continued=continued)
        self.events = partial(chat_reply.gather, take)  # no call more for each event

    def whole(self, body: bytes) -> Delta:
        """See `chat_reply.parse`."""
        return chat_reply.parse([body], self._choices, whole=True, continued=self._continued)


ANSWERS: Final[Mapping[Spoken, Callable[[int], Answer]]] = {
    "openai": ChatAnswer,
    "anthropic": lambda _: AnthropicAnswer(),
    "completions": partial(ChatAnswer, continued=True),
}
"""What is spoken → what reads one answer to so many choices."""


def encode(asked: Asked, to: Address, person: str) -> bytes:
    """The request as it goes upstream, encoded anew.

    Args:
        asked: the parsed request.
        to: whom it goes to.
        person: keyed hash of the person, or `""` (Article 11).

    Raises:
        CallerError: it can't be said to that kind of service.
    """
    if to.kind == "anthropic":
        return anthropic_request.encode(asked, to.model, person, to.max_tokens)
    return canonical.encode(asked, to.model, person)
