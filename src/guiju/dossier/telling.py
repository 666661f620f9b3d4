# SPDX-License-Identifier: Apache-2.0
"""What each public page says, put together from facts, figures and settings (Articles 10 and 17). Pure.

The texts and their order are data (pages.toml). What a page must say and cannot is named, never left out silently.
"""

from __future__ import annotations

import datetime
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from guiju.controls.guidance import Both, Notice
from guiju.dossier import facts
from guiju.dossier.figure_words import named, number
from guiju.dossier.given import LISTS, NAMES, Known
from guiju.errors import Bilingual, Language
from guiju.records.use import day_of
from guiju.terms import Figure

Page = Literal["about", "algorithm", "terms", "privacy", "minors"]
_EPOCH: Final = datetime.date(1970, 1, 1)
_DAY: Final = datetime.timedelta(days=1)
PAGES: Final[tuple[Page, ...]] = ("about", "algorithm", "terms", "privacy", "minors")


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of pages.toml; see there."""

    fact: str = ""
    given: str = ""
    figure: str = ""
    zh: str = ""
    en: str = ""
    must: bool = False


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A section of a page."""

    page: Page
    title: Both
    row: tuple[Row, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    section: tuple[Section, ...]


class Line(msgspec.Struct, frozen=True):
    """One line as a page shows it.

    Attributes:
        label: what it is; empty for a sentence.
        text: what is said.
        at: the day of a figure.
        evidence: where it rests.
        lacks: whether it must be said and is not.
    """

    label: str
    text: str
    at: str = ""
    evidence: str = ""
    lacks: bool = False


class Part(msgspec.Struct, frozen=True):
    """A section as a page shows it."""

    title: str
    lines: tuple[Line, ...]


class Told(msgspec.Struct, frozen=True):
    """A page in one language, the hash of what it says, and what it lacks."""

    parts: tuple[Part, ...]
    hash: str
    lacks: tuple[str, ...]


@cache
def sections() -> tuple[Section, ...]:
    """All sections, in the order of the file."""
    raw = files("guiju.dossier").joinpath("pages.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(raw), _File).section


def told(page: Page, known: Known, figures: Sequence[Figure], language: Language, own: Sequence[Notice] = ()) -> Told:
    """What a page says.

    Args:
        page: which.
        known: facts and settings.
        figures: the newest of each number.
        language: of the reader.
        own: texts of the provider's own, which come first.
    """
    made = [_own(one, language) for one in own]
    for section in sections():
        if section.page == page:
            lines = [_begun(line) for row in section.row for line in _lines(row, known, figures, language)]
            if lines:
                made.append(Part(section.title.within(language), tuple(lines)))
    lacks = tuple(dict.fromkeys(line.label for part in made for line in part.lines if line.lacks))
    return Told(tuple(made), hashlib.sha256(msgspec.json.encode(made)).hexdigest(), lacks)


def missing(known: Known) -> dict[Page, tuple[str, ...]]:
    """Page → what it must say and cannot, in Chinese."""
    made = {page: told(page, known, (), "zh").lacks for page in PAGES}
    return {page: lacks for page, lacks in made.items() if lacks}


def _own(one: Notice, language: Language) -> Part:
    lines = tuple(Line("", point.zh if language == "zh" else point.en) for point in one.point)
    return Part(one.title.within(language), lines)


def _lines(row: Row, known: Known, figures: Sequence[Figure], language: Language) -> list[Line]:
    if row.fact:
        return _fact(row, known, language)
    if row.given:
        lines = [Line(a.within(language), b.within(language)) for a, b in LISTS[row.given](known)]
        return lines or ([_lacking(NAMES[row.given], language)] if row.must else [])
    if row.figure:
        found = [one for one in figures if _is(one.name, row.figure)]
        return [_figure(one, language) for one in found]
    return [Line("", row.zh if language == "zh" else row.en)]


def _begun(line: Line) -> Line:
    """A line whose label begins with a capital."""
    return msgspec.structs.replace(line, label=line.label[:1].upper() + line.label[1:])


def _is(name: str, wanted: str) -> bool:
    """Whether a figure is the one that a row names; a name that ends with a dot is of all that begin so."""
    return name.startswith(wanted) if wanted.endswith(".") else name == wanted


def _fact(row: Row, known: Known, language: Language) -> list[Line]:
    one: Mapping[str, facts.Fact] = {fact.id: fact for fact in facts.facts()}
    fact = one[row.fact]
    if fact.id in known.values:
        return [Line(fact.of(language), facts.said(fact, known.values[fact.id], language))]
    return [_lacking(Bilingual(fact.zh, fact.en), language)] if row.must else []


def _lacking(what: Bilingual, language: Language) -> Line:
    return Line(what.within(language), "尚未填写" if language == "zh" else "not said yet", lacks=True)


def _figure(one: Figure, language: Language) -> Line:
    return Line(named(one.name, language), number(one, language), day(one.at), one.evidence)


def day(at: int) -> str:
    """A day (UTC+8) as pages write it."""
    return (_EPOCH + _DAY * day_of(at)).isoformat()
