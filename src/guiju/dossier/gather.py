# SPDX-License-Identifier: Apache-2.0
"""Gathers what documents are made of: facts, the store's figures, registers, lists, what persons wrote, exhibits
(Articles 6 to 8, 17). It reads; it makes nothing up, and what is not there stays missing.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from guiju.config import Settings
from guiju.detect import shipped
from guiju.dossier import derived, exhibits, facts, questions, sources
from guiju.dossier.filling import catalogue
from guiju.dossier.sources import Clauses, Corpus, Keyword, Question, Rulebook, Sources
from guiju.errors import ConfigError, failed
from guiju.law import book, calendar
from guiju.records import corpora, figures, filings, lexicons, rulebooks
from guiju.records.db import Store
from guiju.terms import Figure


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the house hands in, because a room can't see it: which control keeps which duty, and the banks of questions.

    Attributes:
        controls: duty and control.
        banks: questions, without answers.
        on: the date that the documents bear.
        profile: the text of the law.
    """

    controls: Sequence[tuple[str, str]] = ()
    banks: Sequence[Question] = ()
    on: datetime.date
    profile: str


def gather(settings: Settings, store: Store, data: Path, given: Given) -> Sources:
    """Everything that documents are made of.

    Raises:
        ConfigError: a file that a person writes is not well formed.
        OutsideError: `store_unavailable`.
    """
    folder = data / sources.FOLDER
    known = {one.name: one for one in figures.latest(store) if not hollow(one)}
    shown, pictures = exhibits.read(folder)
    return Sources(
        facts=_facts(store, data),
        figures={**derived.derived(known), **known},
        thresholds={one.id: one for one in book.thresholds()},
        law=book.load(given.profile),
        on=given.on,
        filed=_filed(store),
        conclusions=sources.conclusions(folder / sources.CONCLUSIONS),
        clauses=_clauses(folder / sources.CLAUSES),
        exhibits=shown,
        pictures=pictures,
        keywords=_keywords(settings, store),
        questions=questions.read(folder, given.banks),
        corpora=_corpora(store),
        rules=_rules(store),
        controls=given.controls,
        hosts=[urlsplit(one.url).hostname or "" for one in settings.upstream],
        optional={one.id for one in facts.facts() if not one.required},
        names={one.id: (one.zh, one.en) for one in facts.facts()},
        choices={one.id: {each.id: (each.zh, each.en) for each in one.choices} for one in facts.facts() if one.choices},
    )


def hollow(figure: Figure) -> bool:
    """Whether a figure is a share of nothing: it says nothing, and a document that quotes it would say too much."""
    known = catalogue().get(figure.name)
    return figure.n <= 0 and (known.unit == "share" if known else 0 <= figure.value <= 1)


def _facts(store: Store, data: Path) -> dict[str, Any]:
    """What is said of the facts, and the number of the algorithm's filing from the register."""
    said: dict[str, Any] = dict(facts.read(facts.place(data)))
    standing = [one for one in filings.every(store) if one.kind == "algorithm" and one.stands]
    if standing:
        said["filing.algorithm"] = standing[-1].number or "办理中"
    return said


def _filed(store: Store) -> datetime.date | None:
    """The day on which the authority first agreed to the service, where that still stands."""
    days = (one.approved for one in filings.every(store) if one.kind in ("service", "registration") and one.stands)
    return min((datetime.date.fromisoformat(one) for one in days if one), default=None)


def _clauses(path: Path) -> Clauses:
    return sources.clauses(path) if path.is_file() else Clauses(standard="")


def _keywords(settings: Settings, store: Store) -> list[Keyword]:
    """Every term that blocks: of the provider's lists and of the shipped packs in force."""
    _, own = lexicons.current(store)
    packs = shipped.entries(settings.detect.packs, settings.detect.without)
    found = {one.term: one.category for one in (*packs, *own) if one.severity == "block"}
    return [Keyword(term, risk) for term, risk in sorted(found.items())]


def _corpora(store: Store) -> list[Corpus]:
    made = []
    for one in corpora.history(store):
        if one.removed_at:
            continue
        standing = corpora.standing(store, one.id)
        proofs = tuple(sorted({proof.kind for proof in standing.proofs})) if standing else ()
        newest = next(iter(standing.audits), None) if standing else None
        verdict = newest.result if newest else ""
        items = one.items or (_rows(newest.figures) if newest else 0)
        told = (one.id, one.title, one.kind, one.licence, one.origin, one.modality)
        made.append(Corpus(*told, items, one.bytes, proofs, verdict))
    return made


def _rows(document: str) -> int:
    return int(json.loads(document).get("rows", {}).get("in", 0))


def _rules(store: Store) -> list[Rulebook]:
    """The newest version of each of the published rules."""
    newest: dict[str, Rulebook] = {}
    for one in rulebooks.history(store):
        if one.id in newest:
            continue
        document = json.loads(rulebooks.find(store, one.id, one.version)[1])
        labels = [(each["id"], each["name"], each["definition"]) for each in document["label"]]
        day = calendar.day_of(one.published_at)
        newest[one.id] = Rulebook(one.name, one.kind, one.title, day, one.hash, document.get("parts", {}), labels)
    return list(newest.values())


def outline() -> bytes:
    """The outline of clauses that Guiju ships, for a person to compare with the standard and confirm."""
    path = Path(__file__).with_name("clauses.toml")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
