# SPDX-License-Identifier: Apache-2.0
"""Planted corpora: each verdict is right and names its reason (Article 7; TC260-003, 5.1 and 5.2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli_kit import entries, typed
from guiju.corpus.outcomes import FATES
from guiju.errors import ConfigError
from guiju.records import corpora, figures
from guiju.records.changes import Terms
from guiju.records.corpora import Facts
from guiju.records.db import Store
from places import BOTH, place

PLACES = ["河边", "山上", "图书馆", "操场", "车站", "菜市场", "公园", "湖边", "阳台", "教室"]
DOINGS = ["散步", "看书", "写生", "放风筝", "练琴", "下棋", "晨跑", "拍照", "读诗", "听音乐"]
PEOPLE = ["爷爷", "小林", "老师", "同学们", "妹妹", "邻居", "爸爸", "画家", "孩子们", "店主"]
WARES = ["枪支弹药", "假身份证", "毒品", "伪钞", "迷药"]


def corpus(path: Path, illegal: int, of: int = 1000, **more: Any) -> None:
    """A corpus of different harmless rows, some of which are replaced by ones that are illegal for certain."""
    rows = [
        {"text": f"{PEOPLE[n % 10]}在{PLACES[n // 10 % 10]}{DOINGS[n // 100]}，天气很好。", **more} for n in range(of)
    ]
    for n in range(illegal):
        rows[n * 9]["text"] = f"出售{WARES[n % 5]}，货到付款，加微信，第{n}批"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def audited(folder: Path, name: str, source: str, *more: str, status: int = 0) -> dict[str, Any]:
    """Audit a file."""
    words = ("corpus", "audit", name, "--source", source, "--data", "data", "-o", f"out-{source}", "--workers", "1")
    ran = typed(*words, *more, cwd=folder)
    assert ran.returncode == status, ran.stderr
    report: dict[str, Any] = json.loads((folder / f"out-{source}" / "report.json").read_text("utf-8"))
    return report


def codes(report: dict[str, Any]) -> list[str]:
    """The reasons of a verdict."""
    return [one["code"] for one in report["verdict"]["reasons"]]


def register(folder: Path, source: str, kind: str, *more: str) -> None:
    """Register a source."""
    ran = typed("corpus", "source", "add", source, "--kind", kind, *more, "--data", "data", cwd=folder)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
def test_five_in_a_hundred_is_where_a_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "licence.txt").write_text("CC0", "utf-8")
    corpus(tmp_path / "under.jsonl", 49)
    corpus(tmp_path / "over.jsonl", 51)
    for source in ("under", "over"):
        register(tmp_path, source, "open", "--licence", "CC0", "--proof", "licence=licence.txt")
    under = audited(tmp_path, "under.jsonl", "under", "--strict")
    assert under["verdict"]["result"] == "usable"
    assert under["illegal"]["rows"] == 49
    assert codes(under) == []
    assert [one["code"] for one in under["verdict"]["notes"]] == ["no_sample"]
    assert audited(tmp_path, "over.jsonl", "over")["verdict"]["result"] == "refused"
    over = audited(tmp_path, "over.jsonl", "over", "--strict", status=1)
    assert codes(over) == ["illegal_share"]
    assert "5.10%" in over["verdict"]["reasons"][0]["en"]
    # The numbers that documents quote: of each source, and of both together, with where the evidence stands.
    store = Store.open("sqlite", tmp_path / "data")
    told = {one.name: one for one in figures.latest(store, "corpus.")}
    store.close()
    assert (told["corpus.illegal@over"].value, told["corpus.illegal@over"].n) == (0.051, 1000)
    assert (told["corpus.illegal"].value, told["corpus.illegal"].n) == (pytest.approx(0.05), 2000)
    assert told["corpus.illegal"].interval == pytest.approx((0.0413, 0.0605), abs=1e-4)
    assert (told["corpus.usable"].value, told["corpus.sources"].value) == (1, 2)
    assert told["corpus.rows"].value == sum(told[f"corpus.{fate}"].value for fate in FATES) == 2000
    assert told["corpus.rows.kind.open"].value == told["corpus.kept"].value + told["corpus.masked"].value
    audits = [one for one in entries(tmp_path / "data") if one["kind"] == "corpus_audit"]
    assert told["corpus.illegal@over"].evidence.endswith(f"/{audits[-1]['seq']}")
    # What contains a refused source is refused, however good the rest is.
    register(tmp_path, "both", "open", "--proof", "licence=licence.txt", "--contains", "over", "--contains", "under")
    register(tmp_path, "more", "open", "--proof", "licence=licence.txt", "--contains", "both")
    corpus(tmp_path / "clean.jsonl", 0)
    for source in ("both", "more"):
        report = audited(tmp_path, "clean.jsonl", source)
        assert report["verdict"]["result"] == "refused"
        assert set(codes(report)) == {"refused_part"}
        assert any("over" in one["zh"] for one in report["verdict"]["reasons"])
    assert [one["body"]["verdict"] for one in entries(tmp_path / "data") if one["kind"] == "corpus_audit"] == [
        *("usable", "refused", "refused", "refused", "refused")
    ]


@pytest.mark.slow
def test_a_sample_that_was_refused_refuses_what_is_collected(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x", "utf-8")
    register(tmp_path, "web", "collected", "--proof", "collection=f", "--proof", "robots=f")
    corpus(tmp_path / "bad.jsonl", 10, 100)
    corpus(tmp_path / "good.jsonl", 0, 200)
    assert audited(tmp_path, "bad.jsonl", "web", "--stage", "sample")["verdict"]["result"] == "refused"
    assert codes(audited(tmp_path, "good.jsonl", "web")) == ["refused_sample"]


@pytest.mark.slow
def test_what_is_not_proved_is_not_for_use(tmp_path: Path) -> None:
    (tmp_path / "licence.txt").write_text("MIT", "utf-8")
    corpus(tmp_path / "a.jsonl", 0, 20)
    register(tmp_path, "a", "commercial", "--proof", "contract=licence.txt")
    report = audited(tmp_path, "a.jsonl", "a", "--exact", "--strict", status=1)
    assert report["verdict"]["result"] == "not_for_use"
    assert codes(report) == ["missing_proof"]
    assert "counterparty" in report["verdict"]["reasons"][0]["en"]
    ran = typed("corpus", "source", "prove", "a", "counterparty=licence.txt", "--data", "data", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    report = audited(tmp_path, "a.jsonl", "a", "--exact", "--strict")
    assert report["verdict"]["result"] == "usable"
    assert {one["kind"] for one in report["source"]["proofs"]} == {"contract", "counterparty"}
    listed = json.loads(typed("corpus", "source", "list", "--data", "data", "--json", cwd=tmp_path).stdout)
    assert [one["source"]["id"] for one in listed] == ["a"]
    assert [one["result"] for one in listed[0]["audits"]] == ["usable", "not_for_use"]


@pytest.mark.slow
def test_consent_of_each_row_and_its_withdrawal(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x", "utf-8")
    register(tmp_path, "users", "user", "--proof", "authorisation=f", "--proof", "optout=f")
    rows = [{"text": f"第{n}天，{DOINGS[n]}。", **({"consent": f"given-{n}"} if n < 8 else {})} for n in range(10)]
    (tmp_path / "u.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    report = audited(tmp_path, "u.jsonl", "users", "--exact")
    assert report["reasons"]["dropped"] == {"no_consent": 2}
    assert typed("corpus", "source", "trained", "users", "m-1", "--data", "data", cwd=tmp_path).returncode == 0
    words = (
        "corpus",
        "source",
        "withdraw",
        "users",
        "given-3",
        "--corpus",
        "u.jsonl",
        "-o",
        "gone.jsonl",
        "--data",
        "data",
    )
    told = json.loads(typed(*words, "--json", cwd=tmp_path).stdout)
    assert told["excluded"] == 1
    assert [one["model"] for one in told["tasks"]] == ["m-1"]
    assert json.loads((tmp_path / "gone.jsonl").read_text("utf-8")) == {
        "file": "u.jsonl",
        "row": 4,
        "reason": "withdrawn",
    }
    report = audited(tmp_path, "u.jsonl", "users", "--exact")
    assert report["reasons"]["dropped"] == {"no_consent": 2, "withdrawn": 1}
    listed = json.loads(typed("corpus", "source", "tasks", "--data", "data", "--json", cwd=tmp_path).stdout)
    assert [(one["model"], one["why"]) for one in listed] == [("m-1", "withdrawn")]
    task = listed[0]["id"]
    assert typed("corpus", "source", "tasks", "--done", task, "--data", "data", cwd=tmp_path).returncode == 0
    assert "nothing" in typed("corpus", "source", "tasks", "--data", "data", cwd=tmp_path).stdout
    assert b"given-3" not in (tmp_path / "data" / "guiju.db").read_bytes()


@pytest.mark.parametrize("kind", BOTH)
def test_the_register_on_both_databases(kind: str, tmp_path: Path) -> None:
    terms = Terms(False, "somebody", 1000, 0)
    with place(kind, tmp_path) as here:
        store = here.open()
        for name in ("a", "b", "c"):
            corpora.add(store, Facts(id=name, title=name, kind="open"), [], terms)
        corpora.add(store, Facts(id="b", title="b", kind="open", origin="foreign"), ["a"], terms)
        corpora.add(store, Facts(id="c", title="c", kind="open"), ["b"], terms)
        with pytest.raises(ConfigError):
            corpora.add(store, Facts(id="a", title="a", kind="open"), ["c"], terms)
        corpora.trained(store, "a", "m", terms)
        corpora.trained(store, "a", "m", terms)
        made = corpora.Audit(
            id="1", source_id="a", stage="full", result="refused", report="", figures="{}", audited_by="x", audited_at=1
        )
        assert [one.model for one in corpora.audited(store, made)] == ["m"]
        standing = corpora.standing(store, "c")
        assert standing is not None
        assert (standing.parts, standing.refused, standing.unproven) == (["b", "a"], ["a"], ["b", "a"])
        assert standing.missing == ["licence"]
        assert corpora.standing(store, "d") is None
        store.close()
