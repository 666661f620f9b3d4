# SPDX-License-Identifier: Apache-2.0
"""A picture as somebody else may get it: what is seen of it and nothing else (Article 11).

Exif (with the place and the camera), XMP, comments, texts, previews and whatever follows the picture's end are left
behind: nobody can look at them, and they are not what was asked about. Of Exif the orientation alone is kept. Pixels
are copied, never decoded. PNG, JPEG and WebP, of one picture.
"""

from __future__ import annotations

import io
import struct
from typing import Final

import msgspec

from guiju.marking import png
from guiju.marking.family import MarkingError, exactly

SIDE: Final = 8192
"""Pixels of a side, at most."""
PIXELS: Final = 40_000_000
"""Pixels of a picture, at most: a small file may claim to be a very large one."""
_PNG: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"sBIT")
_APP0, _APP1, _APP14, _COMMENT, _EOI, _SOS = 0xE0, 0xE1, 0xEE, 0xFE, 0xD9, 0xDA
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_KEPT: Final = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, *_FRAMES})
_EXIF: Final = b"Exif\x00\x00"
_ORIENTATION: Final = 0x0112
_ALPHA: Final = 0x10


class Bare(msgspec.Struct, frozen=True):
    """What is left of a picture.

    Attributes:
        data: the file.
        family: `png`, `jpeg` or `webp`.
        width, height: in pixels.
    """

    data: bytes
    family: str
    width: int
    height: int


def bare(data: bytes) -> Bare:
    """The picture in a file.

    Args:
        data: the file.

    Raises:
        MarkingError: `unsupported`, `unreadable`, or `too_large`.
    """
    if data.startswith(png.SIGNATURE):
        made = _png(data)
    elif data.startswith(b"\xff\xd8\xff"):
        made = _jpeg(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        made = _webp(data)
    else:
        raise MarkingError("unsupported", "no PNG, JPEG or WebP")
    if not made.width or not made.height:
        raise MarkingError("unreadable", "no size")
    if max(made.width, made.height) > SIDE or made.width * made.height > PIXELS:
        raise MarkingError("too_large", "pixels")
    return made


def _png(data: bytes) -> Bare:
    source, target = io.BytesIO(data), io.BytesIO()
    target.write(png.SIGNATURE)
    width = height = 0
    for kind, size in png.chunks(source):
        at = source.tell()
        if kind == b"IHDR":
            width, height = struct.unpack(">II", exactly(source, 8, "PNG IHDR"))
            source.seek(at)
        if kind in _PNG:
            target.write(size.to_bytes(4, "big") + kind + data[at : at + size + 4])
    return Bare(target.getvalue(), "png", width, height)


def _jpeg(data: bytes) -> Bare:
    made, size = [b"\xff\xd8"], (0, 0)
    head: list[bytes] = []
    at = 2
    while True:
        marker, at, end = _segment(data, at)
        body = data[at + 4 : end]
        if marker == _EOI:
            break
        if marker in _FRAMES and len(body) >= 5:
            size = max(size, struct.unpack(">HH", body[1:5]))
        if marker == _APP1 and body.startswith(_EXIF) and not head:
            head = [_turned(body[len(_EXIF) :])]
        if marker in _KEPT or marker == _APP14:
            made.append(data[at:end])
        elif marker == _APP0 and body.startswith(b"JFIF\x00") and len(body) >= 14:
            made.append(b"\xff\xe0\x00\x10" + body[:12] + b"\x00\x00")  # without its thumbnail
        elif not (_APP0 <= marker <= 0xEF or marker == _COMMENT):
            raise MarkingError("unreadable", "a segment")
        at = end
        if marker == _SOS:
            at = _scanned(data, end)
            made.append(data[end:at])
    return Bare(b"".join([made[0], *head, *made[1:], b"\xff\xd9"]), "jpeg", size[1], size[0])


def _segment(data: bytes, at: int) -> tuple[int, int, int]:
    """The marker of the segment at a place, where it begins after fill bytes, and where it ends."""
    while data[at : at + 2] == b"\xff\xff":  # fill bytes
        at += 1
    if len(data) < at + 2 or data[at] != 0xFF:
        raise MarkingError("unreadable", "it is cut short")
    if data[at + 1] == _EOI:
        return _EOI, at, at + 2
    size = int.from_bytes(data[at + 2 : at + 4], "big")
    if size < 2 or len(data) < at + 2 + size:
        raise MarkingError("unreadable", "it is cut short")
    return data[at + 1], at, at + 2 + size


def _scanned(data: bytes, at: int) -> int:
    """Where the coded data of a scan end."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise MarkingError("unreadable", "it is cut short")
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def _turned(block: bytes) -> bytes:
    """A segment of Exif that holds how the picture is turned, and nothing else; none where it is not."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
    if order is None or len(block) < 10:
        return b""
    (at,) = struct.unpack_from(order + "I", block, 4)
    if not 8 <= at <= len(block) - 2:
        return b""
    (count,) = struct.unpack_from(order + "H", block, at)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(block) - 11), 12):
        tag, kind, _, value = struct.unpack_from(order + "HHIH", block, entry)
        if tag == _ORIENTATION and kind == 3 and 2 <= value <= 8:
            only = struct.pack(">4sIHHHIHHI", b"MM\x00*", 8, 1, _ORIENTATION, 3, 1, value, 0, 0)
            return b"\xff\xe1" + (2 + len(_EXIF) + len(only)).to_bytes(2, "big") + _EXIF + only
    return b""


def _webp(data: bytes) -> Bare:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise MarkingError("unreadable", "it is cut short")
    made: list[bytes] = []
    size = (0, 0)
    at = 12
    while at + 8 <= end:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + length]
        if len(body) != length or at + 8 + length > end:
            raise MarkingError("unreadable", "it is cut short")
        if name in (b"ANIM", b"ANMF"):
            raise MarkingError("unsupported", "moving pictures")
        if name == b"VP8X" and length == 10:
            body = bytes((body[0] & _ALPHA, 0, 0, 0)) + body[4:]
            size = tuple(1 + int.from_bytes(body[i : i + 3], "little") for i in (4, 7))  # type: ignore[assignment] # two
        elif name in (b"VP8 ", b"VP8L"):
            size = max(size, _webp_size(name, body))
        if name in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH"):
            made.append(name + length.to_bytes(4, "little") + body + b"\x00" * (length % 2))
        at += 8 + length + length % 2
    whole = b"WEBP" + b"".join(made)
    return Bare(b"RIFF" + len(whole).to_bytes(4, "little") + whole, "webp", *size)


def _webp_size(name: bytes, body: bytes) -> tuple[int, int]:
    """The size of a picture that has no header of its own (RFC 6386, 9.1; RFC 9649, 3)."""
    if name == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if name == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise MarkingError("unreadable", "no size")
