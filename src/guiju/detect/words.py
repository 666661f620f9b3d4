# SPDX-License-Identifier: Apache-2.0
"""Words: a list of 10 to 100,000 terms looked for in linear time, whole or while a text streams (Articles 4 and 15).

One automaton runs over view (e) of the text (`views`); each match is read again by the rules of `forms`. `Scan` is the
one road: a whole text is a scan of one piece. What could still grow into a match is held; the rest is let go. What a
whole text reads as in the views (f) to (k) is looked at by `deep`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Generator, Sequence
from itertools import accumulate
from typing import Final

import msgspec
import numpy as np

from guiju.detect.deep import Deep
from guiju.detect.entry import Entry
from guiju.detect.index import Index, Terms, finding
from guiju.detect.many import Flags, Many, Views
from guiju.detect.scan import Scan
from guiju.detect.shows import Shows
from guiju.detect.sketch import sketch
from guiju.detect.table import BARRIER, SOFT, fold
from guiju.detect.triggers import signs_of
from guiju.detect.views import OVERRIDES, PIECE, collapse, tokens, visual
from guiju.terms import Finding, Text

_AT_ONCE: Final = 4096
"""Characters that are looked at without a stop when nothing in them matches."""
_TURNS: Final = 8
_TURN: Final = 256
"""How many of the last things said are read together in the views of `deep`, and characters of each."""


class Look(msgspec.Struct, frozen=True):
    """What was found in one text, and what is needed to look over its borders. Findings name no field yet."""

    findings: tuple[Finding, ...]
    head: str
    tail: str
    whole: bool


class Passage(msgspec.Struct, frozen=True):
    """Leaves that a reader sees as one text: fields, where each begins in it, whether it stands beside what is said."""

    text: str
    fields: tuple[str, ...]
    starts: tuple[int, ...]
    aside: bool

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
            group[0].aside,
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
        terms = Terms(entries)
        shows = Shows(terms)
        self.index = Index(terms, shows.beside)
        self.deep = Deep(self.index, shows)
        self.edge = 2 * self.index.longest + 64

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts that stand one after the other; what is cut over several of them is found as well."""
        groups = passages(texts)
        return self.gather(groups, [self.look(group.text) for group in groups])

    def gather(self, groups: Sequence[Passage], looks: Sequence[Look]) -> list[Finding]:
        """Put findings into their leaves, and add those over the borders of texts, and of what is said alone."""
        both = list(zip(groups, looks, strict=True))
        out = [group.place(f) for group, look in both for f in look.findings]
        out += self.edges(looks, [group.fields[0] for group in groups])
        said = [(group, look) for group, look in both if not group.aside]
        out += self._over_turns([group for group, _ in said], {f.rule for f in out})
        if len(said) == len(both):
            return out
        told = {f.rule for f in out}
        found = self.edges([look for _, look in said], [group.fields[0] for group, _ in said])
        return out + [f for f in found if f.rule not in told]

    def _over_turns(self, said: Sequence[Passage], told: Collection[str]) -> list[Finding]:
        """What the last short things said hold together in the views of `deep`, and none of them alone."""
        last: list[Passage] = []
        for group in reversed(said[-_TURNS:]):
            if len(group.text) > _TURN:
                break
            last.insert(0, group)
        if len(last) < 2:
            return []
        ends = list(accumulate(len(group.text) for group in last))
        out = []
        for f in self.deep.find("".join(group.text for group in last)):
            first = bisect_right(ends, f.start)
            if first != bisect_right(ends, f.end - 1) and f.rule not in told:
                out.append(_moved(f, last[first].fields[0], 0, 0))
        return out

    def clear(self, texts: Sequence[Text]) -> bool:
        """Whether there is nothing in texts of at most 4,096 characters together, in each alone and over all borders.

        One pass over all of them, nearly always enough; false says only that a closer look is needed. What a border
        could hide, a separator or a letter more, does not hide a term on one side of it.
        """
        joined = "".join([text.text for text in texts])
        if len(joined) > _AT_ONCE or not self.plain(joined):
            return False
        said = [text.text for text in texts if not text.aside]
        return len(said) == len(texts) or not self.index.matches(sketch("".join(said)))

    def look(self, text: str) -> Look:
        """Look at one text alone."""
        if len(text) <= _AT_ONCE and self.plain(text):  # by far the most common case
            return self._unmatched(text)
        steps = self.look_slices(text)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                look: Look = done.value
                return look

    def plain(self, text: str, view: str = "") -> bool:
        """Whether one pass over a text, and one over its sounds, show that there is nothing in it.

        Args:
            text: of any length, read as one.
            view: its sketch, where there is one already.
        """
        if _turns(text):
            return False
        view = view or sketch(text)
        found = self.index.every(view)
        return not (found and self.index.terms(found)) and self.deep.quiet(text, view, found)

    def doubtful(self, many: Many, views: Views) -> Flags:
        """Which of many texts must be asked alone whether there is nothing in them (`plain`): there is nothing in the
        others."""
        triggers = self.deep.triggers
        shown = signs_of(many)
        made = views.strange | shown.closer
        made[triggers.said_of(views)] = True
        for at, found in views.found(self.index.every(views.text)).items():
            made[at] |= bool(self.index.terms(found) or triggers.shapes(views.of(at), found))
        leet = np.flatnonzero(shown.leet & ~made).tolist()
        for at in triggers.lettered_of([many.texts[at] for at in leet], [views.of(at) for at in leet]):
            made[leet[at]] = True
        return made

    def _unmatched(self, text: str) -> Look:
        """The look of a text that holds nothing; only its ends are folded."""
        size = self.edge
        if len(text) > 4 * size:
            head, tail = fold(text[: 2 * size]), fold(text[-2 * size :])
            if len(head) > size and len(tail) > size:
                return Look((), head[:size], tail[-size:], whole=False)
        folded = fold(text)
        return Look((), folded[:size], folded[-size:], len(folded) <= size)

    def look_slices(self, text: str) -> Generator[None, None, Look]:
        """Look at one text alone, and stop for breath after every slice of at most half a millisecond."""
        if len(text) <= PIECE:
            scan = Scan(self.index)
            findings = scan.step(text, last=True)[1]
            size, folded = self.edge, scan.seen
            if _turns(text):
                findings = findings + (yield from self._undone(text))
            findings = findings + (yield from self.deep.find_slices(text, findings))
            return Look(tuple(findings), folded[:size], folded[-size:], len(folded) <= size)
        scan, findings, head, tail, whole = Scan(self.index), [], "", "", True
        for i in range(0, len(text), PIECE):
            if i:
                yield
            before = len(scan.folded)
            findings += scan.step(text[i : i + PIECE], last=i + PIECE >= len(text))[1]
            fresh = scan.seen[before:]
            whole = whole and len(head) + len(fresh) <= self.edge
            head = head if len(head) == self.edge else (head + fresh)[: self.edge]
            tail = (tail + fresh)[-self.edge :]
        if _turns(text):
            findings += yield from self._undone(text)
        findings += yield from self.deep.find_slices(text, findings)
        return Look(tuple(findings), head, tail, whole)

    def _undone(self, text: str) -> Generator[None, None, list[Finding]]:
        """Look at the order in which the text is seen, where overrides turn it round."""
        scan, out = Scan(self.index), []
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
        parts = [look.head if look.whole else look.head + BARRIER + look.tail for look in looks]
        if not looks[0].whole:
            parts[0] = looks[0].tail
        parts[-1] = looks[-1].head
        # A separator more is dropped in view (e), so where this finds nothing, nothing is found with one either.
        if not self.index.matches(collapse("".join(parts))):
            return []
        return self._over(parts, fields, "") or self._over(parts, fields, SOFT)

    def _over(self, parts: Sequence[str], fields: Sequence[str], between: str) -> list[Finding]:
        """Look over borders, read with something or nothing between the texts."""
        text = between.join(parts)
        found = self.index.matches(collapse(text))
        ends = list(accumulate(len(part) + len(between) for part in parts))
        spans, out, told = tokens(text), [], set()
        for pattern, a, b in found:
            first = bisect_right(ends, spans[a][0])
            if first == bisect_right(ends, spans[b - 1][1] - 1):
                continue
            for entry, (start, end, view) in self.index.readings(pattern, text, spans[a:b], "", last=True, strict=True):
                first = bisect_right(ends, start)
                if first != bisect_right(ends, end - 1) and entry.id not in told:
                    told.add(entry.id)
                    out.append(finding(entry, fields[first] if fields else "", 0, 0, view))
        return out


def _unturned(f: Finding, order: list[range], ends: list[int]) -> Finding:
    """A finding in the order seen, with offsets into the text as it is stored."""
    places: list[int] = []
    i = bisect_right(ends, f.start) - 1
    while i < len(order) and ends[i] < f.end:
        places += order[i][max(f.start - ends[i], 0) : f.end - ends[i]]
        i += 1
    return _moved(f, "", min(places), max(places) + 1, "bidi")


def _turns(text: str) -> bool:
    return OVERRIDES[0] in text or OVERRIDES[1] in text


def _moved(f: Finding, field: str, start: int, end: int, view: str = "") -> Finding:
    return Finding(f.detector, f.category, f.severity, f.rule, field, start, end, view or f.view)
