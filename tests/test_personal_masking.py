# SPDX-License-Identifier: Apache-2.0
"""Placeholders go in, stay the same in every turn, and come out again wherever an answer is cut."""

from __future__ import annotations

import itertools
import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.detect.personal.kinds import KINDS
from guiju.detect.personal.masking import Masker, Placeholders, hidden, unhidden
from guiju.detect.personal.recogniser import recognise
from guiju.detect.personal.restoring import Forms, Restorer
from personal_kit import Row, rows

KEY = b"k" * 32
ROWS = list(rows(3, seed=5))
SOME = st.lists(st.sampled_from(ROWS), min_size=1, max_size=4)


def masked(text: str, account: str = "a", key: bytes = KEY) -> tuple[str, Placeholders]:
    places = Placeholders(key, account)
    return Masker(places, KINDS, [text]).text(text), places


def cut(text: str, at: list[int]) -> list[str]:
    ends = sorted({0, len(text), *(i % (len(text) + 1) for i in at)})
    return [text[a:b] for a, b in itertools.pairwise(ends)]


@settings(max_examples=40)
@given(SOME, st.lists(st.integers(0, 500), max_size=12))
def test_what_is_masked_comes_back_wherever_it_is_cut(some: list[Row], at: list[int]) -> None:
    text = "\n".join(dict.fromkeys(row.text for row in some))
    sent, places = masked(text)
    for row in some:
        assert row.text[row.start : row.end] not in sent
    assert {one.kind for one in recognise(sent)} == set()
    restorer = Restorer(Forms(places.known))
    back = "".join(restorer.feed(piece) for piece in cut(sent, at)) + restorer.feed("", last=True)
    first = {one.value: text[one.start : one.end] for one in reversed(recognise(text))}
    assert back == text or len(first) < len(recognise(text))


def test_a_placeholder_is_the_same_in_every_turn_and_another_for_another_account_or_key() -> None:
    first, _ = masked("手机13800001234")
    assert re.fullmatch(r"手机\[手机号_[0-9a-z]{6}\]", first)
    tag = first[2:]
    assert masked("我再说一遍：１３８ ０００ ０１２３４，记住")[0] == f"我再说一遍：{tag}，记住"
    assert masked("my mobile is 13800001234")[0] == f"my mobile is {tag.replace('手机号', 'MOBILE')}"
    assert masked("手机13800001234", account="b")[0] != first != masked("手机13800001234", key=b"x" * 32)[0]


def test_a_value_is_masked_wherever_it_stands_but_not_within_another_word() -> None:
    sent, places = masked("我叫李明慧，QQ 123456。李明慧的号123456，不是1234567")
    assert "李明慧" not in sent
    assert sent.endswith("，不是1234567")
    assert sent.count("[姓名_") == sent.count("[QQ号_") == 2
    assert dict(places.counts) == {"name": 1, "qq": 1}


def test_what_goes_over_two_parts_is_masked_in_the_first() -> None:
    parts = ["手机1380", "000", "1234，好"]
    places = Placeholders(KEY, "a")
    made = Masker(places, KINDS, ["".join(parts)]).parts(parts)
    assert re.fullmatch(r"手机\[手机号_\w{6}\]", made[0])
    assert made[1:] == ["", "，好"]


@pytest.mark.parametrize(
    "written",
    [
        "[手机号_{}]",
        "【手机号_{}】",
        "手机号_{}",
        "\\[手机号\\_{}\\]",
        "［手机号＿{}］",
        "[MOBILE_{}]",
        "mobile_{}",
        "[手机号_{}",
        "\\[手机号_{}\\]",
    ],
)
def test_what_models_change_at_times_is_undone(written: str) -> None:
    _, places = masked("手机13800001234")
    tag = next(iter(places.known))
    for form in (tag, tag.upper()):
        said = f"您的号码是{written.format(form)}，请保存"
        for size in (1, 3, 1000):
            restorer = Restorer(Forms(places.known))
            pieces = [said[i : i + size] for i in range(0, len(said), size)]
            assert "".join(map(restorer.feed, pieces)) + restorer.feed("", last=True) == "您的号码是13800001234，请保存"


def test_only_what_may_be_a_placeholder_is_held() -> None:
    _, places = masked("手机13800001234")
    restorer = Restorer(Forms(places.known))
    assert restorer.feed("列表 [1] 和 [手机") == "列表 [1] 和 "
    assert restorer.feed("] 与") == "[手机] 与"
    assert restorer.feed("a[0] 电话号") == "a[0] "
    assert restorer.feed("", last=True) == "电话号"


@settings(max_examples=30)
@given(SOME, st.booleans(), st.lists(st.integers(0, 500), max_size=8))
def test_arguments_stay_json(some: list[Row], ascii_only: bool, at: list[int]) -> None:
    given_ = {"a": some[0].text, "b": [row.text for row in some], "手机": "13800001234", "n": 12, 'q"': 'x"\\y'}
    places = Placeholders(KEY, "a")
    raw = json.dumps(given_, ensure_ascii=ascii_only)
    sent = Masker(places, KINDS, [raw]).arguments(raw)
    said = json.dumps(json.loads(sent), ensure_ascii=ascii_only)
    restorer = Restorer(Forms(places.known), arguments=True)
    back = json.loads("".join(restorer.feed(piece) for piece in cut(said, at)) + restorer.feed("", last=True))
    plain = [one.value for row in some for one in recognise(row.text)]
    assert back == given_ or len(set(plain)) < len({row.text[row.start : row.end] for row in some})


def test_a_number_in_arguments_is_masked_and_quotes_in_a_value_are_escaped() -> None:
    raw = '{"phone": 13800001234, "n": 1}'
    places = Placeholders(KEY, "a")
    sent = json.loads(Masker(places, KINDS, [raw]).arguments(raw))
    assert sent["n"] == 1
    assert sent["phone"].startswith("[")
    assert Masker(places, KINDS, ["手机13800001234"]).arguments("{手机13800001234").startswith("{手机[手机号_")
    assert json.loads(Forms({"abcdef": 'a"b\\'}).in_json('{"x": "[姓名_abcdef]"}')) == {"x": 'a"b\\'}


def test_two_values_that_meet_get_longer_tags() -> None:
    places = Placeholders(KEY, "a")
    name = places.of(KINDS["qq"], "1", "1")
    places.known[other := places._tag(KINDS["qq"], "2")] = "elsewhere"
    assert len(places.of(KINDS["qq"], "2", "2")) == len(name) + 1
    assert places.known[other] == "elsewhere"


@given(SOME, st.integers(0, 200), st.integers(1, 40))
def test_places_in_a_hidden_text_are_places_in_the_text(some: list[Row], start: int, size: int) -> None:
    text = "".join(row.text + "。" for row in some)
    shown, moved = hidden(text)
    assert not set(recognise(shown)) & set(recognise(text))
    start = min(start, len(shown) - 1)
    end = min(start + size, len(shown))
    first, last = unhidden(moved, start, end)
    assert 0 <= first <= last <= len(text)
    assert unhidden(moved, 0, len(shown)) == (0, len(text))
    if (
        "[" not in shown[start:end]
        and "]" not in shown[start:end]
        and not any(a < end and b > start for a, b, _ in moved)
    ):
        assert text[first:last] == shown[start:end]


def test_random_text_is_never_restored() -> None:
    _, places = masked("手机13800001234，我叫李明慧")
    forms = Forms(places.known)
    some = random.Random(1)
    for _ in range(300):
        text = "".join(some.choice("[手机号_0a]姓名\\ab【") for _ in range(60))
        assert forms.restored(text) == text
