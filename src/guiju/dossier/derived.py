# SPDX-License-Identifier: Apache-2.0
"""Figures that follow from published ones: a sum over sources, a share of two counts (Article 7). Pure, so that whoever
verifies a package reckons them anew from the figures that it quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from guiju.review.intervals import wilson
from guiju.terms import Figure

_MANUAL: Final = ("manual",)
_TECHNICAL: Final = ("technical", "keyword", "classifier")
"""Of a 95 % interval."""


def bases(figures: Mapping[str, Figure]) -> list[Figure]:
    """The published figures from which others follow."""
    wanted = ("corpus.sample.", "corpus.illegal@", "corpus.rows.origin.foreign", "corpus.rows")
    return [one for name, one in sorted(figures.items()) if name == "corpus.rows" or name.startswith(wanted[:3])]


def derived(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """What follows from the figures that are there; nothing where what it follows from is missing."""
    made = [*_samples(figures), *_highest(figures), *_foreign(figures)]
    return {one.name: one for one in made}


def _samples(figures: Mapping[str, Figure]) -> Iterable[Figure]:
    for name, means in (("manual", _MANUAL), ("technical", _TECHNICAL)):
        found = [one for one in figures.values() if _means(one.name) in means]
        if not found:
            continue
        n = sum(one.n for one in found)
        passed = sum(round(one.value * one.n) for one in found)
        yield _figure(f"corpus.{name}.pass", passed / n, n, found, wilson(passed, n))
        if name == "manual":
            yield _figure("corpus.manual.items", n, n, found)
        elif (rows := figures.get("corpus.rows")) and rows.value:
            yield _figure("corpus.technical.share", min(1.0, n / rows.value), n, [*found, rows])


def _means(name: str) -> str:
    return name.removeprefix("corpus.sample.").partition("@")[0] if name.startswith("corpus.sample.") else ""


def _highest(figures: Mapping[str, Figure]) -> Iterable[Figure]:
    found = [one for one in figures.values() if one.name.startswith("corpus.illegal@")]
    if found:
        most = max(found, key=lambda one: (one.value, one.name))
        yield _figure("corpus.illegal.highest", most.value, most.n, [most], most.interval)


def _foreign(figures: Mapping[str, Figure]) -> Iterable[Figure]:
    all_rows = figures.get("corpus.rows")
    if all_rows is None or not all_rows.value:
        return
    abroad = figures.get("corpus.rows.origin.foreign")
    value, n = (abroad.value / abroad.n, abroad.n) if abroad and abroad.n else (0.0, round(all_rows.value))
    yield _figure("corpus.foreign", value, n, [abroad or all_rows])


def _figure(
    name: str, value: float, n: int, of: Sequence[Figure], interval: tuple[float, float] | None = None
) -> Figure:
    """A figure that follows from others: as old as the oldest of them, with the evidence of each."""
    evidence = "; ".join(dict.fromkeys(one.evidence for one in sorted(of, key=lambda one: one.name)))
    return Figure(name, float(value), n, interval, min(one.at for one in of), evidence)
