# SPDX-License-Identifier: Apache-2.0
"""Views (f) to (k): terms in leet, apart, in pinyin, turned round, hidden and encoded; where they stand in the raw text;
what is left alone; and that a sentence of an answer is held for them."""

from __future__ import annotations

import base64
import random
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign_texts import texts
from guiju.detect import decoded, sounds
from guiju.detect.deep import AGAIN, WINDOW
from guiju.detect.derived import MORE, TIMES, Budget, Change, raw, windows
from guiju.detect.entry import Entry
from guiju.detect.words import Words
from guiju.gateway.screen import Screen
from guiju.terms import Text

TERMS = ("规矩金丝雀", "guijucanary", "测试敏感短语", "harmless phrase", "赌博", "buynow")
WORDS = Words(
    [
        *(Entry(f"e{i}", term, "own", "block") for i, term in enumerate(TERMS)),
        Entry("c", "规矩试词", "own", "block", context=("加微信", "pay")),
    ],
    "v",
)


def b64(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


def tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(c)) for c in text)


def selectors(text: str) -> str:
    return "".join(chr(0xFE00 + b if b < 16 else 0xE0100 + b - 16) for b in text.encode())


ZH, EN = TERMS[0], TERMS[1]
FOUND = [
    ("gu1juc4n4ry", "e1", "leet"),
    ("6u!juc@n4ry", "e1", "leet"),
    ("ｇｕ１ｊｕｃ４ｎ４ｒｙ", "e1", "leet"),
    ("h4rm|3$s phr4se", "e3", "leet"),
    ("夫见矢巨金纟纟少隹", "e0", "rejoined"),
    ("夫 见 矩 金 丝 雀", "e0", "rejoined"),
    ("贝者博", "e4", "rejoined"),
    ("guijujinsique", "e0", "pinyin"),
    ("Gui Ju Jin Si Que", "e0", "pinyin"),
    ("guījǔ jīnsīquè", "e0", "pinyin"),
    ("gui1 ju3 jin1 si1 que4", "e0", "pinyin"),
    ("g u i j u j i n s i q u e", "e0", "pinyin"),
    ("规ju金si雀", "e0", "pinyin"),
    ("龟局金斯却", "e0", "pinyin"),
    ("雀丝金矩规", "e0", "reversed"),
    ("雀 丝 金 矩 规", "e0", "reversed"),
    ("yranacujiug", "e1", "reversed"),
    ("yr4n4cuj1ug", "e1", "reversed>leet"),
    ("thvwhpnanel", "e1", "rot13"),
    ("thvwhpnanel"[::-1], "e1", "rot13>reversed"),
    (f"Look 🙂{tags(EN)}", "e1", "hidden"),
    (f"好{selectors(ZH)}的", "e0", "hidden"),
    ("".join(f"&#{ord(c)};" for c in ZH), "e0", "decoded"),
    ("".join(f"&#x{ord(c):x};" for c in ZH), "e0", "decoded"),
    (quote(ZH), "e0", "decoded"),
    (quote(ZH, encoding="gb18030"), "e0", "decoded"),
    ("".join(f"\\u{ord(c):04x}" for c in ZH), "e0", "decoded"),
    ("".join(f"\\x{c:02x}" for c in EN.encode()), "e1", "decoded"),
    (ZH.encode().hex(), "e0", "decoded"),
    (b64(ZH), "e0", "decoded"),
    (b64(ZH).translate(str.maketrans("+/", "-_")), "e0", "decoded"),
    (b64(f"say {EN} now", "utf-16-le"), "e1", "decoded"),
    (b64(b64(ZH)), "e0", "decoded"),
    (b64(f"{ZH}在这里")[::-1], "e0", "decoded"),
    (f"规矩金{b64('丝雀一二三四五六')}", "e0", "decoded"),
    (b64(quote(ZH)), "e0", "decoded"),
    (quote(b64(ZH)), "e0", "decoded"),
    (b64("雀丝金矩规，一二三"), "e0", "decoded>reversed"),
    (b64("what of gu1juc4n4ry"), "e1", "decoded>leet"),
    (f"Hi{tags(b64(ZH))}", "e0", "hidden>decoded"),
]


@pytest.mark.parametrize(("text", "rule", "view"), FOUND)
def test_a_disguise_is_found_where_it_stands(text: str, rule: str, view: str) -> None:
    whole = f"好的，{text}。再见"
    found = WORDS.look(whole).findings
    assert [(one.rule, one.view, one.severity) for one in found] == [(rule, view, "block")]
    said = whole[found[0].start : found[0].end]
    assert said in f"，{text}。"
    assert len(said.strip("=，。")) >= min(len(text), 10) // 2


SIGNALS = [
    ("我想dubo啊", "e4", "pinyin"),
    ("du bo", "e4", "pinyin"),
]


@pytest.mark.parametrize(("text", "rule", "view"), SIGNALS)
def test_short_terms_in_pinyin_only_signal(text: str, rule: str, view: str) -> None:
    assert [(one.rule, one.view, one.severity) for one in WORDS.look(text).findings] == [(rule, view, "signal")]


ALONE = [
    "我喜欢读博，不喜欢渎博物馆",
    "gui jujin siquet",
    "xguijujinsique",
    "guijujinsi",
    "他在读博士，毒播",
    "女口果",
    "博赌",
    "The year 2024, GPT4 and H2O; x1 = y2 + 3",
    "规矩式词",
    b64("天气很好，我们去公园吧"),
    "internationalization_of_names_and_paths/usr/share/licences",
    f"![x](data:image/png;base64,{b64('x' * 90)})",
]


@pytest.mark.parametrize("text", ALONE)
def test_what_is_no_disguise_is_left_alone(text: str) -> None:
    assert WORDS.find([Text("t", text)]) == []


HARD = [
    "👨‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 🏴‍☠️ ❤️ 1️⃣ #️⃣",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 对 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f 二比一",
    "می‌خواهم کتاب‌ها را ببینم و برمی‌گردم",
    "שלום \u2067(abc)\u2069 עולם, see \u202babc\u202c",
    "葛\U000e0100飾区と辻\U000e0101さん",
    "const a = b64.replace(/[^A-Za-z0-9+/=]/g, '') || '\\u00e9\\x41';",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β ⊃ ∮ E·da, \\frac{a}{b} \\sum_{i=1}^{n}",
    "GET /search?q=%E5%A4%A9%E6%B0%94&lang=zh&p=%20 HTTP/1.1",
    "for (i = 0; i < n; i++) { a[i] |= b[i] << 3; s += '$' + x1; }",
    "Ünïcödé façade naïve coöperate, Straße, Ærøskøbing",
    "हिन्दी में क्‍या कहते हैं, ক্‍ষ ශ්‍රී",
    "&lt;p&gt;天气&nbsp;很好&amp;晴&lt;/p&gt; &copy; 2026 &#20013;&#25991;",
    "00000000: 7f45 4c46 0201 0100 0000 0000 0000 0000  .ELF............",
    "w0rd5 l1ke th1s ar3 fr0m t3h '90s, l33t h4x0r",
    "ni hao ma? wo hen hao, xie xie ni de bang zhu",
    "上海自来水来自海上，黄山落叶松叶落山黄",
    "|:---|---:|\n| 1,5 % | R² = 0.97 |\n|======|",
    "ᠮᠣᠩᠭᠣᠯ᠎ᠠ བོད་ཡིག ئۇيغۇرچە",
]


@pytest.mark.parametrize("text", HARD)
def test_hard_controls_pass(text: str) -> None:
    assert WORDS.find([Text("t", text)]) == []


def test_a_term_with_context_needs_it_in_each_view() -> None:
    for text in ("龟矩试词", "guijushici", "词试矩规", b64("规矩试词在这里呢")):
        assert not [one for one in WORDS.look(text).findings if one.rule == "c"], text
    for text in ("加微信，龟矩试词", "guijushici pay", "词试矩规 信微加", b64("规矩试词在这里呢，加微信")):
        assert [one.rule for one in WORDS.look(text).findings] == ["c"], text


def test_what_is_split_over_turns_is_found_together() -> None:
    told = b64(ZH)
    for parts in (("规ju金", "si雀"), (told[:9], told[9:]), ("雀丝", "金矩规")):
        texts_ = [Text(f"m[{i}]", part) for i, part in enumerate(parts)]
        assert not any(WORDS.look(part).findings for part in parts)
        assert [(one.rule, one.field) for one in WORDS.find(texts_)] == [("e0", "m[0]")]
    assert [one.rule for one in WORDS.find([Text("a", told[:9]), Text("b", told[9:], joins=True)])] == ["e0"]


@pytest.mark.parametrize("step", [1, 3, 50])
def test_a_sentence_of_an_answer_is_held_for_these_views(step: int) -> None:
    for said in ("雀丝金矩规", b64(ZH), "guijujinsique", "夫见矩金丝雀"):
        text = f"今天天气很好。请看{said}。再见。"
        screen, out = Screen(WORDS, "sentence", "f"), ""
        for i in range(0, len(text), step):
            out += screen.feed(text[i : i + step])
        out += screen.close()
        assert out in ("今天天气很好。", "" if step == 50 else None)
        assert screen.finding
        assert said.rstrip("=").startswith(text[screen.finding.start : screen.finding.end].rstrip("=")[:4])


def test_a_long_sentence_is_cut_and_nothing_is_lost() -> None:
    for lead in range(100, 125):
        screen = Screen(WORDS, "sentence", "f")
        screen.feed("好" * lead + b64(ZH) + "好" * 40)
        screen.close()
        assert screen.finding, lead


def test_a_whole_reply_with_no_sign_is_let_go() -> None:
    text = "天气很好，我们去公园。" * 60
    screen = Screen(WORDS, "sentence", "f")
    assert screen.feed(text) + screen.close() == text


def test_a_term_is_found_anywhere_in_a_long_text() -> None:
    filler = "天气很好，我们去公园散步。" * 300
    for at in range(0, 3 * WINDOW, 97):
        for said in ("雀丝金矩规", b64(ZH)):
            text = filler[:at] + said + filler[at:]
            found = WORDS.look(text).findings
            assert [(one.rule, one.start) for one in found] == [("e0", at)], at


@given(st.integers(0, 5000), st.integers(8, 300), st.integers(1, 7))
def test_windows_cover_a_text_and_what_is_shorter_than_their_overlap(size: int, most: int, again: int) -> None:
    made = windows(size, most, again)
    assert (made[0][0], made[-1][1]) == (0, size)
    assert all(b - a <= most for a, b in made)
    assert all(second[0] == first[1] - again for first, second in pairwise(made))


@pytest.mark.slow
@given(st.text(min_size=1, max_size=40), st.data())
def test_a_derived_text_knows_where_it_comes_from(text: str, data: st.DataObject) -> None:
    derived = raw(text)
    assert all(derived.place(i, i + 1) == (i, i + 1) for i in range(len(text)))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    made = derived.changed([Change(start, end, "xyz")], "one").turned("two")
    assert made.text == (text[:start] + "xyz" + text[end:])[::-1]
    assert made.view == "one>two"
    assert made.place(len(text) - end, len(text) - end + 3) == (start, end)


@given(st.text(alphabet="规矩金aZ09+/=%&#;\\ux \U000e0041\ufe01", max_size=60))
@settings(deadline=None, max_examples=80)
def test_decoding_never_fails_and_keeps_places_within_the_text(text: str) -> None:
    for one in (*decoded.levels(raw(text)), decoded.hidden(raw(text))):
        if one is not None and one.text:
            start, end = one.place(0, len(one.text))
            assert 0 <= start < end <= len(text)
            assert len(one.start) == len(one.end) == len(one.text)
    WORDS.look(text)


def test_the_budget_is_named_when_it_is_spent() -> None:
    budget = Budget("x" * 10)
    whole = raw("y" * (TIMES * 10 + MORE))
    assert [budget.take(whole), budget.spent] == [True, False]
    assert [budget.take(raw("z")), budget.spent] == [False, True]


def test_every_syllable_is_read() -> None:
    assert sounds.parsed("guijujinsique") == [3, 5, 8, 10, 13]
    assert sounds.parsed("xyz") == [] == sounds.parsed("q")
    assert all(sounds.parsed(one) == [len(one)] for one in sounds.SIGNS if sounds.parsed(one))


def test_benign_texts_hold_nothing_in_any_view() -> None:
    rng = random.Random(5)
    for text in texts(rng.randrange(2**32), 40):
        assert [one for one in WORDS.look(text).findings if ">" in one.view or one.severity == "block"] == []


def test_windows_overlap_by_more_than_a_term_is_long() -> None:
    assert 9 * 28 <= AGAIN < WINDOW  # 28 characters in percent encoding
