# SPDX-License-Identifier: Apache-2.0
"""A text that was derived from another, and which characters of that each of its own comes from (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guiju.detect.table import NEAR, lengths

Places = NDArray[np.int32]
Span = tuple[int, int]
TIMES: Final = 12
MORE: Final = 1 << 20
"""Derived text is at most TIMES the input and MORE characters (DESIGN §4)."""


class Derived:
    """A derived text.

    Args:
        text: as a detector reads it.
        start, end: of each of its characters, where what it was made of lies in the raw text.
        view: how it was derived, such as `decoded>reversed`; `""` is the raw text itself.

    Attributes:
        sketch, found: its sketch and what stands in that, once somebody has looked.
    """

    __slots__ = ("end", "found", "sketch", "start", "text", "view")

    def __init__(self, text: str, start: Places, end: Places, view: str = "") -> None:
        self.text, self.start, self.end, self.view = text, start, end, view
        self.sketch = ""
        self.found: Sequence[tuple[int, int, int]] | None = None

    def place(self, start: int, end: int) -> Span:
        """Where a stretch of it lies in the raw text."""
        return int(self.start[start:end].min()), int(self.end[start:end].max())

    def named(self, view: str) -> str:
        """The name of what is derived from it; the same view twice in a row is named once."""
        if self.view == view or self.view.endswith(f">{view}"):
            return self.view
        return f"{self.view}>{view}" if self.view else view

    def turned(self, view: str) -> Derived:
        """It in reverse order."""
        return Derived(self.text[::-1], self.start[::-1], self.end[::-1], self.named(view))

    def picked(self, order: Sequence[int], view: str) -> Derived:
        """Some of its characters, in another order."""
        at = np.array(order, np.int32)
        return Derived("".join([self.text[i] for i in order]), self.start[at], self.end[at], self.named(view))

    def spelt(self, text: str, view: str) -> Derived:
        """Another text with a character for each of its own."""
        return Derived(text, self.start, self.end, self.named(view))

    def changed(self, changes: Sequence[Change], view: str) -> Derived:
        """It with stretches replaced.

        Args:
            changes: in their order, none over another.
            view: what the result is called.
        """
        texts: list[str] = []
        first: list[int] = []
        last: list[int] = []
        at = 0
        for change in changes:
            texts += (self.text[at : change.start], change.text)
            first += range(at, change.start)
            last += range(at, change.start)
            begins, lasts = change.edges()
            first += begins
            last += lasts
            at = change.end
        rest = range(at, len(self.text))
        texts.append(self.text[at:])
        first += rest
        last += rest
        one, other = np.array(first, np.int32), np.array(last, np.int32)
        starts = np.minimum(self.start[one], self.start[other])  # where it is turned round, the last comes first
        ends = np.maximum(self.end[one], self.end[other])
        return Derived("".join(texts), starts, ends, self.named(view))


class Change:
    """A stretch of a text, and what it reads as.

    Args:
        start, end: the stretch.
        text: what it reads as.
        each: where each character of that comes from, within the same text: spans, or a row of starts and one of ends;
            none is the whole stretch.
    """

    __slots__ = ("_each", "end", "start", "text")

    def __init__(self, start: int, end: int, text: str, each: Sequence[Span] | Places | None = None) -> None:
        self.start, self.end, self.text, self._each = start, end, text, each

    def edges(self) -> tuple[list[int], list[int]]:
        """For each character where it begins, and its last place."""
        if self._each is None:
            return [self.start] * len(self.text), [self.end - 1] * len(self.text)
        if isinstance(self._each, np.ndarray):
            starts, ends = self._each
            return starts.tolist(), (ends - 1).tolist()
        return [start for start, _ in self._each], [end - 1 for _, end in self._each]


def raw(text: str) -> Derived:
    """A text that is not derived from any."""
    places = np.arange(len(text), dtype=np.int32)
    return Derived(text, places, places + 1)


def _sizes() -> NDArray[np.uint8]:
    near = [1 if value.__class__ is int else 0 if value is None else len(str(value)) for value in NEAR[:0x10000]]
    made = np.array(near, np.uint8)
    made[0xD800:0xE000] = _UNKNOWN  # halves of characters beyond the first plane
    return made


_UNKNOWN: Final = 255
_SIZES: Final = _sizes()
"""Code unit → how many characters it folds to."""


def origins(text: str) -> Sequence[int]:
    """For each character of a text as it folds, the raw one that it comes from."""
    sizes = _SIZES.take(np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16))
    if (sizes == 1).all():
        return range(len(text))
    if (sizes == _UNKNOWN).any():
        sizes = np.array(lengths(text), np.uint8)
    made: Sequence[int] = np.repeat(np.arange(len(text)), sizes).tolist()
    return made


def in_order(changes: Sequence[Change]) -> list[Change]:
    """Changes that do not lie over one another, those that begin first and are longest before others."""
    made: list[Change] = []
    for change in sorted(changes, key=lambda one: (one.start, -one.end)):
        if not made or change.start >= made[-1].end:
            made.append(change)
    return made


class Budget:
    """How much text may still be derived from one.

    Args:
        text: the text.

    Attributes:
        spent: whether more was asked for than there was; what was derived then is not looked at.
    """

    __slots__ = ("_left", "spent")

    def __init__(self, text: str) -> None:
        self._left = TIMES * len(text) + MORE
        self.spent = False

    def take(self, derived: Derived) -> bool:
        """Whether a derived text may be looked at."""
        self._left -= len(derived.text)
        self.spent = self.spent or self._left < 0
        return self._left >= 0


def windows(size: int, most: int, again: int) -> list[Span]:
    """Stretches of a long text, each of which sees again what stands at the end of the one before."""
    if size <= most:
        return [(0, size)]
    starts = list(range(0, size - again, most - again))
    return [*((a, a + most) for a, _ in pairwise(starts)), (starts[-1], size)]
