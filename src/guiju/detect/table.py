# SPDX-License-Identifier: Apache-2.0
"""How each character folds for matching: views (c) and (d) of DESIGN §4, character by character.

A text folds as the sum of its characters, so that a text looked at piece by piece folds as the whole text does. The
table is made by `scripts/make_fold_table.py`; its sources and licences stand in the head of `fold.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

SOFT: Final = "\x01"
"""What separators inside a clause fold to: spaces, symbols, brackets, dashes."""
DOT: Final = "\x02"
"""What a full stop of Latin script folds to: soft between letters, hard before a space."""
HARD: Final = "\x03"
"""What the marks that end a clause or a line fold to."""
BARRIER: Final = "\x04"
"""What no term holds and no match goes over. None of the four occurs in text: control characters are dropped."""

_END: Final = 0x20000
_FAR: Final = re.compile("[\U000e0000-\U000e0fff]+|[\U00020000-\U000dffff]")
_CLASSES: Final[Mapping[str, str | None]] = {"drop": None, "soft": SOFT, "dot": DOT, "hard": HARD}


def _load() -> tuple[tuple[int | str | None, ...], Mapping[str, str]]:
    """Read fold.txt: a tuple indexed by code point for the first two planes, a mapping for what lies beyond."""
    near: list[int | str | None] = list(range(_END))
    far: dict[str, str] = {}
    for line in files("guiju.detect").joinpath("fold.txt").read_text("utf-8").splitlines():
        word, *items = line.split(" ")
        if word == "map":
            for item in items:
                code, _, target = item.partition("=")
                if (number := int(code, 16)) < _END:
                    near[number] = ord(target) if len(target) == 1 else target
                else:
                    far[chr(number)] = target
        elif word in _CLASSES:
            for item in items:
                first, _, last = item.partition("-")
                if (start := int(first, 16)) < _END:
                    end = int(last or first, 16) + 1
                    near[start:end] = [_CLASSES[word]] * (end - start)
    return tuple(near), far


_LOADED: Final = _load()
NEAR: Final = _LOADED[0]
FAR: Final = _LOADED[1]


def _far(found: re.Match[str]) -> str:
    return FAR.get(found[0], found[0]) if found[0] < "\U000e0000" else ""


def fold(text: str) -> str:
    """The folded text: lower case, plain letters, simplified characters, separators as SOFT, DOT and HARD."""
    folded = text.translate(NEAR)
    if len(folded.encode("utf-16-le")) == 2 * len(folded):  # no pair of surrogates, so nothing beyond the BMP
        return folded
    return _FAR.sub(_far, folded)


def lengths(text: str) -> list[int]:
    """How many folded characters each character of a text gives."""
    near, end = NEAR, _END
    out: list[int] = []
    for char in text:
        code = ord(char)
        if code >= end:
            out.append(len(fold(char)))
            continue
        value = near[code]
        out.append(1 if value.__class__ is int else 0 if value is None else len(value))  # type: ignore[arg-type]  # a str by now
    return out
