# SPDX-License-Identifier: Apache-2.0
"""A wall clock that jumps an hour back, an hour on, or a hundred days on: what expires is right by the clock, nothing is lost
by it, and nobody is kept longer (robustness F8). Sittings, steps and assertions: test_rest, test_standing,
test_identity_assertions."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from secrets import token_hex

import pytest
from sqlalchemy import insert

from conftest import Running, Start
from fast_kit import few
from guiju import renewal
from guiju.errors import ConfigError
from guiju.records import accounts, exceptions, holds, schema, vault
from guiju.records.accounts import KeyRecord
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.exceptions import LawException
from guiju.records.persons import level_of, remember
from guiju.records.steady import DOUBT_S, Steady
from guiju.terms import Identity
from rest_kit import person

HOUR, DAY = 3600, 86_400
JUMPS = (-HOUR, HOUR, 100 * DAY)
NOW = 1_800_000_000
TWO = ("li", "wang")


def test_a_clock_is_doubted_for_a_day_after_it_jumped() -> None:
    for jump in (*JUMPS, 6, -6):
        steady = Steady()
        assert not steady.look(NOW, 50.0)
        assert not steady.look(NOW + 60.4, 110.0), "a clock that is set right by and by"
        assert steady.look(NOW + 61 + jump, 111.0)
        assert steady.look(NOW + jump + DOUBT_S - 100, 50.0 + DOUBT_S - 100)
        assert not steady.look(NOW + jump + 61 + DOUBT_S, 112.0 + DOUBT_S)


@pytest.mark.parametrize("jump", JUMPS)
def test_what_expires_is_right_by_the_clock_and_comes_back_with_it(tmp_path: Path, jump: int) -> None:
    store, keys = Store.open("sqlite", tmp_path), DayKeys(tmp_path / "keys")
    store.do(lambda c: c.execute(insert(schema.account).values(id="a" * 32, name="a", created_at=1)).rowcount)
    who, end = ("a" * 32, token_hex(16)), NOW + 10 * DAY
    remember(store, who[0], Identity(who[1], "phone", "m", NOW, end, token_hex(16)), NOW)
    item = vault.put(store, keys, who, "note", b"kept", (NOW, end))
    holds.place(store, who, "law", "all", end, TWO, NOW)
    wanted = LawException(id="", duty="11.b", law="l", scope="s", made_by="", made_at=NOW, until_at=end)
    exceptions.make(store, wanted, TWO)

    def alive(now: int) -> list[bool]:
        try:
            opened = vault.read(store, keys, who, item, now) == b"kept"
        except ConfigError:
            opened = False
        with store.read() as connection:
            held = bool(holds.of(connection, who, now))
        return [opened, held, bool(exceptions.every(store, now)), level_of(store, *who, now) == "phone"]

    assert alive(NOW + 5) == [True] * 4
    assert alive(NOW + 5 + jump) == [NOW + jump < end] * 4
    assert alive(NOW + 5) == [True] * 4, "nothing is lost by a jump"
    assert alive(end) == [False] * 4
    store.close()


@pytest.mark.parametrize("jump", few(JUMPS))
def test_a_key_and_an_assertion_hold_by_the_clock(start: Start, jump: int) -> None:
    gateway = start()
    real = time.time
    record = KeyRecord(id="", account="operator", prefix="", name="k", expires_at=int(real()) + 10 * DAY)
    secret, _ = accounts.create_key(gateway.house.store, gateway.house.secrets, record)
    gateway.house.live.keyring.refresh(gateway.house.store)
    token = person(gateway)
    before = gateway.chat("[[say:好]]", key=secret, headers=token)
    assert before.status == 200
    gateway.house.live.clock = lambda: real() + jump
    over = jump > 10 * DAY
    assert gateway.chat("[[say:好]]", key=secret).status == (401 if over else 200)
    # The assertion holds for five minutes: an hour before it does not hold yet, an hour later it does not any more.
    assert gateway.chat("[[say:好]]", key=secret, headers=token).status == (401 if over else 403)
    assert gateway.chat("[[say:好]]", headers=person(gateway)).status == 200, "the operator's own key does not expire"
    gateway.house.live.clock = real
    assert gateway.chat("[[say:好]]", key=secret, headers=token).status == 200


@pytest.mark.slow
def test_nothing_is_deleted_by_a_clock_that_is_doubted(start: Start) -> None:
    gateway = start()
    who = kept(gateway)
    real = time.time
    gateway.house.live.clock = lambda: real() + 4000 * DAY
    for doubted, stays in ((True, True), (False, False)):
        work = renewal.sweep(gateway.house, doubted=doubted)
        asyncio.run_coroutine_threadsafe(work, gateway.loop).result(20)
        with gateway.house.store.read() as connection:
            assert bool(vault.items(connection, who)) == stays


def kept(gateway: Running) -> tuple[str, str]:
    """A person of whom something is sealed."""
    now, who = int(time.time()), ("operator", token_hex(16))
    remember(gateway.house.store, who[0], Identity(who[1], "phone", "m", now, now + DAY, token_hex(16)), now)
    vault.put(gateway.house.store, DayKeys(gateway.data / "keys"), who, "note", b"kept", (now, now + 30 * DAY))
    return who
