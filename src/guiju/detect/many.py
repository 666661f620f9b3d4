# SPDX-License-Identifier: Apache-2.0
"""Many texts looked at at once: put together, so that what looks at each of them is asked once (Article 7).

Nothing is found here. What can't be told of a text among many is asked of the text alone, so that the answer is the
same either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guiju.detect import sketch

Units = NDArray[np.uint16]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]
Match = tuple[int, int, int]
"""What an automaton found: pattern, start and end."""

BEFORE: Final = "\n "
"""What stands before each text, and after the last: nothing that is looked for goes over it, a word may begin at it."""
BORDER: Final = "\ue00f"
"""What stands between the views of texts: it is for private use, and no text keeps it in its view."""


class Many:
    """Some texts, one after the other.

    Args:
        texts: at least one.

    Attributes:
        texts: the texts.
        joined: all of them, BEFORE each and after the last.
        units: the same in UTF-16.
        starts, sizes: unit at which each begins, and how many it has.
        index: the units, as numpy likes to have what it takes by.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.joined = BEFORE + BEFORE.join(texts) + BEFORE
        self.units: Units = np.frombuffer(self.joined.encode("utf-16-le", "surrogatepass"), np.uint16)
        sizes = [len(text) for text in texts]
        self._chars = np.array(sizes, np.intp)
        if len(self.units) != len(self.joined):
            sizes = [len(text.encode("utf-16-le", "surrogatepass")) // 2 for text in texts]
        self.sizes: Places = np.array(sizes, np.intp)
        self.starts = _starts(self.sizes)
        self.index: Places = self.units.astype(np.intp)

    def none(self) -> Flags:
        """No text."""
        return np.zeros(len(self.texts), np.bool_)

    def having(self, places: Places) -> Places:
        """Which text each of some units stands in."""
        return np.searchsorted(self.starts, places + len(BEFORE), "right") - 1

    def whose(self, places: Places) -> list[int]:
        """The texts in which units stand, each once."""
        texts: list[int] = np.unique(self.having(places)).tolist() if len(places) else []
        return texts

    def with_any(self, units: Flags) -> Flags:
        """Which texts hold one of some units; of the last three nothing needs to be said."""
        return np.logical_or.reduceat(units, self.starts - len(BEFORE)) if units.any() else self.none()

    def sums(self, units: Flags) -> Places:
        """How many of some units each text holds."""
        return np.add.reduceat(units, self.starts - len(BEFORE), dtype=np.intp)

    @cached_property
    def lowered(self) -> tuple[str, Places] | None:
        """All texts in lower case, and where each begins in it; none where a letter became two."""
        lower = self.joined.lower()
        return (lower, _starts(self._chars)) if len(lower) == len(self.joined) else None


def grouped(texts: Sequence[str], most: int) -> Iterator[list[str]]:
    """Texts in their order, of at most so many characters together, but for one that is longer: it comes alone."""
    group: list[str] = []
    size = 0
    for text in texts:
        if group and size + len(text) > most:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group


def _starts(sizes: Places) -> Places:
    """Where texts begin, BEFORE each of them."""
    starts = np.empty(len(sizes), np.intp)
    starts[0] = 0
    np.cumsum(sizes[:-1] + len(BEFORE), out=starts[1:])
    return starts + len(BEFORE)


def which(matches: Sequence[Match], starts: Places) -> list[int]:
    """Which text each match stands in, where texts begin at some places; what stands before the first is its own."""
    if not matches:
        return []
    found: list[int] = (np.searchsorted(starts[1:], [start for _, start, _ in matches], "right")).tolist()
    return found


class Views:
    """The views (e) of many texts, as `sketch` makes them.

    Args:
        of: the texts.

    Attributes:
        text: all of them, BORDER before each and after the last.
        starts, ends: where the view of each stands in it.
        strange: texts whose view must be made of them alone.
    """

    def __init__(self, of: Many) -> None:
        units = sketch.TABLE.take(of.index)
        strange = (units == sketch.CLOSER) | (units == ord(BORDER))
        self.strange = of.none()
        if strange.any():
            self.strange = of.with_any(strange)
            units[strange] = 0
        units[of.starts - 1] = ord(BORDER)
        units[-1] = ord(BORDER)
        units = units[units != 0]
        fresh = np.empty(len(units), np.bool_)
        fresh[0] = True
        np.not_equal(units[1:], units[:-1], out=fresh[1:])
        fresh |= units == ord(BORDER)  # a text may have nothing between two of them
        self.units = units[fresh]
        borders = np.flatnonzero(self.units == ord(BORDER))
        self.text = self.units.tobytes().decode("utf-16-le")
        self.starts, self.ends = borders[:-1] + 1, borders[1:]

    def found(self, matches: Sequence[Match]) -> dict[int, list[Match]]:
        """What an automaton found in all of them, by text and with places in its own view."""
        made: dict[int, list[Match]] = {}
        firsts = self.starts.tolist()
        for at, (pattern, start, end) in zip(which(matches, self.starts), matches, strict=True):
            made.setdefault(at, []).append((pattern, start - firsts[at], end - firsts[at]))
        return made

    def of(self, at: int) -> str:
        """The view of one text."""
        start, end = int(self.starts[at]), int(self.ends[at])
        view: str = self.text[start:end]
        return view
