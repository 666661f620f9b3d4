# SPDX-License-Identifier: Apache-2.0
"""Protected works (Articles 4.3 and 4.5): long passages of them are found by fingerprints; no text of them is kept.

Of each work there is a keyed hash of 32 bits for every run of 24 canonical units (`units.rolling`), in their order;
and an index of a few of them, chosen by winnowing: the least hash of every 37 in a row. Whoever shares 60 units with a
work shares one of those at least, and the runs beside it then say how long the passage is, to the unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.detect.units import Key, Places, Units, is_digit, placed, rolling, units
from guiju.terms import Detector, Finding, Following, Severity, Text

Grams = NDArray[np.uint32]

PURPOSE: Final = "works"
"""What the hashes of works are keyed for."""
CATEGORY: Final = "A.3a"
LEAST: Final = 60
"""Canonical units in a row that make a passage."""
GRAM: Final = 24
"""Units that are hashed together."""
WINDOW: Final = LEAST - GRAM + 1
QUOTE: Final = 200
"""Characters of the longest quotation that is allowed where its source is named."""
NAMED: Final = 60
"""Characters before and after a quotation in which its source may be named."""
_TAIL: Final = LEAST - 1
_TOO_COMMON: Final = 64
"""Places in works at which one hash may stand and still be looked up; boilerplate stands at more."""
_RUN: Final = LEAST - GRAM + 1
_OPENING: Final = '“「『‘"«'
_CLOSING: Final = '”」』’"»'
_BY: Final = re.compile("[·・.,，、\\s]+")


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one work beside its hashes.

    Attributes:
        id: what evidence names.
        title, owner: by which a quotation names it.
        licence: what its owner allows, in words.
        severity: `block` or `signal`.
        size: its canonical units.
    """

    id: str
    title: str
    owner: str
    licence: str
    severity: Severity
    size: int


def grams(text: str, key: Key) -> Grams:
    """What is kept of a work's text.

    Raises:
        ValueError: it has less than 60 canonical units.
    """
    made = units(text)
    if len(made) < LEAST:
        raise ValueError(f"{len(made)} units")
    return rolling(made, GRAM, key)


def chosen(hashes: Grams) -> Places:
    """Places of the hashes that stand in the index: in each window the least one, the last of equal ones."""
    if len(hashes) <= WINDOW:
        return np.array([len(hashes) - 1 - int(np.argmin(hashes[::-1]))], np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(hashes, WINDOW)
    found = [
        start + np.arange(len(part)) + WINDOW - 1 - np.argmin(part[:, ::-1], axis=1)
        for start in range(0, len(windows), 1 << 16)
        for part in (windows[start : start + (1 << 16)],)
    ]
    return np.unique(np.concatenate(found))


class Shelf:
    """Works ready to be looked up; never changed once made.

    Args:
        works: what each is.
        hashes: the hashes of all of them, one work after the other; may lie in a mapped file.
        starts: where each work's begin, and where the last one's end.
        keys, places: the index: chosen hashes in their order, and where among `hashes` each stands.
        key: the key that they were made with.
    """

    def __init__(
        self, works: Sequence[Work], hashes: Grams, starts: Sequence[int], index: tuple[Grams, Grams], key: Key
    ) -> None:
        self.works = tuple(works)
        self.hashes = hashes
        self.starts = np.array(starts, np.int64)
        self.keys, self.places = index
        self.key = key
        self.names = [
            tuple(_named(name) for name in (work.title, work.owner) if len(_named(name)) > 1) for work in works
        ]

    def runs(self, made: Units) -> list[tuple[int, int, int]]:
        """Passages of 60 units and more that stand in a work.

        Returns:
            Number of the work, first unit, end; each passage once for a work.
        """
        if len(made) < LEAST or not len(self.keys):
            return []
        mine = rolling(made, GRAM, self.key)
        first = self.keys.searchsorted(mine)
        first[first == len(self.keys)] = 0
        at = np.flatnonzero(self.keys[first] == mine)
        out: list[tuple[int, int, int]] = []
        done: dict[int, int] = {}
        for place in at.tolist():
            begin, end = int(first[place]), int(self.keys.searchsorted(mine[place], "right"))
            for other in self.places[begin : min(end, begin + _TOO_COMMON)].tolist():
                diagonal = other - place
                if done.get(diagonal, -1) < place:
                    low, high = self._alike(mine, place, other)
                    done[diagonal] = high
                    if high - low >= _RUN:
                        out.append((int(self.starts.searchsorted(other, "right")) - 1, low, high + GRAM - 1))
        return out

    def _alike(self, mine: Grams, place: int, other: int) -> tuple[int, int]:
        """How far hashes agree around a place, within one work: first and end, among the text's."""
        work = int(self.starts.searchsorted(other, "right")) - 1
        left, right = int(self.starts[work]), int(self.starts[work + 1])
        back, ahead = min(place, other - left), min(len(mine) - place, right - other)
        before = mine[place - back : place][::-1] != self.hashes[other - back : other][::-1]
        after = mine[place : place + ahead] != self.hashes[other : other + ahead]
        low = place - (int(before.argmax()) if before.any() else back)
        return low, place + (int(after.argmax()) if after.any() else ahead)


def shelf(works: Sequence[tuple[Work, Grams]], key: Key) -> Shelf:
    """Put works onto a shelf: their hashes in a row, and the index over all of them."""
    hashes = np.concatenate([np.empty(0, np.uint32), *(made for _, made in works)])
    starts = np.concatenate([[0], np.cumsum([len(made) for _, made in works], dtype=np.int64)]).tolist()
    parts = [chosen(made) + start for (_, made), start in zip(works, starts, strict=False)]
    places = np.concatenate([np.empty(0, np.int64), *parts]).astype(np.uint32)
    keys = hashes[places]
    order = np.argsort(keys, kind="stable")
    return Shelf([work for work, _ in works], hashes, starts, (keys[order], places[order]), key)


class Works(Following):
    """A detector of passages of protected works.

    Args:
        shelf: the works in force.
        quote: characters of the longest quotation that is allowed where its source is named; 0 allows none.
    """

    id = "works"

    def __init__(self, shelf: Shelf, quote: int = QUOTE) -> None:
        self.shelf = shelf
        self.quote = quote

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts; one that joins goes on the one before it."""
        return super().find(texts) if self.shelf.works else []

    def begin(self) -> Detector:
        """A detector for the pieces of one text."""
        return _Along(self)


class _Along:
    """Goes along one text: the last 59 units of what came before are seen again with each piece."""

    __slots__ = ("_before", "_far", "_length", "_shelf", "_tail", "_told", "_works")
    id = Works.id

    def __init__(self, works: Works) -> None:
        self._works = works
        self._shelf = works.shelf
        self._tail: Units = np.empty(0, np.uint32)
        self._far: Places = np.empty(0, np.int64)
        self._length = 0
        self._before = ""
        self._told: dict[int, int] = {}

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Look at the next pieces."""
        if self._shelf is not self._works.shelf:
            self._shelf, self._told = self._works.shelf, {}
        return [finding for text in texts for finding in self._next(text)]

    def _next(self, text: Text) -> list[Finding]:
        fresh, places = placed(text.text)
        if len(self._tail) and len(fresh) and fresh[0] == self._tail[-1] and not is_digit(fresh[0]):
            fresh, places = fresh[1:], places[1:]
        made = np.concatenate((self._tail, fresh))
        far = np.concatenate((self._far, places + self._length))
        out: list[Finding] = []
        if len(fresh):
            for work, first, end in self._shelf.runs(made):
                if end > len(self._tail) and (
                    found := self._told_of(work, int(far[first]), int(far[end - 1]) + 1, text)
                ):
                    out.append(found)
        self._length += len(text.text)
        self._tail, self._far = made[-_TAIL:], far[-_TAIL:]
        self._before = (self._before + text.text)[-(self._works.quote + NAMED + 2 * LEAST) :]
        return out

    def _told_of(self, number: int, first: int, last: int, text: Text) -> Finding | None:
        """A passage as a finding, unless it is a quotation whose source is named.

        Args:
            number: the work's.
            first, last: the passage, in characters from the start of all pieces.
            text: the piece that it ends in.
        """
        work, base = self._shelf.works[number], self._length - len(self._before)
        whole = self._before + text.text
        begun = self._told.get(number, first)
        begun = first if first - begun > self._works.quote + NAMED else min(first, begun)
        self._told[number] = begun
        if self._quoted(whole, begun - base, last - base, self._shelf.names[number]):
            return None
        start = max(0, first - self._length)
        return Finding("works", CATEGORY, work.severity, work.id, text.field, start, last - self._length, "collapsed")

    def _quoted(self, whole: str, first: int, last: int, names: tuple[str, ...]) -> bool:
        """Whether a passage stands within marks of quotation that hold no more than is allowed, its source beside."""
        if not names or first < 0:
            return False
        limit = self._works.quote
        opened = max(whole.rfind(mark, max(0, last - limit - 1), first + 1) for mark in _OPENING)
        if opened < 0 or any(mark in whole[opened + 1 : first] for mark in _CLOSING):
            return False
        ends = [at for mark in _CLOSING if (at := whole.find(mark, last - 1)) >= 0]
        closed = min(ends, default=len(whole))
        if closed - opened - 1 > limit:
            return False
        beside = _named(whole[max(0, opened - NAMED) : opened]) + "\n" + _named(whole[closed + 1 : closed + 1 + NAMED])
        return any(name in beside for name in names)


def _named(name: str) -> str:
    """A name for comparing, whatever its dots and spaces."""
    return _BY.sub("", name).casefold()
