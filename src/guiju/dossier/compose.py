# SPDX-License-Identifier: Apache-2.0
"""A template and the sources become a document (Articles 6 and 17)."""

from __future__ import annotations

from collections.abc import Iterator

from guiju.dossier import wording
from guiju.dossier.filling import MISSING, Filling
from guiju.dossier.model import Block, Document, Line, Paragraph, Section, Table, plain
from guiju.dossier.rows import explained, table
from guiju.dossier.sources import Sources
from guiju.dossier.template import BlockText, Template
from guiju.dossier.wording import choose
from guiju.errors import Language


def compose(template: Template, sources: Sources, language: Language, *, draft: bool = False) -> Document:
    """Fill one template in one language.

    Raises:
        ConfigError: `config_invalid`: the template asks for what nobody knows.
    """
    fill = Filling(sources, language)
    sections = []
    for section in template.section:
        number = section.number
        if template.numbering == "chinese":
            number = wording.chapter(number, language)
        blocks = [made for block in section.block for made in _blocks(fill, block)]
        level = section.number.count(".") + 1
        sections.append(Section(section.number, number, choose(language, section.zh, section.en), level, tuple(blocks)))
    return Document(
        id=template.id,
        title=template.title(language),
        language=language,
        on=sources.on,
        cover=tuple(fill.pair(row) for row in template.cover),
        sections=tuple(sections),
        contents=template.contents,
        draft=draft,
    )


def gaps(lines: Iterator[Line]) -> Iterator[tuple[str, str]]:
    """The places of a document that nobody has filled: the place, and kind and name such as `fact:org.name`."""
    for line in lines:
        for span in line.spans:
            if span.source.startswith(MISSING):
                yield line.place, span.source.removeprefix(MISSING)


def _blocks(fill: Filling, block: BlockText) -> Iterator[Block]:
    """What a block of a template becomes; nothing where its `when` says no."""
    if block.when and fill.sources.has(block.when.lstrip("!")) == block.when.startswith("!"):
        return
    if block.zh:
        yield Paragraph(fill.text(choose(fill.language, block.zh, block.en)), block.style)
    if block.form:
        yield Table(tuple(fill.pair(row) for row in block.form), widths=block.widths or (0.3, 0.7))
    if block.lines:
        head = tuple(plain(choose(fill.language, *cell)) for cell in block.head)
        rows = tuple(tuple(fill.text(choose(fill.language, *cell)) for cell in row) for row in block.lines)
        yield Table(rows, head, block.widths)
    if block.rows:
        made = table(fill, block)
        if made.rows:
            yield made
        for id in explained(fill.sources, block):
            yield from fill.conclusion(id)
    if block.conclusion:
        yield from fill.conclusion(block.conclusion)
    if block.exhibits:
        yield from fill.exhibits(block.exhibits)
    if block.sign:
        yield fill.signatures(block.sign)
