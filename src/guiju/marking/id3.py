# SPDX-License-Identifier: Apache-2.0
"""ID3v2 tags (id3.org, 2.2.0, 2.3.0, 2.4.0): the label in a TXXX frame with description AIGC (TC260-PG-202510A).

Other frames stay as they were, to the byte. The extended header goes when a tag is written: its checksum would not hold
any more. A tag whose bytes are unsynchronised as a whole stays so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from guiju.marking.family import MarkingError, exactly
from guiju.marking.label import KEY, Aigc
from guiju.marking.splice import names_label

LONGEST: Final = 32 << 20
"""Bytes of a tag that is held in memory, at most: pictures stand in it."""
_FRAMES: Final = 1 << 14
_UNSYNCHRONISED: Final = 0x80
_EXTENDED: Final = 0x40
_FOOTER: Final = 0x10
_SYNC: Final = re.compile(rb"\xff(?=[\x00\xe0-\xff]|\Z)")
_ENCODINGS: Final = ("latin-1", "utf-16", "utf-16-be", "utf-8")


class Frame(msgspec.Struct, frozen=True):
    """A frame: its id, its bytes as they stand in the tag, and its content."""

    id: bytes
    raw: bytes
    body: bytes


class Tag(msgspec.Struct, frozen=True):
    """A tag.

    Attributes:
        version: 2, 3 or 4.
        size: bytes that it takes in the file, with header and footer.
        flags: of its header.
        plain: whether sizes of a 2.4 tag have eight bits a byte, as some wrongly write them.
        frames: in order.
    """

    version: int
    size: int
    flags: int
    plain: bool
    frames: tuple[Frame, ...]

    def labels(self) -> list[str]:
        """The label texts."""
        return [text for name, text in map(_named, self.frames) if names_label(name, text)]

    def labelled(self, aigc: Aigc | None) -> bytes:
        """The tag anew with this label and no other, in the same size where its padding allows; none with none."""
        kept = [one.raw for one in self.frames if not names_label(*_named(one))]
        if aigc is not None:
            kept.append(_frame(self.version, self.plain, b"\x00" + KEY.encode() + b"\x00" + aigc.bare().encode()))
        body = b"".join(kept)
        if self.version < 4 and self.flags & _UNSYNCHRONISED:
            body = _SYNC.sub(b"\xff\x00", body)
        footer = self.version == 4 and self.flags & _FOOTER
        if not footer:
            body = body.ljust(self.size - 10, b"\x00")
        if len(body) >= 1 << 28:
            raise MarkingError("too_large", "ID3 tag")
        rest = bytes([self.version, 0, self.flags & ~_EXTENDED]) + _synchsafe(len(body))
        return b"ID3" + rest + body + (b"3DI" + rest if footer else b"")


def read(source: BinaryIO) -> Tag | None:
    """The tag that begins where a stream stands; the stream then stands behind it. None when there is none.

    Raises:
        MarkingError: it is not well formed, or over the bound.
    """
    at = source.tell()
    head = source.read(10)
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or head[4] == 0xFF:
        source.seek(at)
        return None
    version, flags = head[3], head[5]
    if version not in (2, 3, 4) or any(byte & 0x80 for byte in head[6:]):
        raise MarkingError("unreadable", "ID3 tag")
    if version == 2 and flags & _EXTENDED:  # there it means that the tag is packed
        raise MarkingError("unsupported", "ID3 tag that is packed")
    size, footer = _number(head[6:], 7), version == 4 and flags & _FOOTER
    if size > LONGEST:
        raise MarkingError("too_large", "ID3 tag")
    body = exactly(source, size, "ID3 tag")
    if footer:
        exactly(source, 10, "ID3 tag")
    if version < 4 and flags & _UNSYNCHRONISED:
        body = body.replace(b"\xff\x00", b"\xff")
    if version > 2 and flags & _EXTENDED:
        body = body[_extended(version, body) :]
    for plain in (False, True) if version == 4 else (True,):
        try:
            frames = tuple(_frames(version, plain, bool(flags & _UNSYNCHRONISED), body))
        except MarkingError:
            if plain:
                raise
        else:
            return Tag(version, size + (20 if footer else 10), flags, plain, frames)
    raise MarkingError("unreadable", "ID3 tag")


def fresh(aigc: Aigc) -> bytes:
    """A new tag that holds the label: 2.3, which most programs read."""
    return Tag(3, 10, 0, False, ()).labelled(aigc)


def _extended(version: int, body: bytes) -> int:
    """Bytes of the extended header."""
    size = _number(body[:4], 7) if version == 4 else _number(body[:4], 8) + 4
    if size < 6 or size > len(body):
        raise MarkingError("unreadable", "ID3 tag")
    return size


def _frames(version: int, plain: bool, unsynchronised: bool, body: bytes) -> Iterator[Frame]:
    """The frames of a tag, as far as its padding."""
    head, width = (6, 3) if version == 2 else (10, 4)
    place = 0
    for _ in range(_FRAMES):
        name = body[place : place + width]
        if not name.strip(b"\x00"):
            return
        size = _number(body[place + width : place + 2 * width], 8 if plain else 7)
        end = place + head + size
        if end > len(body) or not name.isalnum() or not name.isascii():
            raise MarkingError("unreadable", "ID3 frame")
        content = body[place + head : end]
        if version > 2:
            content = _content(version, body[place + 9], unsynchronised, content)
        yield Frame(name, body[place:end], content)
        place = end
    raise MarkingError("unreadable", "ID3 frames")


def _content(version: int, flags: int, unsynchronised: bool, body: bytes) -> bytes:
    """A frame's content; `b""` when it is packed or encrypted: no label is kept so."""
    packed, secret, grouped, length = (0x08, 0x04, 0x40, 0x01) if version == 4 else (0x80, 0x40, 0x20, 0)
    if flags & (packed | secret):
        return b""
    body = body[(1 if flags & grouped else 0) + (4 if flags & length else 0) :]
    if version == 4 and (unsynchronised or flags & 0x02):
        body = body.replace(b"\xff\x00", b"\xff")
    return body


def _named(frame: Frame) -> tuple[str, str]:
    """Description and text of a frame of a user's own text; `""` for any other."""
    if frame.id not in (b"TXXX", b"TXX") or not frame.body or frame.body[0] > 3:
        return "", ""
    text = frame.body[1:].decode(_ENCODINGS[frame.body[0]], "replace")
    name, _, value = text.partition("\x00")
    return name.lstrip("\ufeff"), value.strip("\x00\ufeff\ufffe")


def _frame(version: int, plain: bool, body: bytes) -> bytes:
    if version == 2:
        return b"TXX" + len(body).to_bytes(3, "big") + body
    size = len(body).to_bytes(4, "big") if plain or version == 3 else _synchsafe(len(body))
    return b"TXXX" + size + b"\x00\x00" + body


def _number(data: bytes, bits: int) -> int:
    """A number of so many bits a byte."""
    value = 0
    for byte in data:
        if byte >> bits:
            raise MarkingError("unreadable", "ID3 size")
        value = value << bits | byte
    return value


def _synchsafe(value: int) -> bytes:
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))
