# SPDX-License-Identifier: Apache-2.0
"""Places of a file that MP4 boxes name (ISO/IEC 14496-12): what has to change when the movie box grows.

Chunk offsets (8.7.5), auxiliary information (8.7.9), fragments (8.8.7, 8.8.11) and the segment index (8.16.3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from guiju.marking.boxes import Box, body_of, box, boxes, spans, top
from guiju.marking.family import MarkingError
from guiju.marking.splice import Splice, size_of

_FRAGMENT: Final = 16 << 20
"""Bytes of a fragment's box that are held in memory, at most."""
_WIDE: Final = 0xFFFFFFFF
_HOLDERS: Final = (b"mdia", b"minf", b"stbl")


def grown(source: BinaryIO, moov: Box, movie: bytes) -> list[Splice] | None:
    """The splices that put a new movie box in the place of the old one, with every offset behind it moved.

    Args:
        source: the file.
        moov: its movie box.
        movie: the new one's content, its offsets as they were.

    Returns:
        None when the file has offsets that are not understood, so that nothing may move.

    Raises:
        MarkingError: it is not well formed.
    """
    by = len(movie) + 8 - (moov.end - moov.start)
    if by and _unknown(source, movie):
        return None
    if by and size_of(source) + by > _WIDE:
        movie = _widened(movie)
        by = len(movie) + 8 - (moov.end - moov.start)
    made = [Splice(moov.start, moov.end, box(b"moov", moved(movie, moov.end, by)))]
    for one in top(source) if by else ():
        if one.kind == b"moof" and one.start >= moov.end:
            made += _in_fragment(source, one, moov.end, by)
        elif one.kind == b"mfra":
            made += _in_random_access(source, one, moov.end, by)
        elif one.kind == b"sidx" and one.start < moov.start:
            made += _in_index(source, one, moov.end, by)
    return made


def _unknown(source: BinaryIO, movie: bytes) -> bool:
    """Whether a file names places in ways that are not followed here: items, other files, packed movie boxes."""
    if any(one.kind == b"meta" for one in top(source)):
        return True
    for kind, body in boxes(movie):
        if kind == b"cmov":
            raise MarkingError("unsupported", "MP4 with a packed movie box")
        if kind in (b"meta", b"udta") and b"iloc" in body:
            return True
        if kind == b"trak" and _elsewhere(body):
            return True
    return False


def _elsewhere(track: bytes) -> bool:
    """Whether samples of a track lie in another file, or it has items."""
    for kind, body in boxes(track):
        if kind == b"meta" and b"iloc" in body:
            return True
        for inner, deeper in boxes(body) if kind == b"mdia" else ():
            for part, parts in boxes(deeper) if inner == b"minf" else ():
                for name, rest in boxes(parts) if part == b"dinf" else ():
                    if name == b"dref" and any(not one[3:4] or not one[3] & 1 for _, one in boxes(rest[8:])):
                        return True
    return False


def _tables(movie: bytes) -> Iterator[Box]:
    """The sample tables of all tracks."""
    for track in spans(movie):
        if track.kind != b"trak":
            continue
        level = [track]
        for kind in _HOLDERS:
            level = [one for held in level for one in spans(movie, held.body, held.end) if one.kind == kind]
        yield from level


def moved(movie: bytes, edge: int, by: int) -> bytes:
    """A movie box's content whose offsets behind an edge are moved."""
    if not by:
        return movie
    made = bytearray(movie)
    for table in _tables(movie):
        for one in spans(movie, table.body, table.end):
            if one.kind in (b"stco", b"co64"):
                _move(made, one, one.body + 4, 4 if one.kind == b"stco" else 8, edge, by)
            elif one.kind == b"saio":
                extra = 8 if movie[one.body + 3] & 1 else 0
                _move(made, one, one.body + 4 + extra, 8 if movie[one.body] else 4, edge, by)
    return bytes(made)


def _move(data: bytearray, one: Box, place: int, width: int, edge: int, by: int) -> None:
    """Move the offsets of a table that begins with their number."""
    count, place = int.from_bytes(data[place : place + 4], "big"), place + 4
    if place + count * width > one.end:
        raise MarkingError("unreadable", "MP4 offsets")
    form = f">{count}{'I' if width == 4 else 'Q'}"
    most = (1 << 8 * width) - 1
    moved = [old + by if old >= edge else old for old in struct.unpack_from(form, data, place)]
    if moved and not 0 <= max(moved) <= most:
        raise MarkingError("too_large", "MP4 offsets")
    struct.pack_into(form, data, place, *moved)


def _widened(movie: bytes) -> bytes:
    """A movie box's content whose chunk offsets have 64 bits."""
    return b"".join(box(kind, _wide(body, 0) if kind == b"trak" else body) for kind, body in boxes(movie))


def _wide(data: bytes, depth: int) -> bytes:
    made = []
    for kind, body in boxes(data):
        if depth < len(_HOLDERS) and kind == _HOLDERS[depth]:
            body = _wide(body, depth + 1)
        elif depth == len(_HOLDERS) and kind == b"stco":
            count = int.from_bytes(body[4:8], "big")
            if 8 + 4 * count > len(body):
                raise MarkingError("unreadable", "MP4 offsets")
            kind, body = b"co64", body[:8] + struct.pack(f">{count}Q", *struct.unpack_from(f">{count}I", body, 8))
        made.append(box(kind, body))
    return b"".join(made)


def _patch(start: int, old: bytes, by: int) -> Splice:
    """A number of a file, moved."""
    value = int.from_bytes(old, "big") + by
    if not 0 <= value < 1 << 8 * len(old):
        raise MarkingError("too_large", "MP4 offsets")
    return Splice(start, start + len(old), value.to_bytes(len(old), "big"))


def _in_fragment(source: BinaryIO, one: Box, edge: int, by: int) -> Iterator[Splice]:
    """Base offsets of a fragment's tracks, where they count from the file's beginning."""
    data = body_of(source, one, _FRAGMENT)
    for track in spans(data):
        for inner in spans(data, track.body, track.end) if track.kind == b"traf" else ():
            if inner.kind == b"tfhd" and inner.end - inner.body >= 16 and data[inner.body + 3] & 1:
                old = data[inner.body + 8 : inner.body + 16]
                if int.from_bytes(old, "big") >= edge:
                    yield _patch(one.body + inner.body + 8, old, by)


def _in_random_access(source: BinaryIO, one: Box, edge: int, by: int) -> Iterator[Splice]:
    """Where fragments begin, as the table at the end has it."""
    data = body_of(source, one, _FRAGMENT)
    for table in spans(data):
        if table.kind != b"tfra":
            continue
        start, wide = table.body, 8 if data[table.body] else 4
        sizes, count = data[start + 11], int.from_bytes(data[start + 12 : start + 16], "big")
        step = 2 * wide + sum((sizes >> shift & 3) + 1 for shift in (0, 2, 4))
        if start + 16 + step * count > table.end:
            raise MarkingError("unreadable", "MP4 offsets")
        for place in range(start + 16 + wide, start + 16 + step * count, step):
            old = data[place : place + wide]
            if int.from_bytes(old, "big") >= edge:
                yield _patch(one.body + place, old, by)


def _in_index(source: BinaryIO, one: Box, edge: int, by: int) -> Iterator[Splice]:
    """How far behind a segment index that stands before the movie box its first segment is."""
    data = body_of(source, one, _FRAGMENT)
    place, wide = (20, 8) if data[:1] not in (b"", b"\x00") else (16, 4)
    old = data[place : place + wide]
    if len(old) == wide and one.end + int.from_bytes(old, "big") >= edge:
        yield _patch(one.body + place, old, by)
