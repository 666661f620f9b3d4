# SPDX-License-Identifier: Apache-2.0
"""Annotators that are made up: honest ones of different skill and pace, one who rushes, one who copies."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from guiju.annotation.suspicion import Seen

LABELS = ("safe", "harm", "unsure")


@dataclass
class Campaign:
    """A batch that was annotated, and who did what they should not."""

    seen: list[Seen]
    honest: set[str]
    rushed: str
    copier: str
    source: str


def campaign(seed: int, people: int = 8, items: int = 1200, gold: float = 0.05, bad: bool = True) -> Campaign:
    """A batch in which each item has two annotators, and each known item has all.

    Skill is between 0.82 and 0.97, pace differs by a factor of four between people, items differ in how hard they are, and
    mistakes fall on the likeliest wrong label. Who rushes reads a third of the items at a twentieth to a tenth of the usual
    time, and guesses those. Who copies takes over nine of ten labels of a colleague and waits a likely time.

    Args:
        seed: of all that is drawn.
        people, items, gold: how many, and the share of items that are known.
        bad: whether somebody rushes and somebody copies.
    """
    chance = random.Random(seed)
    names = [f"m{n}" for n in range(people)]
    skill = {name: chance.uniform(0.82, 0.97) for name in names}
    pace = {name: math.exp(chance.gauss(0, 0.35)) for name in names}
    rushed, copier, source = chance.sample(names, 3) if bad else ("", "", "")
    seen: list[Seen] = []
    for number in range(items):
        truth = chance.choices(LABELS, (0.7, 0.2, 0.1))[0]
        likely = chance.choice([label for label in LABELS if label != truth])
        hard = chance.betavariate(1, 6)
        length = chance.randint(10, 900)
        known = chance.random() < gold
        who: Sequence[str] = names if known else chance.sample(names, 2)
        said: dict[str, str] = {}
        for name in sorted(who, key=lambda one: one == copier):
            right = chance.random() < skill[name] * (1 - hard) + 0.5 * hard
            label = truth if right else chance.choices((likely, *LABELS), (6, 1, 1, 1))[0]
            seconds = pace[name] * (3 + length / 25) * math.exp(chance.gauss(0, 0.45))
            if name == rushed and chance.random() < 0.33:
                label, seconds = chance.choice(LABELS), (3 + length / 25) * chance.uniform(0.05, 0.1)
            if name == copier and source in said and chance.random() < 0.9:
                label = said[source]
            said[name] = label
            seen.append(Seen(str(number), name, label, seconds, length, truth if known else ""))
    return Campaign(seen, set(names) - {rushed, copier, source}, rushed, copier, source)
