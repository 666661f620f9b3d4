# SPDX-License-Identifier: Apache-2.0
"""PNG (W3C PNG, third edition): the label in the XMP packet of an `iTXt` chunk (TC260-PG-20259A).

Read besides: text chunks with the keyword AIGC (annex B of the guide), and Exif's UserComment.
Pixels are copied, never decoded.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from guiju.marking import exif, xmp
from guiju.marking.family import MOST, Found, MarkingError, copy, exactly
from guiju.marking.label import KEY, Aigc

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_XMP: Final = b"XML:com.adobe.xmp"
_EXIF: Final = b"eXIf"
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
_DATA: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT")
_OF_COLOURS: Final = (b"bKGD", b"sBIT", b"hIST")
_LONGEST: Final = 8 << 20
"""Bytes of a chunk of text, at most, packed or not."""
_CHUNKS: Final = 1 << 17


class Png:
    """The family; see `Family`."""

    name = "png"
    kind = "image"
    endings = ("png", "apng")
    media_types = ("image/png", "image/apng")

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head.startswith(SIGNATURE)

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        for kind, size in chunks(source):
            if kind in _TEXTS:
                body = _body(source, size)
                keyword = body.partition(b"\x00")[0]
                place = f"{kind.decode()} {keyword.decode('latin-1')}"
                if keyword == _XMP and kind == b"iTXt":
                    found += [Found(place, text) for text in xmp.texts(_text(kind, body))]
                elif keyword.upper() == KEY.encode():
                    found.append(Found(place, _text(kind, body).decode("utf-8", "replace")))
            elif kind == _EXIF and (text := exif.text(_body(source, size))):
                found.append(Found(exif.PLACE, text))
            if len(found) >= MOST:
                break
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        packet = b""
        for kind, size in chunks(source):
            if kind == b"iTXt" and (body := _body(source, size)).startswith(_XMP + b"\x00"):
                packet = _text(kind, body)
                break
        label = _XMP + b"\x00\x00\x00\x00\x00" + xmp.labelled(packet, aigc)
        target.write(SIGNATURE)
        for kind, size in chunks(source):
            if kind in _TEXTS:
                body = _body(source, size)
                keyword = body.partition(b"\x00")[0]
                if keyword.upper() != KEY.encode() and not (keyword == _XMP and kind == b"iTXt"):
                    put(target, kind, body)
                continue
            if kind == _EXIF:
                put(target, kind, exif.blanked(_body(source, size)))
                continue
            at = source.tell()
            target.write(size.to_bytes(4, "big") + kind)
            copy(source, target, size + 4)
            source.seek(at)
            if kind == b"IHDR":
                put(target, b"iTXt", label)
        source.seek(0, 2)


def transplanted(old: BinaryIO, new: BinaryIO, target: BinaryIO) -> None:
    """Write the pixels of one file with what another one tells of its picture.

    Args:
        old: the file whose metadata, profile and times are kept.
        new: the file whose head, palette, transparency and data are taken.
        target: an empty stream.

    Raises:
        MarkingError: one is not well formed.
    """
    told: list[tuple[bool, int, int]] = []  # whether it stands before the data, its place and its size
    before, same = True, _colour_type(old) == _colour_type(new)
    for kind, size in chunks(old):
        before = before and kind != b"IDAT"
        if kind not in _DATA and (same or kind not in _OF_COLOURS):
            told.append((before, old.tell() - 8, size + 12))
    target.write(SIGNATURE)
    for kind, size in chunks(new):
        if kind == b"IEND":
            _copied(old, target, [part for part in told if not part[0]])
        if kind in _DATA:
            at = new.tell()
            new.seek(at - 8)
            copy(new, target, size + 12)
            new.seek(at)
        if kind == b"IHDR":
            _copied(old, target, [part for part in told if part[0]])


def _colour_type(source: BinaryIO) -> bytes:
    source.seek(24)
    return exactly(source, 2, "PNG")


def _copied(source: BinaryIO, target: BinaryIO, parts: list[tuple[bool, int, int]]) -> None:
    for _, at, size in parts:
        source.seek(at)
        copy(source, target, size)


def chunks(source: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Kind and size of each chunk; the stream stands at its body, and wherever it is left the next one is found.

    Raises:
        MarkingError: it is not well formed.
    """
    source.seek(0)
    if exactly(source, 8, "PNG") != SIGNATURE:
        raise MarkingError("unreadable", "PNG")
    for number in range(_CHUNKS):
        at = source.tell()
        head = exactly(source, 8, "PNG chunk")
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if not kind.isalpha() or size > 0x7FFFFFFF or (number == 0) != (kind == b"IHDR"):
            raise MarkingError("unreadable", "PNG chunk")
        yield kind, size
        if kind == b"IEND":
            return
        source.seek(at + 12 + size)
    raise MarkingError("unreadable", "PNG chunks")


def _body(source: BinaryIO, size: int) -> bytes:
    """A chunk of text, its checksum held true."""
    if size > _LONGEST:
        raise MarkingError("too_large", "PNG text")
    source.seek(-4, 1)
    kind = exactly(source, 4, "PNG chunk")
    body = exactly(source, size, "PNG chunk")
    if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(exactly(source, 4, "PNG chunk"), "big"):
        raise MarkingError("unreadable", "PNG checksum")
    return body


def put(target: BinaryIO, kind: bytes, body: bytes) -> None:
    check = zlib.crc32(body, zlib.crc32(kind))
    target.write(len(body).to_bytes(4, "big") + kind + body + check.to_bytes(4, "big"))


def _text(kind: bytes, body: bytes) -> bytes:
    """The text of a chunk, unpacked."""
    rest = body.partition(b"\x00")[2]
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _unpacked(rest[1:])
    packed, rest = rest[:1] == b"\x01", rest[2:]
    text = rest.partition(b"\x00")[2].partition(b"\x00")[2]  # after the language and the keyword in it
    return _unpacked(text) if packed else text


def _unpacked(data: bytes) -> bytes:
    """Unpack, as far as the bound.

    Raises:
        MarkingError: it is packed wrongly, or too large.
    """
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, _LONGEST)
    except zlib.error as error:
        raise MarkingError("unreadable", "PNG text") from error
    if unpacker.unconsumed_tail:
        raise MarkingError("too_large", "PNG text")
    return text


PNG: Final = Png()
