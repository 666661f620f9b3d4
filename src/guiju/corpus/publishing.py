# SPDX-License-Identifier: Apache-2.0
"""The numbers of corpora that documents quote, of each source and of all together (Articles 7 and 17).

A name with `@` is of one source: `corpus.illegal@news-2026`; one without is of all registered sources by the newest
audit of the whole of each.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guiju.corpus.outcomes import FATES
from guiju.corpus.sampling import Result
from guiju.records import corpora, figures
from guiju.records.db import Store
from guiju.review.intervals import wilson
from guiju.terms import Figure

ROOM: Final = "corpus"
_Number = tuple[float, int, tuple[float, float] | None]


def publish(store: Store, source: str, at: int, evidence: str) -> None:
    """Publish the numbers of a source, by its newest audit of all of it, and those of all sources.

    Args:
        store: the store, with the audit in its register.
        source: id of the source.
        at: Unix seconds.
        evidence: where the ledger has the audit.

    Raises:
        OutsideError: `store_unavailable`.
    """
    every = list(_standing(store))
    mine = next((audit for standing, audit in every if standing.id == source), None)
    numbers = dict(_of_all(every))
    if mine is not None:
        numbers |= {f"{name}@{source}": number for name, number in _of_one(mine)}
    made = [Figure(name, value, n, interval, at, evidence) for name, (value, n, interval) in numbers.items()]
    figures.publish(store, made, room=ROOM)


def publish_sample(store: Store, source: str, result: Result, at: int, evidence: str) -> None:
    """Publish what a sample of a source showed: the share that passed, of how many that were looked at.

    Raises:
        OutsideError: `store_unavailable`.
    """
    if result.n:
        name = f"corpus.sample.{result.means}@{source}"
        figures.publish(store, [Figure(name, result.share, result.n, result.wilson, at, evidence)], room=ROOM)


def _standing(store: Store) -> Iterator[tuple[corpora.Source, Mapping[str, Any]]]:
    """Registered sources, each with the figures of the newest audit of all of it."""
    for source in corpora.history(store):
        standing = corpora.standing(store, source.id)
        audits = standing.audits if standing else []
        newest = next((one for one in audits if one.stage == "full"), None)
        if newest is not None and not source.removed_at:
            yield source, {**json.loads(newest.figures), "result": newest.result}


def _of_one(document: Mapping[str, Any]) -> Iterator[tuple[str, _Number]]:
    rows, illegal = document["rows"], document["illegal"]
    yield "corpus.rows", (rows["in"], rows["in"], None)
    for fate in FATES:
        yield f"corpus.{fate}", (rows[fate], rows["in"], None)
    yield "corpus.illegal", (illegal["share"], illegal["of"], tuple(illegal["interval"]))
    yield "corpus.personal", (document["personal"]["share"], illegal["of"], None)
    yield "corpus.bytes", (document["quality"]["bytes"], rows["in"], None)
    yield "corpus.characters", (document["quality"]["characters"], rows["in"], None)


def _of_all(every: list[tuple[corpora.Source, Mapping[str, Any]]]) -> Iterator[tuple[str, _Number]]:
    yield "corpus.sources", (len(every), len(every), None)
    if not every:
        return
    sums: Counter[str] = Counter()
    learnt: Counter[str] = Counter()
    for source, document in every:
        rows = document["rows"]
        sums.update({name: rows[name] for name in ("in", *FATES)})
        sums["illegal"] += document["illegal"]["rows"]
        sums["of"] += document["illegal"]["of"]
        sums["personal"] += document["personal"]["rows"]
        sums.update({name: document["quality"][name] for name in ("bytes", "characters")})
        sums[document["result"]] += 1
        kept = rows["kept"] + rows["masked"]
        learnt["all"] += kept
        for group in (f"kind.{source.kind}", f"modality.{source.modality}", f"origin.{source.origin}"):
            learnt[group] += kept
            sums[f"sources.{group}"] += 1
    yield "corpus.usable", (sums["usable"], len(every), None)
    yield "corpus.rows", (sums["in"], sums["in"], None)
    for name in (*FATES, "bytes", "characters"):
        yield f"corpus.{name}", (sums[name], sums["in"], None)
    for name in ("illegal", "personal"):
        share = sums[name] / sums["of"] if sums["of"] else 0.0
        yield f"corpus.{name}", (share, sums["of"], wilson(sums[name], sums["of"]) if name == "illegal" else None)
    for group in sorted(learnt.keys() - {"all"}):
        yield f"corpus.rows.{group}", (learnt[group], learnt["all"], None)
        yield f"corpus.sources.{group}", (sums[f"sources.{group}"], len(every), None)
