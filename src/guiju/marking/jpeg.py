# SPDX-License-Identifier: Apache-2.0
"""JPEG (ITU-T T.81, annex B): the label in the XMP packet of an APP1 segment (TC260-PG-20259A; XMP part 3, 1.1.3).

Read besides: extended XMP, and Exif's UserComment (annex B of the guide). What follows the first scan is copied as it
is; the index of a multi-picture file (CIPA DC-007) is corrected by what its first picture has grown.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

import msgspec

from guiju.marking import directory, exif, xmp
from guiju.marking.family import MOST, Found, MarkingError, copy, exactly
from guiju.marking.label import Aigc

_APP1: Final = 0xE1
_APP2: Final = 0xE2
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\x00"
_MORE: Final = b"http://ns.adobe.com/xmp/extension/\x00"
_EXIF: Final = b"Exif\x00\x00"
_PICTURES: Final = b"MPF\x00"
_PLACE: Final = "APP1 XMP"
_PLACE_MORE: Final = "APP1 extended XMP"
_MORE_HEAD: Final = len(_MORE) + 40
_BODY: Final = 65_533
"""Bytes of a segment's body, at most."""
_SEGMENTS: Final = 4096
_PICTURE_TAG: Final = 0xB002


class Segment(msgspec.Struct, frozen=True):
    """A segment before the first scan.

    Attributes:
        marker: its second byte.
        at, size: where its marker stands, and all its bytes from there.
        body: what follows the length; kept for APP1 and APP2 only.
    """

    marker: int
    at: int
    size: int
    body: bytes

    def holds(self, marker: int, name: bytes) -> bool:
        """Whether it is of this kind."""
        return self.marker == marker and self.body.startswith(name)


class Jpeg:
    """The family; see `Family`."""

    name = "jpeg"
    kind = "image"
    endings = ("jpg", "jpeg", "jpe", "jfif")
    media_types = ("image/jpeg",)

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head.startswith(b"\xff\xd8\xff")

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        parts = list(segments(source))
        found: list[Found] = []
        for segment in parts:
            if segment.holds(_APP1, _XMP):
                found += [Found(_PLACE, text) for text in xmp.texts(segment.body[len(_XMP) :])]
            elif segment.holds(_APP1, _EXIF) and (text := exif.text(segment.body[len(_EXIF) :])):
                found.append(Found(exif.PLACE, text))
        for packet in _extensions(parts).values():
            found += [Found(_PLACE_MORE, text) for text in xmp.texts(packet)]
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        parts = list(segments(source))
        end = parts[-1].at + parts[-1].size if parts else 2
        size = source.seek(0, 2)
        rows = _corrected(_rows(parts, aigc))
        target.write(b"\xff\xd8")
        for row in rows:
            if row.new is not None:
                target.write(row.new)
            elif row.old is not None:
                source.seek(row.old.at)
                copy(source, target, row.old.size)
        source.seek(end)
        copy(source, target, size - end)


class _Row(msgspec.Struct, frozen=True):
    """What is written for a segment: its new bytes; none for it as it was."""

    old: Segment | None
    new: bytes | None = None

    def grown(self) -> int:
        """By how many bytes it grows."""
        return len(self.new) - (self.old.size if self.old else 0) if self.new is not None else 0


def segments(source: BinaryIO) -> Iterator[Segment]:
    """The segments from SOI to the first scan or to EOI.

    Raises:
        MarkingError: it is not well formed.
    """
    source.seek(0)
    if exactly(source, 2, "JPEG") != b"\xff\xd8":
        raise MarkingError("unreadable", "JPEG")
    for _ in range(_SEGMENTS):
        at = source.tell()
        head = exactly(source, 2, "JPEG segment")
        while head == b"\xff\xff" and source.tell() - at < 64:  # fill bytes
            head = b"\xff" + exactly(source, 1, "JPEG segment")
        marker = head[1]
        if head[0] != 0xFF or marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            raise MarkingError("unreadable", "JPEG segment")
        if marker in (0xD9, 0xDA):
            return
        size = int.from_bytes(exactly(source, 2, "JPEG segment"), "big")
        if size < 2:
            raise MarkingError("unreadable", "JPEG segment")
        body = exactly(source, size - 2, "JPEG segment")
        yield Segment(marker, at, source.tell() - at, body if marker in (_APP1, _APP2) else b"")
    raise MarkingError("unreadable", "JPEG segments")


def _extensions(parts: Sequence[Segment]) -> dict[bytes, bytes]:
    """The extended packets, by their digests.

    Raises:
        MarkingError: one is too large, or has holes.
    """
    found: dict[bytes, tuple[int, dict[int, bytes]]] = {}
    for segment in parts:
        if not segment.holds(_APP1, _MORE):
            continue
        head = segment.body[len(_MORE) : _MORE_HEAD]
        size, at = int.from_bytes(head[32:36], "big"), int.from_bytes(head[36:40], "big")
        if len(head) < 40 or size > xmp.LONGEST:
            raise MarkingError("unreadable", "JPEG extended XMP")
        found.setdefault(head[:32], (size, {}))[1][at] = segment.body[_MORE_HEAD:]
    made: dict[bytes, bytes] = {}
    for digest, (size, pieces) in found.items():
        packet = bytearray()
        for at, piece in sorted(pieces.items()):
            if at != len(packet):
                raise MarkingError("unreadable", "JPEG extended XMP")
            packet += piece
        if len(packet) != size:
            raise MarkingError("unreadable", "JPEG extended XMP")
        made[digest] = bytes(packet)
    return made


def _rows(parts: Sequence[Segment], aigc: Aigc) -> list[_Row]:
    """What is written for each segment, and where a new one goes."""
    main = next((one.body[len(_XMP) :] for one in parts if one.holds(_APP1, _XMP)), None)
    label = xmp.labelled(main or b"", aigc)
    extended: dict[bytes, tuple[bytes, bytes]] = {}
    for digest, packet in _extensions(parts).items():
        if xmp.texts(packet):
            clean = xmp.blanked(packet)
            name = hashlib.md5(clean, usedforsecurity=False).hexdigest().upper().encode()
            extended[digest] = name, clean
            label = label.replace(digest, name)
    if len(_XMP) + len(label) > _BODY:
        label = xmp.tight(label)
    rows: list[_Row] = []
    for one in parts:
        body = b""
        if one.holds(_APP1, _XMP):
            first = not any(row.old and row.old.holds(_APP1, _XMP) for row in rows)
            body = _XMP + (label if first else xmp.blanked(one.body[len(_XMP) :]))
        elif one.holds(_APP1, _EXIF):
            block = one.body[len(_EXIF) :]
            body = _EXIF + exif.blanked(block) if exif.text(block) else b""
        elif one.holds(_APP1, _MORE) and (digest := one.body[len(_MORE) : len(_MORE) + 32]) in extended:
            name, clean = extended[digest]
            at = int.from_bytes(one.body[_MORE_HEAD - 4 : _MORE_HEAD], "big")
            body = _MORE + name + one.body[len(_MORE) + 32 : _MORE_HEAD]
            body += clean[at : at + len(one.body) - _MORE_HEAD]
        rows.append(_Row(one, _made(_APP1, body) if body else None))
    if main is None:
        rows.insert(_first_place(parts), _Row(None, _made(_APP1, _XMP + label)))
    return rows


def _made(marker: int, body: bytes) -> bytes:
    """A segment.

    Raises:
        MarkingError: its body is too large for one.
    """
    if len(body) > _BODY:
        raise MarkingError("too_large", "JPEG XMP")
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _first_place(parts: Sequence[Segment]) -> int:
    """Before which segment a new packet goes: after JFIF and Exif, before all else."""
    for number, one in enumerate(parts):
        if one.marker != 0xE0 and not one.holds(_APP1, _EXIF):
            return number
    return len(parts)


def _corrected(rows: Sequence[_Row]) -> list[_Row]:
    """The rows, with an index of pictures corrected by what its first picture grows; a broken one stays as it is."""
    made = list(rows)
    for place, row in enumerate(rows):
        if row.old is not None and row.old.holds(_APP2, _PICTURES):
            grown = sum(one.grown() for one in rows)
            behind = sum(one.grown() for one in rows[place + 1 :])
            try:
                block = _index(row.old.body[len(_PICTURES) :], grown, behind)
            except MarkingError:
                continue
            made[place] = _Row(row.old, _made(_APP2, _PICTURES + block))
    return made


def _index(block: bytes, grown: int, behind: int) -> bytes:
    """An index of pictures whose first has grown, so that the others stand further behind the index."""
    source = io.BytesIO(block)
    form = directory.layout(source)
    entry = next(directory.directories(source, form)).entry(_PICTURE_TAG)
    at, size = directory.place(form, entry) if entry is not None else (0, 0)
    if at + size > len(block):
        raise MarkingError("unreadable", "MPF")
    new = bytearray(block)
    for row in range(at, at + size - 15, 16):  # attribute, size, offset from the index, two dependents
        first = form.number(block[row + 8 : row + 12]) == 0
        field, by = (row + 4, grown) if first else (row + 8, behind)
        new[field : field + 4] = form.bytes(form.number(block[field : field + 4]) + by, 4)
    return bytes(new)


JPEG: Final = Jpeg()
