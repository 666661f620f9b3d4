# SPDX-License-Identifier: Apache-2.0
"""What is measured, and how it is told: the model card's numbers, all on sources that were not learnt from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.net import Floats
from training.points import REPLY, REQUEST, pool
from training.sets import HEADS, Row

LANGS: Final = ("zh", "en")
_LEAST: Final = 20
_PLAIN: Final = ("everyday", "exam.", "group.", "scary.", "security.borderline")
_MOST: Final = 1500
"""Rows of one kind that a figure is of, at least and at most."""


def shown(whole: Sequence[Row]) -> list[int]:
    """Numbers of the texts that figures are of: the pool, and of each kind as many as are enough."""
    kept: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for at, row in enumerate(whole):
        kept[row.source, row.topic if row.family.startswith("own.") else "", bool(row.yes)].append(at)
    some = {at for held in kept.values() for at in held[:: max(1, len(held) // _MOST)]}
    return sorted(some | set(pool(whole)))


def made(
    whole: Sequence[Row],
    scores: Floats,
    others: NDArray[np.bool_],
    chosen: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """All figures.

    Args:
        whole: texts.
        scores: of each, by a classifier that saw nothing of its source.
        others: whether packs or patterns refuse it, as asked and as answered.
        chosen: thresholds by language and head, and `sure.` before it.
    """
    over = np.zeros((len(whole), 2, len(HEADS)), bool)
    for at, row in enumerate(whole):
        over[at] = [scores[at] >= [chosen[name][head] for head in HEADS] for name in (row.lang, f"sure.{row.lang}")]
    held = pool(whole)
    return {
        "thresholds": chosen,
        "pool": {lang: _pool(whole, over, others, [at for at in held if whole[at].lang == lang]) for lang in LANGS},
        "by_set": _grouped(whole, over, others, lambda row: "" if row.family.startswith("own.") else row.source),
        "own": _grouped(whole, over, others, _own),
        "harmless": _grouped(whole, over, others, _plain),
        "by_topic": _grouped(
            whole, over, others, lambda row: f"{row.source}.{row.topic}" if row.family.startswith("own.") else ""
        ),
    }


def _own(row: Row) -> str:
    """Head of one of our own examples, and whether it is learnt from."""
    return f"{row.topic.partition('.')[0]}, {row.use}" if row.family.startswith("own.") else ""


def _plain(row: Row) -> str:
    """What a harmless row of our own is about, where it is a kind that is easily taken for something else."""
    topic = row.topic.partition(".")[2] if row.family.startswith("own.") and not row.yes else ""
    return topic if topic.startswith(_PLAIN) else ""


def _sides(over: NDArray[np.bool_], others: NDArray[np.bool_]) -> dict[str, float]:
    """Shares flagged on each side, shares refused, and shares flagged by each head."""
    asked = over[..., [HEADS.index(head) for head in REQUEST]].any(2) | others[:, :1]
    told = over[..., [HEADS.index(head) for head in (*REPLY, "spam")]].any(2) | others[:, 1:]
    sides = {"request_side": asked[:, 0], "reply_side": told[:, 0], "refused": asked[:, 1], "withheld": told[:, 1]}
    heads = {head: over[:, 0, at] for at, head in enumerate(HEADS)}
    return {name: round(float(flagged.mean()), 4) for name, flagged in (sides | heads).items()}


def _pool(
    whole: Sequence[Row], over: NDArray[np.bool_], others: NDArray[np.bool_], which: Sequence[int]
) -> dict[str, Any]:
    sizes: dict[str, int] = defaultdict(int)
    for at in which:
        sizes[whole[at].source] += 1
    lists = round(float(others[which].any(1).mean()), 4)
    return {"rows": len(which), "lists": lists, **_sides(over[which], others[which]), "sets": dict(sizes)}


def _grouped(
    whole: Sequence[Row], over: NDArray[np.bool_], others: NDArray[np.bool_], key: Any
) -> dict[str, dict[str, Any]]:
    """Figures of each group of rows, violations and the rest apart."""
    groups: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(whole):
        if name := key(row):
            groups[f"{name} {row.lang} {'violates' if row.yes else 'harmless'}"].append(at)
    return {
        name: {"rows": len(which), **_sides(over[which], others[which])}
        for name, which in sorted(groups.items())
        if len(which) >= _LEAST
    }
