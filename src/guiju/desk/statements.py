# SPDX-License-Identifier: Apache-2.0
"""Statements of reasons (处理决定书): to each whom a decision affects, as JSON and as a letter in both languages
(Articles 13, 15, 19). The JSON is modelled on that of the EU's Digital Services Act, so that one can be made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec

from guiju.desk.remedies import Measure
from guiju.errors import Language
from guiju.law import book, calendar
from guiju.law.book import Said
from guiju.records.cases import Case, Source

SCHEMA: Final = "sor/1"
CONTEST_MONTHS: Final = 6
"""For how long a decision can be contested: the provider's own time."""

Party = Literal["complainant", "user", "account"]
Outcome = Literal["upheld", "partly", "not_upheld", "confirmed", "overturned"]
"""`confirmed` and `overturned` are for appeals against a decision."""


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """On what a decision rests.

    Attributes:
        kind: a law, or the provider's own terms of service.
        article: such as `GAI-2023 art.15`.
        text_zh, text_en: why the facts fall under it.
        rule: the version of a rule or term, where one decided.
    """

    kind: Literal["law", "service_rules"]
    article: str
    text_zh: Annotated[str, msgspec.Meta(max_length=2000)]
    text_en: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    rule: str = ""


class Content(msgspec.Struct, frozen=True):
    """What it is about: kinds of content, the day, and the number of the answer."""

    types: tuple[str, ...]
    date: str
    ref: str


class Redress(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where it can be contested; `before`: the last day, as a date."""

    kind: Literal["appeal", "authority", "court"]
    name: str = ""
    url: str = ""
    before: str = ""


class Regeneration(msgspec.Struct, frozen=True):
    """That content must not come again; `clean_by`: the last day on which the raw model may still generate it."""

    clean_by: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement of reasons.

    Attributes:
        id: such as `SOR-26-000123-1`; `case`: the receipt number.
        party: to whom it goes.
        outcome: what became of the complaint.
        measure: what was done.
        begins, until: days; no end where `until` is none.
        facts: what was found.
        automated_detection, automated_decision: whether software found it, and whether software decided.
        single_mode: whether something comes without a second person, as the provider has one only.
        regen: where content is stopped, by when the model itself must be clean (Article 15).
    """

    schema: str = SCHEMA
    id: str
    case: str
    party: Party
    outcome: Outcome
    measure: tuple[Measure, ...]
    begins: str = msgspec.field(name="from")
    until: str | None
    ground: Ground
    facts: Annotated[str, msgspec.Meta(max_length=5000)]
    source: Source
    automated_detection: bool
    automated_decision: Literal["none", "partial", "full"]
    content: Content
    redress: tuple[Redress, ...]
    single_mode: bool = False
    regen: Regeneration | None = None


class Provider(msgspec.Struct, frozen=True):
    """Who signs, and where one goes from there.

    Attributes:
        redress_url: where a decision can be contested; `{decision}` in it stands for the number of the case.
        `authority_url`: the authority's address.
    """

    name: str
    redress_url: str
    authority_url: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision says, whoever it is told to; see `Statement`."""

    outcome: Outcome
    ground: Ground
    facts: str
    automated_detection: bool = False
    automated_decision: Literal["none", "partial", "full"] = "none"
    content_types: tuple[str, ...] = ("synthetic_text",)


def day(at: int) -> str:
    """A day in UTC+8, as it stands in a statement."""
    return calendar.day_of(at).isoformat()


def state(
    case: Case,
    found: Found,
    to: tuple[int, Party],
    measures: Sequence[tuple[Measure, int]],
    provider: Provider,
    now: int,
    *,
    single: bool = False,
) -> Statement:
    """Write a statement.

    Args:
        case: the case.
        found: what was decided, and why.
        to: which statement of the case it is, from 1, and to whom.
        measures: what was done, each with its end in Unix seconds; 0 for none.
        provider: who signs.
        now: Unix seconds.
        single: whether something comes without a second person.
    """
    ends = [until for _, until in measures]
    stays = to[1] == "complainant" and "output_stopped" in {one for one, _ in measures}
    place = provider.redress_url.replace("{decision}", case.id)
    redress = (
        Redress("appeal", url=place, before=day(calendar.after_months(now, CONTEST_MONTHS) - 1)),
        Redress("authority", name="12377", url=provider.authority_url),
        Redress("court"),
    )
    return Statement(
        id=f"SOR-{case.id}-{to[0]}",
        case=case.id,
        party=to[1],
        outcome=found.outcome,
        measure=tuple(dict.fromkeys(measure for measure, _ in measures)),
        begins=day(now),
        until=day(max(ends)) if ends and all(ends) else None,
        ground=found.ground,
        facts=found.facts,
        source=case.source,
        automated_detection=found.automated_detection,
        automated_decision=found.automated_decision,
        content=Content(found.content_types, day(case.received_at), case.produce_id),
        redress=redress,
        single_mode=single,
        regen=Regeneration(day(book.clean_by(case.received_at) - 1)) if stays else None,
    )


@cache
def words() -> Mapping[str, Mapping[str, Said]]:
    """The words of letters (letters.toml)."""
    raw = files("guiju.desk").joinpath("letters.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(raw), dict[str, dict[str, Said]])


def letter(made: Statement, provider: Provider, language: Language) -> str:
    """A statement as a letter, in plain text.

    Args:
        made: the statement.
        provider: who signs.
        language: the Chinese one is the letter, the English one a reading copy.
    """
    said = {group: {name: one.of(language) for name, one in rows.items()} for group, rows in words().items()}
    head, parts = said["head"], said["part"]
    measures = "\n".join(f"- {said['measure'][one]}" for one in made.measure) or f"- {said['measure']['none']}"
    if made.measure:
        until = parts["until"].format(day=made.until) if made.until else parts["no_end"]
        measures += f"\n{parts['from'].format(day=made.begins)}{until}"
    basis = made.ground.text_zh if language == "zh" else made.ground.text_en or made.ground.text_zh
    redress = "\n".join(
        f"- {said['redress'][one.kind].format(url=one.url, before=one.before, name=one.name)}" for one in made.redress
    )
    sections = [
        (head["facts"], made.facts),
        (head["ground"], f"{made.ground.article}\n{basis}"),
        (head["outcome"], said["outcome"][made.outcome]),
        (head["measures"], measures),
        *([(head["regen"], parts["regen"].format(day=made.regen.clean_by))] if made.regen else []),
        (head["automation"], _automation(made, parts)),
        *([(head["single"], parts["single"])] if made.single_mode else []),
        (head["redress"], redress),
    ]
    body = "\n\n".join(f"{title}\n{text}" for title, text in sections)
    opening = said["to"][made.party].format(case=made.case)
    name = provider.name or parts["unnamed"]
    copy = f"{parts['copy']}\n" if parts["copy"] else ""
    return f"{copy}{head['title']}  {made.id}\n\n{opening}\n\n{body}\n\n{name}\n{made.begins}\n"


def _automation(made: Statement, parts: Mapping[str, str]) -> str:
    found = parts["found_by_software"] if made.automated_detection else parts["found_by_persons"]
    return found + parts[f"decided_{made.automated_decision}"]


def moment(at: int) -> str:
    """A moment in UTC+8, as screens show it."""
    return datetime.fromtimestamp(at, calendar.ZONE).strftime("%Y-%m-%d %H:%M (UTC+8)")
