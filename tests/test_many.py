# SPDX-License-Identifier: Apache-2.0
"""What is told of many texts at once is what is told of each alone (Article 7)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guiju.corpus.near import Bands
from guiju.corpus.rows import Named, _shape, _shapes
from guiju.detect.discrimination import discrimination
from guiju.detect.entry import Entry
from guiju.detect.many import BORDER, Many, Views, grouped
from guiju.detect.model.heads import Heads
from guiju.detect.model.weights import weights
from guiju.detect.personal.recogniser import every, every_of
from guiju.detect.personal.triggers import looks, looks_of
from guiju.detect.sketch import sketch
from guiju.detect.words import Words

TERMS = ("苹果手表", "蓝色汽车", "西瓜", "password", "green tea", "木材商店")
PARTS = (
    *TERMS, "苹 果 手 表", "平果手表", "pingguoshoubiao", "ping2guo3shou3biao3", "p4ssw0rd", "p@ssw|rd", "drowssap",
    "cnffjbeq", "木木才商店", "%E8%A5%BF%E7%93%9C", "6KW/55OcIOilv+eTnA==", "&#35199;", "\u202e瓜西\u202c", "西\u200b瓜",
    "a\u2014\u20141", "A!1", "1\u200d\u200d\u200da", "女人都不配开车", "women are stupid", "老人", "13800138000", "1 3-8001380",
    "００８６", "a@b.cn", "1.2.3.4", "::1:2:3", "12 Green Road", "No 5a, St", " road", "我叫王小明", "88号", "京A12345", "O. Box 12",
    "ß", "İ", "ΑΣ", "😀", "㎏", "\ue00f", "\uffff", "\x00", "\n", " ", ".", "，", "“”", "1234567", "ａｂｃ", "aaaa", "二三四",
    "版权所有", "お茶", "한국어", "éà", "\U000e0041", "\ufe01", "word " * 60, "春天来了，院子里的树。" * 30,
)  # fmt: skip
TEXT = st.lists(st.sampled_from(PARTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=9).map(
    "".join
)


@pytest.fixture(scope="module")
def words() -> Words:
    return Words([Entry(str(at), term, "A.1a", "block") for at, term in enumerate(TERMS)], "test")


@pytest.fixture(scope="module")
def named() -> Named:
    return Named()


@pytest.fixture(scope="module")
def heads() -> Heads:
    return Heads(weights())


@given(texts=st.lists(TEXT, min_size=1, max_size=8))
@settings(deadline=None, max_examples=50)
@example(texts=["", "", BORDER, "西瓜", ""])
@example(texts=["6KW/55OcIOilv+eTnA=="])
@example(texts=["苹果", "手表", "1380013", "8000", "pass", "word", "A", "!1"])
def test_many_texts_are_told_as_each_alone(words: Words, named: Named, texts: list[str]) -> None:
    many = Many(texts)
    views = Views(many)
    doubtful = words.doubtful(many, views)
    patterns = discrimination()
    tried = patterns.tries_of(views)
    for at, text in enumerate(texts):
        assert doubtful[at] or words.plain(text)
        if not views.strange[at]:
            assert views.of(at) == sketch(text)
            assert tried.get(at, []) == patterns.tries(sketch(text))
    assert looks_of(many) == list(map(looks, texts))
    assert every_of(many) == list(map(every, texts))
    assert named.many(many) == list(map(named, texts))
    assert _shapes(many) == list(map(_shape, texts))


def test_terms_are_doubted_and_little_else_is(words: Words) -> None:
    texts = ["院子里的树", *TERMS[:2], "an ordinary sentence", "p4ssw0rd", "红苹果和手表", "3D 5G v2"]
    many = Many(texts)
    assert words.doubtful(many, Views(many)).tolist() == [False, True, True, False, True, False, False]


@given(texts=st.lists(TEXT, max_size=6))
@settings(deadline=None, max_examples=25)
def test_bands_and_scores_are_those_of_each_text_alone(heads: Heads, texts: list[str]) -> None:
    bands = Bands()
    together, scores = bands.of(texts), heads.many(texts)
    for at, text in enumerate(texts):
        assert (together[at] == bands.of([text])[0]).all()
        if len(text) > 240:
            assert np.array_equal(scores[at], heads.scores(text))


@given(st.lists(st.text(max_size=9)), st.integers(1, 12))
def test_groups_keep_all_texts_and_their_size(texts: list[str], most: int) -> None:
    groups = list(grouped(texts, most))
    assert [text for group in groups for text in group] == texts
    assert all(len(group) == 1 or sum(map(len, group)) <= most for group in groups)
