# SPDX-License-Identifier: Apache-2.0
"""FLAC (RFC 9639): the label in the VORBIS_COMMENT block; a PADDING block gives the room where there is one."""

from __future__ import annotations

from typing import BinaryIO, Final, NamedTuple

from guiju.marking import vorbis
from guiju.marking.family import MOST, Found, MarkingError, exactly
from guiju.marking.label import KEY, Aigc
from guiju.marking.splice import Moved, Splice, size_of

_BLOCKS: Final = 1 << 12
_PADDING: Final = 1
_COMMENT: Final = 4
_LARGEST: Final = (1 << 24) - 1


class _Block(NamedTuple):
    """A block of metadata: its kind, where it starts, and how many bytes it holds."""

    kind: int
    start: int
    size: int


class Flac:
    """The family; see `Family`."""

    name = "flac"
    kind = "audio"
    endings = ("flac",)
    media_types = ("audio/flac", "audio/x-flac")

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head.startswith(b"fLaC")

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        for one in _blocks(source):
            if one.kind == _COMMENT:
                found += [Found(f"VORBIS_COMMENT {KEY}", text) for text in vorbis.labels(_body(source, one))]
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        blocks, splices, placed = _blocks(source), [], False
        for one in blocks:
            if one.kind == _COMMENT:
                body = vorbis.labelled(_body(source, one), None if placed else aigc)
                splices.append(Splice(one.start + 1, one.start + 4 + one.size, _sized(body)))
                placed = True
        if not placed:
            first, only = blocks[0], len(blocks) == 1
            new = bytes([_COMMENT | 0x80 * only]) + _sized(vorbis.labelled(b"", aigc))
            splices += [Splice(first.start, first.start + 1, b"\x00")] if only else []
            splices.append(Splice(first.start + 4 + first.size, first.start + 4 + first.size, new))
        grown = Moved(splices).grown
        padding = next((one for one in blocks if one.kind == _PADDING and 0 <= one.size - grown <= _LARGEST), None)
        if padding is not None:
            end = padding.start + 4 + padding.size
            splices.append(Splice(padding.start + 1, end, _sized(b"\x00" * (padding.size - grown))))
        Moved(splices).write(source, target)


def _sized(body: bytes) -> bytes:
    """A block's size and content."""
    if len(body) > _LARGEST:
        raise MarkingError("too_large", "FLAC block")
    return len(body).to_bytes(3, "big") + body


def _blocks(source: BinaryIO) -> list[_Block]:
    """The blocks of metadata.

    Raises:
        MarkingError: it is not well formed.
    """
    length, place = size_of(source), 4
    source.seek(0)
    if exactly(source, 4, "FLAC") != b"fLaC":
        raise MarkingError("unreadable", "FLAC")
    blocks: list[_Block] = []
    for _ in range(_BLOCKS):
        source.seek(place)
        head = exactly(source, 4, "FLAC block")
        one = _Block(head[0] & 0x7F, place, int.from_bytes(head[1:], "big"))
        place += 4 + one.size
        if place > length or one.kind == 0x7F or (not blocks) != (one.kind == 0):
            raise MarkingError("unreadable", "FLAC block")
        blocks.append(one)
        if head[0] & 0x80:
            return blocks
    raise MarkingError("unreadable", "FLAC blocks")


def _body(source: BinaryIO, one: _Block) -> bytes:
    source.seek(one.start + 4)
    return exactly(source, one.size, "FLAC block")


FLAC: Final = Flac()
