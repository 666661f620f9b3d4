# SPDX-License-Identifier: Apache-2.0
"""All that documents are made of: facts, figures, thresholds, a person's conclusions, clauses, exhibits, lists
(Articles 6 and 17). Documents read nothing else, so two of them can't disagree.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from guiju.errors import ConfigError, Language, failed
from guiju.law.book import LawText, Threshold
from guiju.terms import Figure

FOLDER: Final = "dossier"
"""Below the data directory: what persons write for documents, and the exhibits."""
CONCLUSIONS: Final = "conclusions.toml"
CLAUSES: Final = "clauses.toml"
Status = Literal["met", "not_met", "not_applicable"]
_EXPLAINED: Final = "explained"


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row that a person writes knows its names: an unknown one is an error."""


class Conclusion(_Row, frozen=True):
    """What a person says in their own words; nothing here is ever made by software.

    Attributes:
        by, on: who says it, and when.
        zh, en: the text; it may quote `{{figure:NAME}}` and `{{org.name}}`, and no other number.
    """

    by: str
    on: datetime.date
    zh: str
    en: str = ""

    def said(self, language: Language) -> str:
        """The text in one language; the Chinese one where there is no other."""
        return self.en if language == "en" and self.en else self.zh


class Clause(_Row, frozen=True):
    """One clause of a standard, and whether it is kept.

    Attributes:
        read: whether the words come from the text itself; `no` for the outline that Guiju ships.
        status: as a person found it; `None` until then.
        proof: the proof's id or path, or the reason why it is not met or does not apply.
        confirmed_by, confirmed_on: the person who confirmed this row.
    """

    id: str
    zh: str
    en: str = ""
    read: Literal["yes", "no"] = "no"
    duties: tuple[str, ...] = ()
    status: Status | None = None
    proof: str = ""
    confirmed_by: str = ""
    confirmed_on: datetime.date | None = None

    @property
    def settled(self) -> bool:
        """Whether a person answered for it, with a proof or a reason."""
        return bool(self.status and self.proof.strip() and self.confirmed_by.strip() and self.confirmed_on)


class Clauses(_Row, frozen=True):
    """The clauses of one standard."""

    standard: str
    clause: tuple[Clause, ...] = ()


class Exhibit(_Row, frozen=True):
    """One exhibit: a picture of an own page, or a file that proves something.

    Attributes:
        tag: what it shows, such as `label.text`, `rights.privacy`, `contract`, `product`.
        about: the id or name of the model or product that it is about.
        dated: the date that the paper itself bears; of a picture the day on which it was taken.
        url, status, selector, text: of a picture: the page, its HTTP status, and what was asserted to be on it.
        path: below the folder of exhibits.
    """

    id: str
    tag: str
    zh: str
    en: str
    path: str
    sha256: str
    dated: datetime.date
    about: str = ""
    url: str = ""
    status: int = 0
    selector: str = ""
    text: str = ""

    @property
    def is_picture(self) -> bool:
        """Whether a document can show it; other files are named and go along."""
        return self.path.lower().endswith((".png", ".jpg", ".jpeg"))

    def named(self, language: Language) -> str:
        """What it shows, in one language."""
        return self.zh if language == "zh" else self.en


class Keyword(msgspec.Struct, frozen=True):
    """One keyword that is intercepted, and the id of its class."""

    term: str
    risk: str


class Question(msgspec.Struct, frozen=True):
    """One test question: its bank, class, wording, the model's answer and what a person found of it (`pass`/`fail`)."""

    id: str
    bank: str
    risk: str
    zh: str
    en: str = ""
    answer: str = ""
    verdict: str = ""


class Corpus(msgspec.Struct, frozen=True):
    """One source that the model learns from, as its register has it."""

    id: str
    title: str
    kind: str
    licence: str
    origin: str
    modality: str
    items: int
    bytes: int
    proofs: tuple[str, ...]
    verdict: str


class Rulebook(msgspec.Struct, frozen=True):
    """One published version of the rules of annotation: its name, title, date, hash, parts by name, labels."""

    name: str
    kind: str
    title: str
    on: datetime.date
    hash: str
    parts: Mapping[str, str]
    labels: Sequence[tuple[str, str, str]]


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What one build is made of.

    Attributes:
        facts: by id: text, number, yes or no, date, a list of these, or a list of rows (mappings).
        figures: the newest of each name.
        thresholds: of the law's own file, by id.
        on: the date that the documents bear.
        filed: the day on which the service was first filed or registered; none where it was not yet.
        hosts: the model services that the settings name (lint L06).
        names: of facts, in both languages, for those who must fill them in.
        choices: of facts that choose: the names of what can be chosen.
        optional: facts that may be empty.
    """

    facts: Mapping[str, Any]
    figures: Mapping[str, Figure]
    thresholds: Mapping[str, Threshold]
    law: LawText
    on: datetime.date
    filed: datetime.date | None = None
    conclusions: Mapping[str, Conclusion] = {}
    clauses: Clauses = Clauses(standard="")
    exhibits: Sequence[Exhibit] = ()
    pictures: Mapping[str, bytes] = {}
    keywords: Sequence[Keyword] = ()
    questions: Sequence[Question] = ()
    corpora: Sequence[Corpus] = ()
    rules: Sequence[Rulebook] = ()
    controls: Sequence[tuple[str, str]] = ()
    hosts: Sequence[str] = ()
    names: Mapping[str, tuple[str, str]] = {}
    choices: Mapping[str, Mapping[str, tuple[str, str]]] = {}
    optional: Collection[str] = ()

    def fact(self, id: str) -> Any:
        """A fact; `None` where nobody has said it, or said nothing."""
        value = self.facts.get(id)
        return None if value in ("", [], ()) or (isinstance(value, str) and not value.strip()) else value

    def has(self, name: str) -> bool:
        """Whether there is a fact, or: published rules (`rules`), a model that was trained here (`trained`)."""
        if name == "rules":
            return bool(self.rules)
        if name == "trained":
            return self.words("data.sources") != ["none"]
        return self.fact(name) not in (None, False)

    def rows(self, id: str) -> list[Mapping[str, Any]]:
        """A fact that is a list of rows."""
        value = self.fact(id)
        return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []

    def words(self, id: str) -> list[str]:
        """A fact that is a list of words; one word counts as a list of one."""
        value = self.fact(id)
        if isinstance(value, list | tuple):
            return [str(one) for one in value if not isinstance(one, Mapping)]
        return [str(value)] if value is not None else []

    def told(self, tag: str) -> list[Exhibit]:
        """The exhibits of a tag, and of those below it (`label` has `label.text`)."""
        return [one for one in self.exhibits if one.tag == tag or one.tag.startswith(tag + ".")]


def conclusions(path: Path) -> dict[str, Conclusion]:
    """What persons concluded, by id; `explained.ID` for a threshold that is not met. None where there is no file.

    Raises:
        ConfigError: `config_invalid`: the file is not well formed.
    """
    raw = _toml(path)
    explained = raw.pop(_EXPLAINED, {})
    try:
        made = msgspec.convert(raw, dict[str, Conclusion])
        more = msgspec.convert(explained, dict[str, Conclusion])
    except msgspec.ValidationError as error:
        raise ConfigError("config_invalid", what=path.name, hint=str(error)) from error
    return made | {f"{_EXPLAINED}.{id}": one for id, one in more.items()}


def clauses(path: Path) -> Clauses:
    """The clauses that an operator imported.

    Raises:
        ConfigError: `not_found`, `config_invalid`.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Clauses)
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except msgspec.DecodeError as error:
        raise ConfigError("config_invalid", what=path.name, hint=str(error)) from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        made: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except msgspec.DecodeError as error:
        raise ConfigError("config_invalid", what=path.name, hint=str(error)) from error
    return made
