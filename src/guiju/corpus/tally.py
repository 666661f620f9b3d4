# SPDX-License-Identifier: Apache-2.0
"""Counts of an audit that can be added up, so that each shard has its own and a run can go on where it was cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from guiju.corpus.outcomes import FATES, Outcome, is_illegal
from guiju.corpus.parsed import Row
from guiju.corpus.rows import SECRETS, SENSITIVE, Columns
from guiju.detect.personal.kinds import KINDS

Counts = dict[str, int]
LENGTHS: Final = (20, 100, 500, 1000, 5000, 20000)
"""Characters at which the classes of length begin."""
_REPEATS: Final = 0.85
"""Repetition from which a text is counted as repetitive: natural text stays below 0.75."""
_DENSE: Final = 3.0
"""Marks of advertising for each thousand characters from which a text is counted as dense with them."""
_ORIGINS: Final = 2000
"""Origins that are counted by name at most; more of them are counted together."""


class Tally(msgspec.Struct):
    """Counts of rows.

    Attributes:
        rows: by fate.
        reasons: fate → reason → rows; the decisive reason alone.
        noted: reason → rows that have it, decisive or not.
        illegal, suspected: rows with something illegal that is certain, and rows where it is only suspected.
        classes: class of risk → rows.
        signals: category → rows in which a list only signals.
        personal: kind → rows; `rows`, `sensitive` and `secret` beside them, of how many rows each.
        marks: kind of mark → rows.
        language, length, repetition, encoding, origin: value → rows.
        chars, bytes: of all texts.
        duplicates: `exact` and `near` → rows.
        groups: group of people → rows that speak of it; with `!` those of them that hold something illegal, or may.
    """

    rows: Counts = {}
    reasons: dict[str, Counts] = {}
    noted: Counts = {}
    illegal: int = 0
    suspected: int = 0
    classes: Counts = {}
    signals: Counts = {}
    personal: Counts = {}
    marks: Counts = {}
    language: Counts = {}
    length: Counts = {}
    quality: Counts = {}
    encoding: Counts = {}
    origin: Counts = {}
    groups: Counts = {}
    chars: int = 0
    bytes: int = 0
    duplicates: Counts = {}

    def add(self, other: Tally) -> None:
        """Add the counts of other rows."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, int):
                setattr(self, name, mine + theirs)
            elif name == "reasons":
                for fate, counts in theirs.items():
                    _add(mine.setdefault(fate, {}), counts)
            else:
                _add(mine, theirs)
        if len(self.origin) > _ORIGINS:
            _fold(self.origin)

    def fate(self, outcome: Outcome) -> None:
        """Count what becomes of one row."""
        _one(self.rows, outcome.fate)
        if outcome.reasons:
            _one(self.reasons.setdefault(outcome.fate, {}), outcome.reasons[0])
        for reason in outcome.reasons:
            _one(self.noted, reason)

    def look(self, row: Row, columns: Columns, at: int) -> None:
        """Count what one row holds."""
        if row.encoding:
            _one(self.encoding, row.encoding)
        if row.origin:
            _one(self.origin, row.origin)
        if row.fault:
            return
        risks = [one for one in columns.risks[at] if is_illegal(one)]
        if any(one.certain for one in risks):
            self.illegal += 1
        elif risks:
            self.suspected += 1
        for category in {one.category for one in columns.risks[at]}:
            _one(self.classes, category)
        for category in columns.signals[at]:
            _one(self.signals, category)
        for group in columns.groups[at]:
            _one(self.groups, group)
            if risks:
                _one(self.groups, group + "!")
        self._personal(columns.personal[at])
        size = columns.size[at]
        self.chars += size
        self.bytes += columns.bytes[at]
        for name, count in columns.marks[at].items():
            _one(self.marks, name)
            if name == "advert" and count * 1000 >= _DENSE * max(size, 1000):
                _one(self.quality, "advert_dense")
        _one(self.language, columns.language[at])
        _one(self.length, str(max(least for least in (0, *LENGTHS) if size >= least)))
        if columns.mixed[at]:
            _one(self.quality, "mixed_language")
        if columns.repetition[at] >= _REPEATS:
            _one(self.quality, "repetitive")

    def _personal(self, kinds: Sequence[str]) -> None:
        named = set(kinds)
        for kind in named:
            _one(self.personal, KINDS[kind].category)
        if named - SECRETS:
            _one(self.personal, "rows")
        if named & SENSITIVE:
            _one(self.personal, "sensitive")
        if named & SECRETS:
            _one(self.personal, "secret")

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())

    def fates(self) -> Counts:
        """Rows by fate, none left out, with all of them as `in`."""
        return {"in": self.total, **{fate: self.rows.get(fate, 0) for fate in FATES}}


def _one(counts: Counts, name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _add(mine: Counts, theirs: Counts) -> None:
    for name, count in theirs.items():
        mine[name] = mine.get(name, 0) + count


def _fold(origin: Counts) -> None:
    """Count the rarest origins together."""
    kept = sorted(origin.items(), key=lambda one: (-one[1], one[0]))[: _ORIGINS // 2]
    rest = sum(origin.values()) - sum(count for _, count in kept)
    origin.clear()
    origin.update(kept)
    origin["…"] = origin.get("…", 0) + rest
