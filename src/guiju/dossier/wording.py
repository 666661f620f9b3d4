# SPDX-License-Identifier: Apache-2.0
"""How values are printed: dates, shares, counts, lists, yes and no, each in both languages. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final

from guiju.errors import Language

_UNITS: Final[dict[str, tuple[str, str]]] = {
    "items": ("条", "items"),
    "entries": ("条", "entries"),
    "questions": ("题", "questions"),
    "risks": ("类", "risks"),
    "aspects": ("类", "aspects"),
    "persons": ("人", "persons"),
    "days": ("天", "days"),
    "working days": ("个工作日", "working days"),
    "hours": ("小时", "hours"),
    "months": ("个月", "months"),
    "taps": ("次点击", "taps"),
    "inputs": ("次", "inputs"),
    "seconds": ("秒", "seconds"),
    "minutes": ("分钟", "minutes"),
    "bytes": ("字节", "bytes"),
    "cases": ("件", "cases"),
    "requests": ("次", "requests"),
    "versions": ("版", "versions"),
    "sources": ("个", "sources"),
}
_NUMERALS: Final = "〇一二三四五六七八九"


def choose(language: Language, zh: str, en: str) -> str:
    """One of two sentences."""
    return zh if language == "zh" else en


def date(on: datetime.date, language: Language) -> str:
    """A date as a document writes it."""
    return f"{on.year}年{on.month}月{on.day}日" if language == "zh" else on.isoformat()


def number(value: float) -> str:
    """A number without a unit: grouped by thousands, without needless places."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.2f}".rstrip("0").rstrip(".")


def share(value: float) -> str:
    """A share as per cent, to two places, so that 96 % is never printed for less."""
    exact = f"{value * 100:.2f}".rstrip("0").rstrip(".")
    return f"{exact}%"


def quantity(value: float, unit: str, language: Language) -> str:
    """A number with its unit."""
    if unit.startswith("share"):
        return share(value)
    names = _UNITS.get(unit)
    if not names:
        return number(value)
    if language == "zh":
        return f"{number(value)}{names[0]}"
    return f"{number(value)} {names[1].removesuffix('s') if value == 1 else names[1]}"


def bound(value: float, unit: str, way: str, language: Language) -> str:
    """What a threshold asks."""
    least = (
        choose(language, "不低于 ", "at least ")
        if unit.startswith("share")
        else choose(language, "不少于 ", "at least ")
    )
    most = (
        choose(language, "不高于 ", "at most ") if unit.startswith("share") else choose(language, "不超过 ", "at most ")
    )
    return (least if way == "min" else most) + quantity(value, unit, language)


def interval(between: tuple[float, float] | None, unit: str) -> str:
    """A confidence interval; a dash where there is none."""
    if between is None:
        return "—"
    show = share if unit.startswith("share") else number
    return f"[{show(between[0])}, {show(between[1])}]"


def value(said: Any, language: Language) -> str:
    """A fact as a document prints it."""
    if isinstance(said, bool):
        return choose(language, "是" if said else "否", "yes" if said else "no")
    if isinstance(said, datetime.datetime):
        return date(said.date(), language)
    if isinstance(said, datetime.date):
        return date(said, language)
    if isinstance(said, int | float):
        return number(said)
    if isinstance(said, Mapping):
        two = said.get(language) or said.get("zh")
        return str(two) if two else choose(language, "，", ", ").join(value(one, language) for one in said.values())
    if isinstance(said, list | tuple):
        between = choose(language, "；" if any(isinstance(one, Mapping) for one in said) else "、", "; ")
        return between.join(value(one, language) for one in said)
    return day(str(said), language)


def day(said: str, language: Language) -> str:
    """Text as it is; an ISO date as a document writes one."""
    if len(said) == 10 and said[4:5] == "-" and said[7:8] == "-":
        try:
            return date(datetime.date.fromisoformat(said), language)
        except ValueError:
            return said
    return said


def chinese(digits: int) -> str:
    """A number below 100 in Chinese numerals, as chapters are counted."""
    tens, ones = divmod(digits, 10)
    if not tens:
        return _NUMERALS[ones]
    return ("" if tens == 1 else _NUMERALS[tens]) + "十" + (_NUMERALS[ones] if ones else "")


def chapter(section: str, language: Language) -> str:
    """The number of a section in the authority's own way: `1.2` is 一（二） there, and 1(2) in the reading copy."""
    parts = section.split(".")
    if not all(part.isdigit() for part in parts):
        return section
    if language == "en":
        return parts[0] + "".join(f"({part})" for part in parts[1:])
    names = [chinese(int(part)) for part in parts]
    if len(names) == 1:
        return f"{names[0]}、"
    if len(names) == 2:
        return f"（{names[1]}）"
    return f"{parts[-1]}．"
