# SPDX-License-Identifier: Apache-2.0
"""Figures on sources that the classifier has not seen: it is fitted five times, each time without some of the sources.

A set is in one fold with all of its family. Our own examples are dealt to the folds by group, so that a violation and
its harmless twins are left out together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from training import net
from training.net import Alike, Floats, Plan
from training.sets import HEADS, Row

FOLDS: Final = (
    ("jade", "swsr", "chatterbot_zh", "gaokao", "truthfulqa", "crosswoz", "rtp", "thucnews", "cvalues"),
    ("catqa", "davidson", "lf_alpaca_zh", "csl_abstracts"),
    ("harmbench", "inthewild", "kdconv", "cn_laws", "lf_alpaca_en"),
    ("harmfulqa", "gptfuzz", "classical_poetry", "sighan15", "winobias", "belle_seed", "lf_dpo_zh"),
    ("cold", "diasafety", "bipia", "uhgeval_concise", "code_py", "presidio_synth", "halueval"),
)
"""Families of sets, by fold."""
_PART: Final = 4096


def fold(row: Row) -> int:
    """The fold of a row.

    Raises:
        ValueError: a set's family is in no fold.
    """
    if row.family.startswith("own."):
        return hashlib.blake2b(row.group.encode(), digest_size=4).digest()[0] % len(FOLDS)
    for number, families in enumerate(FOLDS):
        if row.family in families:
            return number
    raise ValueError(f"{row.family} is in no fold")


def crossed(rows: Sequence[Row], of: csr_matrix, plan: Plan, like: Alike | None = None) -> Floats:
    """Of each row the logits of a classifier that has seen nothing of its source.

    Args:
        rows: all rows; only those to train on are learnt from.
        of: their features.
        plan: how to fit.
        like: what words are like one another.
    """
    folds = np.array([fold(row) for row in rows])
    learns = np.array([row.use == "train" for row in rows])
    said, counts = net.targets(rows, plan.positive)
    made = np.zeros((len(rows), len(HEADS)), np.float32)
    for number in range(len(FOLDS)):
        seen = np.flatnonzero((folds != number) & learns)
        fitted = net.fit(of[seen], said[seen], counts[seen], plan, like.of(seen) if like else None)
        told(fitted, of, np.flatnonzero(folds == number), made)
        print(f"fold {number}: {len(seen)} rows", flush=True)
    return made


def told(fitted: net.Net, of: csr_matrix, which: NDArray[np.int64], made: Floats) -> None:
    """Write the logits of some rows into `made`."""
    for at in range(0, len(which), _PART):
        part = which[at : at + _PART]
        made[part] = net.scores(fitted, of[part])
