# SPDX-License-Identifier: Apache-2.0
"""The label in Exif's UserComment (TC260-PG-20259A, annex B; Exif 3.0, 4.6.6): read, and made blank when we write.

We write XMP alone. A broken Exif block holds no label; what is broken there is none of ours, and stays.
"""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from guiju.marking import directory
from guiju.marking.directory import Layout
from guiju.marking.family import MarkingError
from guiju.marking.label import KEY, LONGEST, parse

PLACE: Final = "Exif UserComment"
_CODE: Final = 8
"""Bytes at the beginning of a comment that name its character code."""


def text(block: bytes) -> str:
    """The label text of an Exif block; `""` when there is none.

    Args:
        block: from its byte order mark on.
    """
    source = io.BytesIO(block)
    try:
        form = directory.layout(source)
        return _spoken(source, form, next(directory.directories(source, form)))[0]
    except MarkingError:
        return ""


def blanked(block: bytes) -> bytes:
    """A block of the same size without a label."""
    source = io.BytesIO(block)
    try:
        form = directory.layout(source)
        found, at, size = _spoken(source, form, next(directory.directories(source, form)))
    except MarkingError:
        return block
    return block[: at + _CODE] + b" " * (size - _CODE) + block[at + size :] if found else block


def spoken(source: BinaryIO, form: Layout, table: directory.Directory) -> tuple[str, int, int]:
    """The label text in the UserComment that a directory names, where it stands and how many bytes it has; `""` where
    there is none."""
    try:
        return _spoken(source, form, table)
    except MarkingError:
        return "", 0, 0


def _spoken(source: BinaryIO, form: Layout, table: directory.Directory) -> tuple[str, int, int]:
    entry = directory.comment(source, form, table)
    if entry is None:
        return "", 0, 0
    data = directory.value(source, form, entry, LONGEST)
    at, size = directory.place(form, entry)
    code, body = data[:_CODE], data[_CODE:]
    if data.lstrip().startswith(b"{"):  # some write no code
        code, body = b"", data
    if code == b"UNICODE\x00":
        said = body.decode("utf-16-be" if form.big else "utf-16-le", "replace")
        if "{" not in said:  # many writers take the other order
            said = body.decode("utf-16-le" if form.big else "utf-16-be", "replace")
    else:
        said = body.decode("utf-8", "replace")
    said = said.strip("\ufeff\x00 \r\n\t")
    found = KEY in said.upper() and parse(said) is not None
    return (said, at, size) if found else ("", 0, 0)
