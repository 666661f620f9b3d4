# SPDX-License-Identifier: Apache-2.0
"""What share of a name's requests each service gets, as `weight` of its section says it.

Elsewhere a share belongs to a name, here to a section: a service whose names need different weights gets a section for
each. Who ranks behind the best of a name gets weight 0, and those stand in the order in which they are to be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Final

import msgspec

from guiju.origins.service import Service

MOST: Final = 1000
"""The largest weight of a section."""


def once(services: Sequence[Service]) -> list[Service]:
    """Services told apart by more than their place; what was written twice has both shares."""
    made: dict[object, Service] = {}
    for one in services:
        key = (one.url, one.key_env, one.secret, one.rank, tuple(one.models.items()))
        other = made.setdefault(key, one)
        if other is not one:
            also = (*other.also, one.place)
            made[key] = msgspec.structs.replace(other, share=other.share + one.share, also=also)
    return list(made.values())


def weighed(services: Sequence[Service]) -> list[Service]:
    """Services with their weights, those on standby last, the better rank first."""
    members: dict[str, list[int]] = {}
    for n, one in enumerate(services):
        for name in one.models:
            members.setdefault(name, []).append(n)
    weights: list[dict[str, int]] = [{} for _ in services]
    for name, all_ in members.items():
        best = min(services[n].rank for n in all_)
        first = [n for n in all_ if services[n].rank == best]
        for n, weight in zip(first, _whole([services[n].share for n in first]), strict=True):
            weights[n][name] = weight
    made = []
    for one, mine in zip(services, weights, strict=True):
        for weight in sorted({mine.get(name, 0) for name in one.models}, reverse=True):
            models = {name: own for name, own in one.models.items() if mine.get(name, 0) == weight}
            made.append(msgspec.structs.replace(one, models=models, weight=weight))
    return sorted(made, key=lambda one: (not one.weight, one.rank if not one.weight else 0))


def _whole(shares: Sequence[Fraction]) -> list[int]:
    """The smallest whole numbers in these proportions, at most `MOST`; equal ones when all are 0."""
    if not any(shares):
        return [1] * len(shares)
    common = lcm(*(one.denominator for one in shares))
    whole = [int(one * common) for one in shares]
    divisor = gcd(*whole)
    whole = [one // divisor for one in whole]
    largest = max(whole)
    if largest <= MOST:
        return whole
    return [max(1, round(Fraction(one * MOST, largest))) if one else 0 for one in whole]
