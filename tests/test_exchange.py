# SPDX-License-Identifier: Apache-2.0
"""What is exported for tools of others: it says what the board says, twice the same, and strangers' readers take it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli_kit import typed
from fast_kit import few
from guiju import composition, materials
from guiju.config import Guard, Provider, Settings, Upstream
from guiju.law import book, oscal, oscal_mapping, proof
from guiju.law.proof import DutyState

SUBJECT = oscal.Subject("云岭数科有限公司", 1_795_000_000, "0.1.0")
PYTHON = Path(__file__).parents[1] / ".venv-exchange" / "bin" / "python"
READER = Path(__file__).with_name("exchange_read.py")
SERVICE = Settings(
    provider=Provider(name="云岭数科有限公司"),
    upstream=(
        Upstream(
            name="main",
            url="https://user:zzpass@api.example.com/v1?key=zzpass",
            models={"chat": "theirs-7b", "*": "*"},
            key_env="K",
            purpose="answers",
            contract="HT-1",
        ),
    ),
    guard=(Guard(id="watch", kind="openai", url="http://127.0.0.1:9/v1", model="guard-1"),),
)


def states(text: book.LawText, age: float = 0.0) -> list[DutyState]:
    ages = {control.id: age for control in composition.ALL_CONTROLS}
    return proof.prove(text, composition.ALL_CONTROLS, book.tests(), ages, {}, composition.today(), "development")


def documents(profile: str = "interim-2023", age: float = 0.0) -> dict[str, Any]:
    text = book.load(profile)
    made = oscal.documents(text, states(text, age), composition.ALL_CONTROLS, composition.control_sources(), SUBJECT)
    return {name: json.loads(document) for name, document in made.items()}


@pytest.mark.slow
@pytest.mark.parametrize("profile", few([*book.PROFILES, *book.BESIDE]))
def test_what_is_exported_is_what_the_board_says(profile: str) -> None:
    text, made = book.load(profile), documents(profile)
    catalog = [one for group in made["catalog.json"]["catalog"]["groups"] for one in group["controls"]]
    assert sorted(one["title"] for one in catalog) == sorted(duty.id for duty in text.duties)
    result = made["assessment-results.json"]["assessment-results"]["results"][0]
    said = {one["title"]: one["target"]["status"]["state"] for one in result["findings"]}
    board = {one.id: one for one in states(text) if one.state != "not_applicable"}
    assert {id for id, state in said.items() if state == "satisfied"} == {
        id for id, one in board.items() if one.state == "met"
    }
    assert set(said) == set(board)
    items = made["poam.json"]["plan-of-action-and-milestones"]["poam-items"]
    assert {one["title"].partition(":")[0] for one in items} == set(board) - {
        id for id, state in said.items() if state == "satisfied"
    }
    seen = {one["title"]: one["description"] for one in result["observations"]}
    assert all(board[id].why.en in words and board[id].why.zh in words for id, words in seen.items())
    parts = {one["title"] for one in made["component-definition.json"]["component-definition"]["components"]}
    duties = {duty.id for duty in text.duties}
    assert parts == {one.id for one in composition.ALL_CONTROLS if duties & {*one.duties, *one.partly}}


@pytest.mark.slow
def test_evidence_that_has_aged_is_not_satisfied_any_more() -> None:
    def satisfied(age: float) -> list[str]:
        result = documents(age=age)["assessment-results.json"]["assessment-results"]["results"][0]
        return [one["title"] for one in result["findings"] if one["target"]["status"]["state"] == "satisfied"]

    assert "18.a" in satisfied(0.0)
    assert satisfied(1e9) == []


def test_where_nothing_is_left_to_do_there_is_no_plan_of_action() -> None:
    text = book.load("interim-2023")
    done = [msgspec.structs.replace(one, state="met") if one.state != "not_applicable" else one for one in states(text)]
    assert oscal.poam(text, done, SUBJECT) is None
    assert oscal.POAM not in oscal.documents(text, done, (), {}, SUBJECT)


def test_the_mapping_has_every_duty_once_on_each_side() -> None:
    text, draft = book.load("interim-2023"), {duty.id for duty in book.load("draft-2023").duties}
    made = msgspec.to_builtins(oscal_mapping.mapping(text, SUBJECT))["mappings"][0]
    token = {oscal.token(duty.id): duty for duty in text.duties}
    mapped = [one["sources"][0]["id-ref"] for one in made["maps"]]
    gone, new = (
        made[name]["unmapped-controls"][0]["with-ids"] for name in ("source-gap-summary", "target-gap-summary")
    )
    assert len(mapped) == len(set(mapped))
    assert sorted([*mapped, *gone, *new]) == sorted(token)
    assert all(token[id].change == "added" and token[id].id not in draft for id in new)
    for one in made["maps"]:
        assert one["relationship"] == oscal_mapping.RELATIONS[token[one["sources"][0]["id-ref"]].change]


def test_a_bill_of_materials_names_every_model_and_no_secret() -> None:
    raw = materials.bill(SERVICE, ("own@3", 17), SUBJECT.at)
    made = json.loads(raw)
    assert raw == materials.bill(SERVICE, ("own@3", 17), SUBJECT.at)
    assert b"zzpass" not in raw
    models = {one["bom-ref"]: one for one in made["components"] if one["type"] == "machine-learning-model"}
    assert set(models) == {"model:classifier", "model:main:chat", "model:main:*", "guard-model:watch"}
    assert models["model:main:chat"]["name"] == "theirs-7b"
    assert {"name": "guiju:party", "value": "third-party"} in models["model:main:chat"]["properties"]
    assert {"name": "guiju:party", "value": "own"} in models["guard-model:watch"]["properties"]
    assert [one["x-trust-boundary"] for one in made["services"]] == [True, False]
    assert any(one["bom-ref"] == "lists" and one["version"] == "own@3" for one in made["components"])
    references = [one["bom-ref"] for one in (*made["components"], *made["services"])]
    assert made["dependencies"][0]["dependsOn"] == references
    assert len(references) == len(set(references))


def test_a_pack_that_is_left_out_is_not_on_the_bill() -> None:
    bare = msgspec.structs.replace(SERVICE, detect=msgspec.structs.replace(SERVICE.detect, packs=("spam",)))
    made = json.loads(materials.bill(bare, ("", 0), SUBJECT.at))
    assert [one["bom-ref"] for one in made["components"] if one["type"] == "data"] == ["pack:spam"]


@pytest.mark.exchange
@pytest.mark.slow
def test_readers_that_are_not_ours_take_all_documents(tmp_path: Path) -> None:
    if not PYTHON.exists():
        if os.environ.get("GUIJU_NO_SKIP") == "1":
            pytest.fail("no readers: scripts/setup.sh exchange")
        pytest.skip("no readers: scripts/setup.sh exchange")
    for profile in (*book.PROFILES, *book.BESIDE):
        folder = tmp_path / profile
        done = typed("export", "oscal", "--out", folder, "--profile", profile, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert sorted(json.loads(done.stdout)["written"]) == sorted(map(str, folder.iterdir()))
        (folder / "bom.json").write_bytes(materials.bill(SERVICE, ("own@3", 17), SUBJECT.at))
        assert read(folder) == f"read {len(list(folder.iterdir()))}\n"
    broken = tmp_path / "broken"
    shutil.copytree(tmp_path / "interim-2023", broken)
    for path in broken.iterdir():  # a reader that takes anything would prove nothing
        document = json.loads(path.read_text("utf-8"))
        inner = document if path.name == "bom.json" else next(iter(document.values()))
        inner["nobody-knows-this"] = 1
        path.write_text(json.dumps(document), "utf-8")
    assert len(read(broken).splitlines()) == 1 + len(list(broken.iterdir()))


def read(folder: Path) -> str:
    """What the readers say of a folder."""
    done = subprocess.run([PYTHON, READER, folder], capture_output=True, text=True, timeout=100, check=True)
    return done.stdout


@pytest.mark.slow
def test_the_commands_write_where_they_are_told(tmp_path: Path) -> None:
    done = typed("model", "bom", "--out", "bom.json", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads((tmp_path / "bom.json").read_text("utf-8"))["bomFormat"] == "CycloneDX"
    assert json.loads(typed("model", "bom", cwd=tmp_path).stdout)["specVersion"] == "1.6"
    (tmp_path / "file").write_text("")
    for words in (("export", "oscal", "--out", "file"), ("model", "bom", "--out", "none/bom.json")):
        assert typed(*words, cwd=tmp_path).returncode == 2
