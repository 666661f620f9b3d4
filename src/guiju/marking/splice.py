# SPDX-License-Identifier: Apache-2.0
"""Changes of a large file: bytes put in place of others, everything between them copied in a stream (Article 16)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import BinaryIO, Final

import msgspec

from guiju.marking.family import MarkingError, copy
from guiju.marking.label import KEY, parse

MOST: Final = 1 << 19
"""Splices of one file, at most."""


class Splice(msgspec.Struct, frozen=True, order=True):
    """Bytes `start` to `end` of the source, end exclusive, become `new`."""

    start: int
    end: int
    new: bytes


class Moved:
    """Where places of the source stand after splices.

    Args:
        splices: in any order; they must not overlap.
    """

    def __init__(self, splices: Iterable[Splice]) -> None:
        self.splices = sorted(splices)
        if len(self.splices) > MOST or any(a.end > b.start for a, b in pairwise(self.splices)):
            raise MarkingError("unreadable", "parts that overlap")
        self._ends = [one.end for one in self.splices]
        self._grown = [0, *accumulate(len(one.new) - (one.end - one.start) for one in self.splices)]

    def place(self, place: int) -> int:
        """Where a place of the source stands now. What is put in at a place stands before it."""
        return place + self._grown[bisect_right(self._ends, place)]

    @property
    def grown(self) -> int:
        """By how many bytes the file grows."""
        return self._grown[-1]

    def write(self, source: BinaryIO, target: BinaryIO) -> None:
        """Write the whole source with its splices.

        Raises:
            MarkingError: the source ends before a splice does.
        """
        length = size_of(source)
        source.seek(0)
        place = 0
        for one in self.splices:
            copy(source, target, one.start - place)
            target.write(one.new)
            place = one.end
            source.seek(place)
        copy(source, target, length - place)


def size_of(source: BinaryIO) -> int:
    """Bytes of a stream; it stands at its end afterwards."""
    return source.seek(0, 2)


def names_label(name: str, text: str) -> bool:
    """Whether a field is the label's: it is called AIGC, or its name holds AIGC (Annex E, a) and it holds a label."""
    plain = name.strip("\x00 ").upper()
    return plain == KEY or (KEY in plain and parse(text) is not None)
