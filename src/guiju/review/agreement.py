# SPDX-License-Identifier: Apache-2.0
"""How far people who looked at the same things agree (Article 8): Krippendorff's alpha for names, and plain agreement.

Alpha takes any number of raters and any gaps: what one person alone rated says nothing and is left out. 1 is full
agreement, 0 is what chance would give, below 0 is worse than chance.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

Unit = Sequence[str]
"""The labels that one thing was given, one for each person who rated it."""
_ROUNDS: Final = 1000


class Agreement(msgspec.Struct, frozen=True):
    """How far raters agree.

    Attributes:
        things: how many were rated by two persons or more.
        ratings: of these.
        same: the share of pairs of ratings of one thing that are the same.
        alpha: Krippendorff's; none where everything got one and the same label, or nothing was rated twice.
        low, high: between which alpha lies in 95 % of samples drawn anew from these things; none with it.
    """

    things: int
    ratings: int
    same: float | None
    alpha: float | None
    low: float | None = None
    high: float | None = None


def agreement(units: Sequence[Unit], seed: int = 0) -> Agreement:
    """Agreement over things that were rated.

    Args:
        units: the labels of each thing.
        seed: of the samples from which the interval follows.
    """
    paired = [tuple(one) for one in units if len(one) > 1]
    ratings = sum(map(len, paired))
    found = alpha(paired)
    low = high = None
    if found is not None and len(paired) > 1:
        low, high = _interval(paired, seed)
    return Agreement(len(paired), ratings, same(paired), found, low, high)


def same(units: Sequence[Unit]) -> float | None:
    """The share of pairs of ratings of one thing that are the same; none where nothing was rated twice."""
    alike = pairs = 0
    for unit in units:
        alike += sum(n * (n - 1) for n in Counter(unit).values())
        pairs += len(unit) * (len(unit) - 1)
    return alike / pairs if pairs else None


def alpha(units: Sequence[Unit]) -> float | None:
    """Krippendorff's alpha for nominal data: 1 - observed / expected disagreement, over the matrix of coincidences.

    A thing with m ratings enters each of its pairs with weight 1 / (m - 1), so that every rating weighs one.
    """
    totals: Counter[str] = Counter()
    agreed = 0.0
    for unit in units:
        if len(unit) < 2:
            continue
        counts = Counter(unit)
        totals += counts
        agreed += sum(n * (n - 1) for n in counts.values()) / (len(unit) - 1)
    n = sum(totals.values())
    expected = n * n - sum(count * count for count in totals.values())
    if not expected:
        return None
    return 1 - (n - 1) * (n - agreed) / expected


def _interval(units: Sequence[Unit], seed: int) -> tuple[float | None, float | None]:
    """Percentiles of alpha over samples of the same size, drawn with replacement."""
    drawn = random.Random(seed)  # noqa: S311 # a seed makes the figure repeatable; nothing secret hangs on it
    found = sorted(one for _ in range(_ROUNDS) if (one := alpha(drawn.choices(units, k=len(units)))) is not None)
    if len(found) < _ROUNDS // 2:
        return None, None
    return found[round(0.025 * (len(found) - 1))], found[round(0.975 * (len(found) - 1))]
