# SPDX-License-Identifier: Apache-2.0
"""GIF89a: the label in the XMP packet of the application extension `XMP Data` (TC260-PG-20259A; XMP part 3, 1.1.2).

The packet stands there unpacked, and behind it a trailer of 258 bytes, in which readers that know nothing of XMP find
the end. Pixels are never decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from guiju.marking import xmp
from guiju.marking.family import MOST, Found, MarkingError, copy, exactly
from guiju.marking.label import Aigc

_HEAD: Final = b"\x21\xff\x0bXMP DataXMP"
_LOOP: Final = b"\x21\xff\x0bNETSCAPE2.0"
_TRAILER: Final = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
_PLACE: Final = "XMP application extension"
_BLOCKS: Final = 1 << 20
_PARTS: Final = 1 << 24
"""Sub-blocks of a file, at most: 4 GiB of them."""


class _Block(msgspec.Struct, frozen=True):
    """A block behind the global colours.

    Attributes:
        head: its first bytes.
        at, size: where it stands, and all its bytes.
        parts: where its sub-blocks begin.
    """

    head: bytes
    at: int
    size: int
    parts: int


class Gif:
    """The family; see `Family`."""

    name = "gif"
    kind = "image"
    endings = ("gif",)
    media_types = ("image/gif",)

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head[:6] in (b"GIF87a", b"GIF89a")

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        for block in _blocks(source):
            if block.head == _HEAD:
                found += [Found(_PLACE, text) for text in xmp.texts(_packet(source, block))]
            if len(found) >= MOST:
                break
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        whole = source.seek(0, 2)
        packets: list[_Block] = []
        place = 0  # behind the global colours, and behind the extension that says how often it is shown
        for number, block in enumerate(_blocks(source)):
            if block.head == _HEAD:
                packets.append(block)
            if number == 0:
                place = block.at + block.size if block.head == _LOOP else block.at
        label = xmp.labelled(_packet(source, packets[0]) if packets else b"", aigc)
        source.seek(0)
        exactly(source, 6, "GIF")
        target.write(b"GIF89a")  # extensions came with it
        at = 6
        if not packets:
            copy(source, target, place - at)
            target.write(_HEAD + label + _TRAILER)
            at = place
        for number, block in enumerate(packets):
            body = label if number == 0 else xmp.blanked(_packet(source, block))
            source.seek(at)
            copy(source, target, block.at - at)
            target.write(_HEAD + body + _TRAILER)
            at = block.at + block.size
        source.seek(at)
        copy(source, target, whole - at)


def transplanted(old: BinaryIO, new: BinaryIO, target: BinaryIO) -> None:
    """Write the pictures of one file with the application extensions of another, but for the one that loops.

    Args:
        old: the file whose metadata are kept.
        new: the file whose pictures are taken.
        target: an empty stream.

    Raises:
        MarkingError: one is not well formed.
    """
    kept = [block for block in _blocks(old) if block.head.startswith(b"\x21\xff") and block.head != _LOOP]
    whole = new.seek(0, 2)
    first = next(_blocks(new))
    place = first.at + first.size if first.head == _LOOP else first.at
    new.seek(0)
    copy(new, target, place)
    for block in kept:
        old.seek(block.at)
        copy(old, target, block.size)
    new.seek(place)
    copy(new, target, whole - place)


def _blocks(source: BinaryIO) -> Iterator[_Block]:
    """The blocks up to the trailer, which is one of them; the stream may be moved between them.

    Raises:
        MarkingError: it is not well formed.
    """
    source.seek(0)
    head = exactly(source, 13, "GIF")
    if head[:6] not in (b"GIF87a", b"GIF89a"):
        raise MarkingError("unreadable", "GIF")
    at = 13 + _colours(head[10])
    parts = 0
    for _ in range(_BLOCKS):
        source.seek(at)
        kind = exactly(source, 1, "GIF block")
        if kind == b"\x3b":
            yield _Block(kind, at, 1, at + 1)
            return
        if kind == b"\x2c":
            rest = exactly(source, 9, "GIF picture")
            begin = at + 10 + _colours(rest[8]) + 1  # the least size of a code stands before the sub-blocks
        elif kind == b"\x21":
            rest = exactly(source, 2, "GIF extension")
            rest += exactly(source, rest[1], "GIF extension") if rest[0] == 0xFF else b""
            begin = at + (1 + len(rest) if rest[0] == 0xFF else 2)
        else:
            raise MarkingError("unreadable", "GIF block")
        source.seek(begin)
        parts += _skipped(source, _PARTS - parts)
        end = source.tell()
        yield _Block(kind + rest, at, end - at, begin)
        at = end
    raise MarkingError("unreadable", "GIF blocks")


def _colours(flags: int) -> int:
    """The bytes of a table of colours."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _skipped(source: BinaryIO, most: int) -> int:
    """Go behind the sub-blocks; returns how many there were."""
    for number in range(most):
        size = exactly(source, 1, "GIF data")[0]
        if size == 0:
            return number
        source.seek(size, 1)
    raise MarkingError("too_large", "GIF")


def _packet(source: BinaryIO, block: _Block) -> bytes:
    """The packet of an extension, as the specification puts it there, or in sub-blocks as some do."""
    size = block.at + block.size - block.parts
    if size > xmp.LONGEST + len(_TRAILER):
        raise MarkingError("too_large", "XMP")
    source.seek(block.parts)
    data = exactly(source, size, "GIF XMP")
    if data.endswith(_TRAILER):
        return data[: -len(_TRAILER)]
    packet, at = bytearray(), 0
    while at < len(data) and data[at]:
        packet += data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    return bytes(packet)


GIF: Final = Gif()
