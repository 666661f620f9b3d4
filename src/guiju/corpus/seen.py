# SPDX-License-Identifier: Apache-2.0
"""Which texts have been seen: 64-bit digests in sorted runs that double, eight bytes a row (Article 7(4)).

Two different texts share a digest once in 2⁶⁴ pairs: in a corpus of a thousand million rows, one chance in 37.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


class Seen:
    """Remembers digests in the order in which they come."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def again(self, digests: Hashes) -> NDArray[np.bool_]:
        """Which of some digests have come before, earlier ones of the same call among them; all are remembered."""
        fresh, first = np.unique(digests, return_index=True)
        known = np.ones(len(digests), np.bool_)
        known[first] = False
        old = np.zeros(len(fresh), np.bool_)
        for run in self._runs:
            places = np.searchsorted(run, fresh)
            places[places == len(run)] = 0
            old |= run[places] == fresh
        known[first[old]] = True
        self._keep(fresh[~old])
        return known

    def _keep(self, run: Hashes) -> None:
        if not len(run):
            return
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
        run.sort()
        self._runs.append(run)
