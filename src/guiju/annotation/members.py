# SPDX-License-Identifier: Apache-2.0
"""Training and exams of those who annotate: questions drawn from the rules' own examples, a pass ends (Article 8)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import msgspec

from guiju.annotation.rulebook import Example, Rulebook
from guiju.errors import ConfigError
from guiju.records import training
from guiju.records.db import Store
from guiju.records.training import Sat

_DAY_S = 86_400


class Question(msgspec.Struct, frozen=True):
    """A question as it is shown: the example without its answer."""

    id: str
    text: str
    labels: tuple[str, ...]


def draw(store: Store, rules: Rulebook, member: str, now: int, chance: random.Random) -> tuple[Sat, list[Question]]:
    """Begin an exam for a member who was trained.

    Every label comes up where there are questions enough, so that nobody passes who knows but one.

    Args:
        store: the store.
        rules: published rules.
        member: who sits it.
        now: Unix seconds.
        chance: draws.

    Raises:
        ConfigError: `training_missing`: something was not taught within a year.
        OutsideError: `store_unavailable`.
    """
    if missing := training.untaught(store, member, now):
        raise ConfigError("training_missing", what=member, topics=", ".join(missing))
    drawn = _drawn(rules, chance)
    labels = tuple(label.id for label in rules.labels)
    sat = training.begin(store, member, (rules.id, rules.version), [one.id for one in drawn], now)
    return sat, [Question(one.id, one.text, labels) for one in drawn]


def mark(store: Store, sat: Sat, rules: Rulebook, answers: Mapping[str, str], now: int) -> Sat:
    """Mark an exam that is handed in; a question without an answer is wrong.

    Args:
        store: the store.
        sat: the exam as it was begun.
        rules: the rules on which it was begun.
        answers: example id → label.
        now: Unix seconds.

    Raises:
        ConfigError: `exam_ended`: it was handed in before.
        OutsideError: `store_unavailable`.
    """
    right = {one.id: one.label for one in rules.examples}
    correct = sum(1 for id in sat.questions if answers.get(id) == right.get(id, ""))
    share = correct / len(sat.questions) if sat.questions else 0.0
    passed = share >= rules.exam.pass_
    ended = msgspec.structs.replace(
        sat,
        correct=correct,
        share=share,
        passed=passed,
        ended_at=now,
        until_at=now + rules.exam.days * _DAY_S if passed else 0,
    )
    return training.end(store, ended)


def _drawn(rules: Rulebook, chance: random.Random) -> Sequence[Example]:
    """Examples by chance: one of each label first, then any."""
    mixed = chance.sample(rules.examples, len(rules.examples))
    first: dict[str, Example] = {}
    for one in mixed:
        first.setdefault(one.label, one)
    rest = [one for one in mixed if first[one.label] is not one]
    drawn = [*first.values(), *rest][: rules.exam.questions]
    chance.shuffle(drawn)
    return drawn
