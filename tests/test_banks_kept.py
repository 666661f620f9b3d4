# SPDX-License-Identifier: Apache-2.0
"""Banks at the command line and in the store: versions, owners, the month, and what goes in and out of files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli_kit import entries, typed
from guiju.cli.books import opened
from guiju.errors import ConfigError
from guiju.evaluation import bank_shelf
from guiju.evaluation.bank import Bank, draw, load, shipped, written
from guiju.records import banks, changes, figures
from guiju.records.daykeys import DayKeys
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets
from places import BOTH, Place, place

NOW = 1_800_000_000
OVER = shipped()["over"]
FEW = Bank(OVER.about, OVER.items[:40])


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def test_versions_are_kept_with_their_owners_and_sealed(here: Place) -> None:
    store = here.open()
    boxes = Boxes(store, DayKeys(here.data / "keys"), Secrets.open(here.data / "keys"))
    assert bank_shelf.find(store, boxes, "over", NOW) == OVER
    first = bank_shelf.keep(store, boxes, FEW, ("Li", "Wang"), NOW)
    assert (first.version, first.owner, first.imported_by, first.questions) == (2, "Li", "Wang", 40)
    with pytest.raises(ConfigError) as same:
        bank_shelf.keep(store, boxes, FEW, ("Li", "Wang"), NOW + 1)
    assert same.value.code == "bank_unchanged"
    with pytest.raises(ConfigError, match="answers for it"):
        bank_shelf.keep(store, boxes, OVER, (" ", "Wang"), NOW)
    bank_shelf.keep(store, boxes, OVER, ("Zhao", "Wang"), NOW + 86_400)
    assert [one.version for one in banks.history(store, "over")] == [3, 2]
    newest = bank_shelf.find(store, boxes, "over", NOW + 86_400)
    assert (newest.version, newest.about.owner, newest.items) == (3, "Zhao", OVER.items)
    assert newest.about.updated == "2027-01-16"
    assert bank_shelf.find(store, boxes, "over", NOW + 86_400, 2).items == FEW.items
    assert bank_shelf.find(store, boxes, "over", NOW + 86_400, 1) == OVER
    with pytest.raises(ConfigError) as none:
        bank_shelf.find(store, boxes, "over", NOW, 9)
    assert none.value.code == "not_found"
    assert [one.target for one in changes.history(store, "bank")] == [3, 2]
    store.close()
    kept = b"".join(path.read_bytes() for path in here.data.rglob("*") if path.is_file())
    assert OVER.items[0].zh.encode() not in kept


def asked(*words: object, cwd: Path, rc: int = 0) -> Any:
    ran = typed("bank", *words, "--json", cwd=cwd)
    assert ran.returncode == rc, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def put(folder: Path, bank: Bank, name: str = "over.jsonl") -> Path:
    path = folder / name
    path.write_bytes(written(bank.items))
    return path


@pytest.mark.slow
def test_lint_says_what_is_wrong_and_what_is_short(tmp_path: Path) -> None:
    report = asked("lint", cwd=tmp_path)
    assert {one["id"] for one in report["banks"]} == set(shipped())
    assert report["faults"] == []
    over = next(one for one in report["banks"] if one["id"] == "over")
    assert (over["questions"], over["classes"]["dialect"]) == (len(OVER.items), 14)
    assert over["note"]["zh"]
    assert over["note"]["en"] in typed("bank", "lint", cwd=tmp_path).stdout

    put(tmp_path, FEW, "题库（新）.jsonl")
    assert asked("lint", "题库（新）.jsonl", cwd=tmp_path)["banks"][0]["kind"] == "over"

    put(tmp_path, FEW, "refuse.jsonl")
    wrong = asked("lint", "refuse.jsonl", cwd=tmp_path, rc=1)
    assert {one["code"] for one in wrong["faults"]} == {"unknown_class"}
    assert {"code", "bank", "place", "zh", "en"} == set(wrong["faults"][0])

    thin = Bank(OVER.about, tuple(msgspec.structs.replace(one, category="A.1d") for one in OVER.items))
    put(tmp_path, thin, "refuse.jsonl")
    fine = asked("lint", "refuse.jsonl", cwd=tmp_path)
    assert fine["faults"] == []
    assert {"figure": "bank.refuse.risks", "have": 1, "want": 17.0, "modality": "shall"}.items() <= next(
        one for one in fine["shortfalls"] if one["figure"] == "bank.refuse.risks"
    ).items()
    assert asked("lint", "refuse.jsonl", "--strict", cwd=tmp_path, rc=1)["shortfalls"] == fine["shortfalls"]

    (tmp_path / "more").mkdir()
    put(tmp_path / "more", thin, "refuse.jsonl")
    put(tmp_path / "more", OVER)
    both = asked("lint", "more", cwd=tmp_path, rc=1)
    assert {one["code"] for one in both["faults"]} == {"overlap"}
    assert len({one["place"].split()[0] for one in both["faults"]}) == len(OVER.items)


@pytest.mark.slow
def test_lint_looks_for_questions_in_files_of_a_corpus_and_in_an_audited_one(tmp_path: Path) -> None:
    put(tmp_path, FEW)
    (tmp_path / "corpus").mkdir()
    rows = [{"text": "平常的一段话，讲的是天气。" * 20}, {"text": f"某处写道：{FEW.items[3].zh}……后来呢？" * 2}]
    (tmp_path / "corpus/a.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    found = asked("lint", "over.jsonl", "--training", "corpus", cwd=tmp_path, rc=1)["faults"]
    assert [(one["code"], one["place"]) for one in found] == [("contaminated", f"{FEW.items[3].id} zh")]
    words = ("corpus", "audit", "corpus", "--source", "s", "--data", "data", "-o", "out", "--workers", "1")
    ran = typed(*words, "--json", cwd=tmp_path)
    assert (tmp_path / "out/report.json").is_file(), ran.stdout + ran.stderr
    assert asked("lint", "over.jsonl", "--training", "out", cwd=tmp_path, rc=1)["faults"] == found


def test_a_draw_is_the_same_at_the_command_line_and_in_a_file(tmp_path: Path) -> None:
    drawn = asked("draw", "--bank", "over", "--size", "24", "--seed", "5", cwd=tmp_path)
    assert [one["id"] for one in drawn["items"]] == [one.id for one in draw(OVER, 24, 5)]
    assert drawn["classes"] == dict.fromkeys(OVER.classes(), 2)
    typed("bank", "draw", "--bank", "over", "--size", "24", "--seed", "5", "-o", "over-drawn.jsonl", cwd=tmp_path)
    assert load(tmp_path / "over-drawn.jsonl").items == tuple(draw(OVER, 24, 5))
    assert not (tmp_path / "data").exists(), "a command that looks leaves nothing behind"


@pytest.mark.slow
def test_a_bank_goes_in_and_out(tmp_path: Path) -> None:
    put(tmp_path, FEW, "mine.jsonl")
    made = asked("import", "mine.jsonl", "--bank", "over", "--owner", "Li", "--by", "Wang", "--data", "d", cwd=tmp_path)
    assert made["imported"]["version"] == 2
    (entry,) = (one for one in entries(tmp_path / "d") if one["kind"] == "bank")
    assert entry["body"]["hash"] == made["imported"]["hash"]
    assert (entry["body"]["questions"], entry["body"]["owner"]) == (40, "Li")
    assert made["imported"]["evidence"].endswith(f"/{entry['seq']}")
    with opened(tmp_path / "d") as (_, store):
        told = {one.name: (one.value, one.n) for one in figures.latest(store, "bank.over.")}
        where = {one.evidence for one in figures.latest(store, "bank.over.")}
    assert told == {
        "bank.over.questions": (40, 40),
        "bank.over.classes": (3, 3),
        "bank.over.alike": (0, 40),
        "bank.over.version": (2, 40),
    }
    assert where == {made["imported"]["evidence"]}
    again = typed("bank", "import", "mine.jsonl", "--bank", "over", "--owner", "Li", "--data", "d", cwd=tmp_path)
    assert again.returncode == 2
    asked("export", "--bank", "over", "--data", "d", "-o", "out.xlsx", cwd=tmp_path)
    asked("export", "--bank", "over", "--data", "d", "-o", "over-out.jsonl", cwd=tmp_path)
    assert load(tmp_path / "over-out.jsonl").items == FEW.items
    more = Bank(OVER.about, OVER.items[40:80])
    put(tmp_path, more, "more.jsonl")
    asked("import", "more.jsonl", "--bank", "over", "--owner", "Li", "--data", "d", cwd=tmp_path)
    assert asked("lint", "out.xlsx", cwd=tmp_path)["banks"][0]["kind"] == "over"
    back = asked("import", "out.xlsx", "--bank", "over", "--owner", "Zhao", "--data", "d", cwd=tmp_path)
    assert back["imported"]["version"] == 4
    listed = [row for row in asked("list", "--data", "d", cwd=tmp_path) if row["id"] == "over"]
    assert [(row["version"], row["shipped"]) for row in listed] == [(4, False), (3, False), (2, False), (1, True)]
    assert listed[0]["owner"] == "Zhao"
    assert listed[0]["due"] > made["imported"]["imported_at"]
    assert not listed[0]["late"]

    used = {
        one["id"]: (one["version"], one["questions"]) for one in asked("lint", "--data", "d", cwd=tmp_path)["banks"]
    }
    assert used.keys() == set(shipped())
    assert used["over"] == (4, 40)

    put(tmp_path, Bank(OVER.about, (*FEW.items, msgspec.structs.replace(FEW.items[0], id="over-x"))), "bad.jsonl")
    refused = asked("import", "bad.jsonl", "--bank", "over", "--owner", "Li", "--data", "d", cwd=tmp_path, rc=1)
    assert refused["imported"] is None
    assert {one["code"] for one in refused["faults"]} == {"duplicate"}
    assert asked("list", "--data", "d", cwd=tmp_path)[0]["id"]
    assert len([row for row in asked("list", "--data", "d", cwd=tmp_path) if row["id"] == "over"]) == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("lint", "nowhere.jsonl", "--kind", "over"), "not_found"),
        (("lint", "odd.jsonl"), "bank_invalid"),
        (("lint", "odd.xlsx", "--kind", "over"), "bank_invalid"),
        (("draw", "--bank", "nosuch"), "not_found"),
        (("export", "--bank", "over", "-o", "over.doc"), "bank_invalid"),
    ],
)
def test_mistakes_are_told_in_a_sentence(words: tuple[str, ...], code: str, tmp_path: Path) -> None:
    (tmp_path / "odd.jsonl").write_text("{}", "utf-8")
    (tmp_path / "odd.xlsx").write_text("PK", "utf-8")
    ran = typed("bank", *words, "--json", cwd=tmp_path)
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["error"]["code"] == code
