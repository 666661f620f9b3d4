# SPDX-License-Identifier: Apache-2.0
"""AVI (RIFF; OpenDML 1.02): the label in a chunk AIGC of LIST INFO (TC260-PG-20257A).

A JUNK chunk before the film gives the room where it can. Otherwise the places that OpenDML's indexes name, and those of
an `idx1` that counts from the file's beginning, are corrected. Read besides: XMP (`_PMX`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from guiju.marking import xmp
from guiju.marking.family import MOST, Found, MarkingError, exactly
from guiju.marking.label import KEY, Aigc
from guiju.marking.riff import LONGEST, Chunk, body_of, chunk, chunks, info
from guiju.marking.splice import Moved, Splice, names_label, size_of

_OWN: Final = KEY.encode()
_RIFFS: Final = 1 << 10
_INDEX: Final = 64 << 20
"""Bytes of an `idx1` that is held in memory, at most: four million frames."""
_STREAMS: Final = 256


class _Riff(NamedTuple):
    """One RIFF of a file: where it starts and ends, and its chunks; for lists with their type."""

    start: int
    end: int
    inner: list[tuple[bytes, Chunk]]

    def first(self, kind: bytes) -> Chunk | None:
        """The first chunk of a kind."""
        return next((one for name, one in self.inner if name == kind), None)


class Avi:
    """The family; see `Family`."""

    name = "avi"
    kind = "video"
    endings = ("avi",)
    media_types = ("video/x-msvideo", "video/avi", "video/vnd.avi")

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head[:4] == b"RIFF" and head[8:12] == b"AVI "

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        for riff in _riffs(source):
            for kind, one in riff.inner:
                if kind in (b"INFO", b"_PMX", _OWN):
                    found += _texts(kind, body_of(source, one))
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        riffs = _riffs(source)
        movie = riffs[0].first(b"movi")
        if movie is None:
            raise MarkingError("unreadable", "AVI without a film")
        splices = _infos(source, riffs, movie, aigc)
        splices += _room(riffs[0], movie, Moved(splices).grown)
        moved = Moved(splices)
        for riff in riffs:
            grown = sum(len(s.new) - (s.end - s.start) for s in splices if riff.start <= s.start < riff.end)
            size = riff.end - riff.start - 8 + grown
            if size > 0xFFFFFFFF:
                raise MarkingError("too_large", "AVI")
            splices += [Splice(riff.start + 4, riff.start + 8, size.to_bytes(4, "little"))] if grown else []
        if moved.place(movie.start) != movie.start or moved.grown:
            splices += _indexes(source, riffs[0], moved)
            splices += _old_index(source, riffs[0], movie, moved)
        Moved(splices).write(source, target)


def _riffs(source: BinaryIO) -> list[_Riff]:
    """The RIFFs of a file, one after another.

    Raises:
        MarkingError: it is not well formed.
    """
    length, place = size_of(source), 0
    made: list[_Riff] = []
    while length - place >= 12:
        source.seek(place)
        head = exactly(source, 12, "AVI")
        if head[:4] != b"RIFF" or head[8:] != (b"AVIX" if made else b"AVI "):
            if made:
                break  # what stands behind the last is no part of the film
            raise MarkingError("unreadable", "AVI")
        end = place + 8 + int.from_bytes(head[4:8], "little")
        if end > length or end < place + 12 or len(made) == _RIFFS:
            raise MarkingError("unreadable", "AVI size")
        made.append(_Riff(place, end, list(_typed(source, place + 12, end))))
        place = end + (end & 1)
    if not made:
        raise MarkingError("unreadable", "AVI")
    return made


def _typed(source: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, Chunk]]:
    """Chunks with their kinds; for lists, the type of the list."""
    for one in chunks(source, start, end):
        kind = one.kind
        if kind == b"LIST":
            source.seek(one.start + 8)
            kind = exactly(source, 4, "AVI list")
        yield kind, one


def _texts(kind: bytes, body: bytes) -> list[Found]:
    if kind == b"_PMX":
        return [Found("_PMX XMP", text) for text in xmp.texts(body)]
    if kind == _OWN:
        return [Found(KEY, body.decode("utf-8", "replace").rstrip("\x00"))]
    plain = [(name.decode("latin-1"), text.decode("utf-8", "replace").rstrip("\x00")) for name, text in info(body)]
    return [Found(f"LIST INFO {name}", text) for name, text in plain if names_label(name, text)]


def _infos(source: BinaryIO, riffs: list[_Riff], movie: Chunk, aigc: Aigc) -> list[Splice]:
    """The label in the first LIST INFO before the film or a new one; none anywhere else."""
    label = chunk(_OWN, aigc.bare().encode() + b"\x00")
    splices, placed = [], False
    for riff in riffs:
        for kind, one in riff.inner:
            if kind == _OWN:
                splices.append(Splice(one.start, one.next, b""))
            if kind not in (b"INFO", b"_PMX"):
                continue
            body = body_of(source, one)
            if kind == b"_PMX":
                if xmp.texts(body):
                    splices.append(Splice(one.start + 8, one.end, xmp.blanked(body)))
                continue
            here = not placed and one.start < movie.start
            if here or _texts(kind, body):
                kept = [(name, text) for name, text in info(body) if not _texts(kind, b"INFO" + chunk(name, text))]
                made = body[:4] + b"".join(chunk(*each) for each in kept) + (label if here else b"")
                splices.append(Splice(one.start, one.next, chunk(b"LIST", made)))
            placed = placed or here
    if not placed:
        splices.append(Splice(movie.start, movie.start, chunk(b"LIST", b"INFO" + label)))
    return splices


def _room(riff: _Riff, movie: Chunk, grown: int) -> list[Splice]:
    """A JUNK chunk before the film that gives the room; none when there is none."""
    for kind, one in riff.inner:
        if kind == b"JUNK" and one.start < movie.start and grown:
            size = one.next - one.start - grown
            if size == 0 or 8 <= size <= LONGEST:
                return [Splice(one.start, one.next, chunk(b"JUNK", bytes(size - 8)) if size else b"")]
    return []


def _indexes(source: BinaryIO, riff: _Riff, moved: Moved) -> Iterator[Splice]:
    """What OpenDML's indexes name, moved: `indx` of each stream, and the `ix##` that it lists."""
    head = riff.first(b"hdrl")
    streams = (
        [] if head is None else [one for kind, one in _typed(source, head.start + 12, head.end) if kind == b"strl"]
    )
    for stream in streams[:_STREAMS]:
        for one in chunks(source, stream.start + 12, stream.end):
            if one.kind != b"indx":
                continue
            body = body_of(source, one)
            if len(body) < 24:
                raise MarkingError("unreadable", "AVI index")
            if body[3] == 1:  # an index of chunks, where it stands
                yield from _based(source, one.start, moved)
                continue
            count = int.from_bytes(body[4:8], "little")
            if 24 + 16 * count > len(body):
                raise MarkingError("unreadable", "AVI index")
            for number in range(count):
                (place,) = struct.unpack_from("<Q", body, 24 + 16 * number)
                if place:
                    at = one.start + 8 + 24 + 16 * number
                    yield from _based(source, place, moved)
                    yield Splice(at, at + 8, moved.place(place).to_bytes(8, "little"))


def _based(source: BinaryIO, place: int, moved: Moved) -> Iterator[Splice]:
    """The place from which an index of chunks counts, moved."""
    if place > size_of(source) - 32:
        raise MarkingError("unreadable", "AVI index")
    source.seek(place)
    head = exactly(source, 32, "AVI index")
    if head[11] == 1:  # only an index of chunks has one
        (base,) = struct.unpack_from("<Q", head, 20)
        if base > size_of(source):
            raise MarkingError("unreadable", "AVI index")
        yield Splice(place + 20, place + 28, struct.pack("<Q", moved.place(base)))


def _old_index(source: BinaryIO, riff: _Riff, movie: Chunk, moved: Moved) -> list[Splice]:
    """An `idx1` whose places count from the file's beginning, moved; those that count from the film stay."""
    one = riff.first(b"idx1")
    if one is None or one.end - one.start < 24:
        return []
    source.seek(one.start + 8)
    first = exactly(source, 16, "AVI index")
    (place,) = struct.unpack_from("<I", first, 8)
    for base, counts in ((movie.start + 8, False), (0, True)):
        source.seek(base + place)
        if source.read(4) == first[:4]:
            if not counts:
                return []
            break
    else:
        return []
    size = (one.end - one.start - 8) // 16 * 16
    if size > _INDEX:
        raise MarkingError("too_large", "AVI index")
    source.seek(one.start + 8)
    body = bytearray(exactly(source, size, "AVI index"))
    for at in range(8, size, 16):
        (old,) = struct.unpack_from("<I", body, at)
        if (new := moved.place(old)) > 0xFFFFFFFF:
            raise MarkingError("too_large", "AVI index")
        struct.pack_into("<I", body, at, new)
    return [Splice(one.start + 8, one.start + 8 + size, bytes(body))]


AVI: Final = Avi()
