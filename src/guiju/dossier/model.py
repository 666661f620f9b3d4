# SPDX-License-Identifier: Apache-2.0
"""What a document is made of, whatever it is written as: sections, paragraphs, tables, pictures, and where each filled
field comes from (Articles 6 and 17).

The Chinese and the English document of one template have the same sections, blocks and cells, so that a place means the
same in both.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from guiju.errors import Language

Style = Literal["body", "bullet", "note", "conclusion"]
_DRAFT: Final[dict[Language, str]] = {"zh": "草稿，不得报送　", "en": "DRAFT, not to be handed in — "}
_READING: Final[dict[Language, str]] = {"zh": "", "en": "Reading copy, the Chinese text counts — "}
_CLOSING: Final = ("、", "）", "．")


class Span(msgspec.Struct, frozen=True):
    """A piece of text with one origin.

    Attributes:
        text: what is printed.
        source: such as `fact:service.name`, `figure:corpus.manual.pass`, `threshold:…`, `conclusion:…`; `""` for the
            words of the template.
        evidence: where the ledger proves a figure; the annotated build prints it as a footnote.
    """

    text: str
    source: str = ""
    evidence: str = ""


Spans = tuple[Span, ...]


class Paragraph(msgspec.Struct, frozen=True):
    """One paragraph."""

    spans: Spans
    style: Style = "body"


class Table(msgspec.Struct, frozen=True):
    """A table.

    Attributes:
        rows: of as many cells each as the head has, or as one another where there is no head.
        head: printed on each page again; empty for a form, whose first column is its labels.
        widths: shares of the page's width, one a column; empty for equal ones.
    """

    rows: tuple[tuple[Spans, ...], ...]
    head: tuple[Spans, ...] = ()
    widths: tuple[float, ...] = ()

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return len(self.head) or max((len(row) for row in self.rows), default=0)


class Picture(msgspec.Struct, frozen=True):
    """An exhibit that is shown: its PNG or JPEG bytes, and the line below it."""

    content: bytes
    caption: Spans


Block = Paragraph | Table | Picture


class Section(msgspec.Struct, frozen=True):
    """A section.

    Attributes:
        key: its number in the template, such as `1.2`, by which places name it.
        number: as printed: `1.2`, or （二）.
        level: how deep it is, 1 for a chapter.
    """

    key: str
    number: str
    title: str
    level: int
    blocks: tuple[Block, ...] = ()

    @property
    def heading(self) -> str:
        """Number and title as one line."""
        between = "" if self.number[-1:] in _CLOSING else " "
        return f"{self.number}{between}{self.title}".strip()


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document in one language.

    Attributes:
        id: of its template.
        on: the date that it bears; no other time is written into any file.
        cover: label and value, printed below the title.
        contents: whether a list of its sections stands in front.
        draft: whether something is missing; every page says so, and nobody can sign it.
    """

    id: str
    title: str
    language: Language
    on: datetime.date
    cover: tuple[tuple[Spans, Spans], ...] = ()
    sections: tuple[Section, ...] = ()
    contents: bool = True
    draft: bool = False

    @property
    def header(self) -> str:
        """What stands above each page: that it is a draft, or a reading copy, and the title."""
        marks = _DRAFT[self.language] * self.draft + _READING[self.language]
        return marks + self.title


class Line(msgspec.Struct, frozen=True):
    """One line of a document as a comparison sees it.

    Attributes:
        place: `SECTION/BLOCK` or `SECTION/BLOCK/ROW/COLUMN`, counted from 1; row 0 is a table's head, section 0 the
            cover.
    """

    place: str
    spans: Spans

    @property
    def text(self) -> str:
        """What is printed there."""
        return text_of(self.spans)


def text_of(spans: Sequence[Span]) -> str:
    """What spans print."""
    return "".join(span.text for span in spans)


def plain(text: str, source: str = "") -> Spans:
    """Text of one origin."""
    return (Span(text, source),)


def lines(document: Document) -> Iterator[Line]:
    """Every line of a document in the order in which it is printed: title, cover, then section by section."""
    yield Line("0/0", plain(document.title))
    for number, (label, value) in enumerate(document.cover, 1):
        yield Line(f"0/1/{number}/1", label)
        yield Line(f"0/1/{number}/2", value)
    for section in document.sections:
        name = section.key
        yield Line(f"{name}/0", plain(section.heading))
        for place, block in enumerate(section.blocks, 1):
            yield from _block(f"{name}/{place}", block)


def _block(place: str, block: Block) -> Iterator[Line]:
    if isinstance(block, Paragraph):
        yield Line(place, block.spans)
    elif isinstance(block, Picture):
        yield Line(place, block.caption)
    else:
        for number, row in enumerate([block.head] if block.head else []):
            yield from _row(f"{place}/{number}", row)
        for number, row in enumerate(block.rows, 1):
            yield from _row(f"{place}/{number}", row)


def _row(place: str, row: Sequence[Spans]) -> Iterator[Line]:
    for column, spans in enumerate(row, 1):
        yield Line(f"{place}/{column}", spans)
