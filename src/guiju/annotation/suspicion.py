# SPDX-License-Identifier: Apache-2.0
"""Signs that somebody rushed or copied: for a lead to look at, and of no consequence by themselves (Article 8).

*Rushed*: many items took less than a fifth of what texts of that length take others. *Copied*: two people agree more
than people who work apart do. *Careless*: the known items are got wrong more often than others get them. The last two
are held against three standard deviations, and nobody is named on a handful of items.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Final, Literal

import msgspec

Sign = Literal["rushed", "copied", "careless"]
FAST: Final = 0.2
"""Share of the median time for texts of equal length below which an item was rushed."""
MANY: Final = 0.1
"""Share of rushed items from which a lead is told."""
LEAST: Final = 30
"""Items below which nothing is said of anybody."""
_LEAST_GOLD: Final = 10
"""Known items below which nothing is said of anybody's accuracy."""
_SIGMAS: Final = 3.0
_LEAST_MORE: Final = 0.05
"""By how much two must agree more than others, however many items show it."""
_FEW: Final = 3
"""People up to whom there are not enough others to compare two with."""
_BUCKETS: Final = (20, 50, 100, 200, 400, 800, 1600, 3200)
"""Lengths that count as equal, in characters: up to each of these."""


class Seen(msgspec.Struct, frozen=True):
    """One annotation, as far as signs need it.

    Attributes:
        item: which.
        member: whose.
        label: what was said.
        seconds: how long it took; 0 where nobody knows.
        length: characters of the text.
        gold: the label that is known to be right; `""` for none.
    """

    item: str
    member: str
    label: str
    seconds: float
    length: int
    gold: str = ""


class Suspicion(msgspec.Struct, frozen=True):
    """One sign, with the figures behind it.

    Attributes:
        members: one who rushed, or two of whom one may have copied; which one of the two the figures don't tell.
        value: the share of rushed items, of agreement, or of known items that are right.
        limit: what it was held against.
        n: items that it rests on.
    """

    sign: Sign
    members: tuple[str, ...]
    value: float
    limit: float
    n: int


def suspicions(seen: Sequence[Seen], usual: float = 0.0) -> list[Suspicion]:
    """All signs in a batch; `usual` as `rushed` has it."""
    return [*rushed(seen, usual), *copied(seen), *careless(seen)]


def rushed(seen: Sequence[Seen], usual: float = 0.0) -> list[Suspicion]:
    """Who took less than a fifth of the median for texts of that length, on a tenth of their items or more.

    Args:
        seen: the annotations.
        usual: seconds that 100 characters take by the rules: what one person alone is held against.
    """
    times: defaultdict[int, list[tuple[str, float]]] = defaultdict(list)
    for one in seen:
        if one.seconds > 0:
            times[bisect_left(_BUCKETS, one.length)].append((one.member, one.seconds))
    fast: defaultdict[str, int] = defaultdict(int)
    whole: defaultdict[str, int] = defaultdict(int)
    for bucket, group in times.items():
        alone = len({member for member, _ in group}) == 1
        middle = usual * (_BUCKETS[bucket - 1] if bucket else 0) / 100 if alone else _middle(group)
        for member, seconds in group:
            whole[member] += 1
            fast[member] += seconds < FAST * middle
    found = []
    for member, n in sorted(whole.items()):
        share = fast[member] / n
        if n >= LEAST and share >= MANY:
            found.append(Suspicion("rushed", (member,), share, MANY, n))
    return found


def _middle(group: Sequence[tuple[str, float]]) -> float:
    """The median of the medians of persons, so that nobody who does many items sets it alone."""
    mine: defaultdict[str, list[float]] = defaultdict(list)
    for member, seconds in group:
        mine[member].append(seconds)
    return median(median(times) for times in mine.values())


def copied(seen: Sequence[Seen]) -> list[Suspicion]:
    """Pairs who agree with each other more than three standard deviations above what people who work apart would.

    What two would agree on by working apart follows from how each agrees with everybody else: whoever is more accurate
    agrees more with all, and hard items lower it for all. Where there are less than four people it follows from their
    accuracy on the known items.
    """
    labels, known = _labels(seen), {one.item: one.gold for one in seen if one.gold}
    met: dict[tuple[str, str], tuple[int, int]] = {}
    for first, second in combinations(sorted(labels), 2):
        both = [item for item in labels[first] if item in labels[second]]
        if both:
            met[first, second] = sum(labels[first][item] == labels[second][item] for item in both), len(both)
    found = []
    for pair, (same, n) in met.items():
        if n < LEAST:
            continue
        apart, spread = _by_others(pair, met) if len(labels) > _FEW else _by_gold(pair, labels, known)
        limit = apart + _SIGMAS * math.sqrt(max(apart * (1 - apart), 0.01) * (1 / n + spread))
        if same / n > max(limit, apart + _LEAST_MORE):
            found.append(Suspicion("copied", pair, same / n, limit, n))
    return found


def careless(seen: Sequence[Seen]) -> list[Suspicion]:
    """Who is right on the known items three standard deviations less often than the others are."""
    right: defaultdict[str, int] = defaultdict(int)
    asked: defaultdict[str, int] = defaultdict(int)
    for one in seen:
        if one.gold:
            asked[one.member] += 1
            right[one.member] += one.label == one.gold
    found = []
    for member, n in sorted(asked.items()):
        others = sum(asked.values()) - n
        if n < _LEAST_GOLD or not others:
            continue
        usual = (sum(right.values()) - right[member]) / others
        limit = usual - _SIGMAS * math.sqrt(max(usual * (1 - usual), 0.01) * (1 / n + 1 / others))
        if right[member] / n < limit:
            found.append(Suspicion("careless", (member,), right[member] / n, limit, n))
    return found


def _labels(seen: Sequence[Seen]) -> dict[str, dict[str, str]]:
    labels: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for one in seen:
        labels[one.member][one.item] = one.label
    return labels


def _by_others(pair: tuple[str, str], met: Mapping[tuple[str, str], tuple[int, int]]) -> tuple[float, float]:
    """How much two would agree who work apart, from how each agrees with the others, and how sure that is."""
    sums, spread = 0.0, 0.0
    for member in pair:
        same, n = _total([count for who, count in met.items() if member in who and who != pair])
        sums += same / n if n else 0.5
        spread += 1 / n if n else 1.0
    same, n = _total([count for who, count in met.items() if not set(who) & set(pair)])
    return min(1.0, max(0.0, sums - (same / n if n else sums / 2))), spread


def _by_gold(
    pair: tuple[str, str], labels: Mapping[str, Mapping[str, str]], known: Mapping[str, str]
) -> tuple[float, float]:
    """The same from their accuracy: both right, or both wrong in the same way."""
    shares, spread = [], 0.0
    for member in pair:
        asked = [item for item in known if item in labels[member]]
        right = sum(labels[member][item] == known[item] for item in asked)
        shares.append((right + 1) / (len(asked) + 2))
        spread += 1 / (len(asked) + 2)
    first, second = shares
    return first * second + (1 - first) * (1 - second), spread


def _total(counts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(same for same, _ in counts), sum(n for _, n in counts)
