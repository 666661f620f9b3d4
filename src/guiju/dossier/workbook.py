# SPDX-License-Identifier: Apache-2.0
"""Workbooks: a document as one, and the lists that the authority wants to edit, one sheet a class. No cell is ever a
formula, and the same content makes the same bytes.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Sequence
from typing import Any, Final

import openpyxl
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from guiju.detect.sheet import cell, uncelled
from guiju.dossier.model import Document, Paragraph, Picture, Section, Spans, Table, text_of
from guiju.dossier.rows import BANKS
from guiju.dossier.sources import Sources
from guiju.dossier.word import note_of, timeless
from guiju.dossier.wording import choose
from guiju.errors import Language
from guiju.law import book

_BARRED: Final = re.compile(r"[\\/*?:\[\]]")
_MODIFIED: Final = re.compile(rb"(<dcterms:(?:modified|created)[^>]*>)[^<]*")
_OWN: Final = {
    "hype": ("网络炒作", "hype"),
    "posting": ("恶意发帖跟评", "malicious posting"),
    "spam": ("垃圾信息", "spam"),
    "malware": ("恶意程序", "malware"),
    "marketing": ("不正当营销", "improper marketing"),
}
"""Classes of keywords that no risk of Annex A is: uses that Article 19 names."""
_OVER: Final = Alignment(horizontal="justify", vertical="top", wrap_text=True)
_IN: Final = Alignment(vertical="top", wrap_text=True)
_LINE: Final = Side(style="thin", color="999999")
_BORDER: Final = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_GREY: Final = PatternFill("solid", fgColor="EDEDED")
_WIDE: Final = 46.0
_LEAST: Final = 80.0
"""Characters: the widest that a column gets, and the least width of a whole sheet."""


def written(document: Document, *, annotated: bool = False) -> bytes:
    """A document as a workbook: one sheet a chapter; the annotated build has the evidence as comments of cells."""
    made: Any = openpyxl.Workbook()
    made.remove(made.active)
    sheet = _sheet(made, document.title)
    _wide(sheet, document.title, bold=True)
    for label, value in document.cover:
        _append(sheet, (label, value), annotated)
    for section in document.sections:
        if section.level == 1:
            sheet = _sheet(made, section.heading)
        _section(sheet, section, annotated)
    return _bytes(made, document.title, document.on)


def _section(sheet: Any, section: Section, annotated: bool) -> None:
    _wide(sheet, section.heading, bold=True)
    for block in section.blocks:
        if isinstance(block, Table):
            for number, row in enumerate(([block.head] if block.head else []) + list(block.rows)):
                _append(sheet, row, annotated, head=bool(block.head) and number == 0)
            sheet.append([])
        elif isinstance(block, Paragraph | Picture):
            spans = block.spans if isinstance(block, Paragraph) else block.caption
            _wide(sheet, text_of(spans))
            if annotated and (notes := _notes((spans,))):
                sheet.append([cell(notes)])


def _wide(sheet: Any, text: str, *, bold: bool = False) -> None:
    """A line over all columns; `_bytes` makes it one cell."""
    sheet.append([cell(text)])
    made = sheet.cell(sheet.max_row, 1)
    made.alignment = _OVER
    made.font = Font(bold=bold)


def _notes(row: Sequence[Spans]) -> str:
    notes = (note_of(span.source, span.evidence) for spans in row for span in spans if span.evidence)
    return "; ".join(dict.fromkeys(notes))


def _append(sheet: Any, row: Sequence[Spans], annotated: bool, *, head: bool = False) -> None:
    notes = _notes(row) if annotated else ""
    sheet.append([cell(text_of(spans)) for spans in row] + ([cell(notes)] if notes else []))
    for column in range(1, len(row) + 1):
        made = sheet.cell(sheet.max_row, column)
        made.alignment, made.border = _IN, _BORDER
        if head:
            made.font, made.fill = Font(bold=True), _GREY


def keywords(sources: Sources, language: Language) -> bytes:
    """附件4: keyword, class, risk; one sheet a class."""
    names = _names(language)
    head = [choose(language, *two) for two in (("关键词", "Keyword"), ("一级分类", "Class"), ("二级分类", "Risk"))]
    rows = sorted({(_family(one.risk), one.risk, one.term) for one in sources.keywords})
    sheets = {
        family: [[term, names.get(family, family), _named(names, risk)] for f, risk, term in rows if f == family]
        for family in dict.fromkeys(family for family, _, _ in rows)
    }
    return _listed(sheets, names, head, choose(language, "拦截关键词", "Keywords"), sources.on)


def questions(sources: Sources, language: Language) -> bytes:
    """附件5: number, question, classes, the model's answer, what a person found; one sheet a bank and class."""
    names = _names(language)
    words = [("序号", "No."), ("测试题", "Question"), ("一级分类", "Class"), ("二级分类", "Risk")]
    words += [("模型回答", "Answer"), ("研判结果", "Finding")]
    sheets: dict[str, list[list[str]]] = {}
    found = {"pass": choose(language, "合格", "pass"), "fail": choose(language, "不合格", "fail")}
    for one in sorted(sources.questions, key=lambda one: (one.bank, one.risk, one.id)):
        family = _family(one.risk) if one.risk.startswith("A.") else one.bank
        bank = names.get(one.bank, one.bank)
        title = f"{bank} {family}" if family != one.bank else bank
        text = choose(language, one.zh, one.en or one.zh)
        risk = _named(names, one.risk)
        sheets.setdefault(title, []).append(
            [one.id, text, names.get(family, family), risk, one.answer, found.get(one.verdict, one.verdict)]
        )
    head = [choose(language, *two) for two in words]
    return _listed(sheets, names, head, choose(language, "评估测试题", "Test questions"), sources.on)


def _names(language: Language) -> dict[str, str]:
    """What classes and risks are called, by id."""
    families = {one.id: choose(language, one.zh, one.en) for one in book.risk_classes()}
    families |= {id: choose(language, *both) for id, both in (*_OWN.items(), *BANKS.items())}
    families |= {one.id: choose(language, one.zh, one.en) for one in book.risks()}
    return families | {one.id: choose(language, one.zh, one.en) for one in book.aspects()}


def _named(names: dict[str, str], risk: str) -> str:
    """A risk with its number; any other class by its name alone, where it has one."""
    return f"{risk} {names.get(risk, '')}".strip() if risk.startswith("A.") else names.get(risk, risk)


def _family(risk: str) -> str:
    return risk[:3] if risk.startswith("A.") else risk


def _listed(
    sheets: dict[str, list[list[str]]], names: dict[str, str], head: list[str], title: str, on: datetime.date
) -> bytes:
    made: Any = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items() or [(title, [])]:
        sheet = _sheet(made, _named(names, name))
        sheet.append([cell(one) for one in head])
        for column in range(1, len(head) + 1):
            sheet.cell(1, column).font = Font(bold=True)
        for row in rows:
            sheet.append([cell(one) for one in row])
        sheet.freeze_panes = "A2"
    return _bytes(made, title, on)


def _sheet(made: Any, title: str) -> Any:
    name = _BARRED.sub(" ", title)[:31].strip() or "1"
    number = 2
    while name in made.sheetnames:
        name = f"{_BARRED.sub(' ', title)[:27].strip()} {number}"
        number += 1
    return made.create_sheet(name)


def _bytes(made: Any, title: str, on: datetime.date) -> bytes:
    for sheet in made.worksheets:
        columns = max(sheet.max_column, 2)
        over = [row for row in range(1, sheet.max_row + 1) if sheet.cell(row, 1).alignment.horizontal == "justify"]
        seen = [row for row in range(1, min(sheet.max_row, 200) + 1) if row not in over]
        total = 0.0
        for column in range(1, columns + 1):
            longest = max((_width(sheet.cell(row, column).value) for row in seen), default=8.0)
            width = min(max(longest + 2, 8.0), _WIDE)
            sheet.column_dimensions[get_column_letter(column)].width = width
            total += width
        if total < _LEAST:
            last = sheet.column_dimensions[get_column_letter(columns)]
            last.width, total = last.width + _LEAST - total, _LEAST
        for row in over:
            lines = -(-int(_width(sheet.cell(row, 1).value) + 1) // max(int(total) - 2, 1))
            sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=columns)
            sheet.row_dimensions[row].height = 16 * max(lines, 1)
        sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
    at = datetime.datetime.combine(on, datetime.time())
    made.properties.title, made.properties.creator = title, ""
    made.properties.created = made.properties.modified = at
    out = io.BytesIO()
    made.save(out)
    return timeless(
        out.getvalue(), {"docProps/core.xml": lambda raw: _MODIFIED.sub(rb"\g<1>" + f"{on}T00:00:00Z".encode(), raw)}
    )


def _width(said: object) -> float:
    """How wide a cell's longest line is: a full-width character counts as two."""
    return max((sum(2 if sign > "\u2e80" else 1 for sign in line) for line in str(said or "").split("\n")), default=0)


def read(content: bytes) -> list[str]:
    """What each cell of a workbook says, sheet by sheet, row by row; empty ones left out."""
    made = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    try:
        rows = (row for sheet in made.worksheets for row in sheet.iter_rows(values_only=True))
        texts = [str(said) for row in rows for said in row if said]
    finally:
        made.close()
    return [uncelled(text) for text in texts]
