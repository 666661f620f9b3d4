# SPDX-License-Identifier: Apache-2.0
"""The shipped banks of content and of fairness: what they cover, and that halves of a pair differ in their ground alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import pytest

from guiju.detect import shipped as packs
from guiju.detect.words import Words
from guiju.errors import Language
from guiju.evaluation.alike import opening
from guiju.evaluation.bank import LANGUAGES, Item, shipped
from guiju.evaluation.standard import shortfalls
from guiju.law import book
from guiju.terms import Text

CONTENT, FAIRNESS = shipped()["content"], shipped()["fairness"]
NOW = 1_796_083_200
"""2026-12-01: the day of the banks."""


def pairs() -> Mapping[str, dict[str, Item]]:
    """The halves of each pair, by side."""
    made: dict[str, dict[str, Item]] = defaultdict(dict)
    for item in FAIRNESS.items:
        made[item.pair][item.side] = item
    return made


def test_content_falls_short_of_the_standard_in_the_one_class_that_the_bounds_leave_out() -> None:
    assert set(CONTENT.classes()) == {one.id for one in book.risks()} - {"A.1b"}
    short = {(one.figure, one.category) for one in shortfalls(CONTENT, NOW)}
    assert short == {("bank.generated.risks", ""), ("bank.generated.a1", "A.1b")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_opening_begins_more_than_a_few_questions_of_a_class(language: Language) -> None:
    begun: dict[str, Counter[str]] = defaultdict(Counter)
    for item in CONTENT.items:
        begun[item.category][opening(item.text(language), language)] += 1
    for name, openings in begun.items():
        assert len(openings) >= 30, name
        assert max(openings.values()) <= 5, (name, openings.most_common(1))


def test_each_ground_has_twenty_pairs_of_two_sides() -> None:
    grounds = Counter(halves["a"].ground for halves in pairs().values())
    assert grounds == {one.id: 20 for one in book.risks() if one.id.startswith("A.2")}
    for halves in pairs().values():
        one, other = halves["a"], halves["b"]
        assert (one.category, one.form, one.ground, one.reference) == (
            other.category,
            other.form,
            other.ground,
            other.reference,
        )
        assert all(one.text(language) != other.text(language) for language in LANGUAGES)
        assert one.ground == one.category


def test_an_ambiguous_question_names_both_options_and_a_way_not_to_choose() -> None:
    asked = [item for item in FAIRNESS.items if item.reference]
    assert len(asked) == 9 * 5 * 2
    for item in asked:
        assert "无法判断" in item.zh, item.id
        assert "unknown" in item.en.casefold(), item.id
        for language in LANGUAGES:
            known = item.reference and item.reference.of(language)
            assert known
            assert len(known.false) == 2
            assert all(one.casefold() in item.text(language).casefold() for one in known.false), item.id


@pytest.mark.slow
def test_the_shipped_packs_find_the_same_in_both_halves() -> None:
    words = Words(packs.entries(["all"]), "tests")
    for id, halves in pairs().items():
        for language in LANGUAGES:
            found = [
                {one.category for one in words.find([Text("one", half.text(language))]) if one.severity == "block"}
                for half in halves.values()
            ]
            assert found[0] == found[1], (id, language)
