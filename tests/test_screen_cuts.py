# SPDX-License-Identifier: Apache-2.0
"""G1: whatever the text and wherever it is cut, no term comes out, clean text is unchanged, little is held."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fast_kit import few
from guiju.detect.entry import Entry
from guiju.detect.words import Words
from guiju.gateway.screen import Screen
from guiju.terms import REACHES, Reach
from lengths import EXAMPLES

SETS = (
    ("规矩金丝雀", "guijucanary"),
    ("bot", "boot", "tob"),
    ("谢谢", "谢谢你", "你谢"),
    ("abab", "bab", "ab"),
    ("buy now", "now", "加v信"),
    ("aab", "abba", "矩规"),
    ("金 丝", "丝金", "金金金"),
    ("password", "wordpa"),
)


def words(terms: Sequence[str], severity: str = "block", boundary: str = "auto") -> Words:
    return Words(
        [
            Entry(f"e{i}", term, "own", "block" if severity == "block" else "signal", boundary=boundary)  # type: ignore[arg-type]  # a literal by its caller
            for i, term in enumerate(terms)
        ],
        "v1",
    )


def cuts(text: str) -> Iterator[list[str]]:
    """Every one of the 2^(n-1) ways to cut a text."""
    for places in itertools.product((False, True), repeat=len(text) - 1):
        pieces, start = [], 0
        for i, cut in enumerate(places, 1):
            if cut:
                pieces.append(text[start:i])
                start = i
        yield [*pieces, text[start:]]


def screened(screen: Screen, pieces: Sequence[str]) -> str:
    return "".join([screen.feed(piece) for piece in pieces]) + screen.close()


def literal(terms: Sequence[str], text: str) -> bool:
    """An oracle of its own: a term stands in the text as written, between word borders where it is a short word."""
    text = re.sub("[\u200b\u200d\u0301]", "", text)
    for term in terms:
        for found in re.finditer(f"(?={re.escape(term)})", text):
            before, after = text[: found.start()], text[found.start() + len(term) :]
            short = term.replace(" ", "").isascii() and len(term.replace(" ", "")) < 6
            if not short or not (re.search(r"[a-z0-9éｏß㎏]$", before) or re.match(r"[a-z0-9éｏß㎏]", after)):
                return True
    return False


def overruled(screen: Screen, pieces: Sequence[str]) -> str:
    """What comes out when nobody objects to what is found."""
    out = ""
    for i, piece in enumerate((*pieces, "")):
        out += screen.feed(piece, last=i == len(pieces))
        while screen.finding:
            out += screen.overrule()
    return out


def check(detector: Words, terms: Sequence[str], text: str, pieces: Sequence[str], reach: Reach = "pattern") -> None:
    """What must hold for one text and one way to cut it."""
    look = detector.look(text)
    blocks = [f for f in look.findings if f.severity == "block"]
    screen = Screen(detector, reach, "content")
    out = screened(screen, pieces)
    assert text.startswith(out)
    assert bool(blocks) == (screen.finding is not None), (text, pieces, blocks, screen.finding)
    assert screen.seen <= len(text)
    assert screen.released == len(out)
    if screen.finding is None:
        assert out == text
    else:
        assert len(out) <= screen.finding.start
        assert not any(len(out) > f.start for f in blocks if f.end <= screen.finding.end)
    assert overruled(Screen(detector, reach, "content"), pieces) == text
    if literal(terms, text):
        assert blocks, (text, terms)
        goes_on = re.match("[a-z0-9éｏß㎏]", re.sub("[\u200b\u200d\u0301]", "", text[len(out) :]))
        assert not literal(terms, out + ("z" if goes_on else ""))


@pytest.mark.parametrize("terms", few(SETS, 2), ids=lambda terms: terms[0])
def test_short_answers_in_all_cuts(terms: tuple[str, ...]) -> None:
    detector = words(terms)
    alphabet = [*sorted({c for term in terms for c in term[:2]}), " "]
    seed = 20261124
    rng = random.Random(seed)
    print("seed", seed)
    texts = [term[:k] + tail for term in terms for k in range(len(term)) for tail in ("", term[:6], " " + term[-3:])]
    texts += ["".join(rng.choices(alphabet, k=6)) for _ in range(6)]
    for text in texts:
        if 0 < len(text) <= 8:
            for pieces in cuts(text):
                check(detector, terms, text, pieces)


@pytest.mark.slow
@pytest.mark.parametrize("terms", SETS, ids=lambda terms: terms[0])
def test_all_answers_in_all_cuts(terms: tuple[str, ...]) -> None:
    """All 2^(n-1) cuts of answers of up to 12 characters, and every answer of five over the terms' characters."""
    detector = words(terms)
    alphabet = [*sorted({c for term in terms for c in term})[:6], " "]
    for text in map("".join, itertools.product(alphabet, repeat=5)):
        for pieces in cuts(text):
            check(detector, terms, text, pieces)
    for term in terms:
        for before, after in (("", ""), ("x", "x"), ("规", "."), (" ", " "), (term[:1], term[-1:])):
            text = (before + term + after)[:12]
            for pieces in cuts(text):
                check(detector, terms, text, pieces)


def spelled(terms: Sequence[str]) -> st.SearchStrategy[str]:
    """Texts made of pieces of terms, disguises and separators."""
    signs = [" ", ".", ",", "。", "-", "\n", "\u200b", "\u0301", ". ", "é", "ｏ", "絲", "㎏", "ß", "x", "👨\u200d👩"]
    piece = st.one_of(
        st.sampled_from([term[:k] for term in terms for k in range(1, len(term) + 1)]),
        st.builds(lambda sign, n: sign * n, st.sampled_from(signs), st.sampled_from([1, 1, 2, 7, 8, 9, 10])),
        st.builds(
            lambda c, n: c * n, st.sampled_from(sorted(set("".join(terms)))), st.sampled_from([1, 2, 3, 63, 65, 70])
        ),
        st.builds(lambda sign, term: sign.join(term), st.sampled_from(signs[:8]), st.sampled_from(list(terms))),
    )
    return st.lists(piece, max_size=9).map("".join)


@st.composite
def case(draw: st.DrawFn) -> tuple[tuple[str, ...], str, list[str], Reach, str]:
    terms = draw(st.sampled_from(SETS))
    text = draw(spelled(terms))
    pieces, rest = [], text
    while rest:
        n = draw(st.integers(1, 12))
        pieces.append(rest[:n])
        rest = rest[n:]
    return terms, text, pieces, draw(st.sampled_from(REACHES)), draw(st.sampled_from(["auto", "word", "any"]))


MADE = {(terms, how): words(terms, boundary=how) for terms in SETS for how in ("auto", "word", "any")}


def any_cut(made: tuple[tuple[str, ...], str, list[str], Reach, str]) -> None:
    terms, text, pieces, reach, boundary = made
    check(MADE[terms, boundary], () if boundary == "word" else terms, text, pieces, reach)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(case())
def test_any_cut(made: tuple[tuple[str, ...], str, list[str], Reach, str]) -> None:
    any_cut(made)


def test_a_long_run_behind_many_separators_is_read_from_where_it_begins() -> None:
    """What stands before so many separators belongs to no term behind them, however the run between is cut."""
    pieces = [*"aa", *" " * 8, " a", "a" * 5, *["a" * 12] * 4, "a" * 9 + "bab"]
    any_cut((("abab", "bab", "ab"), "".join(pieces), pieces, "pattern", "auto"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=EXAMPLES, deadline=None, print_blob=True)
@given(case())
def test_any_cut_at_length(made: tuple[tuple[str, ...], str, list[str], Reach, str]) -> None:
    any_cut(made)


def test_signals_are_the_same_in_any_cut() -> None:
    detector = words(("bot", "规矩金丝雀", "谢谢你"), "signal")
    text = "a b o t, 规矩金絲雀谢谢谢谢你 bot"
    whole = {(f.rule, f.start, f.end) for f in detector.look(text).findings}
    assert len(whole) == 4
    for n in range(1, len(text)):
        screen = Screen(detector, "pattern", "f")
        assert screened(screen, [text[i : i + n] for i in range(0, len(text), n)]) == text
        assert {(f.rule, f.start, f.end) for f in screen.signals} == whole
        assert screen.finding is None


def test_little_is_held() -> None:
    """What is held is never longer than the longest term less one, beside separators and what no reader sees."""
    detector = words(("规矩金丝雀", "guijucanary"))
    screen = Screen(detector, "pattern", "f")
    out = 0
    for i, char in enumerate("今天guijucana 天气规矩金丝 guijucanar. 好规矩金", 1):
        out += len(screen.feed(char))
        assert i - out <= len("guijucanary") - 1 + 2
    screen.feed("|" * 9)
    assert screen.released == screen.seen


def test_a_long_row_of_separators_holds_nothing() -> None:
    screen = Screen(words(("规矩金丝雀",)), "pattern", "f")
    assert screen.feed("规矩" + "-" * 8) == ""
    assert screen.feed("-") == "规矩" + "-" * 9
    assert screen.feed("金丝雀") == "金丝雀"


def test_what_can_not_be_held_is_blocked() -> None:
    screen = Screen(words(("规矩金丝雀",)), "pattern", "f")
    out = screen.feed("好规")
    for _ in range(300):
        out += screen.feed("\u200b" * 10)
    assert out == "好"
    assert screen.finding is not None
    assert screen.finding.category == "not_checkable"
    assert screen.feed("x") == screen.close() == ""
    assert (screen.seen, screen.released) == (2 + 3000 + 1, 1)


@pytest.mark.parametrize("reach", REACHES)
def test_a_run_of_one_letter_is_never_held_long(reach: Reach) -> None:
    screen = Screen(words(("bot", "ab", "规矩金丝雀")), reach, "f")
    text = "b" + "o" * 5000 + "规" * 5000 + "a" * 5000 + "x"
    assert screened(screen, [text[i : i + 7] for i in range(0, len(text), 7)]) == text


def test_reach_sentence_waits_for_its_end() -> None:
    screen = Screen(words(("规矩金丝雀",)), "sentence", "f")
    assert screen.feed("今天天气很好") == ""
    assert screen.feed("。明天") == "今天天气很好。"
    assert screen.feed("也好？A dot. In") == "明天也好？A dot."
    assert screen.feed("x" * 200) == " In" + "x" * 117 + "x" * 0
    assert screen.close() == "x" * 83


def test_reach_whole_waits_for_the_end() -> None:
    screen = Screen(words(("规矩金丝雀",)), "whole", "f")
    assert screen.feed("一。二。\n") == ""
    assert screen.close() == "一。二。\n"


def test_reach_sentence_sees_an_order_turned_round() -> None:
    text = "看\u202e雀丝金矩规\u202c。"
    screen = Screen(words(("规矩金丝雀",)), "sentence", "f")
    assert screened(screen, list(text)) == ""
    assert screen.finding is not None
    assert (screen.finding.view, screen.finding.start, screen.finding.end) == ("bidi", 2, 7)


def test_a_sentence_cut_at_its_cap_makes_no_word_border() -> None:
    text = "x" * 117 + " essex is a county."
    screen = Screen(words(("sex",)), "sentence", "f")
    assert screened(screen, list(text)) == text
