# SPDX-License-Identifier: Apache-2.0
"""View (f) of DESIGN §4: leet readings, digits and signs that stand for Latin letters ("p4ssw0rd")."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

READS: Final = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "bg", "7": "t", "8": "b", "9": "gq",
    "@": "a", "$": "s", "!": "il", "|": "il", "+": "t",
}  # fmt: skip
"""Sign → the letters that it may stand for."""
_WIDE: Final = {chr(ord(sign) + 0xFEE0): sign for sign in READS}
_SIGN: Final = re.compile(r"[@$!|+＠＄｜＋](?:(?=[A-Za-z0-9@$!|+Ａ-Ｚａ-ｚ０-９])|(?<=[A-Za-z0-9@$|+][@$|+]))")
_CLASS: Final = str.maketrans("lgq0123456789", "ibboizeasbtbb")


def _classes() -> NDArray[np.uint16]:
    made = np.arange(0x10000, dtype=np.uint16)
    made[list(_CLASS)] = list(_CLASS.values())
    return made


CLASSES: Final = _classes()
"""Unit of UTF-16 → what `classed` makes of it."""


def lettered(text: str) -> str:
    """A raw text with its signs as letters, one character for each of its own."""
    return _SIGN.sub(lambda found: READS[_WIDE.get(found[0], found[0])][0], text)


def classed(folded: str) -> str:
    """A folded text or term with letters and digits that may stand for one another as one character."""
    return folded.translate(_CLASS)


def may(char: str, letter: str) -> bool:
    """Whether a raw character may be read as a letter."""
    return letter in READS.get(_WIDE.get(char, char), "")
