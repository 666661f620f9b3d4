# SPDX-License-Identifier: Apache-2.0
"""What chance alone would show in pairs (Articles 4(2) and 12): intervals and tests of paired differences, and what
remains of them when many are looked at together.

Pure: the same numbers give the same result on every machine. Whoever swaps the sides turns every sign and changes
nothing else.

Sources: McNemar 1947 (exact); Newcombe 1998, Statistics in Medicine 17, 2635-2650, method 10; Hesterberg 2015, The
American Statistician 69, 371-386 (the expanded percentile interval); Holm 1979, Scandinavian Journal of Statistics 6,
65-70.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guiju.review.intervals import Z, mcnemar, wilson

EXACT: Final = 16
"""Up to so many differences all ways of signs are tried; beyond, `FLIPS` of them."""
FLIPS: Final = 9_999
RESAMPLES: Final = 4_000
LEAST: Final = 5
"""Fewer differences have no interval."""
_SLACK: Final = 1e-12


class Cells:
    """Counts of pairs of yes and no, which may be parts of one where a pair is seen more than once.

    Attributes:
        both, first, second, neither: of which the property holds.
    """

    def __init__(self, both: float, first: float, second: float, neither: float) -> None:
        self.both, self.first, self.second, self.neither = both, first, second, neither

    @property
    def of(self) -> float:
        """How many pairs."""
        return self.both + self.first + self.second + self.neither


def signs(differences: Sequence[float]) -> float:
    """How likely by chance so many differences have one sign (McNemar, exact, two-sided)."""
    up = sum(one > _SLACK for one in differences)
    down = sum(one < -_SLACK for one in differences)
    return mcnemar(up, down)


def flips(differences: Sequence[float]) -> float:
    """How likely a mean is as far from 0 when each difference might as well have the other sign (two-sided).

    Exact up to `EXACT` differences that are not 0; beyond, one of `FLIPS` + 1.
    """
    values = np.array([one for one in differences if abs(one) > _SLACK])
    if not len(values):
        return 1.0
    seen = abs(values.sum()) - _SLACK
    if len(values) <= EXACT:
        ways = (np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1
        return float(np.mean(np.abs((2 * ways - 1) @ values) >= seen))
    some = np.random.default_rng(len(values)).integers(0, 2, (FLIPS, len(values)), dtype=np.int8)
    sums = (2 * some - 1) @ values
    return float((1 + np.count_nonzero(np.abs(sums) >= seen)) / (FLIPS + 1))


def bootstrap(differences: Sequence[float]) -> tuple[float, float] | None:
    """The interval that holds a mean with 95 %: percentiles of resampled means, wider where there are few; none of
    fewer than `LEAST`."""
    values: NDArray[np.float64] = np.array(differences, dtype=np.float64)
    n = len(values)
    if n < LEAST:
        return None
    tail = NormalDist().cdf(-math.sqrt(n / (n - 1)) * _student(n - 1))
    means = values[np.random.default_rng(n).integers(0, n, (RESAMPLES, n))].mean(axis=1)
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def newcombe(cells: Cells) -> tuple[float, float] | None:
    """The interval that holds the difference of two shares of the same pairs with 95 %, made of Wilson's for each;
    none of fewer than `LEAST` pairs."""
    n = cells.of
    if n < LEAST - _SLACK:
        return None
    ones, twos = cells.both + cells.first, cells.both + cells.second
    one, two = ones / n, twos / n
    low1, high1 = wilson(ones, n)
    low2, high2 = wilson(twos, n)
    edge = ones * (n - ones) * twos * (n - twos)
    phi = 0.0
    if edge > _SLACK:
        cross = cells.both * cells.neither - cells.first * cells.second
        cross = max(cross - n / 2, 0.0) if cross > 0 else cross
        phi = cross / math.sqrt(edge)
    gap = one - two
    under, over = (one - low1, high2 - two), (two - low2, high1 - one)
    return gap - _joined(*under, phi), gap + _joined(*over, phi)


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """Probabilities raised so that of all of them together one is below 5 % by chance in at most 5 of 100 cases."""
    made: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p) in enumerate(sorted(chances.items(), key=lambda one: (one[1], one[0]))):
        highest = max(highest, min(1.0, p * (len(chances) - rank)))
        made[name] = highest
    return made


def smallest(pairs: int) -> float:
    """The smallest probability that so many pairs can show, when all of them go one way."""
    return float(min(1.0, 2.0 ** (1 - pairs))) if pairs else 1.0


def _joined(a: float, b: float, phi: float) -> float:
    return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))


def _student(freedom: int) -> float:
    """The quantile of Student's distribution for 95 % (Cornish and Fisher's expansion, right to 1 % from 4 on)."""
    z, v = Z, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )
