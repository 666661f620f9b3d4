# SPDX-License-Identifier: Apache-2.0
"""The book of the law: reads texts/*.toml into frozen terms. All articles of the draft and of the text in force.

A text either stands by itself (`draft-2023`, which gives the canonical ids) or over another one (`interim-2023` says
what became of each duty of the draft, and adds its own). Both refer to other law for labels: those texts stand beside
either, with ids and letters of their own. Nothing here decides anything; `proof.py` does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from guiju.errors import ConfigError, Language, Page
from guiju.law import calendar

Owner = Literal["provider", "state", "user", "regulator", "anyone", "law"]
By = Literal["software", "person", "none"]
Kind = Literal["scope", "policy", "penalty", "user", "run", "eval", "data", "ann", "gov", "desk"]
Change = Literal["same", "softened", "narrowed", "changed", "dropped", "added"]
Modality = Literal["shall", "should"]
Read = Literal["official", "secondary", "memory"]
"""How well a row was read. `memory`: recalled only; it blocks nothing and `unread` lists it."""

Proof = Literal["canary", "entry", "run", "check", "document", "note", "none"]
"""What kind of evidence shows a duty kept; docs/en/reference/law.md says what each is."""

PROFILES: Final = ("interim-2023", "companion-2026", "draft-2023")
BESIDE: Final = ("labelling-2025", "deep-synthesis-2022")
"""Texts whose duties belong to every profile; each can be read by itself, too."""
_DOCS: Final = Page("reference/law.md")


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the texts knows its names: an unknown one is an error."""


class Said(_Row, frozen=True):
    """One sentence in both languages."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The sentence in one language."""
        return self.zh if language == "zh" else self.en


class Threshold(_Row, frozen=True):
    """One figure of the law or of a standard.

    Attributes:
        value, unit, bound: such as 0.96, `share`, `min` (not less than) or `max` (not more than).
        basis: the text it stands in, such as `003` (TC260-003), `45654-A` or `practice` (no law at all).
        applies: the class of risks it is for, such as `A.1`; `""` for none in particular.
    """

    id: str
    value: float
    unit: str
    bound: Literal["min", "max"]
    modality: Modality
    basis: str
    source: str
    read: Read
    zh: str
    en: str
    applies: str = ""


class Deadline(_Row, frozen=True):
    """By when something is due. One of the counts is set; all zero means before the event that `start` names.

    Attributes:
        months, working_days, days, hours: calendar months, working days, days and hours from `start`.
        start: the event it runs from (`from` in the file).
    """

    start: Said = msgspec.field(name="from")
    source: str
    read: Read
    modality: Modality = "shall"
    months: int = 0
    working_days: int = 0
    days: int = 0
    hours: int = 0


class Duty(_Row, frozen=True):
    """One duty as it stands in one text.

    Attributes:
        id: the canonical id: the draft's, or one that begins with `i.` for what the draft did not have.
        article: the article in this text; `-` where it has none.
        by: who keeps it: `software` (a control), `person` (a note), `none` (not the provider's to keep).
        change: what became of the draft's duty; in the draft itself `same`.
        in_force: whether this profile asks for it.
        zh, en: what it asks, in our own words; differs: what is different from the draft.
        deadlines, numbers: the times and figures that belong to it.
        basis: other law that carries it, such as the Cybersecurity Law for 9.a.
        evidence: the kind of evidence that shows it kept.
        limit_s: seconds after which that evidence is stale; 0 where a note's own expiry decides.
    """

    id: str
    article: str
    owner: Owner
    by: By
    kind: Kind
    modality: Modality
    read: Read
    evidence: Proof
    limit_s: int
    zh: str
    en: str
    change: Change = "same"
    in_force: bool = True
    differs: Said | None = None
    deadlines: tuple[Deadline, ...] = ()
    numbers: tuple[Threshold, ...] = ()
    basis: tuple[str, ...] = ()

    def said(self, language: Language) -> str:
        """What it asks, in one language."""
        return self.zh if language == "zh" else self.en

    @property
    def owed(self) -> bool:
        """Whether the provider owes it in this profile."""
        return self.in_force and self.owner == "provider" and self.by != "none"


class LawText(_Row, frozen=True):
    """One text of the law with its duties, in the order of its file.

    Attributes:
        date: day of publication of a draft, day of effect of a text in force (ISO 8601).
        in_force: whether the text is law; a draft kept as a strict profile is not.
        base: the text it stands over; `""` for none.
        letter: what stands before its articles where it stands beside another text, such as `L` in `L4(1)`.
        adds: whether the base's rows stand as they are, and only what is new is written.
    """

    id: str
    title: Said
    status: Said
    date: str
    source: str
    in_force: bool
    duties: tuple[Duty, ...]
    base: str = ""
    letter: str = ""
    adds: bool = False

    def duty(self, id: str) -> Duty:
        """The duty of that id.

        Raises:
            ConfigError: there is none.
        """
        for duty in self.duties:
            if duty.id == id:
                return duty
        raise ConfigError("not_found", what=f"duty {id}")


class RiskClass(_Row, frozen=True):
    """One of the five classes of risk."""

    id: str
    zh: str
    en: str


class Risk(_Row, frozen=True):
    """One of the 31 risks of Annex A.

    Attributes:
        family: the id of its class, such as `A.1` (`class` in the file).
        category: the plain name that a refused caller is told.
    """

    id: str
    family: str = msgspec.field(name="class")
    zh: str
    en: str
    category: Said


class Aspect(Said, frozen=True):
    """An aspect in which a lawful question must be answered, by an id that banks name."""

    id: str


class _RiskFile(_Row, frozen=True):
    basis: str
    read: Read
    source: str
    families: tuple[RiskClass, ...] = msgspec.field(name="class")
    risk: tuple[Risk, ...]
    aspect: tuple[Aspect, ...]


def clean_by(found: int) -> int:
    """When a raw model must no longer generate what was found at a time: three calendar months later (15.b)."""
    return calendar.after_months(found, load("draft-2023").duty("15.b").deadlines[0].months)


def load(name: str) -> LawText:
    """Read one text with all its duties, those not in force included; a profile with those of the texts beside it.

    Args:
        name: one of `PROFILES`, of which `interim-2023` is the default elsewhere, or of `BESIDE`.

    Raises:
        ConfigError: there is no such text, or its file is not well formed.
    """
    if name not in (*PROFILES, *BESIDE):
        raise ConfigError("config_invalid", what=f"profile = {name!r}", hint=" | ".join((*PROFILES, *BESIDE)))
    text = _load(name)
    if name in BESIDE:
        return text
    more = tuple(
        msgspec.structs.replace(duty, article=beside.letter + duty.article)
        for beside in map(_load, BESIDE)
        for duty in beside.duties
    )
    return msgspec.structs.replace(text, duties=(*text.duties, *more))


def _load(name: str) -> LawText:
    raw = _read(name)
    raw.pop("duty", None)
    rows = _rows(name)
    figures = {figure.id: msgspec.to_builtins(figure) for figure in thresholds()}
    try:
        for row in rows:
            row["numbers"] = [figures[one] for one in row.get("numbers", ())]
        return msgspec.convert({**raw, "duties": rows}, LawText)
    except KeyError as error:
        raise _broken(name, f"no threshold {error}") from error
    except msgspec.ValidationError as error:
        raise _broken(name, str(error)) from error


def known_ids() -> frozenset[str]:
    """The ids of the duties of all texts."""
    return frozenset(row["id"] for text in (*PROFILES, *BESIDE) for row in _read(text).get("duty", []))


def risks() -> tuple[Risk, ...]:
    """The 31 risks of Annex A of GB/T 45654-2025, in its order."""
    return _risk_file().risk


def risk_classes() -> tuple[RiskClass, ...]:
    """The five classes of the risks."""
    return _risk_file().families


def aspects() -> tuple[Aspect, ...]:
    """The 13 aspects in which a lawful question must be answered (TC260-003)."""
    return _risk_file().aspect


def thresholds() -> tuple[Threshold, ...]:
    """Every figure, in the order of its file."""
    try:
        return msgspec.convert(_read("thresholds").get("threshold", []), tuple[Threshold, ...])
    except msgspec.ValidationError as error:
        raise _broken("thresholds", str(error)) from error


def threshold(id: str) -> Threshold:
    """One of them, with its bound and source."""
    return next(one for one in thresholds() if one.id == id)


def unread(text: LawText) -> tuple[Duty | Threshold, ...]:
    """What of a text nobody has read yet: its duties, and then all figures, whose mark is `memory`."""
    return (
        *(duty for duty in text.duties if duty.read == "memory"),
        *(figure for figure in thresholds() if figure.read == "memory"),
    )


def tests() -> dict[str, str]:
    """Duty id → id of the test that shows it kept (texts/tests.toml, generated)."""
    try:
        return msgspec.convert(_read("tests").get("tests", {}), dict[str, str])
    except msgspec.ValidationError as error:
        raise _broken("tests", str(error)) from error


@cache
def _risk_file() -> _RiskFile:
    try:
        return msgspec.convert(_read("risks"), _RiskFile)
    except msgspec.ValidationError as error:
        raise _broken("risks", str(error)) from error


def _rows(name: str) -> list[dict[str, Any]]:
    """The rows of a text, over those of its base, over those of its base's base."""
    raw = _read(name)
    rows: list[dict[str, Any]] = raw.get("duty", [])
    if not (base := raw.get("base")):
        return rows
    below = _rows(str(base))
    if raw.get("adds"):
        named = {row["id"] for row in rows}
        rows = [*({"id": row["id"], "change": "same"} for row in below if row["id"] not in named), *rows]
        return _over(below, rows, name, adds=True)
    return _over(below, rows, name)


def _over(
    base: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], name: str, *, adds: bool = False
) -> list[dict[str, Any]]:
    """Lay a later text over an earlier one.

    A row that is `same` or `dropped` keeps the base's sentence, deadlines and numbers unless it brings its own; any
    other row replaces them. Every id of the base must stand in the later text, once, and what is new says `added`.
    """
    known = {row["id"]: row for row in base}
    ids = [row["id"] for row in rows]
    if missing := [id for id in known if ids.count(id) != 1]:
        raise _broken(name, f"the base's duties {missing} must each stand here once")
    whole: list[dict[str, Any]] = []
    for row in rows:
        change = row.get("change")
        if (row["id"] in known) == (change == "added") or change is None:
            raise _broken(name, f"duty {row['id']}: change = {change!r}")
        if change != "same" and "differs" not in row:
            raise _broken(name, f"duty {row['id']} does not say what differs")
        below = dict(known.get(row["id"], {}))
        if adds and change == "same":
            whole.append(below)
            continue
        if change not in ("same", "dropped"):
            for field in ("zh", "en", "deadlines", "numbers"):
                below.pop(field, None)
        whole.append({**below, **row})
    return whole


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("guiju.law").joinpath("texts", f"{name}.toml").read_text("utf-8"))


def _broken(name: str, what: str) -> ConfigError:
    return ConfigError("config_invalid", what=f"law/texts/{name}.toml: {what}", hint=_DOCS)
