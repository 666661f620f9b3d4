# SPDX-License-Identifier: Apache-2.0
"""The index of a list of terms: an automaton over their views (e), and what a text may end with to go on to a match.

The same automaton looks for what shows terms in other views (`triggers`), so that one pass over a text tells both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guiju.detect.automaton import automaton
from guiju.detect.entry import Boundary, Entry
from guiju.detect.forms import Form, Reading, form, normal, read, waits
from guiju.detect.nearby import Nearby, looked_for
from guiju.detect.table import BARRIER, DOT, HARD, SOFT, fold
from guiju.detect.views import collapse
from guiju.terms import Finding

_NO_GAPS: Final = {ord(gap): None for gap in (SOFT, DOT, HARD)}


class Terms:
    """Entries, those with the same view (e) as one pattern.

    Args:
        entries: terms in force.

    Attributes:
        views: view (e) of each pattern's terms.
        longest: characters of the longest of them.
        held: what a text's view (e) may end with so that more text could complete a term, or settle one.
        contextual: patterns of terms that have context words.

    Raises:
        ValueError: a term holds nothing that can be matched, or one character too often.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
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
        self.views = list(grouped)
        self._entries = [tuple(group) for group in grouped.values()]
        self.contextual = frozenset(n for n, group in enumerate(self._entries) if any(e.context for e in group))

    def entries(self, pattern: int) -> tuple[Entry, ...]:
        """The entries of a pattern."""
        return self._entries[pattern]

    def alone(self, pattern: int) -> bool:
        """Whether a pattern belongs to one entry only."""
        return len(self._entries[pattern]) == 1

    def squeezed(self, pattern: int) -> str:
        """The folded term of a pattern without separators, as the first of its entries spells it."""
        return fold(self._entries[pattern][0].term).translate(_NO_GAPS)


class Index:
    """Terms, ready to be looked for.

    Args:
        terms: the terms.
        beside: what else is looked for in a view (e), none of it the view (e) of a term.

    Attributes:
        views, longest, held, contextual, entries, alone: see `Terms`.
        every: every place of every view (e), and of what stands beside, in a view (e): pattern, start, end; what stands
            beside is numbered after the views.
    """

    def __init__(self, terms: Terms, beside: Sequence[str] = ()) -> None:
        self.views, self.longest, self.held, self.contextual = terms.views, terms.longest, terms.held, terms.contextual
        self.entries, self.alone, self.squeezed = terms.entries, terms.alone, terms.squeezed
        self.every = automaton([*terms.views, *beside])
        self._size = len(terms.views)
        self._forms: dict[tuple[str, Boundary], Form] = {}
        contexts = {entry.context for pattern in terms.contextual for entry in terms.entries(pattern) if entry.context}
        self._contexts = {context: looked_for(context) for context in contexts}

    def matches(self, view: str) -> list[tuple[int, int, int]]:
        """Every place of every view (e) of a term in a view (e): pattern, start, end."""
        found = self.every(view)
        return self.terms(found) if found else found

    def terms(self, found: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """Of what `every` found, what is a term's."""
        size = self._size
        return [one for one in found if one[0] < size]

    def readings(
        self,
        pattern: int,
        text: str,
        spans: Sequence[tuple[int, int]],
        left: str,
        last: bool,
        strict: bool = False,
        near: Nearby | None = None,
    ) -> list[tuple[Entry, Reading]]:
        """Entries of a pattern that the place of a match reads as (`forms.read`), and whose context stands close by.

        Args:
            pattern: which one matched.
            text, spans, last, strict: see `forms.read`.
            left: the folded characters before the text.
            near: what is known of context words in this text, and is told when an answer is open.
        """
        out = []
        for entry in self.entries(pattern):
            key = entry.term, entry.boundary
            shape = self._forms.get(key)
            if shape is None:
                shape = self._forms[key] = form(*key)
            if (not strict or shape.edges) and (reading := read(shape, text, spans, left[-1:], last, strict)):
                if entry.context:
                    near = near or Nearby(text, left, last)
                    if not near.stands(self._contexts[entry.context], *reading[:2]):
                        continue
                out.append((entry, reading))
        return out


def finding(entry: Entry, field: str, start: int, end: int, view: str) -> Finding:
    """A finding of an entry."""
    return Finding("words", entry.category, entry.severity, entry.id, field, start, end, view)
