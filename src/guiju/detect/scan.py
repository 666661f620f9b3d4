# SPDX-License-Identifier: Apache-2.0
"""The one road by which text is looked at: piece by piece; a whole text is a scan of one piece (Articles 4 and 15).

What could still grow into a match is held, the rest is let go; where a text is cut never changes what is found in it.
"""

from __future__ import annotations

from typing import ClassVar, Final

from guiju.detect.entry import Entry
from guiju.detect.index import Index, finding
from guiju.detect.nearby import AROUND, Nearby
from guiju.detect.sketch import sketch
from guiju.detect.table import HARD, fold
from guiju.detect.views import EDGE, GAP, RUN, collapse, is_gap, tokens
from guiju.terms import Finding

LIMIT: Final = 2048
"""Raw characters that may be held; what holds more is not checkable and counts as blocked (robustness §6)."""
_REPEATS: Final = 16
"""Findings of one entry kept for one text; more say nothing new and cost time."""


class Scan:
    """Looks at one text piece by piece.

    Attributes:
        raw: the characters that are held, as they came.
        folded: the same, folded.
        seen: the folded text of the last step.
        at: offset of `raw` in the whole text.
        skimmed: characters from which a piece is skimmed.
        edge: how many more than twice the longest term are looked at closely at the end of one.
    """

    skimmed: ClassVar[int] = 256
    edge: ClassVar[int] = 64
    __slots__ = ("_before", "_counts", "_full", "_index", "_left", "_told", "at", "folded", "raw", "seen")

    def __init__(self, index: Index) -> None:
        self._index = index
        self._left = ""
        self._before = AROUND + 1 if index.contextual else 1  # characters of what was let go that still count
        self._told: set[tuple[str, int]] = set()
        self._counts: dict[str, int] = {}
        self._full: set[int] = set()
        self.raw = self.folded = self.seen = ""
        self.at = 0

    def step(self, piece: str, last: bool = False) -> tuple[str, list[Finding]]:
        """Take a piece; give what can no longer become part of a match, and what was found.

        Args:
            piece: text that follows what came before.
            last: nothing follows, so nothing is held.
        """
        raw = self.raw + piece
        if not raw:
            self.seen = ""
            return "", []
        self.seen = folded = self.folded + fold(piece)
        view = collapse(folded)
        matched = self._index.matches(view)
        found, open_ = self._read(matched, raw, folded, last) if matched else ([], len(view))
        size = 0 if last else max(self._held(view), len(view) - open_)
        return self._let_go(raw, folded, size, found)

    def skim(self, piece: str, last: bool = False) -> str | None:
        """Take a long piece that plainly holds no term: what `step` would give of it, or none if only `step` can tell.

        Then nothing but its end matters: what it may go on to.
        """
        if len(piece) < self.skimmed:
            return None
        index, raw = self._index, self.raw + piece
        before = len(raw) - 2 * index.longest - self.edge
        if before <= 0 or index.matches(sketch(raw)):
            return None
        if last:
            self.at += len(raw)
            self.raw = self.folded = ""
            return raw
        end = raw[before:]
        folded = fold(end)
        view = collapse(folded)
        if len(view) < index.longest + 2:  # its first character may be cut
            return None
        if self._before > 1:
            first = max(before - 4 * self._before, 0)
            gone = fold(raw[first:before])
            if first and len(gone) < self._before:
                return None
            self._left = (self._left + gone)[-self._before :]
        self.at += before
        return raw[:before] + self._let_go(end, folded, self._held(view), [])[0]

    def _held(self, view: str) -> int:
        """How many characters at the end of a view (e) could go on to a match."""
        held, end = self._index.held, len(view)
        size = min(self._index.longest, end)
        while size and view[end - size :] not in held:
            size -= 1
        return size

    def _let_go(self, raw: str, folded: str, size: int, found: list[Finding]) -> tuple[str, list[Finding]]:
        """Keep the last `size` characters of view (e), and give the rest."""
        if not size:
            self.raw = self.folded = ""
            self.at += len(raw)
            if folded:
                self._left = (self._left + folded)[-self._before :]
            return raw, found
        cut, kept = _back(raw, folded, size)
        self.raw = raw[cut:]
        self.folded = folded[len(folded) - kept :]
        if kept < len(folded):
            self._left = (self._left + folded[:-kept])[-self._before :]
        self.at += cut
        if len(raw) - cut > LIMIT:
            found = [
                *found,
                Finding("words", "not_checkable", "block", "", "", self.at, self.at + len(self.raw), "raw"),
            ]
            self.raw = self.folded = ""
            self.at += len(raw) - cut
            return raw, found
        return raw[:cut], found

    def _read(
        self, matched: list[tuple[int, int, int]], raw: str, folded: str, last: bool
    ) -> tuple[list[Finding], int]:
        """Read the places where the automaton matched; map readings to the raw text.

        Returns:
            What was found, and the first character of view (e) of what still waits for its context.
        """
        index, spans = self._index, tokens(folded)
        near, open_ = Nearby(folded, self._left, last), len(spans)
        out: list[Finding] = []
        refused: set[tuple[int, str]] = set()
        for pattern, a, b in matched:
            if pattern in self._full:
                continue
            begin, end = spans[a][0], spans[b - 1][1]
            inside = begin and end < len(folded)
            key = pattern, folded[begin - 1 : end + 1] if inside else ""
            if inside and key in refused:
                continue
            near.waits = False
            readings = index.readings(pattern, folded, spans[a:b], self._left, last, near=near)
            if near.waits:
                open_ = min(open_, a)
            if not readings and inside and pattern not in index.contextual:
                refused.add(key)
            for entry, (start, stop, view) in readings:
                if self._counts.get(entry.id, 0) < _REPEATS:
                    place = _raw(raw, folded, start), _raw(raw, folded, stop - 1) + 1
                    self._tell(out, entry, raw, *place, view)
                elif index.alone(pattern):
                    self._full.add(pattern)
        return out, open_

    def _tell(self, out: list[Finding], entry: Entry, raw: str, start: int, end: int, view: str) -> None:
        """Add a finding, once for a place."""
        key = entry.id, self.at + start
        if key not in self._told:
            self._told.add(key)
            self._counts[entry.id] = self._counts.get(entry.id, 0) + 1
            view = "raw" if raw[start:end] == entry.term else view
            out.append(finding(entry, "", self.at + start, self.at + end, view))


def _raw(raw: str, folded: str, place: int) -> int:
    """The raw character that a folded one comes from."""
    if len(raw) == len(folded) and raw.isascii():
        return place
    low, high, before = 0, len(raw), 0  # `before` folded characters come from raw[:low]
    while high - low > 1:
        middle = (low + high) // 2
        size = len(fold(raw[low:middle]))
        if before + size <= place:
            low, before = middle, before + size
        else:
            high = middle
    return low


def _back(raw: str, folded: str, size: int) -> tuple[int, int]:
    """Where the last characters of view (e) begin in the raw text, and how many folded characters lie from there on.

    Args:
        raw: a text whose view (e) ends with what is held.
        folded: the same, folded.
        size: how many characters of view (e) are held, at least one.
    """
    start = end = len(folded)
    char, left = "", size
    for i in range(end - 1, -1, -1):
        c = folded[i]
        if c != char and c > HARD:
            if not left:
                break
            left, char = left - 1, c
        if c == char:
            start = i
    kept = end - start
    if kept < RUN:
        cut = len(raw) - kept
        if cut >= 0 and len(fold(raw[cut:])) == kept:  # one folded character for each raw one: nearly always
            return cut, kept
    return _back_slowly(raw, size)


def _back_slowly(raw: str, size: int) -> tuple[int, int]:
    """The same, character by character; of a long run only what `views.tokens` keeps of it."""
    kept = count = edge = edge_kept = gaps = 0
    char, start, start_kept = "", len(raw), 0
    parts = {one: fold(one) for one in set(raw)}
    for i in range(len(raw) - 1, -1, -1):
        part = parts[raw[i]]
        kept += len(part)
        for c in reversed(part):
            if is_gap(c):
                gaps += 1
                if gaps > GAP:  # what lies before so many separators belongs to no term that goes on behind them
                    return start, start_kept
                continue
            gaps = 0
            if c != char:
                if not size:
                    return start, start_kept
                size, char, count = size - 1, c, 0
            count += 1
            start, start_kept = i, kept
            if not size and count == EDGE:
                edge, edge_kept = i, kept
            if not size and count > RUN:
                return edge, edge_kept
    return start, start_kept
