# SPDX-License-Identifier: Apache-2.0
"""Working days and calendar months by which the law counts, in UTC+8 (texts/calendar.toml).

A term ends with the last moment of its last day; the day on which it begins does not count (Civil Code, Articles 201
to 203).
"""

from __future__ import annotations

import tomllib
from calendar import monthrange
from datetime import date, datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

ZONE: Final = timezone(timedelta(hours=8))
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


class Year(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The holidays of one year.

    Attributes:
        off: first and last day of each holiday.
        work: weekend days on which one works.
    """

    year: int
    source: str
    read: Literal["official", "secondary"]
    off: tuple[tuple[date, date], ...]
    work: tuple[date, ...]


@cache
def years() -> dict[int, Year]:
    """The years whose holidays are known; of all others only weekends are."""
    raw = files("guiju.law").joinpath("texts", "calendar.toml").read_text("utf-8")
    return {one.year: one for one in msgspec.convert(tomllib.loads(raw)["year"], tuple[Year, ...])}


def works(day: date) -> bool:
    """Whether a day is a working day."""
    known = years().get(day.year)
    if known and day in known.work:
        return True
    free = day.weekday() >= _SATURDAY or (known is not None and any(first <= day <= last for first, last in known.off))
    return not free


def day_of(at: int) -> date:
    """The day on which a moment falls.

    Args:
        at: Unix seconds.
    """
    return datetime.fromtimestamp(at, ZONE).date()


def end_of(day: date) -> int:
    """The end of a day, in Unix seconds: the first moment of the next one."""
    return int(datetime.combine(day + _DAY, datetime.min.time(), ZONE).timestamp())


def after_working_days(at: int, days: int) -> int:
    """The end of a term of working days.

    Args:
        at: when it begins, in Unix seconds.
        days: how many; the first is the working day after that of `at`.
    """
    day, left = day_of(at), days
    while left:
        day += _DAY
        left -= works(day)
    return end_of(day)


def after_months(at: int, months: int) -> int:
    """The end of a term of calendar months: the same day of a later month, or that month's last.

    Args:
        at: when it begins, in Unix seconds.
        months: how many.
    """
    first = day_of(at)
    number = first.year * 12 + first.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return end_of(date(year, month, min(first.day, monthrange(year, month)[1])))
