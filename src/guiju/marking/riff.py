# SPDX-License-Identifier: Apache-2.0
"""Chunks of RIFF files (Microsoft and IBM, 1991; EBU Tech 3306 for RF64; ITU-R BS.2088 for BW64), none loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from guiju.marking.family import MarkingError, exactly

LONGEST: Final = 8 << 20
"""Bytes of a chunk of metadata that is held in memory, at most."""
UNKNOWN: Final = 0xFFFFFFFF
_CHUNKS: Final = 1 << 14


class Chunk(NamedTuple):
    """A chunk: where it starts, where its content ends, and where the next one starts."""

    kind: bytes
    start: int
    end: int
    next: int


def chunks(source: BinaryIO, start: int, end: int, sizes: dict[bytes, int] | None = None) -> Iterator[Chunk]:
    """The chunks between two places of a file.

    Args:
        source: the file.
        start, end: where they begin, and where they must have ended.
        sizes: of chunks, by kind, that are too large for their own size field.

    Raises:
        MarkingError: it is not well formed.
    """
    place = start
    for _ in range(_CHUNKS):
        if end - place < 8:
            return
        source.seek(place)
        head = exactly(source, 8, "RIFF chunk")
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        if size == UNKNOWN and sizes is not None:
            size = sizes.get(kind, end - place - 8)
        stop = place + 8 + size
        if stop > end:
            raise MarkingError("unreadable", "RIFF chunk")
        yield Chunk(kind, place, stop, min(stop + (size & 1), end))
        place = stop + (size & 1)
    raise MarkingError("unreadable", "RIFF chunks")


def body_of(source: BinaryIO, one: Chunk) -> bytes:
    """A chunk's content.

    Raises:
        MarkingError: it is larger than the bound.
    """
    if one.end - one.start - 8 > LONGEST:
        raise MarkingError("too_large", "RIFF chunk")
    source.seek(one.start + 8)
    return exactly(source, one.end - one.start - 8, "RIFF chunk")


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk anew, padded to an even size."""
    return kind + len(body).to_bytes(4, "little") + body + b"\x00" * (len(body) & 1)


def info(body: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and text of the chunks of a LIST of type INFO.

    Raises:
        MarkingError: it is not well formed.
    """
    made, place = [], 4
    while len(body) - place >= 8:
        size = int.from_bytes(body[place + 4 : place + 8], "little")
        if place + 8 + size > len(body):
            raise MarkingError("unreadable", "RIFF INFO")
        made.append((body[place : place + 4], body[place + 8 : place + 8 + size]))
        place += 8 + size + (size & 1)
    return made
