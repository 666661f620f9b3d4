# SPDX-License-Identifier: Apache-2.0
"""The smallest files of each kind, made by code: labels are written into them and read back to see that both work
(Labelling Measures, 11; GB 45438-2025, 6.1). They show nothing and sound like nothing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Final

_RATE: Final = 8000


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png() -> bytes:
    """A grey point."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0\x80")
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _wav() -> bytes:
    """Eight samples of silence."""
    format_ = struct.pack("<HHIIHH", 1, 1, _RATE, _RATE * 2, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(format_)) + format_ + b"data" + struct.pack("<I", 16) + bytes(16)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def _mp4() -> bytes:
    """A film without a track."""
    unity = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    clock = struct.pack(">IIIII", 0, 0, 0, 1000, 0) + struct.pack(">IHH8x", 0x10000, 0x0100, 0)
    head = clock + unity + bytes(24) + struct.pack(">I", 1)
    return _box(b"ftyp", b"isom\0\0\2\0isommp41") + _box(b"moov", _box(b"mvhd", head)) + _box(b"mdat", b"")


def _pdf() -> bytes:
    """An empty page."""
    parts = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    )
    made, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    begin = len(made)
    made += b"xref\n0 4\n0000000000 65535 f \n" + rows + b"trailer\n<</Size 4/Root 1 0 R>>\n"
    return made + b"startxref\n%d\n%%%%EOF\n" % begin


SAMPLES: Final[Mapping[str, bytes]] = {
    "png": _png(),
    "wav": _wav(),
    "mp4": _mp4(),
    "pdf": _pdf(),
    "html": b"<!doctype html><html><head><title>-</title></head><body>-</body></html>",
    "md": b"-\n",
}
"""Ending → a file: of pictures, sound, films and documents one each, and two of text."""
