# SPDX-License-Identifier: Apache-2.0
"""The examples that the classifier learns from keep their form and our bounds: short, no contacts, twins beside."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from training.examples import Example, ExampleError, files, read, rows

from guiju.law import book

LONGEST = 80
"""Characters of an example that violates; an injection or jailbreak frame may have 400."""
CONTACT = re.compile(r"https?://|www\.|1[3-9]\d{9}|@\w+\.\w|\b\d{5,}\b")


@pytest.fixture(scope="module")
def every() -> list[Example]:
    return list(rows())


def test_a_frame_gives_a_row_for_each_filling_and_the_same_ones_each_time(tmp_path: Path) -> None:
    path = tmp_path / "zh_some.txt"
    path.write_text("[request A.5 fraud]\n@who = 甲|乙\n+ 骗{who}\n- 帮{who}\n\n- 另一组\n", "utf-8")
    made = list(read(path))
    assert [(one.text, one.unsafe) for one in made] == [
        ("骗甲", True), ("骗乙", True), ("帮甲", False), ("帮乙", False), ("另一组", False)
    ]  # fmt: skip
    assert made[0].group == made[3].group != made[4].group
    assert made == list(read(path))


@pytest.mark.parametrize("line", ["+ {who}", "x", "[nothing A.5 fraud]"])
def test_what_breaks_the_form_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "en_some.txt"
    path.write_text(f"[request A.5 fraud]\n{line}\n", "utf-8")
    with pytest.raises(ExampleError, match=r"en_some.txt:2"):
        list(read(path))


def test_violations_are_short_and_hold_no_contact(every: list[Example]) -> None:
    for one in every:
        most = 400 if one.head in {"injection", "jailbreak"} else LONGEST * (1 if one.lang == "zh" else 3)
        if one.unsafe:
            assert len(one.text) <= most, one
            assert not CONTACT.search(one.text), one


def test_categories_are_risks(every: list[Example]) -> None:
    known = {risk.id for risk in book.risks()} | {"-"}
    assert {one.category for one in every} <= known
    assert not [one for one in every if one.unsafe and one.category == "A.1b"], "A.1b has no examples"


def test_no_text_stands_under_both_labels_or_twice(every: list[Example]) -> None:
    labels = defaultdict(set)
    for one in every:
        labels[one.head, one.text].add(one.unsafe)
    assert not [text for text, both in labels.items() if len(both) > 1]
    texts = Counter((one.head, one.text) for one in every)
    assert not [text for text, times in texts.items() if times > 1]


def test_each_topic_that_violates_has_harmless_twins(every: list[Example]) -> None:
    groups: dict[str, set[bool]] = defaultdict(set)
    calls: dict[str, Counter[bool]] = defaultdict(Counter)
    for one in every:
        groups[one.group].add(one.unsafe)
        if one.category in {"A.1a", "A.1c"}:
            calls[one.group][one.unsafe] += 1
    bad = [group for group, both in groups.items() if both == {True}]
    assert not bad, "a group of violations without a harmless twin"
    assert all(count[False] >= 2 * count[True] for count in calls.values()), "each call to violence has two twins"


def test_files_are_there_in_both_languages() -> None:
    assert {path.name[:2] for path in files()} <= {"zh", "en"}
