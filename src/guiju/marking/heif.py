# SPDX-License-Identifier: Apache-2.0
"""HEIF, HEIC and AVIF (ISO/IEC 23008-12; AV1 image file format): the label in an XMP item (TC260-PG-20259A).

The item is of type `mime`, content type `application/rdf+xml`, and describes the primary item (`cdsc`). Its packet goes
to the end of the file; the meta box is written anew, and every offset behind it moves along. Read besides: Exif's
UserComment. Coded pictures are copied, never decoded.
"""

from __future__ import annotations

from typing import BinaryIO, Final

import msgspec

from guiju.marking import exif, mp4_offsets, xmp
from guiju.marking.boxes import Box, body_of, box, spans, top
from guiju.marking.family import MOST, Found, MarkingError, exactly
from guiju.marking.items import Entry, Item, described, entries, entry, located, places
from guiju.marking.label import Aigc
from guiju.marking.splice import Moved, Splice, size_of

_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"avif", b"avis")
_XMP_TYPE: Final = b"application/rdf+xml"
_PLACE: Final = "XMP item"
_LONGEST: Final = 8 << 20
"""Bytes of the meta box, at most, and of an Exif item."""


class Heif(msgspec.Struct, frozen=True):
    """The family; see `Family`. Its two members differ in brands and names alone."""

    name: str
    endings: tuple[str, ...]
    media_types: tuple[str, ...]
    brands: tuple[bytes, ...]
    kind: str = "image"

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        if head[4:8] != b"ftyp" or head[8:12] not in _BRANDS:
            return False
        size = min(int.from_bytes(head[:4], "big"), len(head))
        names = {head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))}
        return bool(names & {b"avif", b"avis"}) == (b"avif" in self.brands)

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        meta = _Meta(source)
        found: list[Found] = []
        for one in meta.of_type(_XMP_TYPE):
            packet = meta.data(one, xmp.LONGEST)
            found += [Found(_PLACE, text) for text in (xmp.texts(packet) if packet else ())]
        for one in meta.exif():
            if text := exif.text(_block(meta.data(one, _LONGEST))):
                found.append(Found(exif.PLACE, text))
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        meta = _Meta(source)
        packets = meta.of_type(_XMP_TYPE)
        old = packets[0] if packets else None
        label = xmp.labelled(meta.data(old, xmp.LONGEST) if old else b"", aigc)
        splices = meta.blanks()
        end = meta.length
        if old is not None and (last := meta.alone(old)) is not None:
            splices = [one for one in splices if one.start < last.start] + [Splice(last.start, last.end, b"")]
            end = last.start
        else:
            splices += meta.closed()
        moved = 0
        for _ in range(2):  # once for the size, once for the offsets
            new = meta.anew(old.item if old else None, end + moved + 8, len(label), moved)
            moved = len(new) - (meta.box.end - meta.box.start)
        if end + moved + 8 + len(label) > 0xFFFFFFFF:
            raise MarkingError("too_large", "HEIF")
        splices += [Splice(meta.box.start, meta.box.end, new), *meta.movies(moved)]
        Moved([*splices, Splice(meta.length, meta.length, box(b"mdat", label))]).write(source, target)


class _Meta:
    """The meta box of a file, and what it says.

    Raises:
        MarkingError: there is none, or it is not well formed.
    """

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.length = size_of(source)
        self.top = list(top(source))
        found = [one for one in self.top if one.kind == b"meta"]
        if len(found) != 1:
            raise MarkingError("unreadable", "HEIF without one meta box")
        self.box = found[0]
        self.body = body_of(source, self.box, _LONGEST)
        self.parts = {one.kind: one for one in spans(self.body, 4)}
        if not {b"iinf", b"iloc", b"pitm"} <= self.parts.keys():
            raise MarkingError("unreadable", "HEIF without items")
        self.items = entries(self._part(b"iinf"))
        self.places = places(self._part(b"iloc"))

    def _part(self, kind: bytes) -> bytes:
        one = self.parts[kind]
        return self.body[one.body : one.end]

    def of_type(self, content: bytes) -> list[Entry]:
        """The items of a content type that are not packed."""
        return [one for one in self.items if one.kind == b"mime" and one.content == content and not one.encoding]

    def exif(self) -> list[Entry]:
        """The items that hold Exif."""
        return [one for one in self.items if one.kind == b"Exif"]

    def _where(self, one: Entry) -> list[tuple[int, int]]:
        """Where in the file an item's bytes are, piece by piece; nowhere when they are made of other items."""
        item = self.places.items.get(one.item)
        if item is None or item.method not in (0, 1) or item.reference:
            return []
        begin = 0
        if item.method == 1:
            idat = self.parts.get(b"idat")
            if idat is None:
                raise MarkingError("unreadable", "HEIF item")
            begin = self.box.body + idat.body
        return [(begin + extent.offset, extent.length) for extent in item.extents]

    def data(self, one: Entry, longest: int) -> bytes:
        """The bytes of an item.

        Raises:
            MarkingError: they are more than `longest`, or not there.
        """
        where = self._where(one)
        if sum(size for _, size in where) > longest:
            raise MarkingError("too_large", "HEIF item")
        made = []
        for at, size in where:
            self.source.seek(at)
            made.append(exactly(self.source, size, "HEIF item"))
        return b"".join(made)

    def blanks(self) -> list[Splice]:
        """What takes old labels away: the first packet wholly, as a new one takes its place; of others the label.

        Raises:
            MarkingError: an item's bytes overlap those of the meta box.
        """
        made = []
        for number, one in enumerate(self.of_type(_XMP_TYPE)):
            data = self.data(one, xmp.LONGEST)
            made += self._instead(one, bytes(len(data)) if number == 0 or not data else xmp.blanked(data))
        for one in self.exif():
            data = self.data(one, _LONGEST)
            block = _block(data)
            if exif.text(block):
                made += self._instead(one, data[: len(data) - len(block)] + exif.blanked(block))
        return made

    def _instead(self, one: Entry, data: bytes) -> list[Splice]:
        """Other bytes in an item's place."""
        made, taken = [], 0
        for at, size in self._where(one):
            if at < self.box.end and at + size > self.box.start:  # within the meta box, which is written anew
                place = at - self.box.body
                self.body = self.body[:place] + data[taken : taken + size] + self.body[place + size :]
            else:
                made.append(Splice(at, at + size, data[taken : taken + size]))
            taken += size
        return made

    def alone(self, one: Entry) -> Box | None:
        """The last box of the file, where it holds nothing but an item."""
        last = self.top[-1]
        fits = last.kind == b"mdat" and self._where(one) == [(last.body, last.end - last.body)]
        users = sum(last.start < at + size for other in self.items for at, size in self._where(other))
        return last if fits and users == 1 else None

    def closed(self) -> list[Splice]:
        """A size for the last box, where it has none and so would take in what comes behind it.

        Raises:
            MarkingError: it is too large for that.
        """
        last = self.top[-1]
        self.source.seek(last.start)
        if exactly(self.source, 4, "HEIF box") != bytes(4):
            return []
        if last.end - last.start > 0xFFFFFFFF:
            raise MarkingError("too_large", "HEIF")
        return [Splice(last.start, last.start + 4, (last.end - last.start).to_bytes(4, "big"))]

    def anew(self, item: int | None, at: int, size: int, moved: int) -> bytes:
        """The meta box with the label's item.

        Args:
            item: the item that holds it; none for a new one.
            at, size: where its packet will stand, and its bytes.
            moved: by how many bytes all moves that stands behind this box.
        """
        number = item if item is not None else max([one.item for one in self.items] + list(self.places.items)) + 1
        new = Item.whole(at, size)
        made = [self.body[:4]]
        for one in spans(self.body, 4):
            body = self.body[one.body : one.end]
            if one.kind == b"iloc":
                body = located(self.places, self.box, moved, {number: new})
            elif one.kind == b"iinf" and item is None:
                body = entry(body, number, _XMP_TYPE)
            elif one.kind == b"iref" and item is None:
                body = described(body, number, self._primary())
            made.append(box(one.kind, body))
        if b"iref" not in self.parts and item is None:
            made.append(box(b"iref", described(b"\x00\x00\x00\x00", number, self._primary())))
        return box(b"meta", b"".join(made))

    def _primary(self) -> int:
        body = self._part(b"pitm")
        return int.from_bytes(body[4:6] if body[:1] == b"\x00" else body[4:8], "big")

    def movies(self, moved: int) -> list[Splice]:
        """The offsets of a sequence's tracks, moved; they stand behind the meta box or before it.

        Raises:
            MarkingError: the file has fragments.
        """
        made = []
        for one in self.top:
            if one.kind in (b"moof", b"sidx"):
                raise MarkingError("unsupported", "HEIF with fragments")
            if one.kind == b"moov":
                body = body_of(self.source, one)
                made.append(Splice(one.body, one.end, mp4_offsets.moved(body, self.box.end, moved)))
        return made


def _block(data: bytes) -> bytes:
    """An Exif item from its byte order mark on: four bytes say how far behind them it stands."""
    return data[4 + int.from_bytes(data[:4], "big") :]


HEIC: Final = Heif("heif", ("heic", "heif", "heics", "heifs", "hif"), ("image/heic", "image/heif"), (b"heic",))
AVIF: Final = Heif("avif", ("avif", "avifs"), ("image/avif",), (b"avif",))
