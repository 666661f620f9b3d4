# SPDX-License-Identifier: Apache-2.0
"""Lint: what was sent back with real filings, looked for before one is handed in (Articles 6 and 17).

Each fault names its place. One that blocks keeps a package from being built, but as a draft that nobody can sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from guiju.dossier import lint_facts, lint_lists, lint_texts
from guiju.dossier.compose import gaps
from guiju.dossier.found import Found, Looked, looks
from guiju.dossier.kinds import Kind
from guiju.dossier.model import lines
from guiju.dossier.package import documents
from guiju.dossier.sources import Sources

Look = Callable[[Looked], Iterator[Found]]
LOOKS: Final[Mapping[str, Look]] = {
    "L01": lint_texts.names,
    "L02": lint_facts.entity,
    "L03": lint_facts.modalities,
    "L04": lint_facts.products,
    "L05": lint_facts.models,
    "L06": lint_facts.place,
    "L07": lint_texts.intervention,
    "L08": lint_facts.labels,
    "L09": lint_facts.rights,
    "L10": lint_texts.numbers,
    "L11": lint_texts.thresholds,
    "L12": lint_facts.signers,
    "L13": lint_texts.secrets,
    "L14": lint_facts.dates,
    "L15": lint_lists.lists,
    "L16": lint_texts.templates,
    "L17": lint_lists.clauses,
    "L18": lint_texts.empty,
}


class Report(msgspec.Struct, frozen=True):
    """What lint found.

    Attributes:
        asked, missing: how many facts the documents ask for, and how many of them nobody has said.
    """

    kind: str
    found: tuple[Found, ...]
    asked: int
    missing: int

    @property
    def blocks(self) -> bool:
        """Whether something keeps the package from being built."""
        return any(one.blocks for one in self.found)

    @property
    def empty(self) -> float:
        """The share of the facts that is empty."""
        return self.missing / self.asked if self.asked else 0.0


def lint(kind: Kind, sources: Sources, fetch: Callable[[str], int] | None = None) -> Report:
    """Look at everything that a package would be made of.

    Args:
        kind: of the package.
        sources: what it is made of.
        fetch: gives the HTTP status of an address; none looks at the exhibits alone.
    """
    composed = documents(kind, sources, "zh")
    every = {id: list(lines(one)) for id, one in composed.items()}
    seen = Looked(kind, sources, composed, every, fetch)
    found = [one for look in looks() if kind.id in (look.kinds or (kind.id,)) for one in LOOKS[look.id](seen)]
    asked = {span.source for its in every.values() for line in its for span in line.spans}
    facts = {
        one.removeprefix("missing:").removeprefix("fact:") for one in asked if "fact:" in one and one != "fact:date"
    }
    missing = {name for its in every.values() for _, name in gaps(iter(its)) if name.startswith("fact:")}
    return Report(kind.id, tuple(found), len(facts), len(missing))
