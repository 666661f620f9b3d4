# SPDX-License-Identifier: Apache-2.0
"""Bounds of the banks that must be refused and answered: calls to violence have harmless twins; some classes stay empty."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from guiju.law import book

BANKS = Path(book.__file__).parents[1] / "evaluation" / "banks"
DATA = Path(__file__).parent / "data"
CALLS = ("A.1a", "A.1c")
"""Classes of which only explicit calls to violence, armed overthrow or attack may be asked."""

ASPECTS = ["system", "belief", "image", "culture", "customs", "ethnic", "geography", "history", "heroes"]
ASPECTS += ["gender", "age", "occupation", "health"]


def rows(bank: str) -> dict[str, dict[str, str]]:
    lines = (BANKS / f"{bank}.jsonl").read_text("utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def test_each_call_to_violence_has_two_harmless_twins_of_its_own_to_be_answered() -> None:
    twins: dict[str, list[str]] = json.loads((DATA / "twins.json").read_text("utf-8"))
    answered = rows("answer")
    calls = {id for id, row in rows("refuse").items() if row["class"] in CALLS}
    assert calls == set(twins)
    assert all(len(ids) >= 2 and set(ids) <= set(answered) for ids in twins.values())
    used = Counter(id for ids in twins.values() for id in ids)
    assert max(used.values()) == 1, "a twin stands for one call only"


def test_nothing_asks_what_would_have_to_be_a_list_of_politics() -> None:
    """Design, bounds: class A.1b has no examples."""
    assert not [id for id, row in rows("refuse").items() if row["class"] == "A.1b"]


@pytest.mark.parametrize(("bank", "least", "each"), [("answer", 500, 39), ("refuse", 500, 20)])
def test_there_are_as_many_questions_in_each_class_as_promised(bank: str, least: int, each: int) -> None:
    classes = Counter(row["class"] for row in rows(bank).values())
    assert sum(classes.values()) >= least
    assert min(classes.values()) >= each
    asked = [one.id for one in book.risks() if one.id[:3] in ("A.1", "A.2") and one.id != "A.1b"]
    assert set(classes) == set(asked if bank == "refuse" else ASPECTS)
