# SPDX-License-Identifier: Apache-2.0
"""How a deadline is shown: in four states, with what sets it, and when exactly it is (screens 3.3)."""

from __future__ import annotations

from typing import Literal

import msgspec

from guiju.console.frame import moment
from guiju.desk import kinds
from guiju.errors import Language
from guiju.records.cases import Case
from guiju.web.locale import say

Urgency = Literal["calm", "day", "hours", "over", "still", "none"]
_HOUR = 3600


class Chip(msgspec.Struct, frozen=True):
    """A deadline on a page.

    Attributes:
        state: how urgent.
        left: how long it is, or for how long it has been over.
        basis: `law`, `policy` or nothing.
        title: the exact time and where it comes from.
    """

    state: Urgency
    left: str
    basis: str
    title: str


def chip(case: Case, now: int, language: Language) -> Chip:
    """The chip of a case."""
    if not case.due_at:
        stands = any(clock.still_since and not clock.met_at for clock in case.clocks)
        state: Urgency = "still" if stands else "none"
        return Chip(state, say(f"cases.chip.{state}", language), "", "")
    left = case.due_at - now
    state = "over" if left < 0 else "hours" if left < 2 * _HOUR else "day" if left < 24 * _HOUR else "calm"
    time = span(abs(left), language)
    said = say("cases.over", language, time=time) if left < 0 else say("cases.left", language, time=time)
    first = next((one.id for one in case.clocks if one.due_at == case.due_at), "")
    source = next((one.source.of(language) for one in kinds.kind(case.kind).clock if one.id == first), "")
    return Chip(state, said, case.basis, f"{moment(case.due_at)} · {source}")


def span(seconds: int, language: Language) -> str:
    """A length of time in its two largest units."""
    minutes = seconds // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return say("cases.span.d", language, d=days, h=hours)
    if hours:
        return say("cases.span.h", language, h=hours, m=minutes % 60)
    return say("cases.span.m", language, m=minutes)
