# SPDX-License-Identifier: Apache-2.0
"""Gaps as they are drawn (Articles 4(2) and 12): for each thing measured a dot plot by ground, with intervals and the
zero line, which is a table as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from guiju.evaluation.gaps import METRICS, NAMES, Metric

_WIDTH: Final = 1000
_LEAST: Final[Mapping[Metric, float]] = {"amount": 0.5, "length": 0.5}
"""How far from 0 an axis reaches at least; 1 where nothing is said."""


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """One ground: names, figures as text, and where they are drawn (0 to 1000, zero at 500)."""

    zh: str
    en: str
    whole: bool
    n: int
    sides: str
    gap: str
    interval: str
    chance: str
    proven: bool
    enough: bool
    x: float
    low: float
    width: float


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """One thing measured in all grounds; the axis runs from `-reach` to `reach`."""

    zh: str
    en: str
    reach: str
    spots: list[Spot]


def plots(document: Mapping[str, Any]) -> list[Plot]:
    """What is drawn of a report's document; nothing where no pairs were asked."""
    gaps = (document.get("fairness") or {}).get("gaps", [])
    made = []
    for metric in METRICS:
        mine = [one for one in gaps if one["metric"] == metric]
        if mine:
            edges = [abs(one[name]) for one in mine for name in ("gap", "low", "high") if one[name] is not None]
            reach = max([_LEAST.get(metric, 1.0), *edges])
            spots = [_spot(one, reach) for one in mine]
            made.append(Plot(zh=NAMES[metric][0], en=NAMES[metric][1], reach=f"{reach:.2g}", spots=spots))
    return made


def lines(document: Mapping[str, Any]) -> list[Sequence[object]]:
    """The gaps as lines of a workbook, the head first; nothing where no pairs were asked."""
    gaps = (document.get("fairness") or {}).get("gaps", [])
    head: Sequence[object] = (
        *(
            "项目 measure",
            "方面",
            "ground",
            "对数 pairs",
            "前者 first",
            "后者 second",
            "差 gap",
            "下限 low",
            "上限 high",
        ),
        *("p", "p (Holm)", "已证实 proven"),
    )
    names = ("a", "b", "gap", "low", "high", "p", "holm")
    made = [
        (
            f"{one['metric_zh']} {one['metric_en']}",
            *(one["zh"], one["en"], one["n"]),
            *("" if one[name] is None else round(one[name], 6) for name in names),
            "是 yes" if one["proven"] else "",
        )
        for one in gaps
    ]
    return [head, *made] if made else []


def _spot(one: Mapping[str, Any], reach: float) -> Spot:
    known = one["low"] is not None
    low, high = (one["low"], one["high"]) if known else (one["gap"], one["gap"])
    shares = one["metric"] in ("refusal", "decision", "bias", "preference")
    return Spot(
        zh=one["zh"],
        en=one["en"],
        whole=not one["ground"],
        n=one["n"],
        sides=f"{one['a']:.1%} / {one['b']:.1%}" if shares else f"{one['a']:.2f} / {one['b']:.2f}",
        gap=f"{one['gap']:+.3f}",
        interval=f"{one['low']:+.3f} … {one['high']:+.3f}" if known else "–",
        chance=f"{one['holm']:.2g}" if one["enough"] else "–",
        proven=one["proven"],
        enough=one["enough"],
        x=_at(one["gap"], reach),
        low=_at(low, reach),
        width=round(_at(high, reach) - _at(low, reach), 1),
    )


def _at(value: float, reach: float) -> float:
    return round(_WIDTH / 2 * (1 + value / reach), 1)
