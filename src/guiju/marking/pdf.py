# SPDX-License-Identifier: Apache-2.0
"""PDF (ISO 32000): the label under the key AIGC of the information dictionary (TC260-PG-20258A, 6.3).

The label is added behind the file as an incremental update: all bytes before stay, and so does a signature over them.
Read besides: the property of an XMP stream, as pictures have it. Files of strangers are read in a child process with
limits (`adapters.reading`): a small file can be made to take very long.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, PdfObject, StreamObject

from guiju.marking import xmp
from guiju.marking.family import MOST, Found, MarkingError, whole
from guiju.marking.label import KEY, Aigc

LARGEST: Final = 64 << 20
"""Bytes of a file, at most: it is in memory whole."""
_KEY: Final = f"/{KEY}"
_XMP: Final = "Metadata"


class Pdf:
    """The family; see `Family`."""

    name = "pdf"
    kind = "document"
    endings = ("pdf",)
    media_types = ("application/pdf",)

    def knows(self, head: bytes) -> bool:
        """See `Family`. Up to 1,024 bytes before the header are borne, as most readers bear them."""
        return b"%PDF-" in head[:1024]

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        with _told(source) as data:
            reader = _reader(data)
            value = _information(reader).get(_KEY)
            found = [Found(f"Info {KEY}", str(value))] if value is not None else []
            found += [Found(f"{_XMP} XMP", text) for text in xmp.texts(_packet(reader))] if _packet(reader) else []
            return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        with _told(source) as data:
            writer = PdfWriter(_reader(data), incremental=True)
            writer.add_metadata({_KEY: aigc.bare()})
            packet = _packet(writer)
            if packet and xmp.texts(packet):
                stream = cast("StreamObject", writer.root_object[f"/{_XMP}"])
                stream.set_data(xmp.blanked(packet))
            writer.write(target)


PDF: Final = Pdf()
"""The one of its kind."""


@contextmanager
def _told(source: BinaryIO) -> Iterator[bytes]:
    """The file's bytes; whatever the library raises on a file that is not well formed becomes ours."""
    data = whole(source, LARGEST, "PDF")
    try:
        yield data
    except MarkingError:
        raise
    except Exception as error:  # the library raises whatever its way through a broken file meets
        raise MarkingError("unreadable", "PDF") from error


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
