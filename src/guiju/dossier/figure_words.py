# SPDX-License-Identifier: Apache-2.0
"""How figures are named and written in public (Article 17): words as data, and nothing of few."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from guiju.errors import Bilingual, Language
from guiju.terms import Figure

FEW: Final = 5
"""A count of persons' matters below this is not told."""


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a figure is called, and how its number is written: `count`, `share`, `bytes`, `hours`."""

    zh: str
    en: str
    form: str = "count"


@cache
def words() -> Mapping[str, Word]:
    """Name → its words; of a name with a part that varies the longest beginning counts."""
    raw = files("guiju.dossier").joinpath("public_figures.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(raw)["figure"], dict[str, Word])


def word(name: str) -> Word | None:
    """The words of a figure."""
    plain = name.partition("@")[0]
    known = words()
    while plain:
        if plain in known:
            return known[plain]
        plain = plain.rpartition(".")[0]
    return None


def named(name: str, language: Language) -> str:
    """What a figure is called; its own name where nobody gave it words."""
    found = word(name)
    if found is None:
        return name
    rest = name.partition("@")[0]
    known = next((one for one in _beginnings(rest) if one in words()), rest)
    varies = rest[len(known) :].strip(".")
    said = Bilingual(found.zh, found.en).within(language)
    if not varies:
        return said
    return f"{said}（{varies}）" if language == "zh" else f"{said} ({varies})"


def _beginnings(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def number(one: Figure, language: Language) -> str:
    """A figure's number as people read it, with of how many and the interval."""
    found = word(one.name)
    form = found.form if found else "count"
    if form == "share":
        made = f"{one.value:.2%}"
        if one.interval:
            made += f" [{one.interval[0]:.2%}, {one.interval[1]:.2%}]"
        return f"{made}，n = {one.n:,}" if language == "zh" else f"{made}, n = {one.n:,}"
    if form == "bytes":
        return _bytes(one.value)
    if form == "hours":
        return f"{one.value:g} 小时" if language == "zh" else f"{one.value:g} h"
    return f"{one.value:,.0f}" if float(one.value).is_integer() else f"{one.value:,.2f}"


def _bytes(value: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError
