# SPDX-License-Identifier: Apache-2.0
"""The cells of a spreadsheet, as text: formulas are neither evaluated nor written."""

from __future__ import annotations

import io
import zipfile
from contextlib import closing
from typing import Final

import openpyxl

_LARGEST: Final = 64 * 1024 * 1024
_COLUMNS: Final = 256
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_LONGEST: Final = 32_000
"""Characters of a cell that is written; a workbook holds a few more."""


def rows(data: bytes) -> list[list[str | None]]:
    """Rows of the first sheet; a date reads `YYYY-MM-DD`.

    Args:
        data: the workbook's bytes.

    Raises:
        ValueError: it is no workbook, or unpacks to more than 64 MiB.

    A sheet may claim a million rows of 16,384 columns that are empty: 256 columns are read, empty ends left out.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(item.file_size for item in archive.infolist())
        made = _cells(data) if size <= _LARGEST else []
    except Exception as error:  # openpyxl and the parsers below it raise whatever a damaged file leads them to
        raise ValueError("no workbook") from error
    if size > _LARGEST:
        raise ValueError("too large")
    return made


def _cells(data: bytes) -> list[list[str | None]]:
    with closing(openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)) as book:
        if not book.worksheets:
            return []
        return [
            [None if value is None else str(value).removesuffix(" 00:00:00") for value in _trimmed(values)]
            for values in book.worksheets[0].iter_rows(max_col=_COLUMNS, values_only=True)
        ]


def _trimmed(values: tuple[object, ...]) -> tuple[object, ...]:
    end = len(values)
    while end and values[end - 1] is None:
        end -= 1
    return values[:end]


def cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula, without signs that a workbook can't hold."""
    plain = "".join(sign if sign >= " " or sign in "\t\n" else "\ufffd" for sign in text)
    plain = plain.encode("utf-8", "replace").decode()[:_LONGEST]
    return "'" + plain if plain.startswith(_FORMULA) else plain


def uncelled(text: str) -> str:
    """The text of a cell that `cell` made."""
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text
