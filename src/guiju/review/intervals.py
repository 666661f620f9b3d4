# SPDX-License-Identifier: Apache-2.0
"""How sure a share is, and whether two differ (Articles 4, 7, 8, 15): Wilson's interval and McNemar's exact test.

Pure arithmetic, the same on every machine, so that an auditor finds the same figures with another program.
"""

from __future__ import annotations

import math
from typing import Final

Z: Final = 1.959963984540054
"""Quantile of the normal distribution for 95 %."""


def wilson(hits: float, of: float) -> tuple[float, float]:
    """The interval that holds a share with 95 % (Wilson 1927); all of 0 to 1 where nothing was seen.

    Args:
        hits: how often it was so.
        of: out of how many.
    """
    if not of:
        return 0.0, 1.0
    p, z2 = hits / of, Z * Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == of else min(1.0, middle + half)


def mcnemar(worse: int, better: int) -> float:
    """How likely it is by chance alone that of the things that changed so many went one way (exact, two-sided).

    Args:
        worse: things that were right before and are wrong now.
        better: things that were wrong before and are right now.

    Returns:
        The probability, 1.0 where nothing changed.
    """
    changed, fewer = worse + better, min(worse, better)
    if not changed or worse == better:
        return 1.0
    term = total = 1  # binomial coefficients, in whole numbers: no rounding however many there are
    for k in range(fewer):
        term = term * (changed - k) // (k + 1)
        total += term
    share: float = total / 2 ** (changed - 1)
    return min(1.0, share)
