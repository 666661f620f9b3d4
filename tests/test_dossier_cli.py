# SPDX-License-Identifier: Apache-2.0
"""`guiju dossier` from an empty store to a signed package: lint red, then green; build, sign, verify, change a number
(Article 6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from annotation_kit import publish, rules
from cli_kit import entries, typed, verified
from dossier_kit import AT, FACTS, NAME, PICTURE, clauses, conclusions, exhibits, keywords, questions
from dossier_kit import figures as kit_figures
from guiju.detect.lexicon import Entry, stable_id
from guiju.dossier import exhibits as registered
from guiju.dossier import package
from guiju.dossier.facts import fact
from guiju.errors import ConfigError
from guiju.records import changes, dossiers, figures, lexicons
from guiju.records.db import Store
from guiju.records.dossiers import Built, Signature, Terms
from guiju.terms import Figure
from places import BOTH, Place, place

DAY_S = 86_400
ROLES = ("preparer", "reviewer", "legal")
ON = ("--on", "2026-11-24")


def said(*words: object, cwd: Path, status: int = 0) -> Any:
    """Type a command; gives its JSON."""
    ran = typed("dossier", *words, "--json", cwd=cwd)
    assert ran.returncode == status, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def provider(folder: Path) -> None:
    """Everything that a provider says for a filing's smaller brothers, as its files and its figures."""
    lines = []
    for id, value in FACTS.items():
        if id == "filing.algorithm":
            continue
        form = fact(id).form
        if form == "date":
            lines.append(f"{id} = {value}")
        elif form == "person":
            lines.append(f"{id} = {{ {', '.join(f'{key} = {json.dumps(one)}' for key, one in value.items())} }}")
        elif form == "rows":
            rows = [
                ", ".join(f"{key} = {json.dumps(one, ensure_ascii=False)}" for key, one in row.items()) for row in value
            ]
            lines.append(f"{id} = [{', '.join(f'{{ {row} }}' for row in rows)}]")
        else:
            lines.append(f"{id} = {json.dumps(value, ensure_ascii=False)}")
    data = folder / "data"
    (data / "dossier").mkdir(parents=True)
    (data / "org.toml").write_text("\n".join(lines), "utf-8")
    written = [
        f"[{id}]\nby = {json.dumps(one.by)}\non = {one.on}\nzh = {json.dumps(one.zh, ensure_ascii=False)}\n"
        for id, one in conclusions().items()
    ]
    (data / "dossier" / "conclusions.toml").write_text("\n".join(written), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store, and nothing said."""
    Store.open("sqlite", tmp_path / "data").close()
    return tmp_path


@pytest.mark.slow
def test_from_an_empty_store_to_a_signed_package(folder: Path) -> None:
    red = said("lint", "--kind", "rectification", *ON, cwd=folder, status=1)
    assert red["blocks"]
    assert red["empty"]["share"] == 1.0
    said("build", "--kind", "rectification", *ON, "-o", "out", cwd=folder, status=1)
    assert not (folder / "out").exists()
    asked = said("ask", "--kind", "rectification", cwd=folder)
    assert {"exposure", "rectification-cause"} <= {one["id"] for one in asked}

    provider(folder)
    store = Store.open("sqlite", folder / "data")
    rates = [
        Figure(f"evaluation.gateway.content.{judge}", 0.97, 2100, (0.96, 0.98), AT, f"w/1/{number}")
        for number, judge in enumerate(("person", "keyword", "classifier"))
    ]
    figures.publish(store, rates, room="evaluation")
    store.close()
    assert said("ask", "--kind", "rectification", cwd=folder) == []
    green = said("lint", "--kind", "rectification", *ON, cwd=folder)
    assert not green["blocks"], green

    built = said("build", "--kind", "rectification", *ON, "-o", "out", cwd=folder)
    assert not built["draft"]
    whole = said("verify", "out", "--data", "data", cwd=folder)
    assert whole == {"digest": built["digest"], "whole": True, "faults": [], "draft": False}
    for role, by in zip(ROLES, ("钱二", "吴六", "赵一"), strict=True):
        signed = said("sign", "out", "--role", role, "--by", by, cwd=folder)
    assert signed["next"] == ""
    assert [(one["role"], one["single_mode"]) for one in signed["signatures"]] == [(role, False) for role in ROLES]
    kinds = [one["kind"] for one in entries(folder / "data") if one["kind"].startswith("dossier")]
    assert kinds == ["dossier_built", *["dossier_signed"] * 3]
    verified(folder)

    store = Store.open("sqlite", folder / "data")
    figures.publish(
        store, [msgspec.structs.replace(rates[0], value=0.95, at=AT + 60, evidence="w/1/9")], room="evaluation"
    )
    store.close()
    again = said("build", "--kind", "rectification", *ON, "-o", "again", cwd=folder)
    assert list(again["changes"]["figures"]) == ["evaluation.gateway.content.person"]
    assert again["changes"]["facts"] == {}
    assert (folder / "again" / package.CHANGES).is_file()
    assert said("verify", "again", "--data", "data", cwd=folder)["whole"]
    path = folder / "out" / package.MANIFEST
    path.write_text(path.read_text("utf-8").replace("0.97", "0.99"), "utf-8")
    faults = said("verify", "out", "--data", "data", cwd=folder, status=1)["faults"]
    assert {"evaluation.gateway.content.person"} <= {one["figure"] for one in faults}
    refused = typed("dossier", "sign", "out", "--list", "--json", cwd=folder)
    assert json.loads(refused.stdout)["error"]["code"] == "package_changed"


def books(folder: Path) -> None:
    """Everything that a filing needs, by the roads that a provider has."""
    provider(folder)
    data = folder / "data"
    (folder / "licence.txt").write_text("CC-BY-4.0", "utf-8")
    words = ("source", "add", "news", "--kind", "open", "--licence", "CC-BY-4.0", "--items", "40000")
    assert typed("corpus", *words, "--proof", "licence=licence.txt", cwd=folder).returncode == 0
    words = ("add", "algorithm", "--authority", "国家网信办", "--submitted", "2026-09-01", "--number", "网信算备1号")
    assert typed("filing", *words, cwd=folder).returncode == 0
    publish(folder, rules())
    own = [
        {"id": one.id, "bank": one.bank, "class": one.risk, "zh": one.zh, "answer": "略", "verdict": "pass"}
        for one in questions()
    ]
    (data / "dossier" / "questions.jsonl").write_text("\n".join(map(json.dumps, own)), "utf-8")
    lines = ['standard = "X"']
    for one in clauses().clause:
        lines += [
            "[[clause]]",
            f'id = "{one.id}"',
            f'zh = "{one.zh}"',
            'read = "yes"',
            'status = "met"',
            'proof = "E01"',
        ]
        lines += ['confirmed_by = "吴六"', "confirmed_on = 2026-11-24"]
    (folder / "clauses.toml").write_text("\n".join(lines), "utf-8")
    assert said("clauses", "clauses.toml", cwd=folder)["settled"] == 2
    for one in exhibits()[0]:
        registered.add(data / "dossier", one, PICTURE)
    store = Store.open("sqlite", data)
    entries = [Entry(stable_id(one.term, one.risk), one.term, one.risk, "block") for one in keywords()]
    lexicons.apply(store, "main", entries, changes.Terms(weakens=False, by="a", now=AT, delay=0))
    figures.publish(
        store, [*PUBLISHED, *(one for one in kit_figures().values() if one.name.startswith("evaluation."))], room="x"
    )
    store.close()


PUBLISHED = [
    *(
        Figure(f"annotation.{name}", 12, 12, None, AT, "w/1/1")
        for name in ("annotators", "reviewers", "qualified", "items")
    ),
    Figure("annotation.error", 0.01, 400, (0.0, 0.02), AT, "w/1/1"),
    Figure("corpus.sources", 1, 1, None, AT, "w/1/2"),
    Figure("corpus.rows", 40000, 40000, None, AT, "w/1/2"),
    Figure("corpus.illegal@news", 0.01, 40000, (0.009, 0.011), AT, "w/1/2"),
    Figure("corpus.sample.manual@news", 0.985, 4100, (0.98, 0.99), AT, "w/1/3"),
    Figure("corpus.sample.technical@news", 0.99, 4100, (0.98, 0.99), AT, "w/1/4"),
]


@pytest.mark.slow
def test_a_filing_comes_from_the_books(folder: Path) -> None:
    books(folder)
    for kind in ("filing", "algorithm", "inspection"):
        report = said("lint", "--kind", kind, *ON, cwd=folder)
        assert not report["found"], [f"{one['look']} {one['place']} {one['en']}" for one in report["found"]]
    out = said("build", "--kind", "inspection", *ON, "-o", "out", cwd=folder)
    manifest = package.manifest_of(folder / "out")
    quoted = {one.name: one for one in manifest.figures}
    assert quoted["corpus.manual.items"].value == 4100
    assert quoted["corpus.manual.pass"].evidence == "w/1/3"
    base = quoted["corpus.sample.manual@news"]
    assert not base.printed  # what others follow from goes along, so that they can be reckoned
    assert said("verify", "out", "--data", "data", cwd=folder)["digest"] == out["digest"]


@pytest.mark.slow
def test_a_draft_is_built_and_never_signed(folder: Path) -> None:
    built = said("build", "--kind", "store", *ON, "-o", "out", "--draft", cwd=folder)
    assert built["draft"]
    assert "L12" not in {one["look"] for one in built["remarks"]}  # whoever prepares it is named when it is signed
    refused = typed("dossier", "sign", "out", "--role", "preparer", "--by", "钱二", "--json", cwd=folder)
    assert json.loads(refused.stdout)["error"]["code"] == "package_draft"
    again = typed("dossier", "build", "--kind", "store", "--draft", "-o", "out", "--json", cwd=folder)
    assert json.loads(again.stdout)["error"]["code"] == "folder_not_empty"
    rows = said("list", cwd=folder)
    assert [(one["kind"], one["draft"], one["signed"]) for one in rows] == [("store", True, [])]


def test_clauses_are_imported_and_the_outline_blocks(folder: Path) -> None:
    first = said("clauses", cwd=folder)
    assert (first["rows"] > 8, first["settled"]) == (True, 0)
    again = typed("dossier", "clauses", "--json", cwd=folder)
    assert json.loads(again.stdout)["error"]["code"] == "exists_already"
    found = said("lint", "--kind", "inspection", *ON, cwd=folder, status=1)["found"]
    assert sum(one["look"] == "L17" and one["blocks"] for one in found) == first["rows"]
    own = folder / "own.toml"
    own.write_text('standard = "X"\n[[clause]]\nid = "1"\nzh = "一"\nsurprise = 1\n', "utf-8")
    assert (
        json.loads(typed("dossier", "clauses", own, "--json", cwd=folder).stdout)["error"]["code"] == "config_invalid"
    )


def test_exhibits_are_hashed_dated_and_replaced(folder: Path) -> None:
    (folder / "licence.png").write_bytes(PICTURE)
    words = ("licence.png", "--tag", "licence", "--zh", "营业执照", "--about", NAME, "--dated", "2026-01-05")
    first = said("exhibits", "add", *words, cwd=folder)[0]
    assert (first["id"], first["dated"], first["about"]) == ("E01", "2026-01-05", NAME)
    (folder / "licence.png").write_bytes(PICTURE + b"x")
    second = said("exhibits", "add", *words, cwd=folder)[0]
    assert second["id"] == "E01"
    assert second["sha256"] != first["sha256"]
    assert said("exhibits", "list", cwd=folder) == [second]
    (folder / "data" / "dossier" / "exhibits" / "E01.png").write_bytes(b"other")
    broken = typed("dossier", "lint", "--kind", "store", "--json", cwd=folder)
    assert json.loads(broken.stdout)["error"]["code"] == "package_changed"


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def signed(role: str, by: str, at: int) -> Signature:
    """One signature."""
    return Signature(digest="d" * 64, role=role, signer=by, single_mode=False, signed_at=at, evidence="w/1/1")


def test_roles_sign_in_order_and_nobody_twice(here: Place) -> None:
    store = here.open()
    made = Built(
        digest="d" * 64, kind="store", dated="2026-11-24", draft=False, annotated=False, built_at=AT, evidence="w"
    )
    dossiers.add(store, made, b"{}")
    dossiers.add(store, msgspec.structs.replace(made, kind="other"), b"[]")  # what was built stays as it is
    assert dossiers.find(store, "d" * 64) == (made, b"{}")
    two = Terms(roles=ROLES)
    for role, by, code in (("reviewer", "b", "not_your_turn"), ("nobody", "b", "not_your_turn")):
        with pytest.raises(ConfigError, match=code):
            dossiers.sign(store, signed(role, by, AT), two)
    dossiers.sign(store, signed("preparer", "a", AT), two)
    with pytest.raises(ConfigError, match="another_person"):
        dossiers.sign(store, signed("reviewer", "a", AT + 2 * DAY_S), two)
    alone = Terms(roles=ROLES, single=True)
    with pytest.raises(ConfigError, match="another_person"):
        dossiers.sign(store, signed("reviewer", "a", AT + DAY_S - 1), alone)
    dossiers.sign(store, signed("reviewer", "a", AT + DAY_S), alone)
    assert dossiers.last_signed(store, "store", ROLES) is None
    dossiers.sign(store, signed("legal", "c", AT + DAY_S + 1), alone)
    assert [one.single_mode for one in dossiers.signatures(store, "d" * 64)] == [False, True, False]
    found = dossiers.last_signed(store, "store", ROLES)
    assert found is not None
    assert found[0] == made
    with pytest.raises(ConfigError, match="not_your_turn"):
        dossiers.sign(store, signed("legal", "e", AT + 3 * DAY_S), alone)
    store.close()
