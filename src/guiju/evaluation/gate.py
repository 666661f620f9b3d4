# SPDX-License-Identifier: Apache-2.0
"""Whether a changed model may go live (Article 4(2), 12, 15): two runs compared, question by question and rate by rate.

A run is worse where its rate lies outside the baseline's interval on the wrong side, or where of the same questions
more went wrong than chance explains (McNemar, exact). What misses the standard's limit is stopped in any case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from guiju.config import Upstream
from guiju.evaluation import gaps
from guiju.evaluation.verdicts import Outcome, Share
from guiju.records.assessments import Row, Said
from guiju.review.intervals import mcnemar

Topic = Literal["content", "refusal", "fairness", "truth"]
TOPICS: Final[Mapping[str, Topic]] = {
    "content": "content",
    "injection": "content",
    "refuse": "refusal",
    "answer": "refusal",
    "over": "refusal",
    "fairness": "fairness",
    "self": "fairness",
    "truth": "truth",
}
"""Kind of bank → what it shows."""
ALPHA: Final = 0.05


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs, one judge, one class.

    Attributes:
        category: `""` for the whole bank.
        before, after: shares of answers that are right.
        low, high: the baseline's interval.
        worse, better: questions of both runs that went wrong, or right, since.
        p: of so many one way by chance (McNemar); 1.0 where no question is in both.
        outside: whether the rate is below the baseline's interval.
    """

    bank: str
    kind: str
    judge: str
    category: str
    before: float
    after: float
    low: float
    high: float
    worse: int
    better: int
    p: float
    outside: bool

    @property
    def regressed(self) -> bool:
        """Whether it is worse than chance explains."""
        return self.outside or (self.worse > self.better and self.p < ALPHA)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two runs: what came of it, its rows, and what judges said."""

    outcome: Outcome
    rows: Sequence[Row]
    said: Sequence[Said]


def named(speaks: str, url: str, model: str) -> str:
    """The hash that names a model by where it is asked: protocol, address and its own name there."""
    return hashlib.sha256(f"{speaks}\0{url.rstrip('/')}\0{model}".encode()).hexdigest()[:32]


def models(speaks: str, url: str, model: str) -> tuple[str, ...]:
    """The hashes by which a gate that lets a model through is found: of the model, and of a service that takes any."""
    return named(speaks, url, model), named(speaks, url, "*")


def served(services: Iterable[Upstream]) -> dict[str, str]:
    """The hash of each model of services → `SERVICE: MODEL`."""
    return {
        named(one.kind, one.url, own): f"{one.name}: {own}"
        for one in services
        for own in sorted(set(one.models.values()))
    }


def unreleased(services: Iterable[Upstream], released: Collection[str]) -> list[str]:
    """Models of services that no gate let through, as `SERVICE: MODEL`; where a service takes any name, `*` stands for
    whichever of its models went through.

    Args:
        services: of the settings.
        released: hashes of models that a gate let through.
    """
    return [told for model, told in served(services).items() if model not in released]


def compared(before: Side, after: Side) -> list[Difference]:
    """How two runs differ, judge by judge, the whole bank first and then each class; only what is in both."""
    new = {_key(one): one for one in after.outcome.shares}
    changed = _changes(before, after)
    made = []
    for one in before.outcome.shares:
        other = new.get(_key(one))
        if other is None or not one.judged or not other.judged:
            continue
        worse, better = changed.get(_key(one), (0, 0))
        made.append(
            Difference(
                bank=one.bank,
                kind=one.kind,
                judge=one.judge,
                category=one.category,
                before=one.share,
                after=other.share,
                low=one.low,
                high=one.high,
                worse=worse,
                better=better,
                p=mcnemar(worse, better),
                outside=other.share < one.low,
            )
        )
    return made


def findings(before: Outcome | None, after: Outcome, differences: Sequence[Difference]) -> list[str]:
    """What speaks against a release, in codes: `content.keyword.worse`, `refusal.refusal.missed`, `fairness.lacking`.

    Classes alone stop nothing: of dozens some differ by chance. They are told by `compared`.

    Args:
        before: the baseline; none for the first release.
        after: the run.
        differences: from `compared`.
    """
    made = ["asking.open"] if after.asked.open else []
    made += [f"{TOPICS[one.kind]}.{one.judge}.missed" for one in after.verdicts if one.state == "missed"]
    made += [f"{TOPICS[one.kind]}.{one.judge}.worse" for one in differences if not one.category and one.regressed]
    made += gaps.worse(before.fairness if before else None, after.fairness)
    known = {(one.kind, one.judge) for one in after.verdicts if one.judged}
    wanted = {(one.kind, one.judge) for one in before.verdicts if one.judged} if before else set()
    made += [f"{TOPICS[kind]}.{judge}.lacking" for kind, judge in sorted(wanted - known) if judge != "person"]
    have = {TOPICS[one.kind] for one in after.verdicts if one.judged}
    made += [f"{topic}.lacking" for topic in ("content", "refusal", "fairness") if topic not in have]
    return list(dict.fromkeys(made))


def _key(one: Share) -> tuple[str, str, str]:
    return one.bank, one.judge, one.category


def _changes(before: Side, after: Side) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Bank, judge and class → questions of both runs that went wrong, and right, since."""
    old, new = _words(before), _words(after)
    made: dict[tuple[str, str, str], tuple[int, int]] = {}
    for key, (label, category) in old.items():
        then = new.get(key)
        if then is None or then[0] == label:
            continue
        bank, _, _, judge = key
        for name in ("", category):
            worse, better = made.get((bank, judge, name), (0, 0))
            made[bank, judge, name] = (worse + 1, better) if label else (worse, better + 1)
    return made


def _words(side: Side) -> dict[tuple[str, str, str, str], tuple[bool, str]]:
    """Bank, question, language and judge → whether it was right, and its class."""
    rows = {row.position: row for row in side.rows}
    made = {}
    for one in side.said:
        row = rows[one.position]
        if one.label != "abstain":
            unit = row.pair if one.judge == "pair" else row.question_id
            made[row.bank, unit, row.language, one.judge] = one.label == "pass", row.category
    return made
