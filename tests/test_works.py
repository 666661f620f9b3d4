# SPDX-License-Identifier: Apache-2.0
"""Passages of protected works are found from 60 units on, over all cuts; short ones and attributed quotations pass."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.detect.units import Key, units
from guiju.detect.works import GRAM, LEAST, QUOTE, Shelf, Work, Works, chosen, grams, shelf
from guiju.terms import Finding, Text
from likeness_kit import WORK, statements
from pace import loops

KEY = Key(b"k" * 32, "works")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def work(text: str, number: int = 1, title: str = "渡口", owner: str = "鹿溪客") -> tuple[Work, np.ndarray]:
    made = grams(text, KEY)
    return Work(id=f"w-{number}", title=title, owner=owner, licence="", severity="block", size=len(units(text))), made


WORKS = Works(shelf([work("".join(statements(20)), 2, "杂谈", "石浦生"), work(WORK)], KEY))


def found(text: str, works: Works = WORKS) -> list[Finding]:
    return works.find((Text("choices[0].content", text),))


def piece(first: int, size: int) -> str:
    """So many units of WORK from one of them on, with the marks between them."""
    made = "".join(map(chr, units(WORK)))[first : first + size]
    start = end = 0
    for i in range(len(WORK)):
        if "".join(map(chr, units(WORK[i:]))).startswith(made):
            start = i
    while "".join(map(chr, units(WORK[start:end]))) != made:
        end += 1
    return WORK[start:end]


@pytest.mark.parametrize("first", [0, 1, 17, 50, 90])
def test_sixty_units_are_found_and_fifty_nine_are_not(first: int) -> None:
    [one] = found("他念道" + piece(first, LEAST) + "云云")
    assert (one.rule, one.category, one.severity) == ("w-1", "A.3a", "block")
    assert (one.start, one.end) == (3, 3 + len(piece(first, LEAST)))
    assert found("他念道" + piece(first, LEAST - 1) + "云云") == []


def test_disguises_of_a_passage_are_found() -> None:
    text = WORK[:100]
    for changed in (
        text.replace("，", " "),
        "·".join(text),
        text.replace("钱", "錢").upper(),
        text.replace("。", "\n\n"),
    ):
        assert {one.rule for one in found(changed)} == {"w-1"}
    assert found(text[::-1]) == []


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_cuts_change_nothing_and_no_61st_unit_is_let_go(data: st.DataObject) -> None:
    first, size = data.draw(st.integers(0, 100)), data.draw(st.integers(20, 120))
    before, after = data.draw(st.sampled_from(["", "前言。" * 30])), data.draw(st.sampled_from(["", "后记。" * 5]))
    text = before + WORK[first : first + size] + after
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=10)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    along, told, released = WORKS.begin(), False, 0
    for one in pieces:
        some = along.find((Text("f", one),))
        assert all(0 <= f.start < f.end <= len(one) for f in some)
        told = told or bool(some)
        if not told:
            released += len(one)
    assert told == bool(found(text))
    if told:
        assert len(units(text[len(before) : released])) < LEAST


def test_a_quotation_whose_source_is_named_passes() -> None:
    quoted = WORK[:120]
    for text in (
        f"鹿溪客在《渡口》里写道：“{quoted}”",
        f"有一段话写得很好：「{quoted}」（鹿溪客《渡口》）",
        f"“{quoted}”——鹿溪客",
        f'As 鹿溪客 puts it: "{quoted}"',
    ):
        assert found(text) == [], text
    for text in (
        quoted,
        f"“{quoted}”",
        f"石浦生写道：“{quoted}”",
        f"鹿溪客写道：{quoted}",
        f"鹿溪客写道：“好。”{quoted}",
        f"鹿溪客写道：“{WORK[:QUOTE]}，完。”" if len(WORK) > QUOTE + 1 else quoted,
        f"鹿溪客的书很多。{'别的话。' * 30}“{quoted}”",
    ):
        assert found(text) or text.startswith("鹿溪客写道：“渡口"), text
    assert found(f"鹿溪客写道：“{quoted}”", Works(WORKS.shelf, quote=0))
    assert found(f"鹿溪客写道：“{quoted}”", Works(WORKS.shelf, quote=100))


def test_a_quotation_passes_while_it_streams() -> None:
    along = WORKS.begin()
    pieces = ["鹿溪客在《渡口》里", "写道：“" + WORK[:40], WORK[40:80], WORK[80:110] + "”很好"]
    assert [along.find((Text("f", one),)) for one in pieces] == [[], [], [], []]


def test_a_whole_work_is_found_once_and_texts_of_two_works_twice() -> None:
    assert [one.rule for one in found(WORK)] == ["w-1"]
    assert sorted({one.rule for one in found(WORK + "".join(statements(20)))}) == ["w-1", "w-2"]


def test_a_passage_does_not_go_on_from_one_work_into_the_next() -> None:
    two = Works(shelf([work(WORK[:80], 1), work(WORK[80:200], 2)], KEY))
    middle = WORK[45:125]
    assert len(units(middle)) >= LEAST
    assert found(middle, two) == []
    assert {one.rule for one in found(WORK[:200], two)} == {"w-1", "w-2"}


@given(st.integers(0, 2**32), st.integers(LEAST, 600))
@settings(max_examples=40)
def test_each_sixty_units_hold_a_chosen_hash(seed: int, size: int) -> None:
    made = grams("".join(random.Random(seed).choices("规矩金丝雀", k=size * 3)), KEY)
    places = set(chosen(made).tolist())
    window = LEAST - GRAM + 1
    assert all(any(at in places for at in range(i, i + window)) for i in range(len(made) - window + 1))


def test_what_is_kept_is_no_text_and_needs_the_key() -> None:
    other = grams(WORK, Key(b"j" * 32, "works"))
    assert grams(WORK, KEY).dtype == np.uint32
    assert not (other == grams(WORK, KEY)).any()
    with pytest.raises(ValueError, match="units"):
        grams(piece(0, LEAST - 1), KEY)


def test_an_empty_shelf_finds_nothing() -> None:
    empty = shelf([], KEY)
    assert isinstance(empty, Shelf)
    assert found(WORK, Works(empty)) == []


def test_looking_is_linear_in_hostile_texts() -> None:
    for shape in (WORK[:24] * 2000, "规" * 48_000, WORK * 200, "ab" * 24_000):
        assert loops(lambda shape=shape: found(shape), 200) <= 200
