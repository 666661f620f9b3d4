# SPDX-License-Identifier: Apache-2.0
"""Context words (Articles 4 and 15): a term stands only beside one of them, wherever a text is cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiju.detect import lexicon
from guiju.detect.entry import Entry
from guiju.detect.nearby import AROUND
from guiju.detect.words import Words
from guiju.errors import ConfigError
from guiju.gateway.screen import Screen
from guiju.terms import REACHES, Text

WORDS = Words(
    [
        Entry("han", "矩木", "own", "block", context=("加微", "订价")),
        Entry("latin", "gadol", "own", "block", context=("pay", "no id")),
        Entry("plain", "规矩金丝雀", "own", "signal"),
    ],
    "v1",
)


def found(*texts: str) -> list[tuple[str, int, int]]:
    findings = WORDS.find([Text(f"messages[{n}]", text) for n, text in enumerate(texts)])
    return [(one.rule, one.start, one.end) for one in findings]


def rules(*texts: str) -> list[str]:
    return [rule for rule, _, _ in found(*texts)]


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("矩木", False),
        ("加微谈矩木", True),
        ("矩木，请加 微", True),
        ("订  价：矩-木", True),
        ("矩木" + "长" * (AROUND - 2) + "加微", True),
        ("矩木" + "长" * (AROUND - 1) + "加微", False),
        ("加微" + "长" * (AROUND - 2) + "矩木", True),
        ("加微" + "长" * (AROUND - 1) + "矩木", False),
        ("矩木" * 40 + "加微", True),
        ("gadol, payment first", True),
        ("gadol for repay", False),
        ("gadol, no ID needed", True),
        ("gadol, noid", False),
        ("ＧＡＤＯＬ ｐａｙ", True),
    ],
)
def test_a_term_stands_where_a_context_word_stands_close_by(text: str, stands: bool) -> None:
    assert bool(found(text)) == stands


def test_context_is_looked_for_within_the_text_and_over_the_border_that_a_term_lies_on() -> None:
    assert rules("加微", "矩木") == [], "each message speaks for itself"
    assert rules("规矩金", "丝雀") == ["plain"]
    long = Words([Entry("long", "金丝雀矩木", "own", "block", context=("加微",))], "v1")
    assert long.find([Text("a", "加微，金丝"), Text("b", "雀矩木")])
    assert not long.find([Text("a", "金丝"), Text("b", "雀矩木")])


PIECES = st.lists(
    st.sampled_from(
        ["矩木", "矩", "木", "加微", "加", "微", "订价", "gadol", " pay", "no id", "长" * 20, "，", " ", "-", "a"]
    ),
    max_size=14,
).map("".join)


@given(PIECES, st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_where_a_text_is_cut_never_changes_what_is_found(text: str, sizes: list[int]) -> None:
    expected = WORDS.look(text).findings
    for reach in REACHES:
        screen = Screen(WORDS, reach, "content")
        out, at = "", 0
        for size in itertools.cycle(sizes):
            if at >= len(text):
                break
            out += screen.feed(text[at : at + size])
            at += size
        out += screen.close()
        assert text.startswith(out)
        assert (out == text) == (not expected)
        if expected:
            assert screen.finding is not None
            assert (screen.finding.rule, screen.finding.start) in {(one.rule, one.start) for one in expected}


@given(PIECES, PIECES, PIECES)
def test_a_long_piece_that_is_skimmed_leaves_its_context_behind(head: str, middle: str, tail: str) -> None:
    text = head + "字样" * 200 + middle + "字样" * 10 + tail
    whole = {(one.rule, one.start) for one in WORDS.look(text).findings}
    for cut in (len(head) + 300, len(head) + 400 + len(middle), len(text) - len(tail)):
        screen = Screen(WORDS, "pattern", "content")
        screen.feed(text[:cut])
        screen.feed(text[cut:], last=True)
        assert (screen.finding is not None) == bool(whole)


def test_no_more_is_held_than_the_context_needs() -> None:
    screen = Screen(WORDS, "pattern", "content")
    assert screen.feed("这是矩木") == "这是"
    assert screen.feed("长" * AROUND) == "矩木" + "长" * AROUND


def test_context_is_read_from_every_format_and_faults_are_named() -> None:
    table = "term,category,severity,context\n矩木,own,block,加微 | 订价|加微\n"
    assert lexicon.read(table.encode(), "a.csv")[0].context == ("加微", "订价")
    toml = '[[entry]]\nterm="矩木"\ncategory="own"\nseverity="block"\ncontext=["加微", "订价"]\n'
    assert lexicon.read(toml.encode(), "a.toml")[0].context == ("加微", "订价")
    for context in ("，", "长" * (AROUND + 1), "|".join(map(str, range(lexicon.MOST_CONTEXT + 1)))):
        with pytest.raises(ConfigError, match="context"):
            lexicon.read(f'term,category,severity,context\n矩木,own,block,"{context}"\n'.encode(), "a.csv")


def test_of_two_spellings_the_wider_context_stays() -> None:
    head = "term,category,severity,context\n"
    both = lexicon.read(f"{head}矩木,own,block,加微\n矩 木,own,block,订价\n".encode(), "a.csv")
    assert [one.context for one in both] == [("加微",), ("订价",)], "a separator makes another term"
    assert lexicon.read(f"{head}Gadol,own,block,pay\nGADOL,own,block,id\n".encode(), "a.csv")[0].context == (
        "pay",
        "id",
    )
    assert lexicon.read(f"{head}Gadol,own,block,pay\nGADOL,own,block,\n".encode(), "a.csv")[0].context == ()
