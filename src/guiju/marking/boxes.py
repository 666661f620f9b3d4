# SPDX-License-Identifier: Apache-2.0
"""Boxes of ISO/IEC 14496-12 (4.2): size, kind, content; at the top of a file without loading it, and within one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from guiju.marking.family import MarkingError, exactly
from guiju.marking.splice import size_of

LONGEST: Final = 64 << 20
"""Bytes of a box that is held in memory, at most. A film of ten hours has a movie box of about 20 MiB."""
_BOXES: Final = 1 << 17


class Box(NamedTuple):
    """A box of a file: where it starts, where its content does, and where it ends."""

    kind: bytes
    start: int
    body: int
    end: int


def top(source: BinaryIO) -> Iterator[Box]:
    """The boxes at the top of a file, none of them loaded.

    Raises:
        MarkingError: it is not well formed.
    """
    length, place = size_of(source), 0
    for _ in range(_BOXES):
        if place == length:
            return
        source.seek(place)
        head = exactly(source, 8, "MP4 box")
        size, body = int.from_bytes(head[:4], "big"), place + 8
        if size == 1:
            size, body = int.from_bytes(exactly(source, 8, "MP4 box"), "big"), place + 16
        elif size == 0:
            size = length - place
        if size < body - place or place + size > length:
            raise MarkingError("unreadable", "MP4 box")
        yield Box(head[4:], place, body, place + size)
        place += size
    raise MarkingError("unreadable", "MP4 boxes")


def body_of(source: BinaryIO, one: Box, longest: int = LONGEST) -> bytes:
    """A box's content.

    Raises:
        MarkingError: it is larger than the bound.
    """
    if one.end - one.body > longest:
        raise MarkingError("too_large", "MP4 box")
    source.seek(one.body)
    return exactly(source, one.end - one.body, "MP4 box")


def spans(data: bytes, start: int = 0, end: int | None = None, *, loose: bool = False) -> Iterator[Box]:
    """The boxes within a box's content.

    Args:
        data: bytes that hold it.
        start, end: where in them it is.
        loose: whether a rest of zeros, as QuickTime ends user data, is taken.

    Raises:
        MarkingError: it is not well formed.
    """
    place, end = start, len(data) if end is None else end
    while place < end:
        size, body = int.from_bytes(data[place : place + 4], "big"), place + 8
        if loose and not any(data[place : min(place + 8, end)]) and end - place <= 8:
            return
        if size == 1:
            size, body = int.from_bytes(data[place + 8 : place + 16], "big"), place + 16
        if size < body - place or place + size > end:
            raise MarkingError("unreadable", "MP4 box")
        yield Box(data[place + 4 : place + 8], place, body, place + size)
        place += size


def boxes(data: bytes, *, loose: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes within a box's content; see `spans`."""
    for one in spans(data, loose=loose):
        yield one.kind, data[one.body : one.end]


def box(kind: bytes, body: bytes) -> bytes:
    """A box anew."""
    return (len(body) + 8).to_bytes(4, "big") + kind + body
