# SPDX-License-Identifier: Apache-2.0
"""Words: a list of 10 to 100,000 terms looked for in linear time, whole or while a text streams (Articles 4 and 15).

One automaton runs over view (e) of the text (`views`); each match is read again by the rules of `forms`. `Scan` is the
one road: a whole text is a scan of one piece. What could still grow into a match is held; the rest is let go.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from guiju.detect.automaton import Automaton
from guiju.detect.entry import Entry
from guiju.detect.forms import Form, Reading, form, normal, read, waits
from guiju.detect.table import BARRIER, DOT, HARD, SOFT, fold
from guiju.detect.views import EDGE, PIECE, RUN, collapse, is_gap, tokens, visual
from guiju.terms import Finding, Text

LIMIT: Final = 2048
"""Raw characters that may be held; what holds more is not checkable and counts as blocked (robustness §6)."""
_AT_ONCE: Final = 4096
_REPEATS: Final = 16
"""Findings of one entry kept for one text, about; more say nothing new and cost time."""


class Look(msgspec.Struct, frozen=True):
    """What was found in one text, and what is needed to look over its borders. Findings name no field yet."""

    findings: tuple[Finding, ...]
    head: str
    tail: str
    whole: bool


class Passage(msgspec.Struct, frozen=True):
    """Leaves that a reader sees as one text: fields, and where each begins in it."""

    text: str
    fields: tuple[str, ...]
    starts: tuple[int, ...]

    def place(self, finding: Finding) -> Finding:
        """A finding of this text with its leaf's field, and offsets within that leaf."""
        i = bisect_right(self.starts, finding.start) - 1
        start, end = self.starts[i], (*self.starts, len(self.text))[i + 1]
        return _moved(finding, self.fields[i], finding.start - start, min(finding.end, end) - start)


def passages(texts: Sequence[Text]) -> list[Passage]:
    """Put leaves that join into one text each."""
    groups: list[list[Text]] = []
    for text in texts:
        if text.joins and groups:
            groups[-1].append(text)
        else:
            groups.append([text])
    return [
        Passage(
            "".join(t.text for t in group),
            tuple(t.field for t in group),
            tuple(accumulate((len(t.text) for t in group[:-1]), initial=0)),
        )
        for group in groups
    ]


class Words:
    """A detector of terms.

    Args:
        entries: terms in force; expired ones are left out by whoever reads the clock.
        version: names the list in evidence.

    Raises:
        ValueError: a term holds nothing that can be matched, or one character too often.
    """

    id = "words"

    def __init__(self, entries: Sequence[Entry], version: str) -> None:
        self.version = version
        self.size = len(entries)
        grouped: dict[str, list[Entry]] = {}
        held: set[str] = set()
        for entry in entries:
            exact = normal(fold(entry.term))
            view = collapse(exact)
            if not view or BARRIER in view:
                raise ValueError(f"entry {entry.id} can't be matched")
            squeezed = exact.replace(SOFT, "").replace(HARD, "").replace(DOT, "")
            if waits(view, squeezed):
                held.add(view)
            same = grouped.get(view)
            if same is None:
                grouped[view] = [entry]
                for i in range(1, len(view)):
                    held.add(view[:i])
            else:
                same.append(entry)
        self.longest = max(map(len, grouped), default=0)
        self.held = frozenset(held)
        self.edge = 2 * self.longest + 64
        self.matches = Automaton(list(grouped)).matches
        self._entries = [tuple(group) for group in grouped.values()]
        self._forms: dict[str, Form] = {}

    def readings(
        self, pattern: int, text: str, spans: Sequence[tuple[int, int]], left: str, last: bool, strict: bool = False
    ) -> list[tuple[Entry, Reading]]:
        """Entries of a pattern that the place of a match reads as (`forms.read`)."""
        out = []
        for entry in self._entries[pattern]:
            shape = self._forms.get(entry.id)
            if shape is None:
                shape = self._forms[entry.id] = form(entry.term, entry.boundary)
            if (not strict or shape.edges) and (reading := read(shape, text, spans, left, last, strict)):
                out.append((entry, reading))
        return out

    def entries(self, pattern: int) -> int:
        """How many entries share a pattern."""
        return len(self._entries[pattern])

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts that stand one after the other; what is cut over several of them is found as well."""
        groups = passages(texts)
        return self.gather(groups, [self.look(group.text) for group in groups])

    def gather(self, groups: Sequence[Passage], looks: Sequence[Look]) -> list[Finding]:
        """Put findings into their leaves, and add those over the borders of texts."""
        out = [group.place(f) for group, look in zip(groups, looks, strict=True) for f in look.findings]
        return out + self.edges(looks, [group.fields[0] for group in groups])

    def look(self, text: str) -> Look:
        """Look at one text alone."""
        if len(text) <= _AT_ONCE and "\u202e" not in text and "\u202d" not in text:
            folded = fold(text)
            if not self.matches(collapse(folded)):  # by far the most common case
                return Look((), folded[: self.edge], folded[-self.edge :], len(folded) <= self.edge)
        steps = self.look_slices(text)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                look: Look = done.value
                return look

    def look_slices(self, text: str) -> Generator[None, None, Look]:
        """Look at one text alone, and stop for breath after every slice of at most half a millisecond."""
        if len(text) <= PIECE:
            scan = Scan(self)
            findings = scan.step(text, last=True)[1]
            size, folded = self.edge, scan.seen
            if "\u202e" in text or "\u202d" in text:
                findings = findings + (yield from self._undone(text))
            return Look(tuple(findings), folded[:size], folded[-size:], len(folded) <= size)
        scan, findings, head, tail, whole = Scan(self), [], "", "", True
        for i in range(0, len(text), PIECE):
            if i:
                yield
            before = len(scan.folded)
            findings += scan.step(text[i : i + PIECE], last=i + PIECE >= len(text))[1]
            fresh = scan.seen[before:]
            whole = whole and len(head) + len(fresh) <= self.edge
            head = head if len(head) == self.edge else (head + fresh)[: self.edge]
            tail = (tail + fresh)[-self.edge :]
        if "\u202e" in text or "\u202d" in text:
            findings += yield from self._undone(text)
        return Look(tuple(findings), head, tail, whole)

    def _undone(self, text: str) -> Generator[None, None, list[Finding]]:
        """Look at the order in which the text is seen, where overrides turn it round."""
        scan, out = Scan(self), []
        order: list[range] = []
        ends: list[int] = []
        for n, ranges in enumerate(visual(text)):
            if n:
                yield
            order += ranges
            ends += accumulate(map(len, ranges), initial=ends.pop() if ends else 0)
            piece = "".join(text[r.start : r.stop] if r.step > 0 else text[r[-1] : r.start + 1][::-1] for r in ranges)
            out += scan.step(piece)[1]
        out += scan.step("", last=True)[1]
        return [_unturned(f, order, ends) for f in out]

    def edges(self, looks: Sequence[Look], fields: Sequence[str] = ()) -> list[Finding]:
        """Find terms that are cut over two or more texts that stand one after the other.

        Args:
            looks: what was seen in each text.
            fields: the texts' fields; a finding gets that of the first text which it touches, and no offsets.
        """
        if len(looks) < 2:
            return []
        return self._over(looks, fields, "") or self._over(looks, fields, SOFT)

    def _over(self, looks: Sequence[Look], fields: Sequence[str], between: str) -> list[Finding]:
        """Look over borders, read with something or nothing between the texts."""
        parts = [look.head if look.whole else look.head + BARRIER + look.tail for look in looks]
        text = between.join(parts)
        found = self.matches(collapse(text))
        if not found:
            return []
        ends = list(accumulate(len(part) + len(between) for part in parts))
        spans, out, told = tokens(text), [], set()
        for pattern, a, b in found:
            first = bisect_right(ends, spans[a][0])
            if first == bisect_right(ends, spans[b - 1][1] - 1):
                continue
            for entry, (start, end, view) in self.readings(pattern, text, spans[a:b], "", last=True, strict=True):
                first = bisect_right(ends, start)
                if first != bisect_right(ends, end - 1) and entry.id not in told:
                    told.add(entry.id)
                    out.append(_finding(entry, fields[first] if fields else "", 0, 0, view))
        return out


class Scan:
    """Looks at one text piece by piece.

    Attributes:
        raw: the characters that are held, as they came.
        folded: the same, folded.
        seen: the folded text of the last step.
        at: offset of `raw` in the whole text.
    """

    __slots__ = ("_counts", "_full", "_left", "_told", "_words", "at", "folded", "raw", "seen")

    def __init__(self, words: Words) -> None:
        self._words = words
        self._left = ""
        self._told: set[tuple[str, int]] = set()
        self._counts: dict[int, int] = {}
        self._full: set[int] = set()
        self.raw = self.folded = self.seen = ""
        self.at = 0

    def step(self, piece: str, last: bool = False) -> tuple[str, list[Finding]]:
        """Take a piece; give what can no longer become part of a match, and what was found.

        Args:
            piece: text that follows what came before.
            last: nothing follows, so nothing is held.
        """
        words = self._words
        raw = self.raw + piece
        self.seen = folded = self.folded + fold(piece)
        view = collapse(folded)
        matched = words.matches(view)
        found = self._read(matched, raw, folded, last) if matched else []
        size = 0
        if not last:
            held, end = words.held, len(view)
            size = words.longest if words.longest < end else end
            while size and view[end - size :] not in held:
                size -= 1
        if not size:
            self.raw = self.folded = ""
            self.at += len(raw)
            if folded:
                self._left = folded[-1]
            return raw, found
        cut, kept = _back(raw, folded, size)
        self.raw = raw[cut:]
        self.folded = folded[len(folded) - kept :]
        if kept < len(folded):
            self._left = folded[-kept - 1]
        self.at += cut
        if len(raw) - cut > LIMIT:
            found = [
                *found,
                Finding("words", "not_checkable", "block", "", "", self.at, self.at + len(self.raw), "raw"),
            ]
            self.raw = self.folded = ""
            self.at += len(raw) - cut
        return raw[:cut], found

    def _read(self, matched: list[tuple[int, int, int]], raw: str, folded: str, last: bool) -> list[Finding]:
        """Read the places where the automaton matched; map readings to the raw text."""
        words, spans = self._words, tokens(folded)
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
            readings = words.readings(pattern, folded, spans[a:b], self._left, last)
            if not readings and inside:
                refused.add(key)
            for entry, (start, stop, view) in readings:
                self._tell(out, pattern, entry, raw, _raw(raw, folded, start), _raw(raw, folded, stop - 1) + 1, view)
        return out

    def _tell(self, out: list[Finding], pattern: int, entry: Entry, raw: str, start: int, end: int, view: str) -> None:
        """Add a finding, once for a place; a pattern that was found often enough is looked for no more."""
        key = entry.id, self.at + start
        if key in self._told:
            return
        self._told.add(key)
        self._counts[pattern] = self._counts.get(pattern, 0) + 1
        if self._counts[pattern] >= _REPEATS * self._words.entries(pattern):
            self._full.add(pattern)
        view = "raw" if raw[start:end] == entry.term else view
        out.append(_finding(entry, "", self.at + start, self.at + end, view))


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
    kept = count = edge = edge_kept = 0
    char, start, start_kept = "", len(raw), 0
    for i in range(len(raw) - 1, -1, -1):
        part = fold(raw[i])
        kept += len(part)
        for c in reversed(part):
            if is_gap(c):
                continue
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


def _unturned(f: Finding, order: list[range], ends: list[int]) -> Finding:
    """A finding in the order seen, with offsets into the text as it is stored."""
    places: list[int] = []
    i = bisect_right(ends, f.start) - 1
    while i < len(order) and ends[i] < f.end:
        places += order[i][max(f.start - ends[i], 0) : f.end - ends[i]]
        i += 1
    return _moved(f, "", min(places), max(places) + 1, "bidi")


def _finding(entry: Entry, field: str, start: int, end: int, view: str) -> Finding:
    return Finding("words", entry.category, entry.severity, entry.id, field, start, end, view)


def _moved(f: Finding, field: str, start: int, end: int, view: str = "") -> Finding:
    return Finding(f.detector, f.category, f.severity, f.rule, field, start, end, view or f.view)
