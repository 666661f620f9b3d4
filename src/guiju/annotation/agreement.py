# SPDX-License-Identifier: Apache-2.0
"""How far annotators agree, by the libraries that others use: Krippendorff's alpha, Cohen's and Fleiss' kappa.

Needs the extra `annotation`. Alpha and Fleiss' kappa have intervals by bootstrap over items, Cohen's the analytic one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

import krippendorff
import msgspec
import numpy as np
from scipy.stats import bootstrap
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa
from statsmodels.stats.proportion import proportion_confint

Interval = tuple[float, float]
_ROUNDS: Final = 500
_SEED: Final = 2026
"""Of the bootstrap, so that a report says the same each time."""


class Figure(msgspec.Struct, frozen=True):
    """A coefficient with its interval (95 %) and the items that it rests on."""

    value: float
    interval: Interval | None
    n: int


class Agreement(msgspec.Struct, frozen=True):
    """How far annotators agree; none where it can't be said: fewer than two people an item, or one label alone.

    Attributes:
        alpha: over all items with two annotations or more.
        fleiss: over the items that as many people annotated as most items.
        cohen: of each two people over the items that both annotated: names and figure.
    """

    alpha: Figure | None
    fleiss: Figure | None
    cohen: tuple[tuple[str, str, Figure], ...]


def agreement(said: Sequence[tuple[int, str, str]]) -> Agreement:
    """Agreement over annotations.

    Args:
        said: item, member, label.
    """
    labels = sorted({label for _, _, label in said})
    place = {label: number for number, label in enumerate(labels)}
    units: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for item, member, label in said:
        units[item][member] = place[label]
    counts = np.array(
        [np.bincount(list(unit.values()), minlength=len(labels)) for unit in units.values() if len(unit) > 1],
        dtype=float,
    ).reshape(-1, max(1, len(labels)))
    members = sorted({member for _, member, _ in said})
    pairs = [(a, b) for number, a in enumerate(members) for b in members[number + 1 :]]
    cohen = [(a, b, found) for a, b in pairs if (found := _cohen(a, b, units, len(labels))) is not None]
    return Agreement(_over_items(_alpha, counts), _over_items(fleiss_kappa, _equal(counts)), tuple(cohen))


def share(hits: int, of: int) -> Interval:
    """The interval of a share (Wilson, 95 %)."""
    if not of:
        return 0.0, 1.0
    low, high = proportion_confint(hits, of, method="wilson")
    return float(low), float(high)


def _alpha(counts: Any) -> float:
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def _equal(counts: Any) -> Any:
    """The items that as many people annotated as most items, the more people where there are as many of both."""
    sizes = counts.sum(axis=1)
    if not len(sizes):
        return counts
    most = max(Counter(sizes.tolist()).items(), key=lambda one: (one[1], one[0]))[0]
    return counts[sizes == most]


def _over_items(figure: Callable[[Any], float], counts: Any) -> Figure | None:
    """A figure over items, with its interval."""
    if not len(counts) or np.count_nonzero(counts.sum(axis=0)) < 2:
        return None
    rows = np.arange(len(counts))

    def of(drawn: Any) -> float:
        some = counts[drawn]
        return float(figure(some)) if np.count_nonzero(some.sum(axis=0)) > 1 else 1.0

    value = float(figure(counts))
    if len(counts) < 10:
        return Figure(value, None, len(counts))
    drawn = bootstrap(
        (rows,),
        of,
        n_resamples=_ROUNDS,
        vectorized=False,
        method="percentile",
        random_state=np.random.default_rng(_SEED),
    )
    low, high = drawn.confidence_interval
    return Figure(value, (float(low), float(high)), len(counts))


def _cohen(a: str, b: str, units: dict[int, dict[str, int]], labels: int) -> Figure | None:
    table = np.zeros((labels, labels))
    for unit in units.values():
        if a in unit and b in unit:
            table[unit[a], unit[b]] += 1
    if labels < 2 or not table.any() or np.count_nonzero(table.sum(axis=0) + table.sum(axis=1)) < 2:
        return None
    with np.errstate(all="ignore"):  # on a handful of items the variance is no number, and then there is no interval
        found = cohens_kappa(table)
    between = float(found.kappa_low), float(found.kappa_upp)
    return Figure(float(found.kappa), between if np.isfinite(between).all() else None, int(table.sum()))
