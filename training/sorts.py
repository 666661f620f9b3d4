# SPDX-License-Identifier: Apache-2.0
"""Fits what tells the categories of requests apart: one softmax over a small table, used only for what a head found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from training.net import bytes_of, scaled
from training.sets import Row

BITS: Final = 15
_LEAST: Final = 12
_EPOCHS: Final = 12
_BATCH: Final = 128
_RATE: Final = 0.3


def fitted(rows: Sequence[Row], of: csr_matrix) -> dict[str, NDArray[Any]]:
    """Names of the categories that enough rows have, and the weights that tell them apart.

    Args:
        rows: all rows.
        of: their features.
    """
    known = [at for at, row in enumerate(rows) if row.use == "train" and row.category and row.yes]
    counts = Counter(rows[at].category for at in known)
    names = sorted(name for name, count in counts.items() if count >= _LEAST)
    which = np.array([at for at in known if rows[at].category in names], np.int64)
    small = of[which]
    small = scaled(csr_matrix((small.data, small.indices & ((1 << BITS) - 1), small.indptr), (len(which), 1 << BITS)))
    is_ = np.array([names.index(rows[at].category) for at in which], np.int64)
    weight = np.array([(len(which) / len(names) / counts[name]) ** 0.5 for name in names], np.float32)
    table, past = np.zeros((1 << BITS, len(names)), np.float32), np.full((1 << BITS, len(names)), 1e-3, np.float32)
    bias = np.zeros(len(names), np.float32)
    chance = np.random.default_rng(7)
    for _ in range(_EPOCHS):
        order = chance.permutation(len(which))
        for at in range(0, len(order), _BATCH):
            part = order[at : at + _BATCH]
            told = small[part] @ table + bias
            told = np.exp(told - told.max(1, keepdims=True))
            told /= told.sum(1, keepdims=True)
            told[np.arange(len(part)), is_[part]] -= 1
            told *= weight[is_[part]][:, None]
            slope = small[part].T @ told
            past += slope * slope
            table -= _RATE * slope / np.sqrt(past)
            bias -= 0.01 * told.mean(0)
    made, scale = bytes_of(table)
    return {"classes": np.array(names), "sorts": made, "sort_scale": scale, "sort_bias": bias.astype(np.float32)}
