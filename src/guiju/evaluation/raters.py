# SPDX-License-Identifier: Apache-2.0
"""Persons as judges: each answer is rated by two who do not see one another, and a third settles where they differ
(Articles 4, 15; TC260-003: by hand). The queue is `review`'s, with its limits on how long anybody looks in a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from guiju.evaluation.judges import Heard, judges_of
from guiju.records import reviews
from guiju.records.assessments import Label, Said
from guiju.records.db import Store
from guiju.records.reviews import Item
from guiju.review.queue import Kind, Queue

ID: Final = "person"
LABELS: Final[tuple[Label, ...]] = ("pass", "fail")


class Rated(msgspec.Struct, frozen=True):
    """One line of a rater's sheet: the position of an answer, and what they say of it."""

    position: int
    label: Label


def queue(store: Store, run: str, ratings: int = 2) -> Queue:
    """The queue of a run."""
    return Queue(store, Kind(name=f"evaluation:{run}", labels=LABELS, ratings=ratings))


def put(store: Store, run: str, heard: Iterable[Heard], now: int) -> int:
    """Put every answer that persons judge into the queue; what is there already stays. Returns how many are new."""
    items = [
        Item(queue="", subject=str(one.row.position), stratum=one.row.category, rank=one.row.position)
        for one in heard
        if ID in judges_of(one.row) and one.answer.result != "failed"
    ]
    return queue(store, run).put(items, now)


def enter(store: Store, run: str, member: str, rated: Sequence[Rated], now: int) -> tuple[int, int]:
    """Enter what somebody said of answers on a sheet; what they said before, or may not rate, is passed over.

    Returns:
        How many were entered and how many passed over.
    """
    rows = queue(store, run)
    known = {one.subject: one for state in ("open", "split") for one in reviews.of(store, rows.kind.name, state)}
    entered = 0
    for one in rated:
        item = known.get(str(one.position))
        until = now + rows.kind.lease_s
        if item is None or not reviews.take_one(store, item.id, member, now, until):
            continue
        rows.rate(item.id, member, one.label, now)
        entered += 1
    return entered, len(rated) - entered


def said(store: Store, run: str) -> list[Said]:
    """What persons said of the answers that are settled."""
    done = reviews.of(store, queue(store, run).kind.name, "done")
    return [
        Said(position=int(one.subject), judge=ID, label="pass" if one.label == "pass" else "fail", at=one.done_at)
        for one in done
    ]
