# SPDX-License-Identifier: Apache-2.0
"""How far a ban would reach, so that a wide one needs two persons (bounds: how blocking stays just; ADR 0009).

No content is kept, so the last day can't be replayed through a new ban. What there is: the shipped harmless lines, the
keyed digests of whole replies in the ledger, and, once a ban acts, how often it did. What none of them can show to be
narrow counts as wide.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, Literal

import msgspec

from guiju.detect import benign
from guiju.detect.bans import Ban, caught
from guiju.detect.likeness import LEAST_NEAR
from guiju.detect.units import Key

WIDE: Final = 0.001
"""The share of a day's exchanges from which on a ban is wide."""
LEAST_SEEN: Final = 1000
"""Exchanges that must have been looked at before a measured share means something."""

Repeated = Callable[[str, int], tuple[int, int]]
"""Asks the ledger: of a whole reply's text, since a moment (Unix seconds): how many replies were exactly that text, of
how many that were looked at."""

Why = Literal["short", "benign", "replies", "narrow"]


class Reach(msgspec.Struct, frozen=True):
    """What was found out.

    Attributes:
        share: of the exchanges, the larger of what was seen among harmless lines and among the last day's replies.
        wide: whether it needs two persons.
        why: `short`: too short to be shown narrow; `benign`, `replies`: where it was seen; `narrow`: nowhere much.
        lines, replies: of how many of each.
    """

    share: float
    wide: bool
    why: Why
    lines: int
    replies: int


@cache
def _pool() -> tuple[str, ...]:
    return tuple(benign.pool())


def estimate(ban: Ban, key: Key, text: str, since: int, repeated: Repeated) -> Reach:
    """Estimate how much of a day's traffic a ban would stop.

    Args:
        ban: the ban.
        key: that of its mark.
        text: what is banned.
        since: the beginning of the last day, in Unix seconds.
        repeated: asks the ledger.

    Raises:
        OutsideError: `store_unavailable`: the ledger can't be reached.
    """
    pool = _pool()
    stopped = len(caught(ban, key, pool)) / len(pool)
    hits, replies = repeated(text, since)
    again = hits / replies if replies >= LEAST_SEEN else 0.0
    share = max(stopped, again)
    if share > WIDE:
        return Reach(share, True, "benign" if stopped >= again else "replies", len(pool), replies)
    if ban.mark.weight < LEAST_NEAR:
        return Reach(share, True, "short", len(pool), replies)
    return Reach(share, False, "narrow", len(pool), replies)


def measured(hits: int, exchanges: int) -> Reach | None:
    """What a ban that acts has reached, once enough was looked at.

    Args:
        hits: exchanges of the last day in which it matched.
        exchanges: of how many.
    """
    if exchanges < LEAST_SEEN:
        return None
    share = hits / exchanges
    return Reach(share, share > WIDE, "replies" if share > WIDE else "narrow", 0, exchanges)
