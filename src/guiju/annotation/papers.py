# SPDX-License-Identifier: Apache-2.0
"""The record of Article 8 as a page and as a document for Word: both say the same, and hold no script and no field."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from guiju.annotation.record import Section, Table
from guiju.errors import Language
from guiju.records.sources import optional

TITLES: Final[dict[Language, str]] = {"zh": "人工标注记录（第八条）", "en": "Record of annotation (Article 8)"}
_NOTES: Final[dict[Language, str]] = {
    "zh": "每个数字均由规矩自存储取得。",
    "en": "Reading copy: the Chinese text counts. Every number was taken from the store by Guiju.",
}
_FONT: Final = "Noto Sans CJK SC"
_NO_TIME: Final = datetime.datetime(2000, 1, 1)  # the same bytes each time; python-docx takes it so


def page(sections: Sequence[Section], language: Language) -> str:
    """The record as one page that needs nothing else."""
    pages = Environment(
        loader=PackageLoader("guiju.annotation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return pages.get_template("record.html").render(
        sections=sections, language=language, title=TITLES[language], note=_NOTES[language]
    )


def document(sections: Sequence[Section], language: Language) -> bytes:
    """The record as DOCX.

    Raises:
        ConfigError: `config_invalid`: the extra `annotation` is not installed.
    """
    made: Any = optional("docx", "python-docx", "annotation").Document()
    made.core_properties.title = TITLES[language]
    made.core_properties.author = ""
    made.core_properties.created = made.core_properties.modified = _NO_TIME
    style = made.styles["Normal"]
    style.font.name = _FONT
    style.element.rPr.rFonts.set("{http://schemas.openxmlformats.org/wordprocessingml/2006/main}eastAsia", _FONT)
    made.add_heading(TITLES[language], 0)
    made.add_paragraph(_NOTES[language])
    for section in sections:
        made.add_heading(section.title, 1)
        for paragraph in section.paragraphs:
            made.add_paragraph(paragraph)
        for table in section.tables:
            _put(made, table)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _put(made: Any, table: Table) -> None:
    """A table, its head in bold."""
    rows = made.add_table(rows=1 + len(table.rows), cols=len(table.head), style="Table Grid")
    for cell, text in zip(rows.rows[0].cells, table.head, strict=True):
        cell.paragraphs[0].add_run(text).bold = True
    for row, cells in zip(rows.rows[1:], table.rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    made.add_paragraph()
