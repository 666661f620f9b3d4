# SPDX-License-Identifier: Apache-2.0
"""Which kept rows are most like a text: where a bad answer may have been learnt from (Articles 7 and 15)."""

from __future__ import annotations

import heapq

import msgspec
import numpy as np

from guiju.corpus.near import bare, runs
from guiju.corpus.parsed import leaves
from guiju.corpus.sampling import kept_rows
from guiju.corpus.shards import Folder

LENGTH = 5
"""Characters of a run."""


class Alike(msgspec.Struct, frozen=True, order=True):
    """One row, and how much of the text stands in it: the share of the text's runs of five characters."""

    share: float
    file: int
    row: int


def alike(folder: Folder, text: str, most: int) -> list[Alike]:
    """The kept rows that hold most of a text, the best first; rows with nothing of it are left out.

    Args:
        folder: of an audit.
        text: such as a bad answer; blanks, marks and case do not matter.
        most: rows at most.
    """
    sought = np.unique(runs(bare(text), LENGTH))
    if not len(sought):
        return []
    best: list[Alike] = []
    for decision, line in kept_rows(folder):
        found = np.unique(runs(bare("\n".join(leaves(line))), LENGTH))
        share = round(float(np.isin(sought, found, assume_unique=True).mean()), 4)
        if share:
            # Of equals the earlier one stays: numbers are turned round, as the heap gives up the least.
            one = Alike(share, -decision.file, -decision.row)
            (heapq.heappush if len(best) < most else heapq.heappushpop)(best, one)
    return [Alike(one.share, -one.file, -one.row) for one in sorted(best, reverse=True)]
