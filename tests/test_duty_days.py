# SPDX-License-Identifier: Apache-2.0
"""How duties stood by day, and who answers for them: both databases, one behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guiju.law.book import Said
from guiju.records import duty_days
from guiju.records.db import Store
from guiju.records.duty_days import Owner
from places import BOTH, Place, place

NOW = 1_795_000_000
DAY = 86_400


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def test_a_day_keeps_its_last_state_and_that_it_was_ever_red(store: Store) -> None:
    duty_days.note(
        store,
        "draft-2023",
        [("9.a", "gap", True, Said("坏了", "broken")), ("4.0", "met", False, Said("落实", "kept"))],
        NOW,
    )
    duty_days.note(
        store,
        "draft-2023",
        [("9.a", "met", False, Said("落实", "kept")), ("4.0", "met", False, Said("落实", "kept"))],
        NOW + 60,
    )
    duty_days.note(store, "draft-2023", [("9.a", "met", False, Said("落实", "kept"))], NOW + DAY)
    duty_days.note(store, "interim-2023", [("9.a", "partly", False, Said("另一文本", "other text"))], NOW + DAY)
    past = duty_days.history(store, "draft-2023", NOW + DAY, duty="9.a")
    assert [(one.state, one.red, one.zh, one.en) for one in past] == [
        ("met", False, "落实", "kept"),
        ("met", True, "坏了", "broken"),
    ]
    assert past[1].at == NOW + 60
    assert past[0].day == past[1].day + 1
    assert len(duty_days.history(store, "draft-2023", NOW + DAY)) == 3
    assert [one.day for one in duty_days.history(store, "draft-2023", NOW + DAY, days=1)] == [past[0].day]


def test_the_last_to_be_named_answers_for_a_duty(store: Store) -> None:
    assert duty_days.owners(store) == {}
    for number, name in enumerate(("林青", "周默")):
        duty_days.assign(store, Owner("9.a", name, "admin", NOW + number))
    duty_days.assign(store, Owner("4.0", "林青", "admin", NOW))
    assert {duty: one.owner for duty, one in duty_days.owners(store).items()} == {"9.a": "周默", "4.0": "林青"}
    duty_days.assign(store, Owner("9.a", "", "admin", NOW + 9))
    assert list(duty_days.owners(store)) == ["4.0"]
