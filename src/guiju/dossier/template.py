# SPDX-License-Identifier: Apache-2.0
"""The templates of documents, data in both languages: `templates/*.toml` (Articles 6 and 17).

A text may hold `{{org.name}}` (a fact), `{{figure:NAME}}`, `{{threshold:ID}}` and `{{date}}`. Nothing else is replaced,
so a template can neither compute nor decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from guiju.dossier.model import Style
from guiju.errors import ConfigError, Language
from guiju.law.book import Said

PLACE: Final = re.compile(r"\{\{\s*([a-z]+:)?([A-Za-z0-9_.\-]+)\s*\}\}")
"""A place that is filled: its kind, such as `figure:`, and its name."""

Cell = tuple[str, str]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of a template knows its names: an unknown one is an error."""


class BlockText(_Row, frozen=True):
    """One block of a section; exactly one of the kinds below is set.

    Attributes:
        zh, en: a paragraph, and its style.
        form: rows of label and value: `[zh, en, value]`, or `[zh, en, value in zh, value in en]`.
        head, lines: a table with rows that the template itself has; cells are `[zh, en]`.
        rows: a table that is made from the books: a name of `rows.TABLES`, with what it is to show (`of`); for a fact
            that is a list of rows, `keys` are the fields below the columns of `head`.
        conclusion: a person's own text, by its id in `conclusions.toml`.
        exhibits: the exhibits of a tag.
        sign: the roles that sign here.
        when: shown only where this fact is there (`!fact`: where it is not); `rules` and `trained` are those of
            `Sources.has`.
    """

    zh: str = ""
    en: str = ""
    style: Style = "body"
    form: tuple[tuple[str, ...], ...] = ()
    head: tuple[Cell, ...] = ()
    lines: tuple[tuple[Cell, ...], ...] = ()
    widths: tuple[float, ...] = ()
    rows: str = ""
    of: str = ""
    keys: tuple[str, ...] = ()
    conclusion: str = ""
    exhibits: str = ""
    sign: tuple[str, ...] = ()
    when: str = ""


class SectionText(_Row, frozen=True):
    """A section: its number (`3.2`, or `A.1`), its title, its blocks."""

    number: str
    zh: str
    en: str
    block: tuple[BlockText, ...] = ()


class Template(_Row, frozen=True):
    """One document.

    Attributes:
        numbering: `decimal` (1, 1.1) or `chinese` (一, 一（一）), as the authority's own form has it.
        basis: the texts by which it is made.
        cover: rows of label and value, as in a form.
    """

    id: str
    zh: str
    en: str
    basis: Said
    numbering: Literal["decimal", "chinese"] = "decimal"
    contents: bool = True
    cover: tuple[tuple[str, ...], ...] = ()
    section: tuple[SectionText, ...] = ()

    def title(self, language: Language) -> str:
        """Its title in one language."""
        return self.zh if language == "zh" else self.en


@cache
def template(id: str) -> Template:
    """One template.

    Raises:
        ConfigError: `not_found`; `config_invalid`: its file is not well formed.
    """
    path = files("guiju.dossier").joinpath("templates", f"{id}.toml")
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Template)
    except OSError as error:
        raise ConfigError("not_found", what=id) from error
    except msgspec.DecodeError as error:
        raise ConfigError("config_invalid", what=f"{id}.toml", hint=str(error)) from error


def texts(one: Template) -> Iterator[str]:
    """Every text of a template, in both languages."""
    for row in one.cover:
        yield from row
    for section in one.section:
        for block in section.block:
            yield from (block.zh, block.en)
            for row in block.form:
                yield from row
            for cells in block.lines:
                for cell in cells:
                    yield from cell


def asked(one: Template) -> Iterator[tuple[str, str]]:
    """Kind (`fact`, `figure`, `threshold`) and name of every place that a template fills."""
    for text in texts(one):
        for kind, name in PLACE.findall(text):
            yield kind.rstrip(":") or "fact", name
