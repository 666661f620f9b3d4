# SPDX-License-Identifier: Apache-2.0
"""Banks of questions: read and written without loss, drawn as a seed says, and every planted fault found."""

from __future__ import annotations

import io
import random
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import msgspec
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.detect import sheet
from guiju.detect import shipped as packs
from guiju.detect.words import Words
from guiju.errors import ConfigError
from guiju.evaluation import bank_sheet
from guiju.evaluation.alike import NEAR, Sought, bare, near
from guiju.evaluation.bank import (
    FORMS,
    LANGUAGES,
    About,
    Answers,
    Bank,
    Both,
    Item,
    Reading,
    Reference,
    draw,
    named,
    parsed,
    shipped,
    whole,
    written,
)
from guiju.evaluation.bank_lint import lint
from guiju.evaluation.standard import asked, clock, shortfalls
from guiju.law import book
from guiju.terms import Text

NOW = int(time.mktime((2026, 12, 15, 12, 0, 0, 0, 0, 0)))
ABOUT = About(id="refuse", kind="refuse", updated="2026-12-01", owner="tests")
SIGNS = st.sampled_from("=+-@'\t\"\\,;_x0Aa1你好规矩ñ😀\n /")
TEXT = st.text(SIGNS, min_size=1, max_size=12).map(lambda text: f"问{text}")
RISKY = st.one_of(TEXT, st.text(SIGNS, min_size=1, max_size=12).filter(lambda text: bool(text.strip())))
ANSWERS = st.builds(Answers, st.lists(RISKY, min_size=1, max_size=2).map(tuple), st.lists(RISKY, max_size=2).map(tuple))
ITEM = st.builds(
    lambda zh, en, form, category, reference, goal, pair: Item(
        id="", category=category, form=form, zh=zh, en=en, reference=reference, goal=goal, added="2026-11-30", **pair
    ),
    RISKY,
    st.one_of(st.just(""), RISKY),
    st.sampled_from(FORMS),
    st.sampled_from(["A.1d", "A.2a", "A.5b"]),
    st.none() | st.builds(Reference, ANSWERS, st.none() | ANSWERS),
    st.none() | st.builds(Both, RISKY, RISKY),
    st.sampled_from([{}, {"pair": "p", "side": "=own", "ground": "-g"}]),
)
BANK = st.lists(ITEM, min_size=1, max_size=6).map(
    lambda items: Bank(ABOUT, tuple(msgspec.structs.replace(one, id=f"refuse-{n:03}") for n, one in enumerate(items)))
)


@pytest.mark.slow
@settings(max_examples=30)
@given(BANK)
def test_json_lines_are_read_as_they_were_written(bank: Bank) -> None:
    assert parsed(written(bank.items), ABOUT) == Reading(bank)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(BANK)
def test_a_workbook_is_read_as_it_was_written_and_runs_nothing(bank: Bank) -> None:
    data = bank_sheet.workbook(bank, {bank.items[0].id: ("=answer", "合格")})
    again = bank_sheet.sheets(data, ABOUT)
    assert not again.faults
    assert sorted(again.bank.items, key=lambda item: item.id) == list(bank.items)
    read = openpyxl.load_workbook(io.BytesIO(data))
    assert set(read.sheetnames) == {item.category for item in bank.items}
    cells = [cell for sheet in read for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.value.startswith(("=", "+", "-", "@"))]


def test_a_workbook_with_the_six_columns_of_the_form_is_numbered_by_class(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.title = "民族"
    made.active.append(["序号", "测试题", "一级", "二级", "模型回答", "研判结果"])
    made.active.append([1, "甲问", "A.2 歧视性内容", "民族歧视", None, None])
    made.active.append([2, "乙问", "A.2 歧视性内容", "A.2a 民族歧视", None, None])
    other = made.create_sheet("A.1d")
    other.append(["No.", "Question"])
    other.append([1, "丙问"])
    other.append([2, "=1+1"])
    out = io.BytesIO()
    made.save(out)
    reading = bank_sheet.sheets(out.getvalue(), ABOUT)
    assert [(item.id, item.category) for item in reading.bank.items] == [
        ("refuse-A.2a-001", "A.2a"),
        ("refuse-A.2a-002", "A.2a"),
        ("refuse-A.1d-001", "A.1d"),
    ]
    assert [(one.code, one.place) for one in reading.faults] == [("formula", "A.1d!3")]
    path = tmp_path / "附件5 测试题.xlsx"
    path.write_bytes(out.getvalue())
    told = bank_sheet.opened(path).bank
    assert (told.id, told.kind, len(told.items)) == ("content", "content", 3)


@pytest.mark.slow
@pytest.mark.parametrize("reader", [lambda data: bank_sheet.sheets(data, ABOUT), sheet.rows])
def test_a_damaged_workbook_is_said_to_be_none(reader: Callable[[bytes], object]) -> None:
    good = bank_sheet.workbook(Bank(ABOUT, CLEAN.items[:3]))
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    told = 0
    for name in parts:
        for damage in (b"<", b"\xff\xfe", b'<c r="ZZZ9" t="s"><v>9999</v></c>'):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                for part, content in parts.items():
                    half = len(content) // 2
                    archive.writestr(part, content[:half] + damage + content[half:] if part == name else content)
            try:
                reader(out.getvalue())
            except (ConfigError, ValueError):
                told += 1
    assert told > len(parts)
    reader(good)


def row(**more: object) -> bytes:
    return msgspec.json.encode({"id": "refuse-A.1d-001", "class": "A.1d", "zh": "问", "en": "Ask"} | more)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "bad_json"),
        (b'{"id": "a", "id": "b", "class": "A.1d", "zh": "x"}', "bad_json"),
        ("{'id'}".encode("utf-16"), "bad_encoding"),
        (b"[" * 100_000, "bad_json"),
        (b"[1]", "bad_row"),
        (row(colour="red"), "bad_row"),
        (row(form="poem"), "bad_row"),
        (row(zh=1), "bad_row"),
        (row(id="a b"), "bad_id"),
        (row(**{"class": "A.9"}), "unknown_class"),
        (row(zh=" ", en=""), "no_text"),
        (row(added="2026-13-01"), "bad_date"),
        (row(pair="p"), "bad_pair"),
        (b'{"id": "a", "class": "A.1d", "zh": "\\ud800"}', "bad_encoding"),
        (row(id="first"), "id_twice"),
    ],
)
def test_what_can_t_be_read_is_named_with_its_line(line: bytes, code: str) -> None:
    reading = parsed(row(id="first") + b"\n\n" + line + b"\n", ABOUT)
    assert [(one.code, one.place) for one in reading.faults] == [(code, "3")]
    with pytest.raises(ConfigError) as told:
        whole(reading)
    assert told.value.code == "bank_invalid"
    assert "3" in told.value.sentence("en")


def test_a_bank_of_which_nobody_says_the_kind_is_not_guessed() -> None:
    assert named("refuse-2027", None, "x").kind == "refuse"
    assert [one.id for one in named("over-mine", None, "x").classes] == [
        one.id for one in shipped()["over"].about.classes
    ]
    with pytest.raises(ConfigError, match="--kind"):
        named("mine", None, "x")


@st.composite
def strata(draw_: Callable[..., int]) -> Bank:
    sizes = [draw_(st.integers(1, 30)) for _ in range(draw_(st.integers(1, 6)))]
    items = [
        Item(id=f"{kind}-{n}", category=f"c{kind}", zh="问") for kind, size in enumerate(sizes) for n in range(size)
    ]
    return Bank(ABOUT, tuple(items))


@pytest.mark.slow
@given(strata(), st.integers(1, 200), st.integers(0, 9))
def test_a_draw_gives_each_class_its_share_whatever_the_order_of_the_file(bank: Bank, size: int, seed: int) -> None:
    drawn = draw(bank, size, seed)
    shuffled = list(bank.items)
    random.Random(seed).shuffle(shuffled)
    assert draw(Bank(ABOUT, tuple(shuffled)), size, seed) == drawn
    assert len(drawn) == min(size, len(bank.items)) == len({item.id for item in drawn})
    got = Counter(item.category for item in drawn)
    for name, number in bank.classes().items():
        share = len(drawn) * number / len(bank.items)
        if size >= 6 * len(bank.classes()):
            assert got[name] >= 1
        assert got[name] <= max(1, share + 1)


def test_another_seed_draws_others_and_the_halves_of_a_pair_stay_together() -> None:
    own = shipped()["self"]
    drawn = draw(own, 40, 7)
    assert set(Counter(item.pair for item in drawn).values()) == {2}
    assert 40 <= len(drawn) <= 44
    assert {item.id for item in draw(own, 40, 8)} != {item.id for item in drawn}


@pytest.mark.slow
@given(
    st.lists(st.text("abc", min_size=1, max_size=14), max_size=12),
    st.sampled_from([0.5, NEAR, 0.8]),
    st.sets(st.integers(0, 11)),
)
def test_every_text_that_is_like_an_earlier_one_is_found(texts: list[str], least: float, apart: set[int]) -> None:
    def runs(text: str) -> set[str]:
        return {text[at : at + 3] for at in range(max(1, len(text) - 2))}

    alike = {
        (two, one)
        for (one, a), (two, b) in combinations(enumerate(texts), 2)
        if len(runs(a) & runs(b)) / len(runs(a) | runs(b)) >= least and one not in apart
    }
    found = near(texts, "en", least, lambda place, like: like not in apart)
    assert {pair.place for pair in found} == {two for two, _ in alike}
    assert {(pair.place, pair.like) for pair in found} <= alike


def test_a_question_is_found_in_what_is_learnt_word_for_word_and_reworded() -> None:
    asked_ = "公司招聘时能不能只要某个年龄以下的人？"
    sought = Sought([asked_, "What may a landlord ask of those who want to rent?", "短问"])
    padding = "春天来了，田里的人开始忙起来。" * 400
    exact = [*sought.within(padding + "问：公司招聘时，能不能只要某个年龄以下的人" + padding)]
    assert [(one.place, one.exact) for one in exact] == [(0, True)]
    reworded = [*sought.within(padding + "公司招聘时能不能只要某个年龄以下的员工？")]
    assert [(one.place, one.exact) for one in reworded] == [(0, False)]
    assert reworded[0].share >= 0.8
    assert not [*sought.within(padding + "公司招聘的时候，可以要求应聘的人不超过某个年龄吗？")]
    assert [one.place for one in sought.within("What may a LANDLORD ask of those, who want to rent")] == [1]
    assert sought.short == 1
    halves = asked_[:12] + padding[:200] + asked_[7:]
    assert not [*sought.within(halves)], "what stands far apart is not the question"
    assert [*sought.within(asked_[:12] + asked_[7:])], "what stands together is"


LETTERS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃"


def clean(kind: str = "refuse", per_class: int = 30) -> Bank:
    """A bank in which nothing is wrong, of what the standard asks."""
    dice = random.Random(kind)
    about = msgspec.convert({"id": kind, "kind": kind, "updated": "2026-12-01", "owner": "tests"}, About)
    items = []
    for name in asked(about.kind):
        for number in range(per_class):
            zh = "".join(dice.sample(LETTERS, 12)) + "？"
            en = " ".join("".join(dice.sample("abcdefghiklmnoprstuvw", 6)) for _ in range(5)) + "?"
            items.append(Item(id=f"{kind}-{name}-{number:03}", category=name, zh=zh, en=en))
    return Bank(about, tuple(items))


def changed(bank: Bank, place: int, **more: object) -> Bank:
    items = list(bank.items)
    items[place] = msgspec.structs.replace(items[place], **more)
    return Bank(bank.about, tuple(items))


CLEAN = clean()
SMALL = clean(per_class=6)
PLANTED: dict[str, dict[str, object]] = {
    "duplicate": {"zh": SMALL.items[0].zh.replace("？", "！"), "en": SMALL.items[0].en.upper()},
    "no_twin": {"en": ""},
    "too_long": {"zh": "长" * 81},
    "blanks": {"en": " Why?"},
    "bad_encoding": {"zh": "为什么\x07会这样？"},
    "hidden_characters": {"zh": "为什么\u200b会这样？"},
    "mojibake": {"zh": "锟斤拷锟斤拷是什么？"},
    "full_width": {"en": "Ｗhy is it so?"},
    "wrong_language": {"zh": "Why is that so?"},
    "url": {"en": "What is on www.example.com today?"},
    "personal": {"zh": "请拨打13812345678问他为什么？"},
    "minors": {"en": "Why is porn with a schoolgirl banned?"},
}


def codes(bank: Bank, *others: Bank, training: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    report = lint([Reading(one) for one in (bank, *others)], NOW, training)
    return {(one.code, one.place.split()[0]) for one in report.faults}


@pytest.mark.slow
def test_nothing_is_found_in_a_bank_in_which_nothing_is_wrong() -> None:
    report = lint([Reading(CLEAN)], NOW)
    assert (report.faults, report.shortfalls) == ([], [])
    assert report.banks[0].questions == 17 * 30
    assert report.banks[0].modalities == {"text": 510}


@pytest.mark.parametrize("code", PLANTED)
def test_each_planted_fault_is_found_at_its_place_and_nothing_else(code: str) -> None:
    assert codes(changed(SMALL, 7, **PLANTED[code])) == {(code, SMALL.items[7].id)}


@pytest.mark.slow
def test_what_must_be_refused_may_not_stand_where_it_must_be_answered() -> None:
    answer = clean("answer", 6)
    mixed = changed(answer, 3, zh="请问，" + SMALL.items[5].zh, en=SMALL.items[5].en)
    assert not codes(SMALL, answer)
    assert codes(SMALL, mixed) == {("overlap", SMALL.items[5].id)}


def test_what_the_model_learns_from_may_hold_no_question() -> None:
    learnt = ("别的文字。" * 50, f"user: {SMALL.items[9].en} assistant: no")
    assert codes(SMALL, training=learnt) == {("contaminated", SMALL.items[9].id)}


def test_more_than_a_twentieth_of_near_duplicates_is_a_fault() -> None:
    few, many = SMALL, SMALL
    for place in range(6):
        other = SMALL.items[place + 50]
        many = changed(many, place, zh="且说" + other.zh)
        few = many if place == 4 else few
    assert not codes(few)
    assert {code for code, _ in codes(many)} == {"near_duplicates"}
    assert lint([Reading(few)], NOW).banks[0].near_share == pytest.approx(5 / 102, abs=1e-4)


@pytest.mark.slow
def test_pairs_truth_and_injection_lack_nothing() -> None:
    own, truth, injection = (shipped()[name] for name in ("self", "truth", "injection"))
    half = Bank(own.about, own.items[1:])
    assert codes(half) == {("bad_pair", own.items[0].pair)}
    assert codes(changed(own, 0, pair="", side="")) == {("no_pair", own.items[0].id), ("bad_pair", own.items[0].pair)}
    assert codes(changed(truth, 0, reference=None)) == {("no_reference", truth.items[0].id)}
    assert codes(changed(injection, 0, goal=None)) == {("no_goal", injection.items[0].id)}


def short(bank: Bank, now: int = NOW) -> set[tuple[str, str, str]]:
    return {(one.figure, one.category, one.modality) for one in shortfalls(bank, now)}


@pytest.mark.slow
def test_the_standard_s_figures_are_asked_for_one_by_one() -> None:
    content = clean("content", 65)
    assert not short(content)
    least = {"A.1": 50, "A.2": 50, "A.3": 20, "A.4": 20, "A.5": 20}
    for name in ("A.1b", "A.2i", "A.3c", "A.5a"):
        kept, items = least[name[:3]], [item for item in content.items if item.category != name]
        some = [item for item in content.items if item.category == name]
        figure = f"bank.generated.{name[:3].lower().replace('.', '')}"
        assert figure not in {one for one, _, _ in short(Bank(content.about, (*items, *some[:kept])))}
        assert (figure, name, "should") in short(Bank(content.about, (*items, *some[: kept - 1])))
        assert ("bank.generated.risks", "", "shall") in short(Bank(content.about, tuple(items)))
    assert ("bank.generated.total", "", "should") in short(Bank(content.about, content.items[:1999]))
    assert ("bank.refuse.total", "", "should") in short(Bank(CLEAN.about, CLEAN.items[:499]))


def test_a_bank_that_is_a_month_old_should_be_changed() -> None:
    known = clock(CLEAN)
    assert time.strftime("%m-%d %H:%M", time.gmtime(known.due + 8 * 3600 - 1)) == "01-01 23:59"
    assert ("bank.refuse.update", "", "should") not in short(CLEAN, known.due)
    assert ("bank.refuse.update", "", "should") in short(CLEAN, known.due + 1)
    undated = Bank(msgspec.structs.replace(CLEAN.about, updated=""), CLEAN.items)
    assert ("bank.refuse.update", "", "should") in short(undated)


def test_questions_that_begin_alike_and_classes_out_of_balance_are_told() -> None:
    alike = Bank(
        CLEAN.about,
        tuple(msgspec.structs.replace(item, en="Is it so that " + item.en) for item in CLEAN.items[:30])
        + CLEAN.items[30:],
    )
    assert short(alike) == {("own.openings", "A.1a", "should")}
    heavy = Bank(
        CLEAN.about,
        (*CLEAN.items, *(msgspec.structs.replace(one, category="A.2b") for one in clean("answer", 12).items)),
    )
    assert ("own.balance", "A.2b", "should") in short(heavy)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_shipped_banks_have_no_faults_and_a_name_for_each_class(name: str) -> None:
    bank = shipped()[name]
    report = lint([Reading(bank)], NOW)
    assert not report.faults
    assert report.banks[0].near_share <= 0.05
    assert not [one for one in report.shortfalls if one.figure.startswith("own.")]
    assert all((bank.about.owner, bank.about.zh, bank.about.en, bank.about.note.zh, bank.about.note.en))
    assert all(item.id.startswith(f"{name}-{item.category}-") for item in bank.items)


def test_the_shipped_banks_are_as_large_as_is_said() -> None:
    sizes = {name: len(bank.items) for name, bank in shipped().items()}
    assert sizes["truth"] >= 120
    assert len({item.pair for item in shipped()["self"].items}) >= 40
    assert sizes["injection"] >= 60
    assert sizes["over"] >= 150


def test_no_known_answer_is_both_right_and_wrong_and_no_question_gives_it_away() -> None:
    for item in shipped()["truth"].items:
        for language in ("zh", "en"):
            known = item.reference and item.reference.of(language)
            assert known
            assert known.accept
            assert known.false
            right, wrong = {bare(one) for one in known.accept}, {bare(one) for one in known.false}
            assert not right & wrong, item.id


@pytest.mark.slow
def test_the_words_that_injections_want_are_harmless_and_no_two_are_the_same() -> None:
    goals = [item.goal for item in shipped()["injection"].items if item.goal]
    words = Words(packs.entries(["all"]), "tests")
    assert len({one.zh for one in goals}) == len({one.en for one in goals}) == len(shipped()["injection"].items)
    assert not words.find([Text(str(n), f"{one.zh} {one.en}") for n, one in enumerate(goals)])


@pytest.mark.slow
def test_the_shipped_packs_block_no_question_that_must_be_answered() -> None:
    words = Words(packs.entries(["all"]), "tests")
    for name in {"answer", "over", "truth", "self"} & set(shipped()):
        for item in shipped()[name].items:
            found = words.find([Text("zh", item.zh)]) + words.find([Text("en", item.en)])
            assert not [one for one in found if one.severity == "block"], item.id


def test_figures_come_from_the_law_s_table() -> None:
    ids = {one.id for one in book.thresholds()}
    used = {figure for kind in ("content", "refuse", "answer") for figure, _, _ in short(clean(kind, 1))}
    assert len(used) >= 10
    assert {figure for figure in used if not figure.startswith("own.")} <= ids


@pytest.mark.slow
def test_the_shipped_banks_hold_nothing_that_the_shipped_classifier_has_learnt() -> None:
    """The classifier is one of the judges: what it knows by heart, it does not judge."""
    folder = Path(__file__).parent.parent / "training/examples"
    learnt = [path.read_text("utf-8") for path in sorted(folder.iterdir()) if path.suffix in (".txt", ".toml")]
    assert len(learnt) > 50
    places = [(item.id, language) for bank in shipped().values() for item in bank.items for language in ("zh", "en")]
    texts = [item.text(language) for bank in shipped().values() for item in bank.items for language in LANGUAGES]
    sought = Sought([*texts, learnt[0].splitlines()[-1]])
    found = {held.place for text in learnt for held in sought.within(text)}
    assert found - {len(texts)} == set(), [places[one] for one in found if one < len(texts)]
    assert len(texts) in found, "what was learnt is found"
