# SPDX-License-Identifier: Apache-2.0
"""Fills the places of a text from the sources: every field keeps where it comes from, and what is missing is said in
its place (Articles 6 and 17). Nothing is invented: a field without a source stays open, and lint blocks on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from guiju.dossier import wording
from guiju.dossier.model import Block, Paragraph, Picture, Span, Spans, Table, plain
from guiju.dossier.sources import Conclusion, Sources
from guiju.dossier.template import PLACE
from guiju.dossier.wording import choose
from guiju.errors import ConfigError, Language

MISSING: Final = "missing:"
"""How the source of a field begins that nobody has filled."""
_ROLES: Final[dict[str, tuple[str, str, str]]] = {
    "preparer": ("编制人", "Prepared by", ""),
    "reviewer": ("复核人", "Reviewed by", ""),
    "assessment": ("评估工作总体负责人", "Lead of the assessment", "people.assessment"),
    "legality": ("合法性审核负责人", "Lead of the legality review", "people.legality"),
    "algorithm": ("算法安全责任人", "Person responsible for algorithm safety", "people.algorithm"),
    "legal": ("法定代表人", "Legal representative", "people.legal"),
}


_EMPTY: Final = {"service.launched": ("尚未上线", "not launched yet")}
"""How a fact that may be empty is printed where a dash would say too little."""


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure that documents quote, as `figures.toml` lists them.

    Attributes:
        unit: such as `share` or `items`.
        threshold: the id of the threshold that it is held against; `""` for none.
        optional: whether its row is left out where nobody has published it.
    """

    name: str
    unit: str
    zh: str
    en: str
    threshold: str = ""
    optional: bool = False


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    figure: tuple[Known, ...]


@cache
def catalogue() -> dict[str, Known]:
    """The figures that documents quote, by name."""
    raw = files("guiju.dossier").joinpath("figures.toml").read_bytes()
    return {one.name: one for one in msgspec.toml.decode(raw, type=_Catalogue).figure}


def role(id: str, language: Language) -> str:
    """What a role is called."""
    return _ROLES[id][0] if language == "zh" else _ROLES[id][1]


def role_fact(id: str) -> str:
    """The fact that names who has a role; `""` where the signature does."""
    return _ROLES[id][2]


def roles() -> tuple[str, ...]:
    """All roles that sign, in the order in which they may."""
    return tuple(_ROLES)


class Filling:
    """Fills texts in one language.

    Args:
        sources: what documents are made of.
        language: of the document.
    """

    def __init__(self, sources: Sources, language: Language) -> None:
        self.sources, self.language = sources, language

    def text(self, text: str) -> Spans:
        """A text of a template, its places filled."""
        made: list[Span] = []
        end = 0
        for found in PLACE.finditer(text):
            if found.start() > end:
                made.append(Span(text[end : found.start()]))
            made.append(self._place((found[1] or "fact:").rstrip(":"), found[2]))
            end = found.end()
        if end < len(text):
            made.append(Span(text[end:]))
        return tuple(made)

    def pair(self, row: tuple[str, ...]) -> tuple[Spans, Spans]:
        """Label and value of a form's row."""
        label = choose(self.language, row[0], row[1])
        return plain(label), self.text(row[3] if len(row) > 3 and self.language == "en" else row[2])

    def fact(self, id: str) -> Span:
        """A fact as text: its choices by their names, a person by name; `people.legal.phone` is a part of a person."""
        said = self.sources.fact(id)
        if said is None and (person := self.sources.fact(id.rpartition(".")[0])) is not None:
            said = person.get(id.rpartition(".")[2]) if isinstance(person, Mapping) else None
        if said in (None, ""):
            if id in self.sources.optional:
                return Span(choose(self.language, *_EMPTY.get(id, ("—", "—"))), f"fact:{id}")
            return self.missing("fact", id)
        names = self.sources.choices.get(id, {})
        if names:
            chosen = said if isinstance(said, list | tuple) else [said]
            said = [choose(self.language, *names.get(str(one), (str(one), str(one)))) for one in chosen]
        if isinstance(said, Mapping) and "name" in said:
            said = said["name"]
        return Span(wording.value(said, self.language), f"fact:{id}")

    def figure(self, name: str, unit: str = "") -> Span:
        """A figure with its unit and its evidence."""
        figure = self.sources.figures.get(name)
        if figure is None:
            return self.missing("figure", name)
        known = catalogue().get(name)
        text = wording.quantity(figure.value, unit or (known.unit if known else ""), self.language)
        return Span(text, f"figure:{name}", figure.evidence)

    def threshold(self, id: str) -> Span:
        """What a threshold asks."""
        one = self.sources.thresholds.get(id)
        if one is None:
            raise ConfigError("config_invalid", what=f"threshold:{id}", hint="thresholds.toml")
        return Span(wording.bound(one.value, one.unit, one.bound, self.language), f"threshold:{id}")

    def missing(self, kind: str, name: str) -> Span:
        """What stands in the place of something that nobody has filled."""
        names = (
            self.sources.names.get(name, self.sources.names.get(name.rpartition(".")[0])) if kind == "fact" else None
        )
        if kind == "figure" and (known := catalogue().get(name)):
            names = (known.zh, known.en)
        said = choose(self.language, *names) if names else name
        return Span(choose(self.language, f"【待填：{said}】", f"[to be filled: {said}]"), f"{MISSING}{kind}:{name}")

    def conclusion(self, id: str) -> Iterator[Block]:
        """A person's own words with who said them and when."""
        found: Conclusion | None = self.sources.conclusions.get(id)
        if found is None:
            yield Paragraph((self.missing("conclusion", id),), "conclusion")
            return
        for part in found.said(self.language).strip().split("\n"):
            if part.strip():
                own = (
                    Span(one.text, one.source or f"conclusion:{id}", one.evidence) for one in self.text(part.strip())
                )
                yield Paragraph(tuple(own), "conclusion")
        by = choose(self.language, f"（{found.by}，{wording.date(found.on, 'zh')}）", f"({found.by}, {found.on})")
        yield Paragraph((Span(by, f"conclusion:{id}"),), "note")

    def exhibits(self, tag: str) -> Iterator[Block]:
        """The exhibits of a tag: pictures as pictures, other files as lines with their hashes."""
        found = self.sources.told(tag)
        if not found:
            yield Paragraph((self.missing("exhibit", tag),), "note")
        for one in found:
            on = wording.date(one.dated, self.language)
            about = f" {one.about}" if one.about else ""
            named = f"{one.named(self.language)}{about}"
            text = choose(
                self.language,
                f"证据 {one.id}：{named}（{on}，SHA-256 {one.sha256[:16]}）",
                f"Exhibit {one.id}: {named} ({on}, SHA-256 {one.sha256[:16]})",
            )
            caption = (Span(text, f"exhibit:{one.id}"),)
            content = self.sources.pictures.get(one.id) if one.is_picture else None
            yield Picture(content, caption) if content else Paragraph(caption, "bullet")

    def signatures(self, asked: tuple[str, ...]) -> Table:
        """Where persons sign: role, printed name, room for signature and date."""
        head = [("职责", "Role"), ("姓名", "Name"), ("签字", "Signature"), ("日期", "Date")]
        rows = tuple((plain(role(one, self.language)), self._signer(one), (), ()) for one in asked)
        return Table(rows, tuple(plain(choose(self.language, *cell)) for cell in head), (0.3, 0.22, 0.28, 0.2))

    def _signer(self, one: str) -> Spans:
        named = role_fact(one)
        return (self.fact(f"{named}.name"),) if named else ()

    def _place(self, kind: str, name: str) -> Span:
        if kind == "figure":
            return self.figure(name)
        if kind == "threshold":
            return self.threshold(name)
        if kind == "fact" and name == "date":
            return Span(wording.date(self.sources.on, self.language), "fact:date")
        if kind == "fact":
            return self.fact(name)
        raise ConfigError("config_invalid", what=f"{{{{{kind}:{name}}}}}", hint="fact | figure | threshold")
