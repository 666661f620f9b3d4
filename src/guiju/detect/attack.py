# SPDX-License-Identifier: Apache-2.0
"""What a word list does to disguises of its own terms, and to benign text (Article 15; bounds).

Each term is disguised in every way of `disguises`, alone and in stacks, and looked for; each benign line is looked at.
So whoever writes a list sees, word by word, what is caught and what would be blocked in error, before it acts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from guiju.detect.disguises import DISGUISES, Dice, Disguise, Stack, Tier, stacks
from guiju.detect.entry import Entry
from guiju.detect.words import Words

_STACKS: Final = 40
"""Stacks of two and three that each term is tried in, in each round."""
_AROUND: Final = {
    True: ("{}", "I say {} here.", "what about {}, friend?"),
    False: ("{}", "好的，{}。", "请问{}怎么样？"),
}
"""What stands around a Latin term, and around any other."""
_WHOLE: Final = frozenset({"order", "coded", "hidden"})
"""Layers that change the words beside a term too."""


class Count(msgspec.Struct):
    """How many disguises were made, and how many of them were found."""

    made: int = 0
    found: int = 0

    @property
    def share(self) -> float:
        """Share that was found; 1 where none was made."""
        return self.found / self.made if self.made else 1.0

    def add(self, found: bool) -> None:
        """Count one."""
        self.made += 1
        self.found += found


class Attacked(msgspec.Struct, frozen=True):
    """What disguises did to one entry.

    Attributes:
        entry: the entry.
        must, should: what was promised, and what was not.
        by: disguise or stack, and what is promised of it → the same.
    """

    entry: Entry
    must: Count
    should: Count
    by: Mapping[tuple[str, Tier], Count]

    @property
    def missed(self) -> list[str]:
        """The disguises that were promised, and missed."""
        return sorted(name for (name, tier), count in self.by.items() if tier == "must" and count.found < count.made)


def attacked(
    entries: Sequence[Entry], words: Words, dice: Callable[[str], Dice], rounds: int = 1
) -> Iterator[Attacked]:
    """Disguise each of some entries, and look for it.

    Args:
        entries: those that are tried.
        words: all that are in force with them.
        dice: what chooses, for an entry's id.
        rounds: how often each disguise is made for each entry.
    """
    for entry in entries:
        yield _attacked(entry, words, dice(entry.id), rounds)


def _attacked(entry: Entry, words: Words, rng: Dice, rounds: int) -> Attacked:
    counts: dict[Tier, Count] = {"must": Count(), "should": Count()}
    by: dict[tuple[str, Tier], Count] = {}
    for _ in range(rounds):
        for name, tier, text in disguised(entry, rng):
            found = any(f.rule == entry.id and f.severity == entry.severity for f in words.look(text).findings)
            counts[tier].add(found)
            by.setdefault((name, tier), Count()).add(found)
    return Attacked(entry, counts["must"], counts["should"], by)


def disguised(entry: Entry, rng: Dice) -> Iterator[tuple[str, Tier, str]]:
    """Texts that hold an entry in disguise: in each way once, and in some stacks.

    Args:
        entry: the entry; one of its context words stands beside it.
        rng: what chooses.

    Yields:
        The disguise or the group of stacks, what is promised of it, and the text.
    """
    ways: list[Disguise | Stack] = [*DISGUISES, *stacks(entry.term, rng, _STACKS)]
    for one in ways:
        tier = one.promised(entry.term)
        text = _text(entry, one, rng) if tier else ""
        if tier and text:
            yield one.layer if isinstance(one, Stack) else one.id, tier, text


def _text(entry: Entry, one: Disguise | Stack, rng: Dice) -> str:
    """A text that holds the entry in disguise, its context beside it; "" where the disguise changes nothing."""
    gap = " " if entry.term.isascii() else "，"
    beside = f"{rng.choice(entry.context)}{gap}" if entry.context else ""
    at = entry.term
    for part in one.of if isinstance(one, Stack) else (one,):
        if part.layer in _WHOLE:
            at, beside = beside + at, ""
        made = part.make(at, rng)
        if made == at:
            return ""
        at = made
    return rng.choice(_AROUND[entry.term.isascii()]).format(beside + at)
