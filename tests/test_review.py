# SPDX-License-Identifier: Apache-2.0
"""The one queue engine: leases, blind ratings by two, agreement, samples, time of looking (Articles 8, 13; A3)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.errors import CallerError, ConfigError
from guiju.records import reviews
from guiju.records.db import Store
from guiju.records.reviews import Item
from guiju.review.agreement import agreement, alpha, same
from guiju.review.queue import DAY_S, Kind, Queue
from guiju.review.sampling import drawn, enough, planned
from places import BOTH, Place, place

NOW = 1_800_000_000
LABELS = ("good", "bad")
PAIRS = Kind(name="sample", labels=LABELS)


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    made = here.open()
    yield made
    made.close()


def filled(store: Store, count: int, kind: Kind = PAIRS) -> Queue:
    queue = Queue(store, kind)
    assert queue.put([Item(queue="", subject=f"s{n}", rank=n) for n in range(count)], NOW) == count
    return queue


def took(queue: Queue, who: str, now: int = NOW, **more: bool) -> Item:
    found = queue.next(who, now, **more)
    assert found is not None
    return found


def test_two_rate_without_seeing_one_another_and_a_third_settles(store: Store) -> None:
    queue = filled(store, 1)
    assert queue.put([Item(queue="", subject="s0")], NOW) == 0, "it is there already"
    first, second = took(queue, "a"), took(queue, "b")
    assert first.id == second.id
    assert queue.next("c", NOW) is None, "as many look as ratings are missing"
    assert queue.rate(first.id, "a", "good", NOW).state == "open"
    assert reviews.ratings(store, "sample") == {}, "nobody sees what the first said"
    assert queue.next("a", NOW) is None, "nobody rates twice"
    with pytest.raises(ConfigError, match="case_leased"):
        queue.rate(first.id, "a", "good", NOW)
    with pytest.raises(CallerError, match="name_missing"):
        queue.rate(first.id, "b", "perhaps", NOW)
    assert queue.rate(first.id, "b", "bad", NOW).state == "split"
    assert queue.next("a", NOW, settling=True) is None, "who rated it does not settle it"
    assert took(queue, "c", settling=True).id == first.id
    assert queue.next("d", NOW, settling=True) is None, "one settles it at a time"
    done = queue.rate(first.id, "c", "bad", NOW)
    assert (done.state, done.label) == ("done", "bad")
    assert [one.label for one in reviews.ratings(store, "sample")[first.id]] == ["good", "bad", "bad"]
    assert queue.agreed().same == 0.0, "who settled is not counted"


def test_a_lease_runs_out_is_renewed_and_given_back(store: Store) -> None:
    queue = filled(store, 2, Kind(name="one", labels=LABELS, ratings=1))
    mine = took(queue, "a")
    assert took(queue, "a", NOW + 10).id == mine.id, "who comes back goes on"
    assert took(queue, "b").id != mine.id
    assert queue.next("c", NOW) is None
    until = queue.renew(mine.id, "a", NOW + 800)
    assert until == NOW + 800 + 900
    assert took(queue, "c", NOW + 1600).id != mine.id, "b's ran out, a's did not"
    assert took(queue, "d", until).id == mine.id
    with pytest.raises(ConfigError, match="case_leased"):
        queue.renew(mine.id, "a", until)
    with pytest.raises(ConfigError, match="case_leased"):
        queue.rate(mine.id, "a", "good", until)
    queue.give_back(mine.id, "d")
    assert took(queue, "e", until).id == mine.id
    reviews.withdraw(store, mine.id, until)
    assert reviews.counts(store, "one") == {"open": 1, "withdrawn": 1}
    assert [one.subject for one in reviews.of(store, "one", "withdrawn")] == ["s0"]


def test_nobody_rates_what_they_made(store: Store) -> None:
    queue = Queue(store, PAIRS)
    queue.put([Item(queue="", subject="x", author_id="a")], NOW)
    assert queue.next("a", NOW) is None
    assert took(queue, "b").subject == "x"


@pytest.mark.slow
def test_many_at_once_get_each_item_as_often_as_it_is_wanted(store: Store) -> None:
    queue = filled(store, 12)
    rated: list[tuple[str, str]] = []

    def work(who: str) -> None:
        while (found := queue.next(who, NOW)) is not None:
            queue.rate(found.id, who, "good", NOW)
            rated.append((found.subject, who))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, "abcd"))
    assert len(rated) == len(set(rated)) == 24
    assert reviews.counts(store, "sample") == {"done": 12}
    assert (queue.agreed().things, queue.agreed().same) == (12, 1.0)


def test_the_day_is_over_when_enough_was_seen(store: Store) -> None:
    queue = filled(store, 2)
    one = took(queue, "a")
    queue.rate(one.id, "a", "good", NOW + 700)
    assert (queue.exposure("a", NOW).seconds, queue.exposure("a", NOW).things) == (700, 1)
    assert queue.exposure("b", NOW).seconds == 0
    reviews.looked(store, "a", NOW, 3000 - 700)
    assert queue.exposure("a", NOW).pause
    reviews.looked(store, "a", NOW, DAY_S - 3000)
    with pytest.raises(CallerError, match="enough_seen"):
        queue.next("a", NOW)
    assert took(queue, "a", NOW + 86_400).subject == "s1"


def test_a_sample_can_be_drawn_again_in_any_order(store: Store) -> None:
    ids = {"news": [f"n{k}" for k in range(90)], "law": [f"l{k}" for k in range(10)], "none": []}
    queue = Queue(store, PAIRS)
    plan = queue.sample(ids, 20, "2026-12", NOW)
    assert plan.strata == {"law": (10, 2), "news": (90, 18)}
    chosen = {one.subject for one in reviews.of(store, "sample", "open")}
    for name in plan.strata:
        mixed = random.Random(3).sample(ids[name], len(ids[name]))
        assert set(drawn(plan, name, mixed)) == chosen & set(ids[name])
    assert set(drawn(planned({"news": 90}, 18, "another"), "news", ids["news"])) != chosen & set(ids["news"])
    with pytest.raises(ValueError, match="planned for 90"):
        drawn(plan, "news", ids["news"][1:])


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 400), max_size=8), st.integers(0, 600))
@settings(deadline=None)
def test_a_plan_shares_out_exactly_what_it_should(population: dict[str, int], size: int) -> None:
    plan = planned(population, size, "seed")
    assert plan.size == min(size, sum(population.values()))
    for name, (count, taken) in plan.strata.items():
        assert 0 <= taken <= count == population[name]
        if size >= len([one for one in population.values() if one]):
            assert taken >= 1


def test_how_many_are_enough() -> None:
    # Cochran's table: 95 %, ±5 %, of 10,000 and without end; ±2 % of 1,000,000.
    assert enough(0.05, 10_000) == 370
    assert enough(0.05, 10**9) == 385
    assert enough(0.02, 1_000_000) == 2396
    assert enough(0.05, 10) == 10
    assert enough(0.05, 0) == 0


GAP = ""
RELIABILITY = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]
"""Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), example C: four observers, nominal alpha 0.743."""


def units(rows: list[str]) -> list[list[str]]:
    return [[label for label in column if label != "."] for column in zip(*(row.split() for row in rows), strict=True)]


def test_alpha_is_that_of_the_textbook() -> None:
    found = agreement(units(RELIABILITY))
    assert found.alpha is not None
    assert round(found.alpha, 3) == 0.743
    assert (found.things, found.ratings) == (11, 40)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.alpha < found.high
    assert agreement(units(RELIABILITY)) == found, "the same seed gives the same interval"
    # Two observers, ten units, the first example of the same text: alpha 0.095.
    two = units(["0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"])
    assert alpha(two) == pytest.approx(0.095, abs=0.0005)


def by_pairs(things: list[list[str]]) -> float | None:
    """Alpha by its definition: 1 - D_o / D_e, each over pairs of values, with no matrix."""
    paired = [unit for unit in things if len(unit) > 1]
    values = [label for unit in paired for label in unit]
    n = len(values)
    observed = sum(sum(a != b for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in paired) / max(
        1, n
    )
    differing = sum(a != b for a, b in itertools.permutations(values, 2))
    return 1 - observed / (differing / (n * (n - 1))) if differing else None


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=12))
def test_alpha_is_what_its_definition_says(things: list[list[str]]) -> None:
    expected = by_pairs(things)
    found = alpha(things)
    assert (found is None) == (expected is None)
    if expected is not None:
        assert found == pytest.approx(expected)
    assert same([["a"]]) is None
