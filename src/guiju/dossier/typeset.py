# SPDX-License-Identifier: Apache-2.0
"""A document as PDF/A by typst: the same document makes the same bytes. The Chinese font must be on the machine;
without one nothing is written, because empty boxes in a filing help nobody.
"""

from __future__ import annotations

import datetime
import json
import re
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from guiju.dossier.model import Block, Document, Paragraph, Picture, Section, Spans, Table, text_of
from guiju.dossier.word import EXTRA, note_of
from guiju.dossier.wording import choose, date
from guiju.errors import ConfigError
from guiju.records.sources import optional

SERIF: Final = ("Noto Serif CJK SC", "Source Han Serif SC", "SimSun", "FandolSong")
SANS: Final = ("Noto Sans CJK SC", "Source Han Sans SC", "SimHei", "FandolHei")
_PNG: Final = b"\x89PNG"
_TALLEST: Final = 1.25
_LONG: Final = re.compile(r"[0-9A-Za-z]{15,}")
_HEAD: Final = """#set document(title: {title}, author: (), date: datetime(year: {year}, month: {month}, day: {day}))
#set page(paper: "a4", margin: (x: 2.55cm, y: 2.5cm), header: align(center, text(8.5pt, {header})),
  footer: context align(center, text(8.5pt, {before} + counter(page).display() + {between}
    + str(counter(page).final().first()) + {after})))
#set text(font: {serif}, size: 10.5pt, lang: {lang}, region: {region})
#set par(leading: 0.75em, spacing: 0.9em, justify: true, first-line-indent: {indent})
#show heading: it => block(above: 1.3em, below: 0.8em, text(font: {sans}, weight: "bold", it.body))
#show heading.where(level: 1): set text(14pt)
#show heading.where(level: 2): set text(12pt)
#show heading.where(level: 3): set text(11pt)
#show table.cell: it => {{ set par(first-line-indent: 0pt, justify: false, leading: 0.55em); set text(9pt); it }}
#show outline.entry: set block(spacing: 0.6em)
#set table(stroke: 0.5pt, inset: 5pt)
#set footnote.entry(gap: 0.3em)
#show footnote.entry: set text(7pt)
"""


def written(document: Document, *, annotated: bool = False) -> bytes:
    """The document as PDF.

    Args:
        document: what is written.
        annotated: whether each figure's evidence id stands as a footnote.

    Raises:
        ConfigError: `config_invalid`: the extra `dossier` is not installed; `font_missing`: no Chinese font;
            `not_printable`: it holds a sign that the font does not have.
    """
    typst: Any = optional("typst", "typst", EXTRA)
    serif, sans = fonts()
    source = _Source(document, annotated)
    text = source.whole(serif, sans)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "main.typ").write_text(text, "utf-8")
        for name, content in source.pictures.items():
            (root / name).write_bytes(content)
        at = int(datetime.datetime.combine(document.on, datetime.time(), datetime.UTC).timestamp())
        main = str(root / "main.typ")
        try:
            made: bytes = typst.compile(main, root=folder, format="pdf", pdf_standards="a-2b", timestamp=at)
        except typst.TypstError as error:
            raise ConfigError("not_printable", what=document.title, hint=str(error)[:200]) from error
    return made


def fonts(serifs: Sequence[str] = SERIF) -> tuple[str, str]:
    """The serif and the sans font that this machine has of those that can print Chinese.

    Args:
        serifs: what is looked for, the best first.

    Raises:
        ConfigError: `config_invalid`: the extra `dossier` is not installed; `font_missing`.
    """
    typst: Any = optional("typst", "typst", EXTRA)
    found = set(typst.Fonts().families())
    serif = next((one for one in serifs if one in found), "")
    if not serif:
        raise ConfigError("font_missing", what=serifs[0])
    return serif, next((one for one in SANS if one in found), serif)


def _ratio(content: bytes) -> float:
    """Height by width of a picture: of a PNG, which ours are; another is taken to be wide."""
    if not content.startswith(_PNG) or len(content) < 24:
        return 0.0
    width, height = struct.unpack(">II", content[16:24])
    return float(height / width) if width else 0.0


def _broken(text: str) -> str:
    """Text whose long numbers and hashes may break: a narrow column of a table would not hold them."""
    return _LONG.sub(lambda found: "\u200b".join(found[0][at : at + 8] for at in range(0, len(found[0]), 8)), text)


def _text(text: str) -> str:
    """A string of typst: nothing in it is markup."""
    return json.dumps(text, ensure_ascii=False).replace("\u2028", " ").replace("\u2029", " ")


class _Source:
    """Writes one document in typst's own language; every text of it is a string, so that nothing in it is an order."""

    def __init__(self, document: Document, annotated: bool) -> None:
        self._document, self._annotated = document, annotated
        self.pictures: dict[str, bytes] = {}

    def whole(self, serif: str, sans: str) -> str:
        """The whole source."""
        one = self._document
        zh = one.language == "zh"
        before, between, after = choose(one.language, "第 | 页 共 | 页", "| / |").split("|")
        head = _HEAD.format(
            title=_text(one.title),
            year=one.on.year,
            month=one.on.month,
            day=one.on.day,
            header=_text(one.header),
            before=_text(before),
            between=_text(between),
            after=_text(after),
            serif=f"({_text('New Computer Modern')}, {_text(serif)})" if not zh else f"({_text(serif)},)",
            sans=f"({_text(sans)},)",
            lang=_text(choose(one.language, "zh", "en")),
            region=_text(choose(one.language, "cn", "gb")),
            indent="(amount: 2em, all: true)" if zh else "0pt",
        )
        parts = [head, self._title()]
        if one.contents:
            named = _text(choose(one.language, "目　录", "Contents"))
            parts.append(f"#outline(title: align(center, {named}), depth: 2)\n#pagebreak()\n")
        parts += [self._section(section) for section in one.sections]
        return "\n".join(parts)

    def _title(self) -> str:
        one = self._document
        made = f'#align(center, text(20pt, weight: "bold", {_text(one.title)}))\n'
        if one.cover:
            made += self._table(Table(one.cover, widths=(0.35, 0.65)))
        return f"{made}#align(center, {_text(date(one.on, one.language))})\n"

    def _section(self, section: Section) -> str:
        level = min(section.level, 3)
        blocks = "\n".join(self._block(block) for block in section.blocks)
        return f"#heading(level: {level}, {_text(section.heading)})\n{blocks}"

    def _block(self, block: Block) -> str:
        if isinstance(block, Table):
            return self._table(block)
        if isinstance(block, Picture):
            return self._picture(block)
        return self._paragraph(block)

    def _paragraph(self, block: Paragraph) -> str:
        content = self._spans(block.spans)
        if block.style == "bullet":
            return f"#list({content})"
        if block.style == "note":
            return f"#par(first-line-indent: 0pt, text(8.5pt, {content}))\n"
        return f"#par({content})\n"

    def _picture(self, block: Picture) -> str:
        ending = "png" if block.content.startswith(_PNG) else "jpg"
        name = f"picture-{len(self.pictures)}.{ending}"
        self.pictures[name] = block.content
        tall = _ratio(block.content) > _TALLEST
        size = "height: 16cm" if tall else "width: 80%"
        shown = f'image("{name}", {size}, alt: {_text(text_of(block.caption))})'
        below = f"par(first-line-indent: 0pt, text(8.5pt, {self._spans(block.caption)}))"
        return f"#align(center, block(breakable: false)[#{shown}#{below}])\n"

    def _table(self, block: Table) -> str:
        if not block.columns:
            return ""
        widths = ", ".join(f"{one * 100:.1f}%" for one in block.widths or [1 / block.columns] * block.columns)
        cells = []
        if block.head:
            cells.append("table.header(" + ", ".join(self._bold(one) for one in block.head) + ")")
        for row in block.rows:
            first = [self._spans(row[0])] if block.head else [self._bold(row[0])]
            cells += [*first, *(self._spans(one) for one in row[1:])]
        return f"#table(columns: ({widths},), {', '.join(cells)})\n"

    def _bold(self, spans: Spans) -> str:
        return f'table.cell(fill: luma(237), text(weight: "bold", {self._spans(spans)}))'

    def _spans(self, spans: Spans) -> str:
        made: Sequence[str] = [
            f"[#{_text(_broken(span.text))}{self._note(span.source, span.evidence)}]" for span in spans if span.text
        ]
        return " + ".join(made) or "[]"

    def _note(self, source: str, evidence: str) -> str:
        return f"#footnote({_text(note_of(source, evidence))})" if self._annotated and evidence else ""
