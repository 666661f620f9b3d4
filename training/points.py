# SPDX-License-Identifier: Apache-2.0
"""From logits to scores, and from scores to one operating point for all that looks at one side.

Scores are calibrated on sources that were not seen. The thresholds are the lowest at which packs, patterns and all
heads of a side together flag at most the promised share of the pool: the harmless sets, at most 2,000 rows of each.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.net import Floats
from training.sets import HEADS, Row

MOST: Final = 2000
"""Rows of one set in the pool."""
PROMISED: Final = 0.0095
"""Share of the pool that may be flagged on a side; a little less than the 1 % that is promised."""
SURE: Final = 0.001
"""Share of the pool that may be refused on a side by the classifier alone."""
CLOSE: Final = 0.01
"""Share of our own harmless rows, which use the words of violations, that may be refused on a side."""
REQUEST: Final[Mapping[str, float]] = {"request": 0.55, "jailbreak": 0.15, "injection": 0.18, "spam": 0.25}
REPLY: Final[Mapping[str, float]] = {"reply": 0.2, "toxicity": 0.6}
"""Of what may be flagged, the part that each head may use; `spam` has the same threshold on both sides."""
_HALVINGS: Final = 30


def calibrated(logits: Floats, said: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Slope and centre of each head by which its logits become probabilities (Platt), violations and the rest even."""
    slopes, centres = [], []
    for head in range(len(HEADS)):
        known = counts[:, head] > 0
        x, y = logits[known, head].astype(np.float64), said[known, head].astype(np.float64)
        if not y.any():
            slopes.append(1.0)
            centres.append(0.0)
            continue
        weight = np.where(y > 0, 0.5 / max(y.sum(), 1), 0.5 / max((1 - y).sum(), 1))
        a, b = 1.0, 0.0
        for _ in range(50):
            p = 1 / (1 + np.exp(-(a * x + b)))
            g = np.array([((p - y) * weight * x).sum(), ((p - y) * weight).sum()])
            s = p * (1 - p) * weight
            h = np.array([[(s * x * x).sum() + 1e-4, (s * x).sum()], [(s * x).sum(), s.sum() + 1e-4]])
            step = np.linalg.solve(h, g)
            a, b = a - float(np.clip(step[0], -1, 1)), b - float(np.clip(step[1], -2, 2))
        slopes.append(max(a, 0.05))
        centres.append(b)
    return np.array(slopes, np.float32), np.array(centres, np.float32)


def pool(rows: Sequence[Row]) -> list[int]:
    """Numbers of the rows that the thresholds are chosen on, the same ones each time."""
    by_set: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.benign:
            by_set[row.source].append(at)

    def mark(at: int) -> bytes:
        return hashlib.blake2b(rows[at].text.encode("utf-8", "surrogatepass"), digest_size=8).digest()

    return sorted(at for held in by_set.values() for at in sorted(held, key=mark)[:MOST])


def points(scores: Floats, others: NDArray[np.bool_], promised: float = PROMISED) -> dict[str, float]:
    """The thresholds of one language.

    Args:
        scores: of the pool.
        others: whether packs or patterns flag each row, as asked and as answered.
        promised: share of the pool that all of them may flag on a side.
    """
    asked = _side(scores, others[:, 0], REQUEST, {}, promised)
    told = _side(scores, others[:, 1], REPLY, {"spam": asked["spam"]}, promised)
    return {head: float(min((asked | told)[head], 0.99999)) for head in HEADS}


def sure(scores: Floats, twins: Floats) -> dict[str, float]:
    """The scores of one language from which on the classifier alone refuses.

    Args:
        scores: of the pool.
        twins: of our own harmless rows, which use the words of violations.
    """
    pool = points(scores, np.zeros((len(scores), 2), bool), SURE)
    close = points(twins, np.zeros((len(twins), 2), bool), CLOSE)
    return {head: max(pool[head], close[head]) for head in HEADS}


def _side(
    scores: Floats,
    others: NDArray[np.bool_],
    parts: Mapping[str, float],
    fixed: Mapping[str, float],
    promised: float,
) -> dict[str, float]:
    """The lowest thresholds of a side's heads at which the union is as promised."""
    low, high = 0.0, 5 * promised
    found: dict[str, float] = {}
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = {head: _quantile(scores[:, HEADS.index(head)], middle * part) for head, part in parts.items()}
        flagged = others.copy()
        for head, least in {**found, **fixed}.items():
            flagged |= scores[:, HEADS.index(head)] >= least
        low, high = (middle, high) if flagged.mean() <= promised else (low, middle)
    return {head: _quantile(scores[:, HEADS.index(head)], low * part) for head, part in parts.items()}


def _quantile(of: Floats, share: float) -> float:
    """The score that only a share of rows reaches."""
    ranked = np.sort(of)[::-1]
    at = min(int(len(ranked) * share), len(ranked) - 1)
    return float(max(np.nextafter(ranked[at], np.float32(2)), 0.3))
