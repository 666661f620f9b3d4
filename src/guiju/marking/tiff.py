# SPDX-License-Identifier: Apache-2.0
"""TIFF 6.0 and BigTIFF: the label in the XMP packet of tag 700 of the first directory (TC260-PG-20259A).

A new packet goes to the end of the file and an entry points at it; pixels stay where they are. Packets of further pages
keep all but a label. Read besides: Exif's UserComment (annex B of the guide).
"""

from __future__ import annotations

from typing import BinaryIO, Final

from guiju.marking import directory, exif, xmp
from guiju.marking.directory import UNDEFINED, XMP_TAG, Directory, Entry, Layout
from guiju.marking.family import MOST, Found, MarkingError, copy
from guiju.marking.label import Aigc

_PLACE: Final = "TIFF tag 700 XMP"


class Tiff:
    """The family; see `Family`."""

    name = "tiff"
    kind = "image"
    endings = ("tif", "tiff", "btf")
    media_types = ("image/tiff",)

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        form = directory.layout(source)
        for table in directory.directories(source, form):
            entry = table.entry(XMP_TAG)
            if entry is not None:
                found += [Found(_PLACE, text) for text in xmp.texts(_packet(source, form, entry))]
            text, _, _ = exif.spoken(source, form, table)
            if text:
                found.append(Found(exif.PLACE, text))
            if len(found) >= MOST:
                break
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        form = directory.layout(source)
        size = source.seek(0, 2)
        first = next(directory.directories(source, form))
        entry = first.entry(XMP_TAG)
        packet = _packet(source, form, entry) if entry is not None else b""
        label = xmp.labelled(packet, aigc)
        changes = _blanks(source, form)
        if entry is not None:
            changes.append((directory.place(form, entry)[0], bytes(len(packet))))
        source.seek(0)
        copy(source, target, size)
        for at, data in changes:
            target.seek(at)
            target.write(data)
        end = target.seek(0, 2)
        target.write(b"\x00" * (end % 2) + label)
        start = end + end % 2
        new = _entry(form, len(label), start)
        if entry is not None:
            target.seek(entry.at)
            target.write(new)
        else:
            _append(target, form, first, new)
        target.seek(0, 2)


def _packet(source: BinaryIO, form: Layout, entry: Entry) -> bytes:
    if entry.kind not in (1, UNDEFINED):
        raise MarkingError("unreadable", "TIFF XMP")
    return directory.value(source, form, entry, xmp.LONGEST)


def _blanks(source: BinaryIO, form: Layout) -> list[tuple[int, bytes]]:
    """What makes the labels blank that stand anywhere but in the first page's packet."""
    made: list[tuple[int, bytes]] = []
    for number, table in enumerate(directory.directories(source, form)):
        for entry in table.entries:
            if entry.tag == XMP_TAG and (number or entry is not table.entry(XMP_TAG)):
                packet = _packet(source, form, entry)
                made.append((directory.place(form, entry)[0], xmp.blanked(packet)))
        text, at, size = exif.spoken(source, form, table)
        if text:
            made.append((at + 8, b" " * (size - 8)))
    return made


def _entry(form: Layout, size: int, at: int) -> bytes:
    """The entry of a packet."""
    head = form.bytes(XMP_TAG, 2) + form.bytes(UNDEFINED, 2)
    return head + form.bytes(size, form.word) + form.bytes(at, form.word)


def _append(target: BinaryIO, form: Layout, first: Directory, new: bytes) -> None:
    """Write the first directory anew, with one entry more, at the end, and point the file's head at it."""
    target.seek(first.at)
    wide = form.word == 8
    head, row = (8, 20) if wide else (2, 12)
    target.seek(first.at + head)
    old = target.read(row * len(first.entries))
    rows = [old[at : at + row] for at in range(0, len(old), row)]
    rows = sorted([*rows, new], key=lambda one: form.number(one[:2]))  # ascending, as TIFF 6.0 asks
    end = target.seek(0, 2)
    target.write(b"\x00" * (end % 2))
    target.write(form.bytes(len(rows), head) + b"".join(rows) + form.bytes(first.next, form.word))
    target.seek(form.first)
    target.write(form.bytes(end + end % 2, form.word))


TIFF: Final = Tiff()
