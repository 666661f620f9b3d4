# SPDX-License-Identifier: Apache-2.0
"""Looks how the provider's own books stand while a process serves (Articles 4 to 7; deep synthesis, 14; Labelling
Measures, 8 and 12): soon after the start and six times a day. One of the workers does it for all.

Where the books say nothing of a matter, nothing is entered into the ledger: no proof then stands for the duty, and a
person's note alone keeps it. Where something in them is wrong, that is entered, and no note makes it good.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from guiju import publicwork
from guiju.adapters import egress
from guiju.controls import matters
from guiju.controls.hearing import hear
from guiju.controls.matters import Matter
from guiju.corpus import survey
from guiju.dossier import facts, following, given, telling
from guiju.dossier.kinds import kind as kind_of
from guiju.dossier.watch import Due, What
from guiju.errors import GuijuError, Language
from guiju.house import House
from guiju.law.book import threshold
from guiju.records import cases, corpora, disclosures, dossiers, figures, filings, rights, snapshots
from guiju.records.cases import Found
from guiju.records.filings import Kind
from guiju.terms import Finding, Hearing

log = logging.getLogger("guiju.matterwork")
_FIRST_S: Final = 20.0
_EVERY_S: Final = 4 * 3600
_AGAIN_S: Final = 60
"""Seconds until what could not be looked at is looked at again."""
_YEAR_S: Final = 366 * 86_400
"""Seconds after which an impact assessment has to be made anew; the law sets no time, this is ours."""
_TASK_S: Final = 30 * 86_400
"""Seconds within which a model that learnt from what it may not is seen to; ours."""
_PRIVACY: Final = "privacy"
_MATERIAL: Final = "store"
"""Kinds of packages: impact assessment with records of processing, and material on labels."""
_ORDERS: Final = ("rectification", "inquiry")
_MOST: Final = 1000
_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
Looked = tuple[bool, Sequence[str]]
"""Whether the books say anything, and what is wrong there, in words that hold no content."""


class Shelf(msgspec.Struct, frozen=True):
    """What several looks share.

    Attributes:
        due: what is due with the authorities.
        standings: of the sources that are registered.
    """

    due: Sequence[Due]
    standings: Sequence[corpora.Standing]


async def watch(house: House) -> None:
    """Look, until the house closes."""
    wait = _FIRST_S
    while True:
        await asyncio.sleep(wait)
        wait = _EVERY_S
        try:
            await prove(house)
        except GuijuError as error:
            log.error("books_not_looked_at", extra={"code": error.code})
            wait = _AGAIN_S


async def prove(house: House) -> dict[str, Hearing]:
    """Look once, and write what came of each matter into the ledger.

    Returns:
        Control → what was decided.

    Raises:
        ConfigError: org.toml is not well formed.
        OutsideError: `store_unavailable`.
    """
    looked = await asyncio.to_thread(look, house)
    made = {}
    for control in house.live.policy.controls.matters:
        there, wrong = looked[control.id]
        found = tuple(Finding("books", one, "block", control.id, control.id, 0, 0, "raw") for one in wrong)
        made[control.id] = heard = hear((control,), Matter(there), found, "input")
        if wrong:
            kind = wrong[0]
            log.error("books_not_in_order", extra={"control": control.id, "kind": kind})
        if there or wrong:
            house.live.books.proof([control.id], not heard.stops)
    return made


def look(house: House) -> dict[str, Looked]:
    """What the books say of each matter.

    Raises:
        ConfigError: org.toml is not well formed.
        OutsideError: `store_unavailable`.
    """
    store, now = house.store, int(house.live.clock())
    every = (corpora.standing(store, one.id) for one in corpora.history(store) if not one.removed_at)
    shelf = Shelf(
        following.due(house.live.settings, store, house.options.data, now), [one for one in every if one is not None]
    )
    return {id: one(house, shelf, now) for id, one in LOOKS.items()}


def _surveyed(control: str) -> Callable[[House, Shelf, int], Looked]:
    """What the newest audits say of each source: that they looked for it, and that no model learnt from what they
    found."""

    def one(house: House, shelf: Shelf, now: int) -> Looked:
        audits = [(standing, _audit(standing)) for standing in shelf.standings]
        audited = [(standing, figures_) for standing, figures_ in audits if figures_ is not None]
        wrong = []
        for standing, figures_ in audited:
            if not survey.surveyed(control, figures_):
                wrong += ["unsurveyed"] * bool(standing.models)
            elif standing.models:
                wrong += [found.category for found in survey.against(control, figures_)]
        if control == matters.QUALITY:
            wrong += _sampled(house, {standing.source.id for standing in shelf.standings if standing.models})
        there = any(survey.surveyed(control, figures_) for _, figures_ in audited)
        return there, wrong

    return one


def _audit(standing: corpora.Standing) -> Mapping[str, Any] | None:
    """The figures of the newest audit of all of a source."""
    newest = next((one for one in standing.audits if one.stage == "full"), None)
    made: Mapping[str, Any] | None = json.loads(newest.figures) if newest else None
    return made


def _sampled(house: House, learnt: set[str]) -> Iterator[str]:
    """Samples that persons looked at and in which too much was wrong."""
    least = threshold("corpus.manual.pass").value
    for one in figures.latest(house.store, "corpus.sample.manual@"):
        if one.name.partition("@")[2] in learnt and one.value < least:
            yield "quality.sample"


def _training(house: House, shelf: Shelf, now: int) -> Looked:
    """Whether each source that a model learnt from is proved and was audited to be usable, and whether somebody saw to
    the models that learnt from what they may not."""
    wrong = []
    for standing in shelf.standings:
        newest = next((one for one in standing.audits if one.stage == "full"), None)
        if standing.models and (newest is None or newest.result != "usable"):
            wrong.append("learnt_from_unusable")
        if standing.models and (standing.missing or standing.unproven or standing.refused):
            wrong.append("learnt_from_unproved")
    late = any(one.opened_at + _TASK_S <= now for one in corpora.tasks(house.store))
    return bool(shelf.standings), [*wrong, *["task_late"] * late]


def _handler(house: House, shelf: Shelf, now: int) -> Looked:
    """Whether personal data have an impact assessment and records of processing, signed by all and not too old; whether
    whoever gets data has a purpose and a contract; whether requests of persons are settled in time."""
    roles, newest = kind_of(_PRIVACY).roles, 0
    for built in dossiers.history(house.store, _PRIVACY):
        if not built.draft and not dossiers.next_role(dossiers.signatures(house.store, built.digest), roles):
            newest = max(newest, built.built_at)
    wrong = ["egress"] * bool(egress.missing(house.live.settings))
    wrong += ["request_late"] * any(one.due_at <= now for one in rights.requests(house.store, waiting=True))
    wrong += ["assessment_old"] * (0 < newest <= now - _YEAR_S)
    return newest > 0, wrong


def _filing(kind: Kind, *overdue: What) -> Callable[[House, Shelf, int], Looked]:
    """Whether a filing of a kind was handed in and stands, and nothing about it is overdue."""

    def one(house: House, shelf: Shelf, now: int) -> Looked:
        mine = [filed for filed in filings.every(house.store) if filed.kind == kind and filed.stands]
        unnumbered = any(filed.approved and not filed.number.strip() for filed in mine)
        return bool(mine), ["number_missing"] * unnumbered + _late(shelf, overdue, now)

    return one


def _current(house: House, shelf: Shelf, now: int) -> Looked:
    """Whether what changed since a filing was filed anew in time, and a service that ended is filed no more."""
    there = any(one.submitted for one in filings.every(house.store))
    return there, _late(shelf, ("change", "cancel"), now)


def _late(shelf: Shelf, whats: Sequence[What], now: int) -> list[str]:
    return [f"{one.what}_late" for one in shelf.due if one.what in whats and one.overdue(now)]


def _orders(house: House, shelf: Shelf, now: int) -> Looked:
    """Whether what an authority ordered or asked is answered in time. What it asks of everybody, nobody enters."""
    every = cases.listed(house.store, Found(kinds=_ORDERS, open=False, limit=_MOST))
    late = cases.listed(house.store, Found(kinds=_ORDERS, due_before=now, limit=_MOST))
    wrong = [f"{one.kind}_late" for one in late] + _late(shelf, ("inquiry",), now)
    return bool(every or filings.inquiries(house.store)), wrong


def _agreement(house: House, shelf: Shelf, now: int) -> Looked:
    """Whether the user agreement, as it was published last, says by which means and in which form content is labelled,
    and asks users to read it; and whether that is how labels are made now."""
    known, wrong, languages = publicwork.known(house), list[str](), _LANGUAGES
    kept = [_published(house, language) for language in languages]
    for language, parts in zip(languages, kept, strict=True):
        lines = [line for part in parts for line in part.lines]
        said = {line.text for line in lines}
        wrong += ["label_unsaid"] * (bool(parts) and any(one not in said for one in given.agreed(known, language)))
        wrong += ["unfilled"] * any(line.lacks for line in lines)
    return all(kept), wrong


def _published(house: House, language: Language) -> tuple[telling.Part, ...]:
    """What the user agreement said when it said something new last; nothing before it was published."""
    page = snapshots.named("terms", language)
    newest = snapshots.history(house.store, page, 1)
    raw = snapshots.said(house.store, page, newest[0].number) if newest else None
    return msgspec.json.decode(raw, type=tuple[telling.Part, ...]) if raw else ()


def _material(house: House, shelf: Shelf, now: int) -> Looked:
    """Whether the material on labels was handed in with what was filed, and names the provider as labels do."""
    built = {one.digest for one in dossiers.history(house.store, _MATERIAL)}
    handed = any(one.what == "submission" and one.about in built for one in disclosures.every(house.store))
    filed = any(one.stands for one in filings.every(house.store))
    values = facts.read(facts.place(house.options.data))
    return handed and filed, ["provider_differs"] * bool(following.differing(house.live.settings, values))


LOOKS: Final[Mapping[str, Callable[[House, Shelf, int], Looked]]] = {
    matters.BIAS: _surveyed(matters.BIAS),
    matters.QUALITY: _surveyed(matters.QUALITY),
    matters.TRAINING: _training,
    matters.HANDLER: _handler,
    matters.SECURITY: _filing("security", "assess"),
    matters.ALGORITHM: _filing("algorithm", "file"),
    matters.CURRENT: _current,
    matters.ORDERS: _orders,
    matters.AGREEMENT: _agreement,
    matters.LABELS: _material,
}
"""Control → what looks for it."""
