# SPDX-License-Identifier: Apache-2.0
"""The store of figures: the newest is told, every publication stays, and a name belongs to one room."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from guiju.records import figures
from guiju.records.db import Store
from guiju.terms import Figure
from places import BOTH, Place, place

ERROR = Figure("annotation.error", 0.02, 300, (0.01, 0.04), 1_000, "w/1/7")
ITEMS = Figure("annotation.items", 600, 2, None, 1_000, "w/1/7")


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def test_the_newest_is_told_and_all_are_kept(store: Store) -> None:
    later = msgspec.structs.replace(ERROR, at=2_000, evidence="w/1/9")
    figures.publish(store, [ERROR, ITEMS], room="annotation")
    figures.publish(store, [later], room="annotation")  # unchanged, and proved anew
    figures.publish(store, [later, ITEMS], room="annotation")  # the very same: nothing new
    early = msgspec.structs.replace(ERROR, value=0.5, at=500)
    figures.publish(store, [early], room="annotation")  # an older one that comes late is history at once
    assert figures.latest(store) == [later, ITEMS]
    assert figures.history(store, "annotation.error") == [later, ERROR, early]
    assert figures.history(store, "nothing") == []


def test_a_prefix_is_taken_to_the_letter(store: Store) -> None:
    rows = [Figure(name, 1, 1, None, 1, "") for name in ("corpus.rows", "corpus_rows", "Corpus.rows", "corpus.rows@%")]
    figures.publish(store, rows, room="corpus")
    assert [one.name for one in figures.latest(store, "corpus.")] == ["corpus.rows", "corpus.rows@%"]
    assert [one.name for one in figures.latest(store, "corpus.rows@%")] == ["corpus.rows@%"]


def test_what_is_no_sound_figure_enters_nothing(store: Store) -> None:
    figures.publish(store, [ITEMS], room="annotation")
    wrong = (
        [ERROR, msgspec.structs.replace(ERROR, at=2)],
        [ERROR, msgspec.structs.replace(ITEMS, value=float("nan"))],
        [ERROR, msgspec.structs.replace(ITEMS, interval=(0.0, float("inf")))],
        [ERROR, msgspec.structs.replace(ITEMS, name="")],
        [ERROR, msgspec.structs.replace(ITEMS, name="n" * 257)],
    )
    for one in wrong:
        with pytest.raises(ValueError, match="figure"):
            figures.publish(store, one, room="annotation")
    with pytest.raises(ValueError, match="belongs to annotation"):
        figures.publish(store, [Figure("corpus.rows", 1, 1, None, 1, ""), ITEMS], room="corpus")
    assert figures.latest(store) == [ITEMS]


def test_two_that_publish_at_once_lose_nothing(here: Place) -> None:
    stores = [here.open() for _ in range(2)]
    failed: list[BaseException] = []

    def work(store: Store, mine: int) -> None:
        try:
            for at in range(10):
                figures.publish(store, [Figure("desk.cases", mine, 1, None, at, str(mine))], room="desk")
        except BaseException as error:  # told to the test below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(store, mine)) for mine, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(figures.history(stores[0], "desk.cases")) == 20
    for store in stores:
        store.close()
