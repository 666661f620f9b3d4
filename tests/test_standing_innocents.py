# SPDX-License-Identifier: Apache-2.0
"""Who is suspended wrongly: innocent users who now and then write what a list takes for a misuse (Article 19).

Each request hits by chance at a rate that differs from user to user, and a hit draws others after it, as when somebody
translates an article on fraud: the next request hits as well with a chance of one in five. Measured on benign lines the
shipped packs hit with `block` about once in 25,000; the users here are taken to hit two and a half times as often, one in
fifty of them ten times as often as that, one in a thousand fifty times.
"""

from __future__ import annotations

import random
from collections import deque
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from guiju import composition
from guiju.controls import standing
from guiju.records import standing as kept
from guiju.records.db import Store
from guiju.terms import RUNGS, Record

DAY = 86_400
AWAKE = 16 * 3600
RATES = ((0.979, 1e-4), (0.02, 1e-3), (0.001, 5e-3))
"""Share of the users, and the chance with which a request of theirs hits."""
AGAIN = 0.2
"""The chance that the request after a hit hits."""
ALLOWED = 1e-5
"""Wrong suspensions a user and day."""


class User:
    """One user's record, as the gateway keeps it."""

    def __init__(self) -> None:
        self.strikes: deque[int] = deque()
        self.steps: list[tuple[str, int, int]] = []
        self.suspended = 0

    def day(self, hits: list[int], requests: int, midnight: int) -> None:
        """One day: the numbers of the requests that hit."""
        row, before = 0, -2
        for seen, number in enumerate(hits, 1):
            row, before = (row + 1 if number == before + 1 else 1), number
            self._strike(midnight + number * AWAKE // requests, row, seen / (number + 1))

    def _strike(self, at: int, row: int, share: float) -> None:
        self.strikes.append(at)
        while self.strikes and self.strikes[0] <= at - standing.KEPT_S:
            self.strikes.popleft()
        holding = [step for step in self.steps if step[2] > at]
        told = at - min((step[1] for step in holding), default=at)
        earlier = sum(step[0] == "suspend" and step[1] > at - standing.AGAIN_S for step in self.steps)
        found = standing.due(standing.shipped(), Record(list(self.strikes), row, share, told, earlier), at)
        if found and RUNGS.index(found.rung) > max((RUNGS.index(step[0]) for step in holding), default=0):
            self.steps.append((found.rung, at, found.until))
            self.suspended += found.rung == "suspend"


def clumped(rng: np.random.Generator, first: np.ndarray, requests: int) -> list[int]:
    """Hits with those that they draw after them."""
    made = set()
    for number in first:
        while number < requests:
            made.add(int(number))
            if rng.random() >= AGAIN:
                break
            number += 1
    return sorted(made)


def wrongly(users: int, days: int, requests: int, seed: int) -> int:
    """Suspensions of innocent users."""
    rng = np.random.default_rng(seed)
    chances = rng.choice([rate for _, rate in RATES], size=users, p=[share for share, _ in RATES])
    everybody = [User() for _ in range(users)]
    for day in range(days):
        for index in np.flatnonzero(counts := rng.binomial(requests, chances)):
            first = rng.choice(requests, size=int(counts[index]), replace=False)
            everybody[index].day(clumped(rng, first, requests), requests, (100 + day) * DAY)
    return sum(user.suspended for user in everybody)


@pytest.mark.slow
def test_the_simulation_counts_as_the_store_does(tmp_path: Path) -> None:
    """The same requests lead to the same steps here and in a gateway's own books."""
    rng = random.Random(3)
    store = Store.open("sqlite", tmp_path)
    rungs = set()
    for index in range(12):
        user, who, struck = User(), ("a" * 32, f"{index:032x}"), []
        for day in (100, 101, 104, 120):
            hits = sorted(rng.sample(range(60), rng.choice((1, 3, 8, 25))))
            user.day(hits, 60, day * DAY)
            row, before = 0, -2
            for seen, number in enumerate(hits, 1):
                row, before = (row + 1 if number == before + 1 else 1), number
                struck.append((day * DAY + number * AWAKE // 60, row, seen / (number + 1)))
        store.do(partial(_struck, who=who, struck=struck))
        made = sorted((step.since, step.rung, step.until) for step in kept.record(store, who)[1])
        assert made == sorted((since, rung, until) for rung, since, until in user.steps)
        rungs |= {rung for _, rung, _ in made}
    store.close()
    assert rungs == {"notice", "warn", "limit", "suspend"}, "too little was tried"


def _struck(connection: Connection, who: tuple[str, str], struck: list[tuple[int, int, float]]) -> None:
    decide = composition.decide(standing.shipped)
    for mark, (at, row, share) in enumerate(struck):
        kept.add(connection, who, "spam", "match", mark, at, decide, row, share)


def test_a_thousand_innocent_users_are_not_suspended() -> None:
    for requests in (20, 200, 500):
        assert wrongly(1000, 10, requests, requests) == 0


@pytest.mark.slow
@pytest.mark.parametrize("requests", [20, 200, 500])
def test_ten_thousand_innocent_users_are_suspended_less_than_once_in_100_000_days(requests: int) -> None:
    users, days = 10_000, 100
    assert wrongly(users, days, requests, 7) <= ALLOWED * users * days


def test_who_does_it_all_day_is_suspended() -> None:
    user = User()
    user.day(list(range(100)), 100, 100 * DAY)
    assert user.suspended >= 1
    mixed = User()
    mixed.day(list(range(0, 100, 4)), 100, 100 * DAY)
    assert mixed.suspended >= 1, "one in four"
