# SPDX-License-Identifier: Apache-2.0
"""What a client's user sees: each program beside this one sends questions through one client and prints what came of
them. They run in .venv-clients; what they print is compared with docs/{zh,en}/reference/clients.md.

A program reads a list of questions as JSON from its standard input and writes as long a list of what was seen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        door: which door of the client.
        base: the gateway's address, without `/v1`.
        model: the model's name.
        stream: whether the answer is asked for as a stream.
    """

    door: str
    base: str
    key: str
    model: str
    text: str
    stream: bool


@dataclass(frozen=True)
class Seen:
    """What came of it.

    Attributes:
        cell: how it ended and where the reason stands, as the table of the docs says it.
        why: what a person reads of the reason; "" where there is none.
        text: the text of the answer, as an application would show it.
        all: everything that the client holds, as text.
    """

    cell: str
    why: str
    text: str
    all: str


Asks = Callable[[Question], Seen]


def ended(end: object, why: Mapping[str, str | None], text: str, everything: Any) -> Seen:
    """A question that was answered.

    Args:
        end: the client's word for how it ended.
        why: the places where a reason can stand; the first that holds one counts.
        text: the text of the answer.
        everything: all that the client holds.
    """
    place, reason = next(((name, said) for name, said in why.items() if said), ("", ""))
    cell = f"`{end}`, `{place}`" if place else f"`{end}`"
    return Seen(cell, reason, text, str(everything))


def raised(error: Exception, text: str = "") -> Seen:
    """A question that ended in an exception: its class, status and code."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else {}
    code = getattr(error, "code", None) or (inner.get("code") if isinstance(inner, dict) else None)
    status = getattr(error, "status_code", None)
    facts = [f"`{type(error).__name__}`", *([str(status)] if status else []), *([f"`{code}`"] if code else [])]
    return Seen(" ".join(facts), str(error), text, f"{error!r} {error} {body}")


def main(doors: Mapping[str, Asks]) -> None:
    """Answer the questions of the standard input, each through its door."""
    made = []
    for one in json.load(sys.stdin):
        question = Question(**one)
        try:
            seen = doors[question.door](question)
        except Exception as error:  # whatever a client raises is what its user sees
            seen = raised(error)
        made.append(asdict(seen))
    json.dump(made, sys.stdout)
