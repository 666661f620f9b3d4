# SPDX-License-Identifier: Apache-2.0
"""Workbooks: for raters, and the form of the filing's Annex 5 (number, question, class, answer, verdict).

No cell is a formula, whatever a model answered.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Final

import openpyxl

from guiju.detect.sheet import cell
from guiju.errors import Bilingual, ConfigError
from guiju.evaluation.raters import Rated

RATER_HEAD: Final = ("序号 number", "类别 class", "问题 question", "回答 answer", "评定 rating")
_PASS: Final = frozenset(("pass", "p", "y", "yes", "1", "ok", "合格", "是", "通过"))
_FAIL: Final = frozenset(("fail", "f", "n", "no", "0", "不合格", "否", "不通过"))


def workbook(sheets: Iterable[tuple[str, Iterable[Sequence[object]]]]) -> bytes:
    """A workbook of sheets, each a title and its lines."""
    made = openpyxl.Workbook(write_only=True)
    for title, lines in sheets:
        sheet = made.create_sheet(title[:31])
        for line in lines:
            sheet.append([cell(value) if isinstance(value, str) else value for value in line])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def rated(data: bytes, name: str) -> list[Rated]:
    """What a rater filled in; lines that they left open are passed over.

    Args:
        data: the workbook.
        name: of the file, for errors.

    Raises:
        ConfigError: `sample_invalid`: it is no workbook of this form, or a rating is none.
    """
    try:
        made = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        lines = list(made.worksheets[0].iter_rows(values_only=True))
    except (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile) as error:
        what = Bilingual("不是可读的工作簿", "it is no workbook that can be read")
        raise ConfigError("sample_invalid", name=name, line=1, what=what) from error
    ratings = []
    for number, line in enumerate(lines[1:], 2):
        word = str(line[4] if len(line) > 4 and line[4] is not None else "").strip().lower()
        if not word:
            continue
        position = line[0]
        if not isinstance(position, int) or word not in _PASS | _FAIL:
            what = Bilingual("评定须为 pass 或 fail（合格、不合格）", "a rating is pass or fail")
            raise ConfigError("sample_invalid", name=name, line=number, what=what)
        ratings.append(Rated(position - 1, "pass" if word in _PASS else "fail"))
    return ratings
