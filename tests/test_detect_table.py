# SPDX-License-Identifier: Apache-2.0
"""The fold table and the views made of it."""

from __future__ import annotations

import random
import sys
import unicodedata

import pytest

from guiju.detect.forms import form
from guiju.detect.table import DOT, HARD, SOFT, fold, lengths
from guiju.detect.views import collapse, tokens, visual


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡbＣ", "abc"),
        ("繁體漢字", "繁体汉字"),
        ("Ⓐ🅱🄲①❷𝟛", "abc123"),
        ("ﬁne ß Ⅷ ㎏", f"fine{SOFT}ss{SOFT}viii{SOFT}kg"),
        ("аеорсух", "aeopcyx"),
        ("é\u0301\u0336", "e"),
        ("a\u200b\u00ad\ufe0f\u2060\U000e0041\U000e0101b", "ab"),
        ("a.b。c,d\ne\tf", f"a{DOT}b{HARD}c{HARD}d{HARD}e{SOFT}f"),
        ("\x00\x01\x04\x1b", ""),
        ("👨\u200d👩", SOFT * 2),
        ("한국어 नमस्ते", f"한국어{SOFT}नमसत"),
        ("\ue000\ud800", SOFT * 2),
        ("\U00020000\U0002f800", "\U00020000丽"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    got = fold(text)
    assert "".join(c for c in got if unicodedata.category(c) != "Mc") == folded
    assert lengths(text) == [len(fold(c)) for c in text]


def test_a_text_folds_as_the_sum_of_its_characters() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(200):
        text = "".join(
            chr(rng.choice([rng.randrange(0x3000), rng.randrange(0x11000), rng.randrange(sys.maxunicode)]))
            for _ in range(30)
        )
        i = rng.randrange(30)
        assert fold(text) == fold(text[:i]) + fold(text[i:]) == "".join(map(fold, text))


def test_folding_twice_changes_nothing() -> None:
    every = "".join(chr(c) for c in range(0x32000) if not 0xD800 <= c < 0xE000)
    once = fold(every)
    letters = "".join(c for c in once if c > HARD)
    again = fold(letters)
    assert len(again) == len(letters)
    changed = {(a, b) for a, b in zip(letters, again, strict=True) if a != b}
    assert not changed


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("规规 矩。矩", "规矩"),
        ("a" * 64 + "b", "ab"),
        ("a" * 65 + "b", "a\x04ab"),
        ("规" + " " * 8 + "矩", "规矩"),
        ("规" + " ." * 5 + "矩", "规\x04矩"),
    ],
)
def test_collapse_and_tokens_tell_the_same(text: str, view: str) -> None:
    folded = fold(text)
    assert collapse(folded) == view
    assert len(tokens(folded)) == len(view)


def test_tokens_stand_where_view_e_says() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(500):
        text = "".join(rng.choice("ab规. 。") * rng.choice([1, 1, 2, 3, 8, 9, 64, 65, 130]) for _ in range(8))
        folded = fold(text)
        view, spans = collapse(folded), tokens(folded)
        assert len(view) == len(spans)
        for char, (start, end) in zip(view, spans, strict=True):
            assert char in ("\x04", folded[start])
            assert char == "\x04" or folded[end - 1] == char


def test_the_order_seen() -> None:
    def seen(text: str) -> str:
        return "".join(text[i] for ranges in visual(text) for r in ranges for i in r)

    assert seen("abc") == "abc"
    assert seen("a\u202ecb\u202cd") == "abcd"
    assert seen("\u202edc\u202dab\u202c\u202c!") == "abcd!"
    assert seen("\u202eba\ncd") == "ab\ncd"
    assert seen("x\u202e" + "a" * 3000).count("a") == 3000


def test_the_form_of_a_term() -> None:
    shape = form(" Buy  NOW! ", "auto")
    assert (shape.exact, shape.counts, shape.word, shape.whole, shape.short) == (
        f"buy{SOFT}now",
        (1, 1, 1, 1, 1, 1),
        True,
        False,
        False,
    )
    assert shape.breaks == {2}
    assert form("谢谢", "auto").short
    assert form("vx", "auto").short
    assert form("book", "word").counts == (1, 2, 1)
