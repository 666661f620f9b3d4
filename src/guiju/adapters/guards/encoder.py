# SPDX-License-Identifier: Apache-2.0
"""Our own guard model, which `guiju guard serve` serves: it speaks in our categories, and says where in the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from guiju.adapters.guards.labels import Said, Side
from guiju.adapters.guards.speech import Ask, ShapeError
from guiju.terms import Severity

PATH: Final = "/look"
TEXTS: Final = 16
CHARACTERS: Final = 1000
"""Of one text, at most: about what the model looks at in a second on one core."""


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked: texts of one side."""

    side: Side
    texts: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=CHARACTERS)], ...], msgspec.Meta(min_length=1, max_length=TEXTS)
    ]


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One finding; offsets in code points, end exclusive."""

    category: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    severity: Severity
    start: Annotated[int, msgspec.Meta(ge=0)]
    end: int


class Looked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is answered: the version of the weights, and what was found in each text."""

    version: str
    found: tuple[tuple[Seen, ...], ...]


class Encoder:
    """Asks `guiju guard serve`."""

    batch = TEXTS
    most: Mapping[Side, int] = {"request": CHARACTERS, "reply": CHARACTERS}

    def ask(self, texts: Sequence[str], side: Side, prompt: str, now: float) -> Ask:
        """See `Speaks`."""
        return Ask(PATH, msgspec.json.encode(Look(side, tuple(texts))))

    def read(self, body: bytes, side: Side, count: int) -> list[list[Said]]:
        """See `Speaks`."""
        try:
            looked = msgspec.json.decode(body, type=Looked)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ShapeError from None
        if len(looked.found) != count or any(one.start > one.end for found in looked.found for one in found):
            raise ShapeError
        return [[Said(one.category, one.severity, (one.start, one.end)) for one in found] for found in looked.found]
