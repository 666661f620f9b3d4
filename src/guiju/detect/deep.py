# SPDX-License-Identifier: Apache-2.0
"""Words in the views that need a whole sentence: (f) to (k) of DESIGN §4 (Articles 4 and 15).

A text that shows a sign of such a view (`triggers`) is read in it, and the plain index looks at what it reads as: so
separators, word borders and context hold there as they do in the text itself. What is found has its place in the raw
text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Final

from guiju.detect import decoded
from guiju.detect.derived import Budget, Derived, raw, windows
from guiju.detect.forms import COMPOUND
from guiju.detect.index import Index
from guiju.detect.readings import Readings
from guiju.detect.scan import Scan
from guiju.detect.shows import HAN, LATIN, ROT13, SAID, Shows
from guiju.detect.sketch import sketch
from guiju.detect.table import fold
from guiju.detect.triggers import Found, Shown, Signs, Triggers, narrow, signs
from guiju.detect.views import OVERRIDES, is_word, visual
from guiju.terms import Finding

WINDOW: Final = 1024
AGAIN: Final = 256
"""Characters of a long text that are read at once, and how many of them are read again with the next."""
_REPEATS: Final = 16


class Deep:
    """Looks for the terms of an index in the views that need a whole sentence.

    Args:
        index: the terms, for plain text.
        shows: what shows them in these views.

    Attributes:
        triggers: what tells whether they could be there.
    """

    def __init__(self, index: Index, shows: Shows) -> None:
        self._index = index
        self.triggers = Triggers(index, shows)
        self._readings = Readings(index, self.triggers)
        self._sizes: dict[str, tuple[int, bool]] = {}

    def quiet(self, text: str, view: str = "", found: Found | None = None) -> bool:
        """Whether a text plainly holds no term in any of these views.

        Args:
            text: the raw text.
            view: its sketch, where there is one already.
            found: what the index found in that.
        """
        text, shows = _signed(text)
        if shows.coded or shows.hidden:
            return False
        view = view or sketch(text)
        return self.triggers.quiet(text, view, self._index.every(view) if found is None else found, shows)

    def find(self, text: str) -> list[Finding]:
        """Find in one text, whatever does not stand in it plainly."""
        if len(text) <= WINDOW and self.quiet(text):
            return []
        steps = self.find_slices(text)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                found: list[Finding] = done.value
                return found

    def find_slices(self, text: str, known: Sequence[Finding] = ()) -> Generator[None, None, list[Finding]]:
        """Find in one text, and stop for breath between its parts.

        Args:
            text: the text.
            known: what was found in it already.
        """
        gathered = _Gathered()
        gathered.plain(known)
        budget = Budget(text)
        for number, (start, end) in enumerate(windows(len(text), WINDOW, AGAIN)):
            if number:
                yield
            part = text[start:end]
            read, shows = _signed(part)
            view, found = "", None
            if not (shows.coded or shows.hidden):
                view = sketch(read)
                found = self._index.every(view)
                if self.triggers.quiet(read, view, found, shows):
                    continue
            gathered.begin(start)
            whole = raw(read)
            whole.sketch, whole.found = view, found
            for derived in self._derived(whole, shows):
                if not budget.take(derived):
                    break
                if self._index.terms(self._found(derived)):
                    for one in Scan(self._index).step(derived.text, last=True)[1]:
                        if weighed := self._weighed(one, derived):
                            if not gathered.begun:
                                gathered.plain(Scan(self._index).step(part, last=True)[1])
                            gathered.take(weighed)
                yield
            if budget.spent:
                gathered.found.append(Finding("words", "not_checkable", "block", "", "", start, len(text), "raw"))
                break
        return gathered.found

    # ------------------------------------------------------------------ what a text reads as
    def _found(self, of: Derived) -> Found:
        """What stands in the sketch of a derived text, looked for once."""
        if of.found is None:
            of.sketch = sketch(of.text)
            of.found = self._index.every(of.sketch)
        return of.found

    def _shown(self, of: Derived, shows: Signs | None = None) -> Shown:
        """What a derived text shows."""
        return self.triggers.shown(of.text, of.sketch, self._found(of), shows)

    def _derived(self, whole: Derived, shows: Signs) -> Iterator[Derived]:
        """All that a text with these signs reads as."""
        bases = [whole]
        if shows.hidden and (carried := decoded.hidden(whole)):
            yield carried
            yield from _undone(carried)
            bases.append(carried)
        for base in bases:
            last = base
            if base is not whole or shows.coded:
                for last in decoded.levels(base):
                    yield last
                    yield from _undone(last)
            yield from self._orders(base, shows if base is whole else None)
            if last is not base:
                if signs(last.text).hidden and (carried := decoded.hidden(last)):
                    yield carried
                yield from self._orders(last)

    def _orders(self, of: Derived, shows: Signs | None = None) -> Iterator[Derived]:
        """What a text reads as where characters, sounds or their order are changed."""
        shown = self._shown(of, shows)
        read = [(of, shown)]
        if joined := self._readings.joined(of, shown):
            yield joined
            read.append((joined, self._shown(joined)))
        for one, shown in read:
            yield from self._letters(one, shown)
            if shown.has("reversed"):
                yield (turned := one.turned("reversed"))
                yield from self._letters(turned, self._shown(turned))
            if shown.has("rot13") or shown.has("rot13 reversed"):
                yield (rotated := one.spelt(one.text.translate(ROT13), "rot13"))
                if shown.has("rot13 reversed"):
                    yield rotated.turned("reversed")

    def _letters(self, of: Derived, shown: Shown) -> Iterator[Derived]:
        """What a text reads as where single characters stand for others."""
        at = of
        if changes := self._readings.pinyin(of.text, shown):
            yield (at := of.changed(changes, "pinyin"))
            shown = self._shown(at)
        if changes := self._readings.leet(at.text, shown):
            yield at.changed(changes, "leet")

    # ------------------------------------------------------------------ what it weighs
    def _weighed(self, found: Finding, derived: Derived) -> Finding | None:
        """A finding in a derived text with its place in the raw one; one that only signals where the term is short
        for its view, none where it is too short."""
        size, latin = self._size(found.rule) if found.rule else (SAID + 2, False)
        severity = found.severity
        views = derived.view.split(">")
        if "reversed" in views or "rot13" in views:
            least = LATIN if latin else HAN
            if size < least:
                return None
            within = latin and size < COMPOUND and _within(derived.text, found)
            severity = "signal" if size == least or within else severity
        if "pinyin" in views and not latin and size < SAID + ("reversed" in views):
            severity = "signal"
        if size < 2 or (size == 2 and "rejoined~" in views):
            severity = "signal"
        view = derived.view.replace("~", "")
        return Finding(
            found.detector, found.category, severity, found.rule, "", *derived.place(found.start, found.end), view
        )

    def _size(self, rule: str) -> tuple[int, bool]:
        """How long an entry's view (e) is, and whether it is Latin."""
        if not self._sizes:
            self._sizes = {
                entry.id: (len(view), view.isascii())
                for pattern, view in enumerate(self._index.views)
                for entry in self._index.entries(pattern)
            }
        return self._sizes[rule]


def _signed(text: str) -> tuple[str, Signs]:
    """A text with what it shows; with full-width letters it is the narrow reading of them that shows it."""
    shows = signs(text)
    if shows.wide:
        text = narrow(text)
        shows = signs(text)
    return text, shows


def _within(text: str, found: Finding) -> bool:
    """Whether a place stands inside a word: letters in another order say many a short term by chance there."""
    return any(is_word(fold(one)[:1]) for one in (text[found.start - 1 : found.start], text[found.end : found.end + 1]))


def _undone(of: Derived) -> Iterator[Derived]:
    """The order in which a derived text is seen, where overrides turn it round."""
    if any(mark in of.text for mark in OVERRIDES):
        yield of.picked([i for ranges in visual(of.text) for one in ranges for i in one], "bidi")


class _Gathered:
    """Findings of one text, each place once.

    Attributes:
        at: where the window lies that findings come from.
        begun: whether what stands in the window itself is known.
        found: what was found beside plain text.
    """

    def __init__(self) -> None:
        self.at = 0
        self.begun = False
        self.found: list[Finding] = []
        self._places: dict[str, list[tuple[int, int]]] = {}

    def begin(self, at: int) -> None:
        """Begin a window."""
        self.at, self.begun = at, False

    def plain(self, found: Iterable[Finding]) -> None:
        """What stands in the text itself is told elsewhere."""
        self.begun = True
        for one in found:
            self._places.setdefault(one.rule, []).append((one.start + self.at, one.end + self.at))

    def take(self, one: Finding) -> None:
        """Add a finding of a window."""
        start, end = one.start + self.at, one.end + self.at
        places = self._places.setdefault(one.rule, [])
        if len(places) < _REPEATS and not any(a < end and start < b for a, b in places):
            places.append((start, end))
            self.found.append(Finding(one.detector, one.category, one.severity, one.rule, "", start, end, one.view))
