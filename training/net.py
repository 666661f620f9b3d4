# SPDX-License-Identifier: Apache-2.0
"""Fits the classifier: for each head a logistic regression over hashed n-grams, by L-BFGS to its end.

Beside its own weight, each word has one that words like it share (`likeness`). Both are drawn towards nothing; what
they come to together is one row of the table, so that at work nothing is left of the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags

from guiju.detect.model.features import BITS, each, several
from guiju.detect.model.heads import LEAST
from training.sets import HEADS, Row

Floats = NDArray[np.float32]
_AT_ONCE: Final = 256
_CORRECTIONS: Final = 6


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to fit.

    Attributes:
        decay: pull of the weights towards nothing.
        alike: how much easier it is to learn about words that are like one another than about a single one.
        steps: of L-BFGS, at most.
        least: rows that must have a feature.
        positive: how much more a violation counts.
        rare: how much easier it is to learn about what few texts have; a head is the mean of its fits.
    """

    decay: float = 0.005
    alike: float = 1.0
    steps: int = 70
    least: int = 4
    positive: float = 3.0
    rare: dict[str, tuple[float, ...]] = msgspec.field(default_factory=lambda: {"request": (0.0, 0.2)})


class Net(msgspec.Struct, frozen=True):
    """What was fitted.

    Attributes:
        table: of each feature, weights to the heads.
        bias: of the heads.
    """

    table: Floats
    bias: Floats


class Alike(msgspec.Struct, frozen=True):
    """What words are like one another (`likeness`).

    Attributes:
        rows: of the table, those that stand for words.
        vectors: of each.
        sums: of each text, its words' vectors together; of a size with the text's own features.
    """

    rows: NDArray[np.int64]
    vectors: Floats
    sums: Floats

    def of(self, which: NDArray[np.int64]) -> Alike:
        """That of some texts."""
        return Alike(self.rows, self.vectors, self.sums[which])


def alike(of: csr_matrix, rows: NDArray[np.int64], vectors: Floats) -> Alike:
    """Put the vectors of each text's words together."""
    made = (scaled(of)[:, rows] @ vectors).astype(np.float32)
    size = np.float32(1 / max(float(np.sqrt((made * made).sum(1).mean())), 1e-6))
    return Alike(rows, vectors * size, made * size)


def bags(texts: Sequence[str]) -> csr_matrix:
    """The features of texts, a row each."""
    made, sizes = [], []
    for at in range(0, len(texts), _AT_ONCE):
        part = texts[at : at + _AT_ONCE]
        found = each(several(part))
        of = found.texts
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


def fit(of: csr_matrix, said: Floats, counts: Floats, plan: Plan, like: Alike | None = None) -> Net:
    """Fit all heads.

    Args:
        of: features.
        said, counts: as `targets` gives them.
        plan: how.
        like: what words are like one another, for the same texts.
    """
    times = np.bincount(of.indices, minlength=1 << BITS)
    held = np.flatnonzero(times >= plan.least)
    held = held[
        np.argsort(-times[held], kind="stable")
    ]  # what is often used lies together, which is three times as fast
    few = scaled(of)[:, held]
    table, bias = np.zeros((1 << BITS, len(HEADS)), np.float32), np.zeros(len(HEADS), np.float32)
    for head in range(len(HEADS)):
        which = np.flatnonzero(counts[:, head] > 0)
        if not said[which, head].any():
            bias[head] = -5
            continue
        more = like.sums[which] * plan.alike if like else np.zeros((len(which), 0), np.float32)
        wanted = said[which, head], counts[which, head]
        powers = plan.rare.get(HEADS[head], (0.0,))
        for power in powers:
            ease = _ease(times[held], power)
            found = _head(csr_matrix(few[which] @ diags(ease), dtype=np.float32), more, wanted, plan) / len(powers)
            table[held, head] += found[: len(held)] * ease
            if like:
                table[like.rows, head] += like.vectors @ found[len(held) : -1] * plan.alike
            bias[head] += found[-1]
    return Net(table, bias)


def _ease(times: NDArray[np.int64], power: float) -> Floats:
    """How easy it is to learn about each feature, by how often it is used; on average as easy as without."""
    made = (times.mean() / times) ** power
    ease: Floats = (made / np.sqrt(np.average(made * made, weights=times))).astype(np.float32)
    return ease


def _head(part: csr_matrix, more: Floats, wanted: tuple[Floats, Floats], plan: Plan) -> Floats:
    """Weights of one head: of the features, of what the words are like, and what is said of nothing at all."""
    said, counts = wanted
    turned, own = part.T.tocsr(), part.shape[1]

    def loss(given: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = given.astype(np.float32)
        told = part @ weights[:own] + more @ weights[own:-1] + weights[-1]
        wrong = (0.5 * (1 + np.tanh(told / 2)) - said) * counts
        lost = float((counts * (np.logaddexp(0, told) - said * told)).sum())
        slope = np.empty_like(given)
        slope[:own] = turned @ wrong
        slope[own:-1] = more.T @ wrong
        slope[:-1] += plan.decay * given[:-1]
        slope[-1] = wrong.sum()
        return lost + plan.decay / 2 * float(given[:-1] @ given[:-1]), slope

    begin = np.zeros(own + more.shape[1] + 1)
    begin[-1] = -3
    options = {"maxiter": plan.steps, "maxcor": _CORRECTIONS}
    found: Floats = minimize(loss, begin, jac=True, method="L-BFGS-B", options=options).x.astype(np.float32)
    return found


def scaled(part: csr_matrix) -> csr_matrix:
    """Each row by the root of the number of its features, of `LEAST` where it has fewer, as at work."""
    size = np.maximum(np.diff(part.indptr), LEAST)
    weights = np.repeat(1 / np.sqrt(size), np.diff(part.indptr)).astype(np.float32)
    return csr_matrix((part.data * weights, part.indices, part.indptr), shape=part.shape)


def scores(net: Net, of: csr_matrix) -> Floats:
    """What the heads say to texts, as logits."""
    made: Floats = scaled(of) @ net.table + net.bias
    return made


def bytes_of(table: Floats) -> tuple[NDArray[np.int8], Floats]:
    """A table with one byte a weight, and what a step of each column is worth; very large weights are cut."""
    large = np.abs(table)
    most = np.array([np.quantile(column[column > 0], 0.9999) if column.any() else 1 for column in large.T], np.float32)
    scale = np.maximum(most, 1e-6) / 127
    return np.clip(np.rint(table / scale), -127, 127).astype(np.int8), scale.astype(np.float32)
