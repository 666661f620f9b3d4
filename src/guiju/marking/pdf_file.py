# SPDX-License-Identifier: Apache-2.0
"""The label within a PDF file (`pdf`), by the library that reads and writes such files."""

from __future__ import annotations

import io
from typing import BinaryIO, Final, cast

from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, PdfObject, StreamObject

from guiju.marking import xmp
from guiju.marking.family import MOST, Found, MarkingError
from guiju.marking.label import KEY, Aigc

_KEY: Final = f"/{KEY}"
_XMP: Final = "Metadata"


def read(data: bytes) -> list[Found]:
    """The labels of a file; whatever the library raises on one that is not well formed goes through."""
    reader = _reader(data)
    value = _information(reader).get(_KEY)
    found = [Found(f"Info {KEY}", str(value))] if value is not None else []
    found += [Found(f"{_XMP} XMP", text) for text in xmp.texts(_packet(reader))] if _packet(reader) else []
    return found[:MOST]


def write(data: bytes, target: BinaryIO, aigc: Aigc) -> None:
    """Write a file with this label and no other."""
    writer = PdfWriter(_reader(data), incremental=True)
    writer.add_metadata({_KEY: aigc.bare()})
    packet = _packet(writer)
    if packet and xmp.texts(packet):
        stream = cast("StreamObject", writer.root_object[f"/{_XMP}"])
        stream.set_data(xmp.blanked(packet))
    writer.write(target)


def _reader(data: bytes) -> PdfReader:
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted:
        raise MarkingError("unsupported", "it is encrypted")
    if not isinstance(reader.trailer.get("/Root", DictionaryObject()).get_object(), DictionaryObject):
        raise MarkingError("unreadable", "PDF")
    return reader


def _information(reader: PdfReader) -> DictionaryObject:
    value = reader.trailer.get("/Info", DictionaryObject()).get_object()
    return value if isinstance(value, DictionaryObject) else DictionaryObject()


def _packet(file: PdfReader | PdfWriter) -> bytes:
    """The XMP packet of the whole document; `b""` when there is none."""
    root: DictionaryObject = file.root_object
    value: PdfObject | None = root.get(NameObject(f"/{_XMP}"))
    stream = value.get_object() if value is not None else None
    return stream.get_data() if isinstance(stream, StreamObject) else b""
