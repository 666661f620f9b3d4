# SPDX-License-Identifier: Apache-2.0
"""Samples of what an audit kept, and its papers: page, workbook, data card, Croissant (Articles 7 and 17)."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from cli_kit import entries, typed
from guiju.corpus.sampling import _shared, clopper_pearson
from guiju.review.intervals import wilson
from test_corpus_audit import audited
from test_corpus_sources import corpus


@pytest.mark.slow
@given(st.integers(0, 400), st.integers(1, 400))
@settings(deadline=None)
def test_the_exact_interval_is_that_of_the_beta_distribution(hits: int, of: int) -> None:
    hits = min(hits, of)
    low, high = clopper_pearson(hits, of)
    assert math.isclose(low, beta.ppf(0.025, hits, of - hits + 1) if hits else 0.0, abs_tol=1e-9)
    assert math.isclose(high, beta.ppf(0.975, hits + 1, of - hits) if hits < of else 1.0, abs_tol=1e-9)
    assert wilson(hits, of)[0] <= hits / of <= wilson(hits, of)[1] + 1e-12


@given(st.integers(0, 500), st.lists(st.integers(0, 200), max_size=12))
def test_a_sample_is_shared_among_all_strata(size: int, counts: list[int]) -> None:
    size = min(size, sum(counts))
    made = _shared(size, counts)
    assert sum(made) == size
    assert all(one <= count for one, count in zip(made, counts, strict=True))
    if size >= sum(1 for count in counts if count):
        assert all(one > 0 for one, count in zip(made, counts, strict=True) if count)


def sampled(folder: Path, *words: str, status: int = 0) -> Any:
    """Type a command of samples."""
    ran = typed("corpus", "sample", *words, "--json", cwd=folder)
    assert ran.returncode == status, ran.stderr + ran.stdout
    return json.loads(ran.stdout)


def filled(path: Path, wrong: int, left: int = 0) -> None:
    """What reviewers fill in."""
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    for number, row in enumerate(rows[1:]):
        row[4:] = ("", "") if number < left else ("fail", "离题") if number < left + wrong else ("pass", "")
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows(rows)


@pytest.mark.slow
def test_samples_by_hand_and_by_machine(tmp_path: Path) -> None:
    corpus(tmp_path / "a.jsonl", 5, 500)
    (tmp_path / "b.txt").write_text("=1+1，另一个文件的一行。\n-第二行也在其中。", "utf-8")
    audited(tmp_path, "a.jsonl", "b.txt", more=("--near", "off"))
    first = sampled(tmp_path, "draw", "out", "--file", "s.csv", "--n", "100", "--seed", "7")
    assert (first["drawn"], first["population"]) == (100, 497)
    again = (tmp_path / "s.csv").read_bytes()
    sampled(tmp_path, "draw", "out", "--file", "s.csv", "--n", "100", "--seed", "7")
    assert (tmp_path / "s.csv").read_bytes() == again
    assert b"b.txt" in again
    assert b",=1+1" not in again
    filled(tmp_path / "s.csv", 0)
    few = sampled(tmp_path, "take", "out", "s.csv", "--data", "data", status=1)
    assert (few["verdict"], few["least_n"]) == ("failed", 497)  # all of a small corpus are asked for
    sampled(tmp_path, "draw", "out", "--file", "s.csv")
    filled(tmp_path / "s.csv", 19)
    taken = sampled(tmp_path, "take", "out", "s.csv", "--data", "data")
    assert (taken["verdict"], taken["n"], taken["passed"], taken["reasons"]) == ("passed", 497, 478, {"离题": 19})
    filled(tmp_path / "s.csv", 20)
    assert sampled(tmp_path, "take", "out", "s.csv", "--data", "data", status=1)["verdict"] == "failed"
    filled(tmp_path / "s.csv", 0, 1)
    assert sampled(tmp_path, "take", "out", "s.csv", "--data", "data", status=1)["verdict"] == "open"
    made = sampled(tmp_path, "technical", "out", "--data", "data")
    assert (made["n"], made["passed"], made["verdict"]) == (50, 50, "passed")
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert {name: one["verdict"] for name, one in report["sampling"].items()} == {
        "manual": "open",
        "technical": "passed",
    }
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "未完成 not finished" in page
    assert [one["kind"] for one in entries(tmp_path / "data")].count("corpus_sample") == 5


@pytest.mark.slow
def test_two_persons_read_a_sample_apart_and_a_third_settles(tmp_path: Path) -> None:
    corpus(tmp_path / "a.jsonl", 0, 60)
    audited(tmp_path, "a.jsonl", more=("--exact",))
    files = [flag for name in ("wang", "zhao", "sun") for flag in ("--file", f"{name}.csv")]
    drawn = sampled(tmp_path, "draw", "out", *files)["drawn"]
    assert (tmp_path / "wang.csv").read_bytes() == (tmp_path / "zhao.csv").read_bytes()
    filled(tmp_path / "wang.csv", 2)
    filled(tmp_path / "zhao.csv", 5)
    filled(tmp_path / "sun.csv", 2)
    both = ("take", "out", "wang.csv", "zhao.csv")
    split = sampled(tmp_path, *both, "--data", "data", status=1)
    assert (split["verdict"], split["open"], split["n"]) == ("open", 3, drawn - 3)
    assert split["agreed"]["same"] == pytest.approx(1 - 3 / drawn)
    made = sampled(tmp_path, *both, "--settle", "sun.csv", "--data", "data")
    assert (made["verdict"], made["open"], made["passed"], made["readers"]) == ("passed", 0, drawn - 2, 2)
    assert "2 人各自评定" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "persons apart" in (tmp_path / "out" / "data-card.md").read_text("utf-8")
    twice = sampled(tmp_path, "take", "out", "wang.csv", "wang.csv", status=2)
    assert twice["error"]["code"] == "sample_invalid"


@pytest.mark.slow
def test_what_is_not_of_the_sample_is_not_taken(tmp_path: Path) -> None:
    corpus(tmp_path / "a.jsonl", 0, 20)
    audited(tmp_path, "a.jsonl", more=("--exact",))
    sampled(tmp_path, "draw", "out", "--file", "s.csv", "--n", "5")
    for line in ("1,a.jsonl,999,x,pass,", "1,none,1,x,pass,"):
        (tmp_path / "t.csv").write_text("number,file,row,text,verdict,reason\n" + line, "utf-8")
        assert sampled(tmp_path, "take", "out", "t.csv", status=2)["error"]["code"] == "sample_invalid"
    assert sampled(tmp_path, "draw", "nowhere", "--file", "s.csv", status=2)["error"]["code"] == "not_found"


@pytest.mark.slow
def test_papers_hold_no_formula_and_no_markup(tmp_path: Path) -> None:
    (tmp_path / "=cmd()<script>.jsonl").write_text(
        '{"text": "好的，谢谢。", "source": "<img src=x onerror=alert(1)>"}\n{"text": "女人和男人都来了。", "source": "=HYPERLINK(1)"}\n',
        "utf-8",
    )
    audited(tmp_path, "=cmd()<script>.jsonl", more=("--exact",))
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "<svg" in page
    book = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert len(cells) > 30
    assert not [cell for cell in cells if cell.data_type == "f" or str(cell.value).startswith(("=", "+", "@"))]
    card = (tmp_path / "out" / "data-card.md").read_text("utf-8")
    assert "<img" not in card
    croissant = json.loads((tmp_path / "out" / "croissant.json").read_text("utf-8"))
    assert croissant["conformsTo"][0].endswith("croissant/1.1")
    assert "women" not in croissant["rai:dataBiases"]
    assert "woman: 1 rows" in croissant["rai:dataBiases"]
    before = (tmp_path / "out" / "report.xlsx").read_bytes()
    assert typed("corpus", "report", "out", cwd=tmp_path).returncode == 0
    assert (tmp_path / "out" / "report.xlsx").read_bytes() == before


def test_a_bad_answer_is_traced_to_the_row_it_is_like(tmp_path: Path) -> None:
    corpus(tmp_path / "a.jsonl", 0, 200)
    (tmp_path / "b.txt").write_text("有人说喝盐水能治百病，这当然不是真的。\n另一行。", "utf-8")
    audited(tmp_path, "a.jsonl", "b.txt", more=("--exact",))
    (tmp_path / "answer.txt").write_text("专家表示：喝盐水能治百病！", "utf-8")
    ran = typed("corpus", "trace", "out", "answer.txt", "--n", "3", "--json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [{"file": "b.txt", "row": 1, "share": 0.4286}]
    (tmp_path / "answer.txt").write_text("全然无关", "utf-8")
    assert typed("corpus", "trace", "out", "answer.txt", cwd=tmp_path).returncode == 1
