# SPDX-License-Identifier: Apache-2.0
"""Words: what is found in views (a) to (e), what is left alone, and over which borders."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guiju.detect.entry import Boundary, Entry
from guiju.detect.words import Words, passages
from guiju.terms import Finding, Text

CANARIES = ("规矩金丝雀", "guijucanary")


def words(*terms: str, boundary: Boundary = "auto") -> Words:
    return Words([Entry(f"e-{t}", t, "own", "block", boundary=boundary) for t in terms], "v1")


def views(detector: Words, text: str) -> list[str]:
    return [f.view for f in detector.look(text).findings]


DISGUISED = [
    ("x规矩金丝雀y", "raw"),
    ("xguijucanaryy", "raw"),
    ("GUIJUCANARY", "folded"),
    ("規矩金絲雀", "folded"),
    ("ｇｕｉｊｕｃａｎａｒｙ", "folded"),
    ("𝐠𝓾𝕚𝖏ᵘⓒ🄰🅝🇦ŕ𝚢", "folded"),
    ("guijucаnаry", "folded"),
    ("gυıjucanarу", "folded"),
    ("\u200b".join("规矩金丝雀"), "folded"),
    ("\u2060".join("guijucanary"), "folded"),
    ("\ufe0f".join("规矩金丝雀"), "folded"),
    ("\U000e0101".join("规矩金丝雀"), "folded"),
    ("\U000e0041".join("guijucanary"), "folded"),
    ("\u00ad".join("guijucanary"), "folded"),
    ("\u0336".join("规矩金丝雀"), "folded"),
    ("g\u0301u\u0302i\u0303jucanary", "folded"),
    ("规 矩 金 丝 雀", "squeezed"),
    ("规-矩金丝雀", "squeezed"),
    ("规*矩*金*丝*雀", "squeezed"),
    ("规，矩，金，丝，雀", "squeezed"),
    ("规\n矩\n金\n丝\n雀", "squeezed"),
    ("规        矩金丝雀", "squeezed"),
    ("【规】【矩】【金】【丝】【雀】", "squeezed"),
    ("规🙂矩🙂金🙂丝🙂雀", "squeezed"),
    ("g.u.i.j.u.c.a.n.a.r.y", "squeezed"),
    ("g,u,i,j,u,c,a,n,a,r,y", "squeezed"),
    ("gu ij uc an ar y", "squeezed"),
    ("guiju-canary", "squeezed"),
    ("(Guiju Canary)", "squeezed"),
    ("规规矩矩金金丝丝雀雀", "collapsed"),
    ("guijuuuucanary", "collapsed"),
    ("g uuuu i j u c a n a r y", "collapsed"),
    ("\u202e雀丝金矩规\u202c", "bidi"),
    ("\u202eyranacujiug", "bidi"),
    ("规\u202e雀丝金矩\u202c", "bidi"),
]


@pytest.mark.parametrize(("text", "view"), DISGUISED)
def test_disguises_are_found(text: str, view: str) -> None:
    assert views(words(*CANARIES), text) == [view]


LEFT_ALONE = [
    (("together", "user"), "to get her, User-agents"[:10]),
    (("sex",), "Essex and Sussex are counties."),
    (("username",), "user.name = row.name"),
    (("username",), "the user name is long"),
    (("guijucanary",), "a guiju. Canary birds"),
    (("guijucanary",), "xguiju canary"),
    (("赌博",), "不要赌。博物馆在东边"),
    (("赌博",), "不要赌，博物馆在东边"),
    (("赌博",), "不要赌. 博物馆在东边"),
    (("规矩金丝雀",), "规规矩矩的人，金丝雀"),
    (("bot",), "reboot the boot loader; robots"),
    (("bot",), "a b o tree"),
    (("win",), "for v, w in edges:"),
    (("abc",), "a, b, c"),
    (("buy now",), "what we buy. Now we know"),
    (("to get her",), "together"),
    (("规矩金丝雀",), "规矩" + "-" * 9 + "金丝雀"),
    (("规矩金丝雀", "guijucanary"), "|---|---|\n| 规矩 | 表格 |\n|---|---|\n"),
    (("谢谢",), "谢了，谢"),
    (("家人",), "👨\u200d👩\u200d👧\u200d👦 ❤️‍🔥"),
    (("میخ",), "می\u200cخواهم این را بنویسم"),
    (("规矩金丝雀",), "金丝雀规矩"),
]


@pytest.mark.parametrize(("terms", "text"), LEFT_ALONE)
def test_what_nobody_would_read_is_left_alone(terms: tuple[str, ...], text: str) -> None:
    assert words(*terms).look(text).findings == ()


@pytest.mark.parametrize(
    ("term", "boundary", "text", "found"),
    [
        ("bot", "auto", "a bot.", True),
        ("bot", "auto", "robots", False),
        ("bot", "any", "robots", True),
        ("bot", "auto", "我bot你", True),
        ("bot", "auto", "_bot_", True),
        ("bot", "auto", "boooot!", True),
        ("bot", "auto", "b o t", True),
        ("bot", "auto", "b o tt", False),
        ("guijucanary", "word", "xguijucanaryy", False),
        ("guijucanary", "word", "Guijucanary.", True),
        ("12345", "auto", "12345", True),
        ("12345", "auto", "912345", False),
        ("加v信", "auto", "请加V信123", True),
        ("vx", "auto", "vx: abc", True),
        ("vx", "auto", "v x", False),
        ("谢谢", "auto", "谢谢谢", True),
        ("buy now", "auto", "Buy  now", True),
        ("buy now", "auto", "buynow", False),
        ("金 丝", "auto", "金丝", True),
        ("c'est la vie", "auto", "C’est la vie!", True),
    ],
)
def test_borders_of_words(term: str, boundary: Boundary, text: str, found: bool) -> None:
    assert bool(words(term, boundary=boundary).look(text).findings) == found


@pytest.mark.slow
@given(st.text("a1规 :-.、/", min_size=2, max_size=12))
@example("1:1 a")
@example("a-a")
@settings(max_examples=200, deadline=None)
def test_a_term_is_found_as_it_stands_whatever_separators_it_holds(term: str) -> None:
    term = re.sub(r"([ :\-.、/])[ :\-.、/]+", r"\1", term).strip(" :-.、/")  # a row of separators counts as one
    if len(term) > 2:
        assert views(words(term), term), term


def test_offsets_are_those_of_the_raw_text() -> None:
    (finding,) = words("guiju").look("㎏ß\u200b：ﷺ g\u200bＵiju.").findings
    assert finding == Finding("words", "own", "block", "e-guiju", "", 6, 12, "folded")


def test_overlapping_terms_are_all_found() -> None:
    found = words("abcabd", "bcab", "cab", boundary="any").look("abcabcabd").findings
    assert sorted((f.rule, f.start, f.end) for f in found) == [
        ("e-abcabd", 3, 9),
        ("e-bcab", 1, 5),
        ("e-bcab", 4, 8),
        ("e-cab", 2, 5),
        ("e-cab", 5, 8),
    ]


def test_entries_that_look_the_same_in_view_e_are_kept_apart() -> None:
    detector = Words([Entry("a", "boot", "one", "signal"), Entry("b", "bot", "two", "block")], "v")
    assert [f.rule for f in detector.look("boot " * 40 + "bot").findings][-1] == "b"
    assert {f.rule for f in detector.look("a bot").findings} == {"b"}
    assert {f.rule for f in detector.look("a boot").findings} == {"a"}


def test_findings_name_their_leaf() -> None:
    texts = [Text("a", "好规矩金"), Text("b", "丝雀好", True), Text("c", "xguijucanary")]
    found = words(*CANARIES).find(texts)
    assert [(f.field, f.start, f.end) for f in found] == [("a", 1, 4), ("c", 1, 12)]
    assert [p.text for p in passages(texts)] == ["好规矩金丝雀好", "xguijucanary"]
    assert passages([Text("a", "x", True)])[0].fields == ("a",)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        (["好规矩金", "丝雀好"], "f0"),
        (["x", "规", "矩", "金", "丝", "雀"], "f1"),
        (["规矩" + "长" * 50, "甲" * 900 + "规矩金", "丝雀" + "乙" * 900], "f1"),
        (["please guiju", "canary now"], "f0"),
        (["规 矩 金", " 丝 雀"], "f0"),
        (["buy", "now"], "f0"),
    ],
)
def test_a_term_cut_over_several_texts_is_found(parts: list[str], field: str) -> None:
    found = words(*CANARIES, "buy now").find([Text(f"f{i}", part) for i, part in enumerate(parts)])
    assert [(f.field, f.start, f.end) for f in found] == [(field, 0, 0)]


@pytest.mark.parametrize(
    ("terms", "parts"),
    [
        (CANARIES, ["规矩。", "x", "金丝雀"]),
        (("赌博",), ["我不赌", "博物馆在哪"]),
        (("password",), ["to pass", "words on"]),
        (CANARIES, ["规矩" + "长" * 900, "金丝雀"]),
        (CANARIES, ["规矩金丝", "雀"[:0], "好"]),
    ],
)
def test_texts_beside_each_other_are_left_alone(terms: tuple[str, ...], parts: list[str]) -> None:
    assert words(*terms).find([Text(f"f{i}", part) for i, part in enumerate(parts)]) == []


def test_what_can_not_be_matched_is_refused() -> None:
    for term in ("!!", "", "\u200b", "a" * 70):
        with pytest.raises(ValueError, match="can't be matched"):
            words(term)


def test_no_entries_find_nothing() -> None:
    assert Words([], "v").find([Text("a", "任何"), Text("b", "x")]) == []


def test_rules_may_say_the_same_of_a_text_again_and_again() -> None:
    found = words("规矩金丝雀").look("规矩金丝雀" * 5000).findings
    assert 1 <= len(found) <= 16
