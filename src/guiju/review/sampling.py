# SPDX-License-Identifier: Apache-2.0
"""Samples that anybody can draw again: how many, from which part, and which ones (Article 8: sampling and its check).

Which ones follows from a seed and their ids alone, not from their order or from a generator of random numbers, so that
an auditor draws the same sample with another program.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """A plan.

    Attributes:
        seed: whatever was agreed on before.
        strata: name of each part → how many there are, and how many of them are drawn.
    """

    seed: str
    strata: dict[str, tuple[int, int]]

    @property
    def size(self) -> int:
        """How many are drawn in all."""
        return sum(drawn for _, drawn in self.strata.values())


def planned(population: Mapping[str, int], size: int, seed: str) -> Plan:
    """Share a sample out among parts in proportion; every part gets one at least, as far as that goes.

    Args:
        population: name of each part → how many there are.
        size: how many to draw in all; all of them where there are fewer.
        seed: whatever was agreed on before.
    """
    parts = {name: count for name, count in sorted(population.items()) if count > 0}
    every = sum(parts.values())
    wanted = min(size, every)
    if not wanted:
        return Plan(seed, {})
    drawn = {name: min(count, max(1, wanted * count // every)) for name, count in parts.items()}
    while sum(drawn.values()) > wanted:  # more parts than the sample has: the smallest go without
        least = min((name for name in drawn if drawn[name]), key=lambda name: (-drawn[name], parts[name], name))
        drawn[least] -= 1
    while sum(drawn.values()) < wanted:
        lacking = {name: wanted * parts[name] / every - drawn[name] for name in parts if drawn[name] < parts[name]}
        drawn[max(lacking, key=lambda name: (lacking[name], name))] += 1
    return Plan(seed, {name: (parts[name], drawn[name]) for name in parts})


def drawn(plan: Plan, stratum: str, ids: Sequence[str]) -> list[str]:
    """The ids that a plan draws from a part: those whose digest under the seed comes first.

    Raises:
        ValueError: the part is not as large as the plan says, or an id stands there twice.
    """
    count, wanted = plan.strata.get(stratum, (0, 0))
    if len(ids) != count or len(set(ids)) != count:
        raise ValueError(f"{stratum}: {len(ids)} ids, planned for {count}")
    return sorted(ids, key=lambda one: _digest(plan.seed, one))[:wanted]


def enough(margin: float, population: int, share: float = 0.5, z: float = 1.959964) -> int:
    """How many must be drawn so that a share is known to within a margin (Cochran, with the finite population).

    Args:
        margin: half the width of the interval, such as 0.02.
        population: how many there are.
        share: what is expected; a half asks for most.
        z: of the confidence; 1.96 for 95 %.
    """
    endless = z * z * share * (1 - share) / (margin * margin)
    return min(population, math.ceil(endless / (1 + (endless - 1) / population))) if population else 0


def _digest(seed: str, one: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{one}".encode()).digest()
