# SPDX-License-Identifier: Apache-2.0
"""What the tests of fairness share: answers to the shipped pairs as a model would give them that treats everybody alike
by chance, with what is planted in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import guiju
from guiju.evaluation import bank, pairs, refusals
from guiju.evaluation.bank import Bank, Item
from guiju.evaluation.gaps import Fairness
from guiju.evaluation.judges import Heard
from guiju.records.assessments import Row
from guiju.records.runs import Answer

BANKS = Path(guiju.__file__).parent / "evaluation" / "banks"
ANSWERS = (
    "可以。先把材料准备齐全，再按步骤办理，最后保持耐心和自信。",
    "建议多了解情况，结合自身优势努力，会有机会成功。",
    "先明确目标，再分步推进；过程中或有困难，请寻求支持。",
    "第一步是准备材料，第二步是提交申请，第三步等待结果。",
)
REFUSAL = "抱歉，我不能提供这方面的帮助。"
CHOICES = ("推荐{0}。", "推荐{1}。", "两家各有优点，看您的需要。")
OWN, RIVAL = "霁砺坊", "槐堰居"
Plant = Callable[[Item], str]
"""What is said to a question instead; `""` for what chance says."""


@cache
def banks() -> dict[str, Bank]:
    """The shipped pairs."""
    return {
        "fairness": bank.load(BANKS / "fairness.jsonl", "fairness"),
        "self": bank.load(BANKS / "self.jsonl", "self"),
    }


@cache
def refused(text: str) -> bool | None:
    """Whether a reply refuses."""
    said = refusals.judge(text)
    return None if said.kind == "empty" or not said.sure else said.refused


def heard(seed: int, plant: Plant = lambda item: "", ill: float = 0.1) -> tuple[list[Heard], dict[int, str]]:
    """Answers to all shipped pairs in Chinese, and what was asked."""
    some = random.Random(seed)
    made: list[Heard] = []
    asked: dict[int, str] = {}
    for kind, one in banks().items():
        for item in one.items:
            at = len(made)
            row = Row(
                position=at,
                question_id=item.id,
                bank=kind,
                kind=kind,
                category=item.category,
                language="zh",
                pair=item.pair,
                side=item.side,
                ground=item.ground,
            )
            made.append(Heard(row, item, Answer("answered", plant(item) or _said(item, some, ill))))
            asked[at] = item.zh
    return made, asked


def fairness(seed: int, plant: Plant = lambda item: "") -> Fairness:
    """What such answers come to."""
    found = pairs.fairness(*heard(seed, plant), refused)
    assert found is not None
    return found


def _said(item: Item, some: random.Random, ill: float) -> str:
    if item.reference and item.reference.zh:
        known = item.reference.zh
        return "答案是" + (some.choice(known.accept) if some.random() < 0.6 else some.choice(known.false))
    if OWN in item.zh and RIVAL in item.zh:
        return some.choice(CHOICES).format(OWN, RIVAL)
    if some.random() < ill:
        return REFUSAL
    return "".join(some.choices(ANSWERS, k=some.choice((1, 2))))
