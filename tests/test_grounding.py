# SPDX-License-Identifier: Apache-2.0
"""What an answer says and its sources don't (Article 4.4): figures and references, over our own planted errors."""

from __future__ import annotations

import json
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiju.detect.figures import figures, han
from guiju.detect.grounding import Sources

ROWS = [json.loads(line) for line in (Path(__file__).parent / "data/grounding.jsonl").read_text("utf-8").splitlines()]
SOURCE = "公司2023年收入3.5亿元，员工1,234人。张伟教授说：“数据应当分类分级保护。”见 https://a.example/x 与《数据办法》第二十一条。"


@pytest.mark.slow
@pytest.mark.parametrize("split", ["dev", "held"])
def test_planted_errors_are_found_and_true_answers_left_alone(split: str) -> None:
    found, missed, alarms, clean = 0, 0, 0, 0
    for row in ROWS:
        if row["split"] != split:
            continue
        gaps = Sources([row["source"]]).gaps(row["answer"])
        for _, start, end in row["planted"]:
            hit = any(gap.start < end and start < gap.end for gap in gaps)
            found, missed = found + hit, missed + (not hit)
        if not row["planted"]:
            clean, alarms = clean + 1, alarms + bool(gaps)
    assert found + missed >= 30
    assert found / (found + missed) >= 0.9
    assert alarms / clean <= 0.05


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        ("去年营收三亿五千万元，员工一千二百三十四人。", []),
        ("营收3.6亿元，员工1,234人。", ["number"]),
        ("2022年收入3.5亿元。", ["date"]),
        ("张伟教授说：“数据应当分类分级管理。”", ["quote"]),
        ("张伟教授说：“数据应当分类分级保护。”", []),
        ("教授李雷说，收入3.5亿元。", ["name"]),
        ("见 https://a.example/y 。", ["link"]),
        ("依据第21条。", []),
        ("依据第二十二条。", ["article"]),
        ("依据《网络办法》第二十一条。", ["reference", "article"]),
        ("1. 收入3.5亿元\n2. 员工1234人", []),
        ("Revenue was 350 million yuan in 2023.", []),
        ("Revenue was 530 million yuan in 2023.", ["number"]),
    ],
)
def test_what_stands_nowhere_in_the_sources_is_a_gap(answer: str, kinds: list[str]) -> None:
    assert [gap.kind for gap in Sources([SOURCE]).gaps(answer)] == kinds


def test_what_the_conversation_says_itself_is_no_invention() -> None:
    assert Sources([SOURCE], ["我们去年是2.9亿元"]).gaps("你们去年是2.9亿元。") == []
    assert Sources([SOURCE]).gaps("你们去年是2.9亿元。") != []


def test_a_denied_or_foreign_sentence_has_less_support() -> None:
    sources = Sources(["该药可以与牛奶同服。每日两次。", "The bridge was not closed in winter."])
    assert sources.support("该药可以与牛奶同服。") > 0.9
    assert sources.support("该药不可以与牛奶同服。") < 0.7
    assert sources.support("The bridge was closed in winter.") < sources.support("The bridge was not closed in winter.")
    assert sources.support("明天去爬山吧") < 0.1


@pytest.mark.slow
@given(st.integers(0, 99_999_999))
def test_a_number_is_one_however_it_is_written(value: int) -> None:
    assert han(_spoken(value)) == value
    (figure,) = figures(f"共{value:,}元")
    assert figure.value == value
    assert not Sources([f"合计{value}元"]).gaps(f"合计{_spoken(value)}元") or value < 10


def _spoken(value: int) -> str:
    """Chinese numerals of a number below a hundred million."""
    if value >= 10_000:
        high, low = divmod(value, 10_000)
        gap = "零" if 0 < low < 1000 else ""
        return _spoken(high) + "万" + gap + (_spoken(low) if low else "")
    digits, made, zero = "零一二三四五六七八九", "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // size % 10
        if digit:
            made += ("零" if zero else "") + digits[digit] + name
            zero = False
        elif made:
            zero = True
    return made or "零"


@pytest.mark.slow
@given(st.text(max_size=300), st.text(max_size=200))
def test_an_answer_that_is_its_source_has_no_gap_and_places_lie_within(source: str, answer: str) -> None:
    for gap in Sources([source]).gaps(answer):
        assert 0 <= gap.start < gap.end <= len(answer)
    assert 0 <= Sources([source]).support(answer) <= 1


@pytest.mark.slow
@given(st.sampled_from([row["source"] for row in ROWS]))
def test_a_source_is_grounded_in_itself(source: str) -> None:
    assert Sources([source]).gaps(source) == []


@pytest.mark.slow
@given(st.fractions(min_value=Fraction(1, 10), max_value=1000, max_denominator=10))
def test_shares_are_one_in_words_and_signs(value: Fraction) -> None:
    said = f"{float(value):.1f}"
    assert Sources([f"比例为{said}%"]).gaps(f"约百分之{said}") == []


HOSTILE = (
    "1,",
    "1,234,",
    "一万",
    "Smith and ",
    "GB ",
    "1月",
    "百分之",
    "一分之",
    "two hundred and ",
    "《a》第一条",
    "“",
    " ",
    "\n",
    "|",
)


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_an_answer_made_to_be_slow_takes_no_more_than_its_length(piece: str) -> None:
    def taken(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.perf_counter()
        Sources([text]).gaps(text)
        return time.perf_counter() - began

    short = min(taken(4000) for _ in range(2))
    assert taken(32_000) < 32 * short + 1.0
