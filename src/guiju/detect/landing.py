# SPDX-License-Identifier: Apache-2.0
"""How a list lands: one that would block much that is harmless only signals, until a person confirms entry by entry.

Bounds: a list that hits more than 0.5 % of benign lines lands as *signal*, never as block, and shows what it would
block.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from guiju.detect.entry import Entry
from guiju.detect.words import Words
from guiju.terms import Text

MOST: Final = 0.005
"""Share of benign lines that a list may block."""


class Trial(msgspec.Struct, frozen=True):
    """What entries did to benign lines.

    Attributes:
        lines: how many lines there were.
        blocked: how many an entry of severity `block` hits.
        signalled: how many others an entry hits.
        hits: entry id → the numbers of the lines that it hits, from 0.
    """

    lines: int
    blocked: int
    signalled: int
    hits: Mapping[str, tuple[int, ...]]

    @property
    def share(self) -> float:
        """Share of the lines that would be blocked."""
        return self.blocked / self.lines if self.lines else 0.0

    @property
    def overblocks(self) -> bool:
        """Whether the entries may not block before a person confirms each."""
        return self.share > MOST


def tried(entries: Sequence[Entry], lines: Sequence[str]) -> Trial:
    """Look at each line alone.

    Args:
        entries: those to be tried.
        lines: what nothing should be found in.
    """
    words, blocks = Words(entries, ""), {entry.id for entry in entries if entry.severity == "block"}
    hits: dict[str, list[int]] = {}
    blocked = signalled = 0
    for number, line in enumerate(lines):
        rules = {one.rule for one in words.find((Text("", line),)) if one.rule}
        for rule in rules:
            hits.setdefault(rule, []).append(number)
        blocked += bool(rules & blocks)
        signalled += bool(rules) and not rules & blocks
    return Trial(len(lines), blocked, signalled, {id: tuple(numbers) for id, numbers in hits.items()})


def landed(entries: Sequence[Entry], trial: Trial, confirmed: Collection[str]) -> list[Entry]:
    """The entries as they land.

    Args:
        entries: as they were written.
        trial: what they did to benign lines.
        confirmed: ids of entries that a person lets block all the same.
    """
    if not trial.overblocks:
        return list(entries)
    return [
        msgspec.structs.replace(entry, severity="signal")
        if entry.severity == "block" and entry.id not in confirmed
        else entry
        for entry in entries
    ]
