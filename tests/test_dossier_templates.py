# SPDX-License-Identifier: Apache-2.0
"""Templates ask only for what there is, and figures that follow from others are reckoned right (Articles 6 and 17)."""

from __future__ import annotations

import re

from dossier_kit import CHOICES, FACTS, asked
from guiju.dossier import facts
from guiju.dossier.derived import derived
from guiju.dossier.filling import catalogue
from guiju.dossier.kinds import kinds
from guiju.dossier.rows import TABLES
from guiju.dossier.template import asked as asked_of
from guiju.dossier.template import template
from guiju.terms import Figure

EVERY = sorted({id for one in kinds().values() for id in one.documents})


def test_templates_ask_only_for_what_there_is() -> None:
    known = {one.id for one in facts.facts()} | {"date", "filing.algorithm"}
    people = {f"{id}.{part}" for id in known if id.startswith("people.") for part in ("name", "post", "phone", "mail")}
    for id in EVERY:
        for what, name in asked_of(template(id)):
            if what == "fact":
                assert name in known | people, (id, name)
            elif what == "figure":
                assert name in catalogue(), (id, name)
        for section in template(id).section:
            for block in section.block:
                assert not block.rows or block.rows in TABLES, (id, block.rows)
                assert block.rows != "fact" or block.of in known, (id, block.of)
                assert block.rows not in ("figures", "thresholds") or set(block.of.split()) <= catalogue().keys()
                assert len(block.keys) in (0, len(block.head)), (id, section.number)


def test_the_invented_provider_says_what_is_asked() -> None:
    said = {one.id for one in facts.facts()}
    assert FACTS.keys() <= said | {"filing.algorithm"}
    for id, choices in CHOICES.items():
        assert choices.keys() <= {one.id for one in facts.fact(id).choices}


def test_figures_that_follow_are_reckoned_anew() -> None:
    base = [
        Figure("corpus.sample.manual@a", 0.97, 2000, None, 10, "x/1"),
        Figure("corpus.sample.manual@b", 0.99, 2000, None, 20, "x/2"),
        Figure("corpus.illegal@a", 0.01, 500, (0.0, 0.02), 10, "x/3"),
        Figure("corpus.illegal@b", 0.03, 500, (0.02, 0.05), 10, "x/4"),
        Figure("corpus.rows", 8000, 8000, None, 10, "x/5"),
        Figure("corpus.rows.origin.foreign", 2000, 8000, None, 10, "x/6"),
    ]
    made = derived({one.name: one for one in base})
    assert (made["corpus.manual.pass"].value, made["corpus.manual.pass"].n) == (0.98, 4000)
    assert made["corpus.manual.pass"].evidence == "x/1; x/2"
    assert made["corpus.manual.pass"].at == 10
    assert made["corpus.illegal.highest"].value == 0.03
    assert made["corpus.foreign"].value == 0.25
    assert "corpus.technical.pass" not in made
    assert derived({}) == {}


def test_every_conclusion_that_is_asked_has_a_name_of_its_own() -> None:
    assert len(asked()) > 25
    assert not [id for id in asked() if not re.fullmatch(r"[a-z][a-z-]*", id)]
