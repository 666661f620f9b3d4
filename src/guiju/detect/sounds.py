# SPDX-License-Identifier: Apache-2.0
"""View (h) of DESIGN §4: toneless pinyin. Each syllable is one sign, whether a Han character or Latin letters say it.

The signs are those of the Yi syllables, so that a sound is matched as a Han character is. `sounds.txt` names its source
and licence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from itertools import islice, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FIRST: Final = 0xA000
"""Where the signs of syllables begin."""
_END: Final = 0xA4D0
_STRANGE: Final = "\ue000"
"""What the Yi syllables themselves read as: nothing that any term sounds like."""
READINGS: Final = 4
"""Ways in which one term is read, at most."""
_UMLAUT: Final = {"lv": "lu", "nv": "nu", "lve": "lue", "nve": "nue"}
"""Folded, ü is u."""


def _load() -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, str]]:
    """Read sounds.txt: character → syllables, the usual one first; syllable → sign."""
    readings: dict[str, list[str]] = {}
    for line in files("guiju.detect").joinpath("sounds.txt").read_text("utf-8").splitlines():
        if line[0] != "#":
            syllable, _, chars = line.lstrip("+").partition(" ")
            for char in chars:
                readings.setdefault(char, []).append(_UMLAUT.get(syllable, syllable))
    syllables = sorted({one for said in readings.values() for one in said})
    signs = {syllable: chr(_FIRST + number) for number, syllable in enumerate(syllables)}
    same = {said: said for said in map(tuple, readings.values())}  # one object for all characters that are read alike
    return {char: same[tuple(said)] for char, said in readings.items()}, signs


_LOADED: Final = _load()
SYLLABLES: Final = _LOADED[0]
"""Han character → its toneless readings."""
SIGNS: Final = _LOADED[1]
"""Syllable → its sign."""
_LONGEST: Final = max(map(len, SIGNS))


def _table() -> NDArray[np.uint16]:
    made = np.arange(0x10000, dtype=np.uint16)
    made[_FIRST:_END] = ord(_STRANGE)
    for char, said in SYLLABLES.items():
        made[ord(char)] = ord(SIGNS[said[0]])
    return made


TABLE: Final = _table()
"""Code unit → its sign, or itself."""
_CHARS: Final = TABLE.tobytes().decode("utf-16-le", "surrogatepass")
"""The same as one text, which takes a twentieth of the memory of a dictionary."""
_SEVERAL: Final = frozenset(char for char, said in SYLLABLES.items() if len(said) > 1)
"""Characters that are read in more than one way."""


def sounded(folded: str) -> str:
    """A folded text with each Han character as its usual syllable's sign, character by character."""
    return folded.translate(_CHARS)


def spoken(term: str) -> list[str]:
    """The ways in which a folded term sounds, as signs; what is no Han character stays."""
    if _SEVERAL.isdisjoint(term):
        return [sounded(term)]
    ways = [[SIGNS[one] for one in SYLLABLES.get(char, ())] or [char] for char in term]
    return ["".join(way) for way in islice(product(*ways), READINGS)]


def spelt(term: str) -> list[tuple[str, ...]]:
    """The ways in which a folded term of Han characters is spelt in Latin letters; none for any other term."""
    if not all(char in SYLLABLES for char in term):
        return []
    if _SEVERAL.isdisjoint(term):
        return [tuple([SYLLABLES[char][0] for char in term])]
    return list(islice(product(*(SYLLABLES[char] for char in term)), READINGS))


def borders(syllables: tuple[str, ...]) -> re.Pattern[str]:
    """Where syllables stand in a folded text between word borders: separators only between them, or between all
    letters."""
    gap = "[\x01-\x03]{0,8}"
    whole = gap.join(f"{re.escape(one)}[1-5]?" for one in syllables)
    letters = "[\x01-\x03]{1,8}".join("".join(syllables))
    return re.compile(f"(?<![a-z0-9])(?:{whole}|{letters})(?![a-z0-9])")


def parsed(run: str) -> list[int]:
    """Where the syllables of a run of Latin letters end, the longest first; none when it is no pinyin."""
    size = len(run)
    ends: list[list[int] | None] = [None] * (size + 1)
    ends[size] = []
    for i in range(size - 1, -1, -1):
        for n in range(min(_LONGEST, size - i), 0, -1):
            rest = ends[i + n]
            if rest is not None and run[i : i + n] in SIGNS:
                ends[i] = [i + n, *rest]
                break
    return ends[0] or []
