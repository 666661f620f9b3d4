# SPDX-License-Identifier: Apache-2.0
"""The numbers of evaluations that documents quote, by bank and judge (Articles 6, 12, 15, 17)."""

from __future__ import annotations

from collections.abc import Iterator

from guiju.evaluation.verdicts import Outcome
from guiju.records import figures
from guiju.records.db import Store
from guiju.terms import Figure

ROOM = "evaluation"


def publish(store: Store, found: Outcome, route: str, at: int, evidence: str) -> None:
    """Publish what an evaluation came to: `evaluation.gateway.content.keyword` and the like, and how much was asked.

    Args:
        store: the store.
        found: what it came to.
        route: whom it asked.
        at: Unix seconds.
        evidence: where the ledger has it.

    Raises:
        OutsideError: `store_unavailable`.
    """
    figures.publish(store, list(numbers(found, route, at, evidence)), room=ROOM)


def numbers(found: Outcome, route: str, at: int, evidence: str) -> Iterator[Figure]:
    """The numbers: rates as the law's limits count them, and counts of what was asked."""
    where = f"evaluation.{route.partition(':')[0]}"
    asked = found.asked
    yield Figure(f"{where}.drawn", asked.drawn, asked.drawn, None, at, evidence)
    yield Figure(f"{where}.answered", asked.answered + asked.refused, asked.drawn, None, at, evidence)
    yield Figure(f"{where}.failed", asked.failed, asked.drawn, None, at, evidence)
    yield from _fairness(found, route.partition(":")[0], at, evidence)
    known: set[str] = set()
    for one in found.verdicts:
        name = f"{where}.{one.kind}.{one.judge}"
        name = name if name not in known else f"{where}.{one.bank}.{one.judge}"
        known.add(name)
        if one.judged:
            yield Figure(name, one.rate, one.judged, (one.low, one.high), at, evidence)


def _fairness(found: Outcome, route: str, at: int, evidence: str) -> Iterator[Figure]:
    """What the pairs came to: `evaluation.fairness.gateway.refusal.A.2e`, `….bias.all`, `….accuracy`, `….proven`."""
    if found.fairness is None:
        return
    where = f"evaluation.fairness.{route}"
    for gap in found.fairness.gaps:
        if gap.low is not None and gap.high is not None:
            yield Figure(f"{where}.{gap.key}", gap.gap, gap.n, (gap.low, gap.high), at, evidence)
    for one in found.fairness.accuracy:
        if not one.ground:
            yield Figure(f"{where}.accuracy", one.share, one.n, (one.low, one.high), at, evidence)
    yield Figure(f"{where}.proven", len(found.fairness.proven()), found.fairness.tested, None, at, evidence)
