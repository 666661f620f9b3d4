# SPDX-License-Identifier: Apache-2.0
"""The cells of an XLSX workbook, as text; formulas are never evaluated."""

from __future__ import annotations

import io
import zipfile
from contextlib import closing
from typing import Final

import openpyxl

_LARGEST: Final = 64 * 1024 * 1024
_COLUMNS: Final = 256


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
