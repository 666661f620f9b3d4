# SPDX-License-Identifier: Apache-2.0
"""Fits the classifier: a row of weights for each feature, some straight to the heads and some to a hidden layer.

Logistic regression and a bag of embeddings with one hidden layer are fitted together by AdaGrad. Features are left out
at random (so that no single one is trusted), and those that hardly any row has are left out for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from guiju.detect.model.features import BITS, several
from training.sets import HEADS, Row

Floats = NDArray[np.float32]
_BATCH: Final = 512
_AT_ONCE: Final = 256
_SIZE: Final = 0.3
_SLOWER: Final = 0.1
"""Spread of what the vectors of a text's words come to, and how much slower is learnt from them."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to fit.

    Attributes:
        hidden: width of the hidden layer; 0 for none.
        epochs: times that each row is seen.
        rate: step of AdaGrad.
        dropped: share of features left out each time.
        decay: pull of each weight towards nothing.
        least: rows that must have a feature.
        positive: how much more a violation counts.
        seed: of all that is random.
    """

    hidden: int = 0
    epochs: int = 3
    rate: float = 0.1
    dropped: float = 0.3
    decay: float = 1e-6
    least: int = 2
    positive: float = 3.0
    seed: int = 7


class Net(msgspec.Struct):
    """What was fitted.

    Attributes:
        table: of each feature, weights to the heads and then to the hidden layer.
        bias: of the heads.
        shift: of the hidden layer.
        out: from the hidden layer to the heads.
    """

    table: Floats
    bias: Floats
    shift: Floats
    out: Floats


def bags(texts: Sequence[str]) -> csr_matrix:
    """The features of texts, a row each."""
    made, sizes = [], []
    for at in range(0, len(texts), _AT_ONCE):
        part = texts[at : at + _AT_ONCE]
        found = several(part)
        of = found.texts.take(found.first) if len(part) > 1 else np.zeros(len(found.rows), np.intp)
        order = np.argsort(of, kind="stable")
        made.append(found.rows[order].astype(np.int32))
        sizes.append(np.bincount(of, minlength=len(part)))
    start = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    rows = np.concatenate(made)
    return csr_matrix((np.ones(len(rows), np.float32), rows, start.astype(np.int64)), shape=(len(texts), 1 << BITS))


def targets(rows: Sequence[Row], positive: float) -> tuple[Floats, Floats]:
    """Of each row and head: whether it violates, and how much it counts."""
    said = np.zeros((len(rows), len(HEADS)), np.float32)
    counts = np.zeros((len(rows), len(HEADS)), np.float32)
    for at, row in enumerate(rows):
        for head in row.yes:
            said[at, HEADS.index(head)] = 1
            counts[at, HEADS.index(head)] = row.weight * positive
        for head in row.no:
            counts[at, HEADS.index(head)] = row.weight
    return said, counts


class Alike(msgspec.Struct, frozen=True):
    """What words are like one another (`likeness`).

    Attributes:
        rows: of the table, those that stand for words.
        vectors: of each.
        sums: of each text, its words' vectors together.
    """

    rows: NDArray[np.int64]
    vectors: Floats
    sums: Floats

    def of(self, which: NDArray[np.int64]) -> Alike:
        """That of some texts."""
        return Alike(self.rows, self.vectors, self.sums[which])


def alike(of: csr_matrix, rows: NDArray[np.int64], vectors: Floats) -> Alike:
    """Put the vectors of each text's words together, and bring them to the size that they are learnt from."""
    made = (scaled(of)[:, rows] @ vectors).astype(np.float32)
    size = np.float32(_SIZE / max(float(made.std()), 1e-6))
    return Alike(rows, vectors * size, made * size)


def fit(of: csr_matrix, said: Floats, counts: Floats, plan: Plan, like: Alike | None = None) -> Net:
    """Fit a net.

    Args:
        of: features.
        said, counts: as `targets` gives them.
        plan: how.
        like: what words are like one another, for the same texts.
    """
    chance = np.random.default_rng(plan.seed)
    times = np.bincount(of.indices, minlength=1 << BITS)
    held = np.flatnonzero(times >= plan.least)
    few = of[:, held]
    heads, wide = len(HEADS), len(HEADS) + plan.hidden
    net = Net(
        np.zeros((len(held), wide), np.float32),
        np.full(heads, -3, np.float32),
        np.zeros(plan.hidden, np.float32),
        chance.normal(0, 0.5, (plan.hidden, heads)).astype(np.float32),
    )
    net.table[:, heads:] = chance.normal(0, 0.3, (len(held), plan.hidden))
    shared = np.zeros((like.vectors.shape[1] if like else 0, heads), np.float32)
    past = [np.full(part.shape, 1e-3, np.float32) for part in (net.table, net.bias, net.shift, net.out, shared)]
    for epoch in range(plan.epochs):
        order = chance.permutation(few.shape[0])
        rate = plan.rate * (1 - epoch / plan.epochs) + 0.01
        for at in range(0, len(order), _BATCH):
            which = order[at : at + _BATCH]
            part = _sieved(few[which], chance, plan.dropped)
            more = like.sums[which] if like else np.zeros((len(which), 0), np.float32)
            _step(net, past, (part, more, shared), (said[which], counts[which]), (rate, plan.decay))
    whole = np.zeros((1 << BITS, wide), np.float32)
    whole[held] = net.table
    if like:
        whole[like.rows, :heads] += like.vectors @ shared
    net.table = whole
    return net


def _sieved(part: csr_matrix, chance: np.random.Generator, dropped: float) -> csr_matrix:
    """Leave out features at random."""
    stays = chance.random(len(part.indices), np.float32) >= dropped
    ends = np.concatenate([[0], np.cumsum(stays)])
    return csr_matrix((part.data[stays], part.indices[stays], ends[part.indptr]), shape=part.shape)


def scaled(part: csr_matrix) -> csr_matrix:
    """Each row by the root of the number of its features."""
    size = np.maximum(np.diff(part.indptr), 1)
    weights = np.repeat(1 / np.sqrt(size), np.diff(part.indptr)).astype(np.float32)
    return csr_matrix((part.data * weights, part.indices, part.indptr), shape=part.shape)


def bytes_of(table: Floats) -> tuple[NDArray[np.int8], Floats]:
    """A table with one byte a weight, and what a step of each column is worth; very large weights are cut."""
    large = np.abs(table)
    most = np.array([np.quantile(column[column > 0], 0.9995) if column.any() else 1 for column in large.T], np.float32)
    scale = np.maximum(most, 1e-6) / 127
    return np.clip(np.rint(table / scale), -127, 127).astype(np.int8), scale.astype(np.float32)


def scores(net: Net, of: csr_matrix) -> Floats:
    """What the heads say to texts, as logits."""
    return logits(net, scaled(of) @ net.table)[0]


def logits(net: Net, made: Floats) -> tuple[Floats, Floats]:
    """What the heads say to sums, and what the hidden layer held."""
    inner = np.maximum(made[:, len(HEADS) :] + net.shift, 0)
    return made[:, : len(HEADS)] + net.bias + inner @ net.out, inner


def _step(
    net: Net,
    past: list[Floats],
    given: tuple[csr_matrix, Floats, Floats],
    wanted: tuple[Floats, Floats],
    pace: tuple[float, float],
) -> None:
    """Learn from one batch: of features, of what the words are like, and of what that says to the heads so far."""
    part, more, shared = given
    heads = len(HEADS)
    said, counts = wanted
    there = np.zeros(len(net.table), np.int32)
    there[part.indices] = 1
    unique = np.flatnonzero(there)
    there[unique] = np.arange(len(unique), dtype=np.int32)
    part = scaled(csr_matrix((part.data, there[part.indices], part.indptr), shape=(part.shape[0], len(unique))))
    weights = net.table[unique]
    told, inner = logits(net, part @ weights)
    told += more @ shared
    wrong = (1 / (1 + np.exp(-told)) - said) * counts / len(said) * 16
    back = np.empty((len(said), weights.shape[1]), np.float32)
    back[:, :heads] = wrong
    back[:, heads:] = (wrong @ net.out.T) * (inner > 0)
    _learn(shared, past[4], (more.T @ wrong).astype(np.float32), pace[0] * _SLOWER)
    _learn(net.bias, past[1], wrong.sum(0), pace[0])
    _learn(net.shift, past[2], back[:, heads:].sum(0), pace[0])
    _learn(net.out, past[3], (inner.T @ wrong).astype(np.float32), pace[0])
    slope = part.T @ back + pace[1] * weights
    gathered = past[0][unique] + slope * slope
    past[0][unique] = gathered
    net.table[unique] = weights - pace[0] * slope / np.sqrt(gathered)


def _learn(part: Floats, past: Floats, slope: Floats, rate: float) -> None:
    past += slope * slope
    part -= rate * slope / np.sqrt(past)
