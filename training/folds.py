# SPDX-License-Identifier: Apache-2.0
"""Figures on sources that the classifier has not seen: it is fitted three times, each time without some of the sources.

A set is in one fold with all of its family. Our own examples are dealt to the folds by group, so that a violation and
its harmless twins are left out together, and large harmless sets by row.
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
    ("jade", "swsr", "harmbench", "chatterbot_zh", "truthfulqa"),
    ("catqa", "davidson", "inthewild", "bipia"),
    ("harmfulqa", "gptfuzz", "cold", "diasafety", "rtp", "lf_dpo_zh", "belle_seed"),
)
"""Families of sets, by fold: all violations, and what is most like what people ask a model and are told."""
ROWS: Final = (
    *("classical_poetry", "cn_laws", "code_py", "crosswoz", "csl_abstracts", "gaokao", "kdconv", "sighan15"),
    *("uhgeval_concise", "halueval", "winobias", "presidio_synth", "thucnews", "cvalues"),
    *("lf_alpaca_zh", "lf_alpaca_en"),
)
"""Families of harmless sets that are dealt out row by row: other text of the same kind is learnt from."""
_PART: Final = 4096
_TOP: Final = 0.985
_ENOUGH: Final = 200
"""Harmless rows of a fold and language by which it is aligned, at least."""


def fold(row: Row) -> int:
    """The fold of a row.

    Raises:
        ValueError: a set's family is in no fold.
    """
    if row.family.startswith("own.") or row.family in ROWS:
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
    return aligned(rows, folds, made)


def aligned(rows: Sequence[Row], folds: NDArray[np.int64], logits: Floats) -> Floats:
    """Logits of the folds' classifiers on one scale: what each says of its most suspicious harmless rows is one point.

    Without it one threshold means something else in each fold, as each has seen other violations.
    """
    made = logits.copy()
    for lang in ("zh", "en"):
        spoken = np.array([row.lang == lang for row in rows])
        plain = spoken & np.array([row.benign and row.family in ROWS for row in rows])
        if any((plain & (folds == number)).sum() < _ENOUGH for number in range(len(FOLDS))):
            continue
        tops = np.stack([np.quantile(logits[plain & (folds == number)], _TOP, axis=0) for number in range(len(FOLDS))])
        for number in range(len(FOLDS)):
            made[spoken & (folds == number)] += (tops.mean(0) - tops[number]).astype(np.float32)
    return made


def told(fitted: net.Net, of: csr_matrix, which: NDArray[np.int64], made: Floats) -> None:
    """Write the logits of some rows into `made`."""
    for at in range(0, len(which), _PART):
        part = which[at : at + _PART]
        made[part] = net.scores(fitted, of[part])
