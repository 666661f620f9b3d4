# SPDX-License-Identifier: Apache-2.0
"""Bans are found as they are spelt, disguised, changed a little, and cut anywhere; what only resembles them passes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign_texts import KINDS
from guiju.detect.bans import Bans, caught
from guiju.detect.likeness import mark
from guiju.detect.units import placed, rolling, units
from guiju.terms import Finding, Text
from likeness_kit import CORE, FALSE, HARMLESS, KEY, OTHER, ban, statements
from pace import loops

NEAR = Bans([ban(), ban(OTHER, name="b-2")], KEY, "1")
NUMBER = "110101199003074233"


def found(bans: Bans, text: str) -> list[Finding]:
    return bans.find((Text("messages[0].content", text),))


def rules(bans: Bans, text: str) -> set[str]:
    return {one.rule for one in found(bans, text) if one.severity == "block"}


@pytest.mark.parametrize(
    "text",
    [
        FALSE,
        f"听说{FALSE}真可恶",
        FALSE.replace("去年冬天", "去年的那个冬天"),
        FALSE.replace("学员", "學員").replace("训练场", "訓練場"),
        "，".join(reversed(FALSE.split("，"))),
        " ".join(FALSE),
        "*".join(FALSE),
        FALSE.replace("教练", "教\u200b练").replace("赌石", "赌·石"),
        FALSE.replace("三万元", "３万元"),
        "前面的话很长。" * 40 + FALSE + "后面的话也很长。" * 40,
    ],
)
def test_a_near_duplicate_is_found(text: str) -> None:
    assert rules(NEAR, text) == {"b-1"}


@pytest.mark.parametrize(
    "text",
    [
        OTHER,
        OTHER.upper(),
        OTHER.replace("sold", "secretly sold").replace("elderly", "old"),
        "After changing the labels at night, Dr. Marlow Finch of the Brightwater clinic sold expired insulin pens to elderly patients.",
        OTHER.replace("insulin", "i n s u l i n").replace("labels", "l-a-b-e-l-s"),
    ],
)
def test_a_near_duplicate_in_english_is_found(text: str) -> None:
    assert rules(NEAR, text) == {"b-2"}


def test_a_near_ban_lets_twenty_harmless_texts_pass() -> None:
    assert len(HARMLESS) == 20
    assert caught(ban(core=CORE), KEY, HARMLESS) == []
    assert caught(ban(), KEY, HARMLESS) == [19]  # another person: that needs to be said in the core


@pytest.mark.parametrize(
    "text",
    [
        "It is not true that Dr. Marlow Finch of the Brightwater clinic sold expired insulin pens to elderly patients after changing the labels at night.",
        "Fact check: Dr. Marlow Finch of the Brightwater clinic sold expired insulin pens to elderly patients after changing labels at night — this is a hoax.",
        "Did Dr. Marlow Finch of the Brightwater clinic sell expired insulin pens to elderly patients after changing the labels at night?",
        "Dr. Marlow Finch of the Brightwater clinic never sold expired insulin pens to elderly patients after changing the labels at night.",
    ],
)
def test_who_denies_asks_or_rebuts_is_only_noted(text: str) -> None:
    assert {one.severity for one in found(NEAR, text)} <= {"signal"}
    assert rules(NEAR, text + " " + "Something else entirely. " * 8 + OTHER) == {"b-2"}


def test_a_denial_in_another_sentence_does_not_free_it() -> None:
    assert rules(NEAR, "今天没有下雨。" + FALSE + "你不觉得可恶？") == {"b-1"}


def test_exact_and_canonical_bans() -> None:
    exact, canonical = Bans([ban(NUMBER, "exact")], KEY), Bans([ban(NUMBER, "canonical")], KEY)
    for text in (NUMBER, f"号码是{NUMBER}，对", f"id={NUMBER}."):
        assert rules(exact, text) == rules(canonical, text) == {"b-1"}
        [one] = found(exact, text)
        assert text[one.start : one.end] == NUMBER
    disguised = "号码是1 1 0 1 0 1 1 9 9 0 0 3 0 7 4 2 3 3，对"
    assert rules(canonical, disguised) == {"b-1"}
    assert rules(exact, disguised) == set()
    for text in ("9" + NUMBER, NUMBER + "0", NUMBER[:-1] + "4", NUMBER.replace("11", "1"), NUMBER[1:]):
        assert rules(canonical, text) == set(), text
    word = Bans([ban("Finchley", "canonical")], KEY)
    assert rules(word, "in Finchley today") == rules(word, "FINCHLEY") == {"b-1"}
    assert rules(word, "Finchleyton") == set()


@given(st.data())
@settings(max_examples=60)
def test_cuts_change_nothing(data: st.DataObject) -> None:
    bans = Bans([ban(), ban(OTHER, "canonical", "b-2"), ban(FALSE[:12], "exact", "b-3")], KEY)
    text = data.draw(st.sampled_from(["", "前言。", "abc "])) + data.draw(st.sampled_from([FALSE, OTHER, HARMLESS[9]]))
    text += data.draw(st.sampled_from(["", "。后记", " end"]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    along, seen = bans.begin(), []
    for piece in pieces:
        for one in along.find((Text("f", piece),)):
            assert 0 <= one.start < one.end <= len(piece)
            seen.append(one.rule)
    assert sorted(seen) == sorted(one.rule for one in found(bans, text))


def test_a_ban_of_several_sentences_is_found_when_they_come_one_by_one() -> None:
    whole = "".join(statements(3))
    bans = Bans([ban(whole)], KEY)
    along = bans.begin()
    seen = [len(along.find((Text("f", sentence + "。"),))) for sentence in whole.split("。")[:-1]]
    assert sum(seen) == 1
    assert seen[0] == 0


def test_bans_are_swapped_while_a_text_is_under_way() -> None:
    bans = Bans([ban(OTHER, name="b-2")], KEY, "1")
    along = bans.begin()
    assert along.find((Text("f", FALSE[:20]),)) == []
    bans.swap([ban()], KEY, "2")
    assert bans.version == "2"
    assert [one.rule for one in along.find((Text("f", FALSE[20:]),))] == ["b-1"]
    bans.swap([], KEY, "3")
    assert along.find((Text("f", FALSE),)) == []


def test_what_cannot_be_marked() -> None:
    for text in ("", "短", "。。。。。。", "x" * 20_000 + "yz" * 3000):
        with pytest.raises(ValueError, match="units"):
            mark(text, KEY)
    with pytest.raises(ValueError, match="core"):
        mark(FALSE, KEY, ["别人家的"])
    with pytest.raises(ValueError, match="too short"):
        Bans([ban("云岭驾校不好")], KEY)


def test_a_mark_holds_no_text() -> None:
    kept = repr(mark(FALSE, KEY))
    assert not any(FALSE[i : i + 2] in kept for i in range(len(FALSE) - 1))
    assert mark(FALSE, KEY) != mark(FALSE, type(KEY)(b"j" * 32, "bans"))


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_places_belong_to_units(text: str) -> None:
    made, places = placed(text)
    assert made.tolist() == units(text).tolist()
    assert places.tolist() == sorted(places.tolist())
    assert all(0 <= at < len(text) for at in places)


@given(st.text("ab规矩", max_size=60), st.integers(1, 8))
def test_rolling_hashes_are_those_of_each_run(text: str, size: int) -> None:
    made = units(text)
    whole = rolling(made, size, KEY)
    alone = [rolling(made[i : i + size], size, KEY)[0] for i in range(len(made) - size + 1)]
    assert whole.tolist() == alone


def test_five_hundred_bans_hit_nothing_harmless_and_cost_little() -> None:
    bans = Bans([ban(text, name=f"b-{i}") for i, text in enumerate(statements(500))], KEY)
    rng = random.Random(5)
    texts = [Text("f", kind(rng)[:2000]) for kind in KINDS for _ in range(10)]
    assert [one for text in texts for one in bans.find((text,))] == []
    most = 1.5 * len(texts) + sum(len(text.text) for text in texts) / 250
    assert loops(lambda: [bans.find((text,)) for text in texts], most) <= most


def test_hostile_texts_cost_little() -> None:
    texts = statements(500)
    bans = Bans([ban(text, name=f"b-{i}") for i, text in enumerate(texts)], KEY)
    rng = random.Random(3)
    pairs = [text[i : i + 2] for text in texts for i in range(0, len(text) - 1, 5)]
    for shape in (
        "规" * 25_000,
        "云岭" * 12_000,
        "x".join(rng.choices(pairs, k=8_000)),
        "教练" * 12_000,
        "a b " * 6_000,
    ):
        assert loops(lambda shape=shape: found(bans, shape), 150) <= 150
