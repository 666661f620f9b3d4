# SPDX-License-Identifier: Apache-2.0
"""The demonstration: what it leaves behind is whole, has really happened, and is honest about what nobody keeps."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cli_kit import typed
from guiju.dossier import package
from guiju.law import book
from guiju.records import figures as published
from guiju.records import months
from guiju.records.db import Store
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
    annotated(tmp_path)
    chain(tmp_path, made["package"])


def annotated(folder: Path) -> None:
    """Persons were taught and examined, annotated a batch, and were checked; the model was asked."""
    [asked] = ran(folder, "evaluate", "list")
    assert (asked["state"], asked["drawn"]) == ("done", 60)
    [batch] = ran(folder, "annotation", "batches")
    assert batch["state"] == "accepted"
    figures = Store.open("sqlite", folder / "demo")
    told = {one.name: one.value for one in published.latest(figures, "annotation.")}
    figures.close()
    assert (told["annotation.annotators"], told["annotation.reviewers"]) == (2, 1)
    assert told["annotation.items"] > 0


def chain(folder: Path, digest: str) -> None:
    """What is filed: a fact is missing and lint is red; it is said and lint is green; built, verified; one number is
    changed, and verifying fails and names it."""
    [first] = ran(folder, "dossier", "list")
    assert (first["digest"], set(first["signed"])) == (digest, {"preparer", "reviewer", "assessment", "legal"})
    [told] = ran(folder, "filing", "told")["authorities"]
    assert (told["what"], told["about"]) == ("submission", digest)
    number = demo().facts["org"]["icp"]
    ran(folder, "facts", "set", "org.icp")
    red = ran(folder, "dossier", "lint", "--kind", "assessment", status=1)
    assert [one["look"] for one in red["found"] if "org.icp" in one["place"]] == ["L18"]
    ran(folder, "facts", "set", "org.icp", number)
    assert not ran(folder, "dossier", "lint", "--kind", "assessment")["blocks"]
    built = ran(folder, "dossier", "build", "--kind", "assessment", "-o", "again")
    assert not built["draft"]
    assert ran(folder, "dossier", "verify", "again")["whole"]
    [quoted] = [one for one in package.manifest_of(folder / "again").figures if one.name == "gateway.requests"]
    printed = quoted.printed[0].text
    [paper] = (folder / "again").glob("anquan-*/*.docx")
    with zipfile.ZipFile(paper) as inside:
        parts = {name: inside.read(name) for name in inside.namelist()}
    changed = parts["word/document.xml"].replace(f">{printed}<".encode(), ">9 次<".encode(), 1)
    assert changed != parts["word/document.xml"]
    with zipfile.ZipFile(paper, "w") as inside:
        for name, content in {**parts, "word/document.xml": changed}.items():
            inside.writestr(name, content)
    faults = ran(folder, "dossier", "verify", "again", status=1)["faults"]
    assert {(one["figure"], one["was"], one["now"]) for one in faults if one["figure"]} == {
        ("gateway.requests", printed, "9 次")
    }
