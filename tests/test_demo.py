# SPDX-License-Identifier: Apache-2.0
"""The demonstration: what it leaves behind is whole, has really happened, and is honest about what nobody keeps."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from cli_kit import typed
from guiju.law import book
from guiju.records import months
from guiju.seeded import DAY_S, calendar, demo

pytestmark = pytest.mark.timeout(400)


def ran(folder: Path, *words: object, status: int = 0) -> Any:
    """A command of the demonstration's provider."""
    done = typed(*words, "--data", "demo", "--json", cwd=folder)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_same_seed_is_the_same_calendar() -> None:
    begin = 1_780_000_000
    made = calendar(7, begin, begin + 180 * DAY_S)
    assert made == calendar(7, begin, begin + 180 * DAY_S)
    assert made != calendar(8, begin, begin + 180 * DAY_S)
    assert [one.at for one in made] == sorted(one.at for one in made)
    assert {one.what for one in made} == {"ask", "refused", "personal", "spam", "complain", "decide", "rest"}
    opened: set[int] = set()
    for one in made:
        if one.what == "complain":
            assert one.who not in opened, "a complaint is decided before the same comes again"
            opened.add(one.who)
        elif one.what == "decide":
            opened.remove(one.who)
    assert not opened
    assert max(one.at for one in made) < begin + 180 * DAY_S
    assert len({one.name for one in demo().member}) == len(demo().member)


@pytest.mark.slow
def test_months_that_were_lived_through(tmp_path: Path) -> None:
    fresh = typed("check", "--profile", "draft-2023", "--strict", "--data", "fresh", cwd=tmp_path)
    assert fresh.returncode == 1, "a fresh store honestly has gaps"
    made = ran(tmp_path, "demo", "seed", "--months", "2")
    assert made["gaps"] == []
    board = ran(tmp_path, "check", "--strict")
    states = {row["id"]: row for row in board["duties"]}
    software = {duty.id for duty in book.load("draft-2023").duties if duty.owed and duty.by == "software"}
    by_hand = {id for id, row in states.items() if row["state"] == "by_hand" and id in software}
    assert by_hand == set(made["without_control"]), "what nobody but a person keeps is said"
    assert all(states[id]["control"] is None for id in by_hand)
    assert states["15.a"]["evidence_age_s"] is not None
    assert [row["id"] for row in board["duties"] if row["state"] == "met"], "something is kept in full"
    told = ran(tmp_path, "evidence", "verify")
    assert told["whole"]
    segments = sorted(path.stem for path in (tmp_path / "demo" / "ledger").glob("*/*.log"))
    assert segments[0] < months.month_of(time.time()).replace("-", ""), "it happened in the past"
    again = typed("demo", "seed", "--data", "demo", cwd=tmp_path)
    assert again.returncode == 2, "nothing is written over"
