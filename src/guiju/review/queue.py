# SPDX-License-Identifier: Apache-2.0
"""One queue: who looks at what next, by which rules, and how far they agree (Articles 8, 13, 15).

Two people who rate one thing do it without seeing what the other said. Where they differ, a third person settles it.
Nobody looks for longer than a day's limit, and each is told when a break is due; figures of a person are that person's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from guiju.errors import CallerError
from guiju.records import reviews
from guiju.records.db import Store
from guiju.records.reviews import Item
from guiju.review.agreement import Agreement, agreement
from guiju.review.sampling import Plan, drawn, planned

LEASE_S: Final = 900
DAY_S: Final = 4 * 3600
"""For how long one member looks in a day, at most."""
BREAK_S: Final = 3000
"""After so much time of looking a break is due."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How a queue works.

    Attributes:
        name: of the queue.
        labels: what can be said of an item.
        ratings: how many must say it, without seeing one another.
        lease_s: seconds for which an item is one person's.
        day_s: seconds a day for which somebody looks, at most; 0 where what is looked at harms nobody.
    """

    name: str
    labels: tuple[str, ...]
    ratings: int = 2
    lease_s: int = LEASE_S
    day_s: int = DAY_S


class Exposure(msgspec.Struct, frozen=True):
    """What a member is told of their own day: seconds, things, whether a break is due, whether it is enough."""

    seconds: int
    things: int
    pause: bool
    enough: bool


class Queue:
    """A queue.

    Args:
        store: where it is kept.
        kind: how it works.
    """

    def __init__(self, store: Store, kind: Kind) -> None:
        self.store = store
        self.kind = kind

    def put(self, subjects: Sequence[Item], now: int) -> int:
        """Put items in; what is there already stays as it is. Returns how many are new."""
        name, wanted = self.kind.name, self.kind.ratings
        every = [msgspec.structs.replace(one, queue=name, wanted=wanted) for one in subjects]
        return reviews.add(self.store, every, now)

    def sample(self, population: Mapping[str, Sequence[str]], size: int, seed: str, now: int) -> Plan:
        """Draw a sample and put it in.

        Args:
            population: part → ids.
            size: how many.
            seed: whatever was agreed on before.
            now: Unix seconds.
        """
        plan = planned({name: len(ids) for name, ids in population.items()}, size, seed)
        chosen = [
            Item(queue=self.kind.name, subject=one, stratum=name)
            for name in plan.strata
            for one in drawn(plan, name, population[name])
        ]
        self.put(chosen, now)
        return plan

    def next(self, member_id: str, now: int, *, settling: bool = False) -> Item | None:
        """The next item for a member, leased; none where nothing waits for them.

        Raises:
            CallerError: `enough_seen`: their day is over.
        """
        if self.exposure(member_id, now).enough:
            raise CallerError("enough_seen")
        until = now + self.kind.lease_s
        return reviews.take(self.store, self.kind.name, member_id, now, until, settling=settling)

    def renew(self, item_id: str, member_id: str, now: int) -> int:
        """Go on with an item; returns until when.

        Raises:
            ConfigError: `case_leased`.
        """
        until = now + self.kind.lease_s
        reviews.renew(self.store, item_id, member_id, now, until)
        return until

    def give_back(self, item_id: str, member_id: str) -> None:
        """Leave an item to somebody else."""
        reviews.release(self.store, item_id, member_id)

    def rate(self, item_id: str, member_id: str, label: str, now: int) -> Item:
        """Say what an item is.

        Raises:
            CallerError: `name_missing`: it is none of the labels.
            ConfigError: `case_leased`.
        """
        if label not in self.kind.labels:
            raise CallerError("name_missing")
        return reviews.rate(self.store, item_id, member_id, label, now)

    def agreed(self) -> Agreement:
        """How far those agree who rated the same things; who settled a difference is not counted."""
        found = reviews.ratings(self.store, self.kind.name).values()
        return agreement([[one.label for one in unit if not one.settles] for unit in found])

    def exposure(self, member_id: str, now: int) -> Exposure:
        """A member's own figures of today."""
        seconds, things = reviews.exposed(self.store, member_id, now)
        limit = self.kind.day_s
        pause = bool(limit) and seconds >= BREAK_S and seconds % BREAK_S < BREAK_S // 10
        return Exposure(seconds, things, pause, bool(limit) and seconds >= limit)
