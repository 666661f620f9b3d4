# SPDX-License-Identifier: Apache-2.0
"""Acceptance sampling: how many items of a batch are looked at, and how many of them may be wrong (Article 8).

Single sampling plans for normal inspection, general level II: Tables 1 and 2-A of ISO 2859-1:1999, to which
GB/T 2828.1-2012 is identical; the same figures stand in MIL-STD-105E, which is in the public domain. In Table 2-A the
acceptance number depends on letter and AQL by their sum alone, and arrows lead to the next letter that has a plan.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import msgspec

from guiju.errors import ConfigError, Page

_LOTS: Final = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)
"""Largest lot of each code letter; above the last it is Q."""
LETTERS: Final = "ABCDEFGHJKLMNPQR"
_SIZES: Final = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000)
AQLS: Final = (0.1, 0.15, 0.25, 0.4, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5)
"""Acceptance quality limits in per cent that are offered: those at which every letter has a plan."""
_FIRST: Final = 9
"""Place in the sum of letter and AQL at which the acceptance number is 0; 1 and 2 after it are arrows."""
_ACCEPT: Final = {0: 0, 3: 1, 4: 2, 5: 3, 6: 5, 7: 7, 8: 10, 9: 14, 10: 21}


class Plan(msgspec.Struct, frozen=True):
    """One plan.

    Attributes:
        letter: its code letter; `""` where all items are looked at.
        size: items that are looked at.
        accept: most of them that may be wrong.
        aql: per cent.
    """

    letter: str
    size: int
    accept: int
    aql: float


def plan(lot: int, aql: float) -> Plan:
    """The plan for a batch.

    Args:
        lot: its items.
        aql: acceptance quality limit in per cent, one of `AQLS`.

    Raises:
        ConfigError: `config_invalid`: no such limit, or an empty batch.
    """
    if aql not in AQLS or lot < 1:
        hint = Page("reference/annotation.md")
        raise ConfigError("config_invalid", what=f"AQL {aql:g} %, {lot} items", hint=hint)
    place, column = bisect_left(_LOTS, lot), AQLS.index(aql)
    at = place + column - _FIRST
    if at < 0:
        place, at = place - at, 0
    elif at == 1:
        place, at = place - 1, 0
    elif at == 2:
        place, at = place + 1, 3
    elif at > 10:
        place, at = place - (at - 10), 10
    if _SIZES[place] >= lot:
        return Plan("", lot, _ACCEPT[at], aql)
    return Plan(LETTERS[place], _SIZES[place], _ACCEPT[at], aql)
