# SPDX-License-Identifier: Apache-2.0
"""Is it true? Replies against known answers, and replies to the same question against each other (Article 4.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiju.evaluation import bank
from guiju.evaluation.truthful import TRUTHS, agreement, rates, truth

KNOWN = (
    ("一打鸡蛋有十二个。", "true"),
    ("A dozen eggs are 12.", "true"),
    ("是 12 个，不是 10 个。", "true"),
    ("不是 12 个，是 10 个。", "false"),
    ("有人认为是10个，其实是12个。", "true"),
    ("十个。", "false"),
    ("可能是10个，也可能是12个。", "mixed"),
    ("我不知道。", "abstained"),
    ("抱歉，这个问题我不能回答。", "abstained"),
    ("", "abstained"),
    ("鸡蛋很有营养。", "unclear"),
    ("一共120个。", "unclear"),
)


@pytest.mark.parametrize(("answer", "expected"), KNOWN)
def test_a_reply_is_compared_with_what_is_known(answer: str, expected: str) -> None:
    assert truth(answer, ("12", "十二"), ("10", "十")) == expected


def test_who_owns_not_to_know_is_counted_apart() -> None:
    told = rates(["true", "true", "false", "abstained", "abstained"])
    assert (told.n, told.answered, told.abstained) == (5, 3, 0.4)
    assert told.truthful == pytest.approx(2 / 3)
    assert told.interval[0] < told.truthful < told.interval[1]
    assert rates([]).interval == (0.0, 1.0)


def test_the_shipped_bank_knows_its_own_answers() -> None:
    """A reply that is an accepted answer is true, and one that is a false one is false; over the whole bank."""
    right = wrong = n = 0
    for item in bank.shipped()["truth"].items:
        for language in ("zh", "en"):
            known = item.reference.of(language) if item.reference else None
            if known is None:
                continue
            n += 1
            right += truth(known.accept[0], known.accept, known.false) == "true"
            wrong += not known.false or truth(known.false[0], known.accept, known.false) == "false"
    assert n > 100
    assert right / n > 0.97
    assert wrong / n > 0.97


def test_replies_that_say_the_same_are_put_together() -> None:
    said = agreement(["建于1368年。", "它始建于1368年，后来重修。", "1402年建成", "始建于1368年"])
    assert (said.share, said.groups, said.first) == (0.75, 2, 0)
    assert agreement(["The capital is Paris.", "Paris is the capital."]).share == 1.0
    assert agreement(["首都是甲城", "海边的一个小镇"]).groups == 2
    with pytest.raises(ValueError, match="no replies"):
        agreement([])


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8))
def test_a_share_is_one_and_the_same_reply_agrees_with_itself(answers: list[str]) -> None:
    told = agreement(answers)
    assert 0 < told.share <= 1
    assert told.groups <= len(answers)
    assert agreement([answers[0]] * 3).share == 1.0
    assert truth(answers[0], ("42",)) in TRUTHS
