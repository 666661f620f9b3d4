# SPDX-License-Identifier: Apache-2.0
"""Drills on a restored copy: on a store that has a past, and without a trace in it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from conftest import Running, Start
from guiju import drilling, rehearsing, server
from guiju.controls import drills
from guiju.records import duty_days, transfer
from guiju.records.engine import FILE
from likeness_kit import OTHER, enact

pytestmark = pytest.mark.slow
ALWAYS = {"act", "change", "duty_day", "entry_hit", "key_usage", "page_snapshot", "version"}
"""Tables into which a running service writes by itself."""


def rehearsed(gateway: Running) -> dict[str, bool]:
    """What all drills come to."""
    work = rehearsing.rehearse(gateway.house, server.scratch)
    made = asyncio.run_coroutine_threadsafe(work, gateway.loop).result(60)
    return {drill: not heard.stops for drill, heard in made.items()}


def counted(gateway: Running) -> dict[str, int]:
    """Rows by table."""
    with gateway.house.store.read() as connection:
        return {name: count for name, count in transfer.counts(connection).items() if name not in ALWAYS}


def test_a_store_with_bans_and_persons_is_rehearsed_without_a_trace(start: Start, tmp_path: Path) -> None:
    gateway = start()
    enact(gateway, OTHER)
    before = counted(gateway)
    keys = sorted(path.name for path in (gateway.data / "keys").rglob("*"))
    assert rehearsed(gateway) == dict.fromkeys(drills.LATER, True)
    assert counted(gateway) == before
    assert sorted(path.name for path in (gateway.data / "keys").rglob("*")) == keys
    assert list(gateway.data.glob(rehearsing.FOLDER + "*")) == []
    text = "".join(path.read_text("utf-8") for path in gateway.data.glob("ledger/*/*.log"))
    assert rehearsing._BANNED not in text


def test_no_key_of_a_person_is_copied(start: Start) -> None:
    gateway = start()
    seen: list[str] = []

    def front(house: object) -> tuple[drilling.App, object]:
        [folder] = gateway.data.glob(rehearsing.FOLDER + "*")
        seen.extend(str(path.relative_to(folder)) for path in folder.rglob("*.key"))
        seen.append("signing" if same(gateway.data, folder / "data", "signing") else "other")
        raise OSError

    work = rehearsing.rehearse(gateway.house, front)  # type: ignore[arg-type] # it makes nothing
    made = asyncio.run_coroutine_threadsafe(work, gateway.loop).result(60)
    assert all(heard.stops for heard in made.values()), "without a house all drills failed"
    assert "data/keys/digest.key" in seen
    assert not any("days/" in name for name in seen)
    assert "other" in seen, "the key that signs evidence is another one"


def same(one: Path, other: Path, name: str) -> bool:
    """Whether two folders have the same key."""
    return (one / "keys" / f"{name}.key").read_bytes() == (other / "keys" / f"{name}.key").read_bytes()


def test_what_was_broken_off_is_swept_and_days_are_noted(start: Start) -> None:
    gateway = start()
    left = gateway.data / f"{rehearsing.FOLDER}1-x"
    left.mkdir()
    sqlite3.connect(left / FILE).close()
    assert rehearsing.sweep(gateway.data) == 1
    assert not left.exists()
    rehearsing.note(gateway.house)
    text, states = gateway.house.live.settings.profile, duty_days.history(gateway.house.store, "interim-2023", 1 << 40)
    assert text == "interim-2023"
    assert states == [], "another time"
    now = int(gateway.house.live.clock())
    noted = {one.duty: one for one in duty_days.history(gateway.house.store, "interim-2023", now)}
    assert noted["4.0"].state in ("met", "partly")
