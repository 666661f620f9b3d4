# SPDX-License-Identifier: Apache-2.0
"""What an audit's figures have against a corpus: bias against a group of people, and text of poor quality (Articles
4(2) and 7(4)). Pure: it reads the figures of a report; the controls `corpus.bias` and `corpus.quality` decide.

No law sets these limits; they are ours. What they can't tell is said by persons: whether what is written is true and
fair. A sample that persons looked at counts where there is one (`guiju corpus sample`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guiju.controls.matters import BIAS, QUALITY
from guiju.terms import Finding

GROUP_ROWS: Final = 30
"""Rows that speak of a group from which its share is looked at."""
TIMES: Final = 3.0
"""A group is spoken of with bias where something illegal is certain or suspected in a share of its rows that is proven
to be more than so many times that of all rows."""
POOR: Final = 0.2
"""Share of the rows from which advertising, repetition, or what nobody can read makes a corpus poor."""
SAME: Final = 0.5
"""Share of the rows that are copies of others from which a corpus is not diverse."""
_POOR: Final = ("advert_dense", "repetitive")
_NEEDED: Final[Mapping[str, Sequence[str]]] = {BIAS: ("illegal", "groups"), QUALITY: ("quality", "duplicates", "rows")}


def surveyed(control: str, figures: Mapping[str, Any]) -> bool:
    """Whether an audit's figures hold what a control decides on; those that the register kept of earlier audits hold no
    groups.

    Args:
        control: its id.
        figures: `report.json`, or what the register keeps of it.
    """
    return all(name in figures for name in _NEEDED[control])


def against(control: str, figures: Mapping[str, Any]) -> list[Finding]:
    """What figures have against a corpus, as far as a control asks.

    Args:
        control: its id.
        figures: as `surveyed` wants them.
    """
    return bias(figures) if control == BIAS else quality(figures)


def bias(figures: Mapping[str, Any]) -> list[Finding]:
    """The groups that are spoken of with bias: `bias.woman`."""
    illegal = figures["illegal"]
    of = illegal["of"]
    overall = (illegal["rows"] + illegal["suspected"]) / of if of else 0.0
    return [
        _finding(f"bias.{name}", name)
        for name, one in figures["groups"].items()
        if one["rows"] >= GROUP_ROWS and one["interval"][0] > TIMES * overall
    ]


def quality(figures: Mapping[str, Any]) -> list[Finding]:
    """What is poor in a corpus: `quality.advert_dense`, `quality.repetitive`, `quality.copies`, `quality.unread`."""
    measured, rows = figures["quality"], figures["rows"]["in"]
    made = [_finding(f"quality.{name}", name) for name in _POOR if measured.get(name, {}).get("share", 0.0) > POOR]
    read = sum(measured["length"].values())
    if rows and (rows - read) / rows > POOR:
        made.append(_finding("quality.unread", "rows"))
    if rows and figures["duplicates"]["exact"] / rows > SAME:
        made.append(_finding("quality.copies", "duplicates"))
    return made


def _finding(category: str, field: str) -> Finding:
    return Finding("corpus.survey", category, "block", category, field, 0, 0, "raw")
