# SPDX-License-Identifier: Apache-2.0
"""The cells of an XLSX workbook, as text; formulas are never evaluated."""

from __future__ import annotations

import io
import zipfile
from typing import Final

import openpyxl

_LARGEST: Final = 64 * 1024 * 1024


def rows(data: bytes) -> list[list[str | None]]:
    """Rows of the first sheet; a date reads `YYYY-MM-DD`.

    Args:
        data: the workbook's bytes.

    Raises:
        ValueError: it is no workbook, or unpacks to more than 64 MiB.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(item.file_size for item in archive.infolist()) > _LARGEST:
                raise ValueError("too large")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ValueError("no workbook") from error
    try:
        if not book.worksheets:
            return []
        return [
            [None if value is None else str(value).removesuffix(" 00:00:00") for value in values]
            for values in book.worksheets[0].iter_rows(values_only=True)
        ]
    finally:
        book.close()
