# SPDX-License-Identifier: Apache-2.0
"""Rest (Article 10): sittings across keys and workers, reminders, breaks, days, nights, and clocks that jump."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from fast_kit import few
from guiju.config import Rest as Settings
from guiju.config import Settings as All
from guiju.controls.rest import BREAK, DAY, NIGHT, Rest, allowed, pause
from guiju.law import book
from guiju.records import retention, schema, use
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.use import Uses
from guiju.terms import Allowed, Exchange, Guardian, Sitting
from guiju.weakening import weakenings
from identity_kit import Time
from places import BOTH, Place, place

WHO = ("a" * 32, token_hex(16))
NOON = 1_795_147_200 - 1_795_147_200 % 86_400 + 4 * 3600.0
"""Noon of a day in UTC+8."""
HOUR = 3600
FREE = Settings(remind_minutes=30, stop_minutes=90, break_minutes=15, day_minutes=240)


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open("sqlite", tmp_path / "data")
    yield made
    made.close()


class Worker:
    """One process's counts, with clocks that a test moves."""

    def __init__(self, store: Store, clock: Time, wall: list[float], settings: Settings = FREE) -> None:
        self.uses = Uses(store, clock)
        self.settings = settings
        self.wall = wall
        self.hurried = 0
        self.uses.hurry = self._hurry

    def _hurry(self) -> None:
        self.hurried += 1

    async def ask(self) -> Sitting:
        """One request."""
        guardian = await self.uses.guardian(WHO, self.wall[0])
        return self.uses.sat(WHO, allowed(self.settings, "adult", "all", guardian), self.wall[0])

    async def settle(self) -> None:
        """Write."""
        await self.uses.settle(self.wall[0])


class World:
    """Workers over one store, and the two clocks."""

    def __init__(self, store: Store, workers: int = 1, settings: Settings = FREE) -> None:
        self.clock, self.wall = Time(), [NOON]
        self.workers = [Worker(store, self.clock, self.wall, settings) for _ in range(workers)]

    def go(self, seconds: float) -> None:
        """Time passes."""
        self.clock.now += seconds
        self.wall[0] += seconds

    def jump(self, seconds: float) -> None:
        """Only the wall clock moves."""
        self.wall[0] += seconds

    async def chat(self, minutes: int, worker: int = 0, every: int = 5) -> list[Sitting]:
        """Somebody asks every few minutes; each worker writes between two requests."""
        made = []
        for number in range(minutes // every):
            self.go(every * 60)
            made.append(await self.workers[(worker + number) % len(self.workers)].ask())
            for one in self.workers:
                await one.settle()
        return made


def test_reminders_come_at_each_interval_and_then_a_break(store: Store) -> None:
    async def what() -> None:
        world = World(store)
        await world.workers[0].ask()
        sat = await world.chat(90)
        reminded = [one.continuous_s // 60 for one in sat if one.reminder]
        assert reminded == [30, 60]
        assert sat[-1].break_until == world.wall[0] + 15 * 60
        assert world.workers[0].hurried == 3, "each crossing is written at once"
        held = await world.chat(10)
        assert [one.break_until for one in held] == [sat[-1].break_until] * 2, "asking does not lengthen a break"
        world.go(5 * 60)
        after = await world.workers[0].ask()
        assert (after.break_until, after.continuous_s, after.today_s // 60) == (0, 0, 90)

    asyncio.run(what())


def test_requests_are_counted_in_memory_and_written_together(store: Store) -> None:
    async def what() -> None:
        world = World(store)
        for _ in range(300):
            world.go(1)
            await world.workers[0].ask()
        with store.read() as connection:
            assert connection.execute(select(schema.person_use)).all() == [], "not a write a request"
        assert world.workers[0].hurried == 0
        await world.workers[0].settle()
        with store.read() as connection:
            assert connection.execute(select(schema.person_use.c.continuous_s)).scalars().all() == [299.0]

    asyncio.run(what())


def test_a_pause_ends_a_sitting_and_the_day_goes_on(store: Store) -> None:
    async def what() -> None:
        world = World(store)
        await world.workers[0].ask()
        await world.chat(20)
        world.go(16 * 60)
        sat = await world.workers[0].ask()
        assert (sat.continuous_s, sat.today_s) == (0, 20 * 60)
        world.go(14 * 60)
        assert (await world.workers[0].ask()).continuous_s == 14 * 60

    asyncio.run(what())


def test_the_day_begins_anew_at_midnight_and_the_sitting_does_not(store: Store) -> None:
    async def what() -> None:
        world = World(store)
        world.jump(12 * HOUR - 600)  # ten to midnight
        await world.workers[0].ask()
        sat = await world.chat(20)
        assert (sat[1].continuous_s, sat[1].today_s) == (600, 0)
        assert (sat[3].continuous_s, sat[3].today_s) == (1200, 600)

    asyncio.run(what())


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_count_one_sitting_together(here: Place, workers: int) -> None:
    async def what(store: Store) -> None:
        world = World(store, workers)
        await world.workers[0].ask()
        sat = await world.chat(85)
        assert sat[-1].continuous_s == sat[-1].today_s == 85 * 60
        assert sum(one.reminder for one in sat) == 2
        stopped = (await world.chat(5))[0]
        assert stopped.break_until
        world.go(70)
        for worker in world.workers:
            assert abs((await worker.ask()).break_until - stopped.break_until) <= 1, "a break holds at every worker"
        world.go(15 * 60)
        for worker in world.workers:
            assert (await worker.ask()).continuous_s == 0

    opened = here.open()
    asyncio.run(what(opened))
    opened.close()


def test_a_restart_forgets_five_seconds_at_most(here: Place) -> None:
    async def before(store: Store) -> tuple[World, Sitting]:
        world = World(store)
        await world.workers[0].ask()
        return world, (await world.chat(40))[-1]

    async def after(store: Store, world: World, last: Sitting) -> None:
        world.go(300)
        again = Worker(store, world.clock, world.wall)
        sat = await again.ask()
        assert (sat.continuous_s, sat.today_s) == (last.continuous_s + 300, last.today_s + 300)
        assert not sat.reminder, "it was told before"

    opened = here.open()
    world, last = asyncio.run(before(opened))
    opened.close()
    opened = here.open()
    asyncio.run(after(opened, world, last))
    opened.close()


@pytest.mark.parametrize("jump", few([-HOUR, HOUR, 100 * 86_400]))
@pytest.mark.parametrize("workers", [1, 2])
def test_a_clock_that_jumps_adds_nothing_and_takes_nothing(store: Store, jump: int, workers: int) -> None:
    async def what() -> None:
        world = World(store, workers)
        await world.workers[0].ask()
        await world.chat(50)
        world.jump(jump)
        sat = await world.chat(35, worker=0)
        assert sat[-1].continuous_s == 85 * 60
        assert sat[-1].today_s in ((85 * 60,) if abs(jump) <= HOUR else (35 * 60, 30 * 60))
        assert sum(one.reminder for one in sat) == 1
        stopped = (await world.chat(5))[0]
        assert stopped.break_until == world.wall[0] + 15 * 60
        world.jump(jump)
        held = await world.workers[0].ask()
        assert held.break_until - held.at <= 15 * 60, "nobody is locked out for an hour"
        world.go(15 * 60 + 1)
        assert (await world.workers[0].ask()).break_until == 0

    asyncio.run(what())


def test_a_store_that_is_down_leaves_the_count_of_this_process(store: Store, tmp_path: Path) -> None:
    async def what() -> None:
        world = World(store)
        await world.workers[0].ask()
        store.close()
        (tmp_path / "data" / "guiju.db").write_bytes(b"no database" * 1000)
        for _ in range(18):
            world.go(300)
            sat = await world.workers[0].ask()
        assert sat.break_until
        assert world.workers[0].uses.unread > 0

    asyncio.run(what())


@pytest.mark.slow
def test_what_is_kept_are_times_and_after_a_week_nothing(store: Store, tmp_path: Path) -> None:
    async def what(world: World) -> None:
        for _ in range(12):
            await world.workers[0].ask()
            await world.chat(60)
            world.go(86_400 - HOUR)

    world = World(store, settings=Settings(remind_minutes=0))
    asyncio.run(what(world))
    world.go(-86_400 + HOUR)
    told = use.signs(store, WHO, world.wall[0])
    assert (told.hours, told.nights, told.days) == (7.0, 0, 7)
    keys = DayKeys(tmp_path / "keys")
    retention.sweep(store, keys, round(world.wall[0]))
    with store.read() as connection:
        assert len(connection.execute(select(schema.person_use)).all()) == use.KEPT_DAYS
    assert retention.sweep(store, keys, round(world.wall[0]) + 30 * 86_400) == {"use": use.KEPT_DAYS}


def test_what_a_guardian_sets_holds_for_one_person(store: Store) -> None:
    use.guard(store, WHO, Guardian(20, "deny"), 1)

    async def what() -> Guardian:
        return await Uses(store).guardian(WHO, NOON)

    assert asyncio.run(what()) == Guardian(20, "deny")
    made = allowed(Settings(), "16to17", "all", Guardian(20, "allow"))
    assert (made.day_s, made.night) == (20 * 60, (0, 0))
    assert allowed(Settings(), "16to17", "all", Guardian(-1, "")).day_s == 0
    assert allowed(Settings(), "adult", "all", Guardian(0, "deny")).night == (22, 6)


def test_the_defaults_are_the_figures_of_the_law() -> None:
    known = {one.id: one.value for one in book.thresholds()}
    rest = Settings()
    assert rest.minors_under16_minutes == known["minors.under16.hours"] * 60
    assert rest.minors_16to17_minutes == known["minors.16to17.hours"] * 60
    assert rest.minors_remind_minutes == known["minors.rest.minutes"]
    assert (rest.night_from, rest.night_until) == (known["minors.night.from"], known["minors.night.until"])
    assert rest.remind_minutes == known["rest.companion.hours"] * 60


@pytest.mark.parametrize(
    ("age", "audience", "day", "night"),
    [
        ("", "all", 0, False),
        ("adult", "all", 0, False),
        ("adult", "minors", 0, False),
        ("", "minors", 60, True),
        ("under14", "all", 60, True),
        ("14to15", "all", 60, True),
        ("16to17", "minors", 120, True),
    ],
)
def test_bands_of_age_have_their_days_and_nights(age: Any, audience: Any, day: int, night: bool) -> None:
    made = allowed(Settings(), age, audience)
    assert (made.day_s, made.night != (0, 0)) == (day * 60, night)


@pytest.mark.parametrize(("hour", "until"), [(21.99, 0), (22, 30), (23.5, 30), (0, 6), (5.99, 6), (6, 0), (12, 0)])
def test_nights_are_quiet_until_morning(hour: float, until: int) -> None:
    midnight = NOON - 12 * HOUR
    sitting = Sitting(round(midnight + hour * HOUR), 0, 0, 0, False, allowed(Settings(), "under14", "all"))
    assert pause(sitting) == ((midnight + until * HOUR, NIGHT) if until else (0, ""))


@given(st.integers(0, 2**33), st.integers(0, 86_400), st.integers(0, 86_400), st.integers(0, 23), st.integers(0, 23))
def test_a_pause_is_in_the_future_and_ends(now: int, today: int, day: int, begins: int, ends: int) -> None:
    made = Allowed(900, 0, 0, 900, day, (begins, ends))
    until, why = pause(Sitting(now, 0, today, 0, False, made))
    assert (until == 0) == (why == "")
    if until:
        assert now < until <= now + 86_400
        assert why in (DAY, NIGHT)
        again = pause(Sitting(until, 0, 0, 0, False, made))
        assert again[1] != why, "when it is over it is over"


def test_the_control_refuses_with_its_time_and_says_nothing_of_what_was_said() -> None:
    sitting = Sitting(round(NOON), 9, 9, round(NOON) + 60, False, allowed(FREE, "", "all"))
    verdict = Rest().decide(Exchange("x", "a", "k", "chat", "m", (), sitting=sitting), ())
    assert verdict.action == "refuse"
    assert verdict.reason is not None
    assert (verdict.reason.category, verdict.reason.until) == (BREAK, round(NOON) + 60)


@pytest.mark.parametrize(
    ("new", "weakens"),
    [
        (Settings(), False),
        (Settings(remind_minutes=60), False),
        (Settings(remind_minutes=0), True),
        (Settings(minors_under16_minutes=90), True),
        (Settings(minors_under16_minutes=0), True),
        (Settings(night_from=23), True),
        (Settings(night_from=21), False),
        (Settings(day_minutes=600, stop_minutes=100), False),
    ],
    ids=str,
)
def test_longer_use_waits_like_any_weakening(new: Settings, weakens: bool) -> None:
    assert weakenings(All(), All(rest=new)) == (["rest"] if weakens else [])
