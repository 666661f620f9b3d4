# SPDX-License-Identifier: Apache-2.0
"""What rows of a corpus are found to hold, and what becomes of them (Articles 4.2 and 7)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli_kit import typed
from guiju.corpus.near import Bands, Benchmarks, runs
from guiju.corpus.rows import Scan
from guiju.corpus.seen import Seen
from test_corpus_audit import audited, rows_of
from test_corpus_sources import corpus, register

LONG = "春天来了，院子里的老槐树抽出新芽，邻居们搬出小凳子坐在树下聊天，说起去年秋天收的那些玉米和今年准备种的花生。"


@given(st.lists(st.integers(1, 60)), st.integers(1, 7))
def test_what_was_seen_is_known_in_any_cut(given_: list[int], size: int) -> None:
    seen, told = Seen(), []
    for at in range(0, len(given_), size):
        told += seen.again(np.array(given_[at : at + size], np.uint64)).tolist()
    assert told == [value in given_[:at] for at, value in enumerate(given_)]


def test_bands_tell_texts_that_are_nearly_the_same() -> None:
    some = random.Random(4)
    whole = "".join(some.choice("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏") for _ in range(1200))
    near, far = whole[:600] + "改" + whole[601:], "".join(some.sample(whole, len(whole)))
    made = Bands().of([whole, near, far, "短"])
    assert (made[0] == made[1]).any()
    assert not (made[0] == made[2]).any()
    assert not made[3].any()


@given(st.text(min_size=26, max_size=80), st.text(max_size=40), st.text(max_size=40))
@settings(deadline=None)
def test_a_benchmark_is_found_within_any_text(item: str, before: str, after: str) -> None:
    known = Benchmarks([item])
    assert known.short or known.holds(before + item + after)
    assert not known.holds(before[:20])


@pytest.mark.slow
def test_runs_of_a_long_text_are_those_of_its_parts() -> None:
    some = random.Random(2)
    text = "".join(chr(some.randrange(0x4E00, 0x9FA5)) for _ in range(300_000))
    whole = runs(text, 26)
    assert len(whole) == len(text) - 25
    for at in (0, 131_060, 131_072, 262_144, 299_000):
        assert whole[at] == runs(text[at : at + 26], 26)[0]


@pytest.mark.slow
def test_columns_are_the_same_whatever_the_batch() -> None:
    texts = [
        LONG,
        "我是一个人工智能语言模型。",
        "All rights reserved.",
        "",
        "女人开车都很危险，不配拥有驾照。",
        "hello " * 3000,
    ]
    scan = Scan(near=True)
    whole = scan.scan_batch(texts)
    for at, text in enumerate(texts):
        alone = scan.scan_batch([text])
        assert (alone.risks[0], alone.marks[0], alone.groups[0]) == (whole.risks[at], whole.marks[at], whole.groups[at])
        assert alone.digest[0] == whole.digest[at]
    assert whole.language == ["zh", "zh", "en", "none", "zh", "en"]
    assert whole.marks[1] == {"generated": 1}
    assert whole.marks[2] == {"rights": 1}
    assert "woman" in whole.groups[4]
    assert whole.repetition[5] > 0.9


def written(folder: Path, rows: list[Any]) -> None:
    """The rows as `a.jsonl`."""
    (folder / "a.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


@pytest.mark.slow
def test_benchmarks_rights_and_near_duplicates(tmp_path: Path) -> None:
    (tmp_path / "bench.csv").write_text(f"question,answer\n{LONG[:40]},槐树\n", "utf-8")
    other = LONG[20:45]
    near = "，".join(f"第{n}个故事讲的是山那边的人家" for n in range(60))
    written(
        tmp_path,
        [
            {"text": one}
            for one in (
                "前言。" + LONG,
                other,
                near,
                near + "。完",
                "本书版权所有，未经许可不得转载。",
                "很抱歉，我不能提供此类内容。",
            )
        ],
    )
    report = audited(tmp_path, "a.jsonl", more=("--benchmark", "bench.csv"))
    assert report["reasons"]["dropped"] == {"benchmark": 1}
    assert report["reasons"]["held"] == {"rights": 1}
    assert report["duplicates"] == {"exact": 0, "near": 1}
    assert report["marks"]["refusal"]["rows"] == 1
    assert report["rows"]["kept"] == 4
    report = audited(tmp_path, "a.jsonl", more=("--near", "drop"))
    assert report["reasons"]["dropped"] == {"near_duplicate": 1}


def test_a_protected_work_is_not_learnt_from(tmp_path: Path) -> None:
    (tmp_path / "work.txt").write_text(LONG * 3, "utf-8")
    assert typed("works", "add", "work.txt", "--owner", "o", "--data", "data", cwd=tmp_path).returncode == 0
    written(tmp_path, [{"text": "转载一段：" + LONG + LONG}, {"text": "与之无关的一句话。"}])
    report = audited(tmp_path, "a.jsonl", more=("--exact",))
    assert report["reasons"]["dropped"] == {"work": 1}
    assert len(rows_of(tmp_path, "kept")) == 1


@pytest.mark.slow
def test_a_contract_covers_rights_that_are_reserved(tmp_path: Path) -> None:
    register(tmp_path, "s", "commercial")
    corpus(tmp_path / "a.jsonl", 0, 3)
    with (tmp_path / "a.jsonl").open("a", encoding="utf-8") as out:
        out.write('{"text": "本书版权所有，未经许可不得转载。"}\n')
    assert audited(tmp_path, "a.jsonl", more=("--exact",))["rows"]["kept"] == 4
