# SPDX-License-Identifier: Apache-2.0
"""What shows that a term could stand in one of the views (f) to (k): patterns in view (e), in its sounds, in its leet
reading (DESIGN §4). They are made of the terms once; `triggers` looks for them.
"""

from __future__ import annotations

import codecs
from array import array
from collections.abc import Sequence
from typing import Final, Generic, Literal, TypeVar

from guiju.detect import leet, sounds
from guiju.detect.automaton import Matches, automaton
from guiju.detect.index import Terms
from guiju.detect.parts import ways
from guiju.detect.views import collapse

T = TypeVar("T")
Kind = Literal["reversed", "rot13", "rot13 reversed", "parts", "pinyin", "sound"]
_KINDS: Final = 8
_NOTHING: Final = -(1 << 31)
LATIN: Final = 5
HAN: Final = 3
"""Characters of a term that is looked for in reverse order or in rot13, at least."""
SAID: Final = 4
"""Characters of a term whose characters may be replaced by others of the same sound, at least."""
SPELT: Final = 2
_HEAD: Final = 3
"""Syllables of a term in pinyin that show it; the rest is looked at where they stand."""
LEET: Final = 4
"""Characters of a term that is looked for in pinyin, and in leet, at least."""
ROT13: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    codecs.encode("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "rot13"),
)


class Told(Generic[T]):
    """What each pattern of an automaton tells: of which pattern of the terms it shows what.

    It is packed as it is gathered, a number a pattern, as there are several for each term.

    Args:
        kinds: what can be told.
        taken: patterns that stand before its own in the automaton, and tell nothing yet.
    """

    def __init__(self, kinds: Sequence[T], taken: Sequence[str] = ()) -> None:
        self._kinds = tuple(kinds)
        self._numbers = {kind: number for number, kind in enumerate(kinds)}
        self._places = {pattern: place for place, pattern in enumerate(taken)}
        self._taken = len(taken)
        self._codes = array("i", [_NOTHING]) * len(taken)
        self._several: list[list[int]] = []

    def add(self, pattern: str, kind: T, of: int) -> None:
        """A pattern shows something of a term's."""
        code = of * _KINDS + self._numbers[kind]
        place = self._places.setdefault(pattern, len(self._codes))
        if place == len(self._codes):
            self._codes.append(code)
            return
        old = self._codes[place]
        if old == _NOTHING:
            self._codes[place] = code
        elif old < 0:
            if code not in (several := self._several[-old - 1]):
                several.append(code)
        elif old != code:
            self._several.append([old, code])
            self._codes[place] = -len(self._several)

    def patterns(self) -> list[str]:
        """Its own patterns, in their order; nothing can be added any more."""
        own = list(self._places)[self._taken :]
        self._places = {}
        return own

    def __getitem__(self, number: int) -> list[tuple[T, int]]:
        code = self._codes[number]
        codes = [code] if code >= 0 else self._several[-code - 1] if code != _NOTHING else []
        return [(self._kinds[one % _KINDS], one // _KINDS) for one in codes]


class Shows:
    """What to look for, so that no term is missed.

    Args:
        terms: the terms.

    Attributes:
        ways: how the terms' characters are written apart, but for what stands in ordinary text: often, or for a
            character that is also written apart in other ways.
        shapes: what the patterns of view (e) show, those of the terms themselves first.
        beside: those that are no term's.
        said, find_said: the same for the sounds of a text, and what finds them.
        leets, find_leets: the same for leet readings; a kind is whether they stand in reverse order.
    """

    def __init__(self, terms: Terms) -> None:
        # One after the other, and each given back before the next: half of the memory that all would take at once.
        self.leets, self.find_leets = _leets(terms)
        self.said, self.find_said = _said(terms)
        every = [
            way
            for way in ways({char for view in terms.views if not _latin(view) for char in view})
            if way.use != "common"
        ]
        rare = {way.char for way in every if way.use == "rare"}
        self.ways = [way for way in every if way.use == "rare" or way.char not in rare]
        self.shapes = _shapes(terms)
        for number, way in enumerate(self.ways):
            # View (e) makes one character of twice the same: where that is common by itself, it shows nothing.
            view = collapse(way.parts)
            if len(view) > 1 or not _everyday(view):
                self.shapes.add(view, "parts", number)
        self.beside = self.shapes.patterns()


def _latin(view: str) -> bool:
    return view.isascii() and view.isalnum()


def _spoken(view: str) -> bool:
    """Whether enough of a term is said aloud for its sounds to show it, in reverse order too."""
    return len(view) >= SAID and sum(map(sounds.SYLLABLES.__contains__, view)) >= SAID


def _leets(terms: Terms) -> tuple[Told[bool], Matches]:
    told = Told((False, True))
    for pattern, view in enumerate(terms.views):
        if _latin(view):
            squeezed = terms.squeezed(pattern)
            if len(squeezed) >= LEET and not squeezed.isdigit():
                classed = collapse(leet.classed(squeezed))
                told.add(classed, False, pattern)
                told.add(classed[::-1], True, pattern)
    return told, automaton(told.patterns())


def _said(terms: Terms) -> tuple[Told[Kind], Matches]:
    told: Told[Kind] = Told(("sound", "reversed"))
    for pattern, view in enumerate(terms.views):
        if _spoken(view):
            squeezed = terms.squeezed(pattern)
            for way in sounds.spoken(view) if squeezed == view else {*sounds.spoken(view), *sounds.spoken(squeezed)}:
                told.add(way, "sound", pattern)
                told.add(way[::-1], "reversed", pattern)
    return told, automaton(told.patterns())


def _shapes(terms: Terms) -> Told[Kind]:
    told: Told[Kind] = Told(("reversed", "rot13", "rot13 reversed", "parts", "pinyin"), terms.views)
    plain = set(terms.views)
    for pattern, view in enumerate(terms.views):
        latin, turned = _latin(view), view[::-1]
        if len(view) >= (LATIN if latin else HAN) and turned not in plain and not _spoken(view):
            told.add(turned, "reversed", pattern)
        if not latin:
            if len(view) >= SPELT:
                for syllables in sounds.spelt(terms.squeezed(pattern)):
                    told.add(collapse("".join(syllables[:_HEAD])), "pinyin", pattern)
        elif len(view) >= LATIN and view.isalpha():
            told.add(view.translate(ROT13), "rot13", pattern)
            told.add(turned.translate(ROT13), "rot13 reversed", pattern)
    return told


def _everyday(char: str) -> bool:
    """Whether a character is one of the 3,755 most common ones, level 1 of GB/T 2312."""
    code = char.encode("gb2312", "ignore")
    return b"\xb0\xa1" <= code < b"\xd8\xa1"
