# SPDX-License-Identifier: Apache-2.0
"""The words of pages, in two languages, as data: `words/*.toml`, a row for each thing that is said.

A row has `zh` and `en`. Where both are the same, `same` says why; the tests take no other excuse.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec
from starlette.requests import Request

from guiju.errors import Language

COOKIE: Final = "guiju_language"
"""Keeps which language a reader chose; nothing else."""
LANGUAGES: Final[Mapping[str, Language]] = {"zh": "zh", "en": "en"}
TAGS: Final[Mapping[Language, str]] = {"zh": "zh-CN", "en": "en"}
"""Language → what stands in `lang` of a page."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is said.

    Attributes:
        zh, en: how; facts stand in braces.
        same: why both are the same, where they are.
    """

    zh: str
    en: str
    same: str = ""


def _tables() -> dict[str, Row]:
    made: dict[str, Row] = {}
    for table in sorted(files("guiju.web").joinpath("words").iterdir(), key=lambda one: one.name):
        if table.name.endswith(".toml"):
            _enter(made, table.name.removesuffix(".toml"), tomllib.loads(table.read_text("utf-8")))
    return made


def _enter(made: dict[str, Row], name: str, value: Mapping[str, Any]) -> None:
    """Enter a row, or the rows of a table, under their dotted name."""
    if isinstance(value.get("zh"), str):
        made[name] = msgspec.convert(value, Row)
        return
    for key, inner in value.items():
        _enter(made, f"{name}.{key}", inner)


WORDS: Final[Mapping[str, Row]] = _tables()
"""Dotted name → how it is said."""


def say(key: str, language: Language, **facts: object) -> str:
    """How something is said in one language.

    Raises:
        KeyError: nobody wrote it down, or a fact is missing.
    """
    row = WORDS[key]
    said = row.zh if language == "zh" else row.en
    return said.format(**facts) if facts else said


def language_of(request: Request, fallback: Language) -> Language:
    """What a reader reads: by the address (`?lang=`), else by the choice made before, the browser, the setting."""
    for said in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if chosen := LANGUAGES.get(said or ""):
            return chosen
    weighed = []
    for part in request.headers.get("accept-language", "")[:256].split(","):
        name, _, weight = part.strip().partition(";q=")
        tag = name.strip().lower().partition("-")[0]
        if tag in LANGUAGES:
            weighed.append((_weight(weight), LANGUAGES[tag]))
    best = max(weighed, key=lambda one: one[0], default=None)  # of equals the first
    return best[1] if best and best[0] > 0 else fallback


def _weight(said: str) -> float:
    """A weight of `Accept-Language` (RFC 9110, 12.4.2); one that can't be read counts nothing."""
    try:
        return float(said) if said else 1.0
    except ValueError:
        return 0.0
