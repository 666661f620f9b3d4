# SPDX-License-Identifier: Apache-2.0
"""WebP (RFC 9649): the label in the XMP packet of the chunk `XMP ` (TC260-PG-20259A).

A simple file becomes an extended one, as the chunk asks. Read besides: Exif's UserComment. Pixels are never decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from guiju.marking import exif, vp8, xmp
from guiju.marking.family import MOST, Found, MarkingError, copy, exactly
from guiju.marking.label import Aigc

_PLACE: Final = "XMP chunk"
_XMP_FLAG: Final = 0x04
_ALPHA_FLAG: Final = 0x10
_LONGEST: Final = 8 << 20
"""Bytes of an Exif chunk that are read, at most."""
_CHUNKS: Final = 1 << 18


class _Chunk(msgspec.Struct, frozen=True):
    """A chunk: its name, where its body stands, and the bytes of the body."""

    name: bytes
    at: int
    size: int


class Webp:
    """The family; see `Family`."""

    name = "webp"
    kind = "image"
    endings = ("webp",)
    media_types = ("image/webp",)

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head[:4] == b"RIFF" and head[8:12] == b"WEBP"

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        for chunk in _chunks(source):
            if chunk.name == b"XMP ":
                found += [Found(_PLACE, text) for text in xmp.texts(_body(source, chunk, xmp.LONGEST))]
            elif chunk.name == b"EXIF" and (text := exif.text(_block(_body(source, chunk, _LONGEST)))):
                found.append(Found(exif.PLACE, text))
            if len(found) >= MOST:
                break
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        chunks = list(_chunks(source))
        label = xmp.labelled(_packet(source, chunks), aigc)
        made: list[tuple[bytes, bytes | _Chunk]] = []
        labelled = False
        for chunk in chunks:
            body: bytes | _Chunk = chunk
            if chunk.name == b"XMP ":
                body = label if not labelled else xmp.blanked(_body(source, chunk, xmp.LONGEST))
                labelled = True
            elif chunk.name == b"EXIF":
                body = _without(_body(source, chunk, _LONGEST)) or chunk
            elif chunk.name == b"VP8X":
                old = _body(source, chunk, 10)
                body = bytes((old[0] | _XMP_FLAG,)) + old[1:]
            made.append((chunk.name, body))
        if chunks[0].name != b"VP8X":
            made.insert(0, (b"VP8X", _extended(source, chunks[0])))
        if not labelled:
            made.append((b"XMP ", label))
        size = 4 + sum(8 + length + length % 2 for length in map(_length, (body for _, body in made)))
        if size > 0xFFFFFFFE:
            raise MarkingError("too_large", "WebP")
        end = chunks[-1].at + chunks[-1].size + chunks[-1].size % 2
        whole = source.seek(0, 2)
        target.write(b"RIFF" + size.to_bytes(4, "little") + b"WEBP")
        for name, body in made:
            _put(source, target, name, body)
        if whole > end:  # what stands behind the file's own end
            source.seek(end)
            copy(source, target, whole - end)


def _chunks(source: BinaryIO) -> Iterator[_Chunk]:
    """The chunks; the stream may be moved between them.

    Raises:
        MarkingError: it is not well formed.
    """
    whole = source.seek(0, 2)
    source.seek(0)
    head = exactly(source, 12, "WebP")
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise MarkingError("unreadable", "WebP")
    end = 8 + int.from_bytes(head[4:8], "little")
    at = 12
    if end > whole + 1 or end < 20:
        raise MarkingError("unreadable", "WebP is cut short")
    for number in range(_CHUNKS):
        source.seek(at)
        head = exactly(source, 8, "WebP chunk")
        chunk = _Chunk(head[:4], at + 8, int.from_bytes(head[4:], "little"))
        at += 8 + chunk.size + chunk.size % 2
        if at > end + 1 or at > whole + 1 or (number == 0 and chunk.name not in (b"VP8X", b"VP8 ", b"VP8L")):
            raise MarkingError("unreadable", "WebP chunk")
        yield chunk
        if at >= end:
            return
    raise MarkingError("unreadable", "WebP chunks")


def _body(source: BinaryIO, chunk: _Chunk, longest: int) -> bytes:
    if chunk.size > longest:
        raise MarkingError("too_large", "WebP chunk")
    source.seek(chunk.at)
    return exactly(source, chunk.size, "WebP chunk")


def _packet(source: BinaryIO, chunks: list[_Chunk]) -> bytes:
    """The first packet; `b""` for none."""
    return next((_body(source, one, xmp.LONGEST) for one in chunks if one.name == b"XMP "), b"")


def _block(body: bytes) -> bytes:
    """An Exif chunk from its byte order mark on; some begin as in JPEG."""
    return body.removeprefix(b"Exif\x00\x00")


def _without(body: bytes) -> bytes:
    """An Exif chunk without its label; `b""` when it has none."""
    block = _block(body)
    return body[: len(body) - len(block)] + exif.blanked(block) if exif.text(block) else b""


def _extended(source: BinaryIO, first: _Chunk) -> bytes:
    """The body of VP8X for a simple file: flags and the size of the picture, which its first chunk tells."""
    source.seek(first.at)
    if first.name == b"VP8L":
        head = exactly(source, 5, "WebP")
        bits = int.from_bytes(head[1:], "little")
        if head[0] != 0x2F:
            raise MarkingError("unreadable", "WebP lossless")
        width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF
        flags = _XMP_FLAG | (_ALPHA_FLAG if bits >> 28 & 1 else 0)
    else:
        head = exactly(source, 10, "WebP")
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        if head[3:6] != b"\x9d\x01\x2a" or not width or not height:
            raise MarkingError("unreadable", "WebP lossy")
        width, height, flags = width - 1, height - 1, _XMP_FLAG
    return bytes((flags, 0, 0, 0)) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


def quality(source: BinaryIO) -> float | None:
    """The quality of the first picture that is encoded with loss, from 0 to 100; none where all are without.

    Raises:
        MarkingError: it is not well formed.
    """
    for chunk in _chunks(source):
        source.seek(chunk.at)
        name = chunk.name
        if name == b"ANMF":  # a frame's place and times, transparency where there is some, and its picture
            source.seek(chunk.at + 16)
            name, size = source.read(4), int.from_bytes(source.read(4), "little")
            if name == b"ALPH":
                source.seek(size + size % 2, 1)
                name, _ = source.read(4), source.read(4)
        if name == b"VP8 ":
            return vp8.quality(source.read(vp8.HEAD))
    return None


def _length(body: bytes | _Chunk) -> int:
    return body.size if isinstance(body, _Chunk) else len(body)


def _put(source: BinaryIO, target: BinaryIO, name: bytes, body: bytes | _Chunk) -> None:
    """Write one chunk, with the byte that makes it even."""
    size = _length(body)
    target.write(name + size.to_bytes(4, "little"))
    if isinstance(body, _Chunk):
        source.seek(body.at)
        copy(source, target, size)
    else:
        target.write(body)
    target.write(b"\x00" * (size % 2))


WEBP: Final = Webp()
