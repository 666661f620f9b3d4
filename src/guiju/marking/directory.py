# SPDX-License-Identifier: Apache-2.0
"""Image file directories (TIFF 6.0, section 2; BigTIFF): tables of TIFF files, of Exif blocks and of MPF indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from guiju.marking.family import MarkingError, exactly

XMP_TAG: Final = 0x02BC
EXIF_TAG: Final = 0x8769
COMMENT_TAG: Final = 0x9286
UNDEFINED: Final = 7
"""The type of a value whose bytes mean what the tag says."""
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_ENTRIES: Final = 4096
_ALL_ENTRIES: Final = 1 << 18
"""Entries of all tables of a chain, at most."""


class Layout(msgspec.Struct, frozen=True):
    """How numbers stand in a file.

    Attributes:
        big: big-endian.
        word: bytes of an offset: 4, in BigTIFF 8.
        first: where the offset of the first directory stands.
    """

    big: bool
    word: int
    first: int

    def number(self, data: bytes) -> int:
        """Bytes as a number."""
        return int.from_bytes(data, "big" if self.big else "little")

    def bytes(self, number: int, size: int) -> bytes:
        """A number as bytes.

        Raises:
            MarkingError: it does not fit.
        """
        try:
            return number.to_bytes(size, "big" if self.big else "little")
        except OverflowError as error:
            raise MarkingError("too_large", "TIFF offset") from error


class Entry(msgspec.Struct, frozen=True):
    """One entry.

    Attributes:
        tag, kind, count: as the table says.
        value: its last field: the value, where it fits, else its offset.
        at: where the entry stands.
    """

    tag: int
    kind: int
    count: int
    value: bytes
    at: int


class Directory(msgspec.Struct, frozen=True):
    """One table.

    Attributes:
        entries: in the order of the file.
        next: where the next one stands; 0 for none.
        at: where it stands.
    """

    entries: tuple[Entry, ...]
    next: int
    at: int

    def entry(self, tag: int) -> Entry | None:
        """The first entry of a tag."""
        return next((one for one in self.entries if one.tag == tag), None)


def layout(source: BinaryIO) -> Layout:
    """How numbers stand in a file, by its first bytes.

    Raises:
        MarkingError: it is no TIFF.
    """
    source.seek(0)
    head = exactly(source, 8, "TIFF")
    if head[:4] in (b"II*\x00", b"MM\x00*"):
        return Layout(head[:1] == b"M", 4, 4)
    if head in (b"II+\x00\x08\x00\x00\x00", b"MM\x00+\x00\x08\x00\x00"):
        return Layout(head[:1] == b"M", 8, 8)
    raise MarkingError("unreadable", "TIFF")


def directory(source: BinaryIO, form: Layout, at: int) -> Directory:
    """The table at an offset.

    Raises:
        MarkingError: it is not well formed.
    """
    source.seek(at)
    wide = form.word == 8
    count = form.number(exactly(source, 8 if wide else 2, "TIFF directory"))
    if not 0 < count <= _ENTRIES:
        raise MarkingError("unreadable", "TIFF directory")
    start, size = source.tell(), 20 if wide else 12
    rows = exactly(source, count * size, "TIFF directory")
    following = form.number(exactly(source, form.word, "TIFF directory"))
    entries = []
    for place in range(0, len(rows), size):
        row = rows[place : place + size]
        entries.append(
            Entry(
                tag=form.number(row[:2]),
                kind=form.number(row[2:4]),
                count=form.number(row[4 : 4 + form.word]),
                value=row[4 + form.word :],
                at=start + place,
            )
        )
    return Directory(tuple(entries), following, at)


def directories(source: BinaryIO, form: Layout) -> Iterator[Directory]:
    """The chain of tables from the first, one a page.

    Raises:
        MarkingError: one is not well formed, or the chain comes back to itself.
    """
    source.seek(form.first)
    at = form.number(exactly(source, form.word, "TIFF"))
    seen: set[int] = set()
    entries = 0
    while at:
        if at in seen:
            raise MarkingError("unreadable", "TIFF directories")
        seen.add(at)
        table = directory(source, form, at)
        entries += len(table.entries)
        if entries > _ALL_ENTRIES:
            raise MarkingError("too_large", "TIFF directories")
        yield table
        at = table.next
    if not seen:
        raise MarkingError("unreadable", "TIFF without a directory")


def place(form: Layout, entry: Entry) -> tuple[int, int]:
    """Where the bytes of an entry's value stand, and how many they are.

    Raises:
        MarkingError: its type is unknown.
    """
    if entry.kind not in _SIZES:
        raise MarkingError("unreadable", "TIFF entry")
    size = entry.count * _SIZES[entry.kind]
    if size <= form.word:
        return entry.at + 4 + form.word, size
    return form.number(entry.value), size


def value(source: BinaryIO, form: Layout, entry: Entry, longest: int) -> bytes:
    """The bytes of an entry's value.

    Raises:
        MarkingError: it is cut short, or longer than `longest`.
    """
    at, size = place(form, entry)
    if size > longest:
        raise MarkingError("too_large", "TIFF entry")
    source.seek(at)
    return exactly(source, size, "TIFF entry")


def comment(source: BinaryIO, form: Layout, table: Directory) -> Entry | None:
    """The entry UserComment of the Exif directory that a table names; none when there is none.

    Raises:
        MarkingError: that directory is not well formed.
    """
    pointer = table.entry(EXIF_TAG)
    if pointer is None or pointer.count != 1 or pointer.kind not in (4, 13, 16, 18):
        return None
    return directory(source, form, form.number(pointer.value[: _SIZES[pointer.kind]])).entry(COMMENT_TAG)
