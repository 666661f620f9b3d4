# SPDX-License-Identifier: Apache-2.0
"""The demonstration: what it leaves behind is whole, has really happened, and is honest about what nobody keeps; and a
filing is walked through from there, by the commands of the page that shows it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from browser_kit import missing
from cli_kit import GUIJU, environment, typed
from conftest import free_port
from guiju.law import book
from guiju.records import figures as published
from guiju.records import months
from guiju.records.db import Store
from guiju.seeded import DAY_S, calendar, demo

pytestmark = pytest.mark.timeout(1200)
PAGE = Path(__file__).parents[1] / "docs" / "zh" / "how-to" / "filing-walk.md"


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


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the first commands of the page were typed."""
    folder = tmp_path_factory.mktemp("walk")
    typed_of_page(folder, block("seed"))
    return folder


def block(anchor: str, kind: str = "sh") -> str:
    """A block of code of the page on walking through a filing."""
    part = PAGE.read_text("utf-8").partition(f"{{ #{anchor} }}")[2].partition("\n## ")[0]
    [found] = re.findall(rf"^```{kind}\n(.*?)^```$", part, re.DOTALL | re.MULTILINE)
    return str(found)


def typed_of_page(folder: Path, code: str) -> str:
    """Type the commands of a block, one by one; each ends as its remark says. Gives what the last one printed."""
    said = ""
    for line in code.splitlines():
        command, _, remark = line.partition(" #")
        done = subprocess.run(
            shlex.split(command.replace("guiju", str(GUIJU), 1) if command.startswith("guiju") else sys.executable + command[6:]),
            cwd=folder, env=environment("en"), capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
        assert done.returncode == (1 if "退出码 1" in remark else 0), command + done.stdout + done.stderr
        said = done.stdout
    return said


@pytest.mark.slow
def test_months_that_were_lived_through(seeded: Path) -> None:
    board = ran(seeded, "check", "--strict")
    states = {row["id"]: row for row in board["duties"]}
    software = {duty.id for duty in book.load("draft-2023").duties if duty.owed and duty.by == "software"}
    by_hand = {id for id, row in states.items() if row["state"] == "by_hand" and id in software}
    assert all(states[id]["control"] is None for id in by_hand), "what a control keeps needs no note"
    assert states["15.a"]["evidence_age_s"] is not None
    assert [row["id"] for row in board["duties"] if row["state"] == "met"], "something is kept in full"
    told = ran(seeded, "evidence", "verify")
    assert told["whole"]
    segments = sorted(path.stem for path in (seeded / "demo" / "ledger").glob("*/*.log"))
    assert segments[0] <= months.month_of(time.time() - 150 * DAY_S).replace("-", ""), "it happened in the past"
    again = typed("demo", "seed", "--data", "demo", cwd=seeded)
    assert again.returncode == 2, "nothing is written over"
    annotated(seeded)
    [first] = ran(seeded, "dossier", "list")
    assert set(first["signed"]) == {"preparer", "reviewer", "assessment", "legal"}
    [told] = ran(seeded, "filing", "told")["authorities"]
    assert (told["what"], told["about"]) == ("submission", first["digest"])


def annotated(folder: Path) -> None:
    """Persons were taught and examined, annotated a batch, and were checked; the service was asked, and persons rated."""
    [asked] = ran(folder, "evaluate", "list")
    assert (asked["state"], asked["result"]) == ("done", "passed")
    assert asked["drawn"] > 1600, "as many as the standard asks, and questions of fact"
    [batch] = ran(folder, "annotation", "batches")
    assert batch["state"] == "accepted"
    store = Store.open("sqlite", folder / "demo")
    told = {one.name: one.value for one in published.latest(store)}
    store.close()
    assert (told["annotation.annotators"], told["annotation.reviewers"]) == (2, 1)
    assert told["annotation.items"] > 0
    assert told["corpus.sample.manual@walks"] >= 0.96
    asked = [value for name, value in told.items() if re.fullmatch(r"month\.[0-9-]+\.exchanges\.all", name)]
    assert len(asked) >= 6, "each month was counted"
    assert all(0 < one < 200 for one in asked), "and the evaluation was not"


@pytest.mark.slow
@pytest.mark.browser
def test_a_filing_is_walked_through_as_the_page_says(seeded: Path) -> None:
    """From red to green, built, verified, signed, handed in; then one number is changed."""
    if shutil.which("chromium") is None:
        missing("no Chromium: apt-get install chromium")
    typed_of_page(seeded, block("red"))
    assert not (seeded / "out").exists()
    red = ran(seeded, "dossier", "lint", "--kind", "filing", status=1)
    assert {one["look"] for one in red["found"] if one["blocks"]} == {"L08", "L09", "L18"}
    port = str(free_port())
    (seeded / "plan.toml").write_text(block("green", "toml").replace("8080", port), "utf-8")
    told, serve, *others = block("green").splitlines()
    typed_of_page(seeded, told)
    with serving(seeded, serve.partition(" #")[0].replace("8080", port), f"http://127.0.0.1:{port}/about"):
        typed_of_page(seeded, "\n".join(others))
    green = ran(seeded, "dossier", "lint", "--kind", "filing")
    assert {one["look"] for one in green["found"]} == {"L17"}, "that clauses are an outline is remarked on"
    assert green["empty"] == {"facts": green["empty"]["facts"], "missing": 0, "share": 0.0}
    typed_of_page(seeded, block("build"))
    notes = next((seeded / "annotated").glob("beian-*/0*.docx"))
    assert "word/footnotes.xml" in zipfile.ZipFile(notes).namelist()
    (seeded / "change.py").write_text(block("change", "python"), "utf-8")
    typed_of_page(seeded, block("change"))
    faults = ran(seeded, "dossier", "verify", "out", status=1)["faults"]
    assert {(one["figure"], one["was"], one["now"]) for one in faults if one["figure"]} == {
        ("corpus.manual.items", "4,000条", "9,000条")
    }
    typed_of_page(seeded, block("registration"))
    packages = {one["kind"]: len(one["signed"]) for one in ran(seeded, "dossier", "list") if not one["annotated"]}
    assert packages == {"assessment": 4, "filing": 5, "registration": 4}


@contextmanager
def serving(folder: Path, command: str, address: str) -> Iterator[None]:
    """Let the page's server run, once it answers."""
    words = [str(GUIJU), *shlex.split(command)[1:]]
    with subprocess.Popen(words, cwd=folder, env=environment("en"), stdout=subprocess.DEVNULL) as child:
        try:
            until = time.monotonic() + 60
            while not answers(address):
                assert time.monotonic() < until, "it did not start"
                time.sleep(0.2)
            yield
        finally:
            child.terminate()


def answers(address: str) -> bool:
    """Whether a page is there."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 # our own server
            return bool(answer.status == 200)
    except OSError:
        return False
