# SPDX-License-Identifier: Apache-2.0
"""One process of all does what one must do: the lease moves on when its holder dies, and at once when it lets go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from guiju.records import db
from guiju.records.leases import ENDS_S, Lease
from places import BOTH, Place, place


class Hand:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def test_one_holds_and_the_next_waits_until_the_counter_stands_still(here: Place) -> None:
    with closing(here.open()) as store, closing(here.open()) as other:
        clock = Hand()
        one, two = Lease(store, "house", clock), Lease(other, "house", clock)
        assert one.beat()
        assert not two.beat()
        for _ in range(10):  # as long as the holder beats, nobody else gets it
            clock.now += ENDS_S - 1
            assert one.beat()
            assert not two.beat()
        clock.now += ENDS_S - 1
        assert not two.beat(), "the holder may still be there"
        clock.now += 1
        assert two.beat(), "it has stood still long enough"
        assert not one.beat(), "whoever lost it knows at the next beat"
        assert Lease(store, "doors", clock).beat(), "another lease is another matter"


def test_who_lets_go_need_not_be_waited_for(here: Place) -> None:
    with closing(here.open()) as store, closing(here.open()) as other:
        one, two = Lease(store, "house", Hand()), Lease(other, "house", Hand())
        assert one.beat()
        assert not two.beat()
        one.release()
        assert two.beat()
        assert not one.beat()


def test_many_that_ask_at_once_are_one(here: Place) -> None:
    with closing(here.open()) as store, closing(here.open()) as other:
        every = [Lease(one, "house", Hand()) for one in (store, other) for _ in range(8)]
        threads = [threading.Thread(target=one.beat) for one in every]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sum(one.held for one in every) == 1


def test_a_store_that_is_away_ends_a_lease_in_time(tmp_path: Path) -> None:
    clock = Hand()
    store = Place("sqlite", tmp_path).open()
    one = Lease(store, "house", clock)
    assert one.beat()
    store.close()
    clock.now += ENDS_S - 1
    assert one.beat(), "nobody else can have it yet"
    clock.now += 1
    assert not one.beat(), "by now another process may have it"


def test_a_restore_takes_the_lease_from_whoever_had_it(tmp_path: Path) -> None:
    """A restore moves every counter on (`backup._after_restore`); the lease is then taken anew."""
    clock = Hand()
    with closing(Place("sqlite", tmp_path).open()) as store:
        one = Lease(store, "house", clock)
        assert one.beat()
        store.do(lambda connection: db.bump(connection, "lease:house"))
        assert not one.beat()
        clock.now += ENDS_S
        assert one.beat()
