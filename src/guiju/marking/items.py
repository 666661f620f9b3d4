# SPDX-License-Identifier: Apache-2.0
"""Items of ISO/IEC 14496-12: what they are (`iinf`, 8.11.6), where they are (`iloc`, 8.11.3), and what describes what
(`iref`, 8.11.12)."""

from __future__ import annotations

from typing import Final

import msgspec

from guiju.marking.boxes import Box, box, boxes
from guiju.marking.family import MarkingError

_ITEMS: Final = 65_536
_WIDE: Final = 0xFFFFFFFF


class Entry(msgspec.Struct, frozen=True):
    """What an item is.

    Attributes:
        item: its id.
        kind: such as `mime` or `Exif`.
        content, encoding: of `mime`, the content type and how it is packed.
    """

    item: int
    kind: bytes
    content: bytes = b""
    encoding: bytes = b""


class Extent(msgspec.Struct, frozen=True):
    """A piece of an item: where it is, its bytes, and a number that some references use."""

    offset: int
    length: int
    index: int = 0


class Item(msgspec.Struct, frozen=True):
    """Where an item is.

    Attributes:
        method: 0 in the file, 1 in the meta box, 2 in another item.
        reference: which other file; 0 for this one.
        extents: its pieces, offsets counted from the beginning of what the method says.
    """

    method: int
    reference: int
    extents: tuple[Extent, ...]

    @classmethod
    def whole(cls, at: int, size: int) -> Item:
        """An item of one piece in this file."""
        return cls(0, 0, (Extent(at, size),))


class Places(msgspec.Struct, frozen=True):
    """A table `iloc`.

    Attributes:
        version: 0, 1 or 2.
        index: bytes of an extent's number.
        items: id → where it is.
    """

    version: int
    index: int
    items: dict[int, Item]


class _Numbers:
    """Reads numbers one after the other.

    Args:
        data: bytes that hold them.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def next(self, size: int) -> int:
        """The next number of so many bytes; 0 for none.

        Raises:
            MarkingError: the bytes end before it.
        """
        if self._at + size > len(self._data):
            raise MarkingError("unreadable", "HEIF items")
        self._at += size
        return int.from_bytes(self._data[self._at - size : self._at], "big")


def entries(body: bytes) -> list[Entry]:
    """What the items are.

    Args:
        body: of `iinf`.

    Raises:
        MarkingError: it is not well formed.
    """
    made = []
    for kind, one in boxes(body[6 if body[:1] == b"\x00" else 8 :]):
        if kind != b"infe" or len(one) < 12 or one[0] not in (2, 3):
            continue
        wide = 4 if one[0] == 3 else 2
        rest = one[4 + wide + 2 :]
        strings = rest[4:].split(b"\x00") + [b""] * 3
        mime = rest[:4] == b"mime"
        made.append(
            Entry(
                item=int.from_bytes(one[4 : 4 + wide], "big"),
                kind=rest[:4],
                content=strings[1].lower() if mime else b"",
                encoding=strings[2] if mime else b"",
            )
        )
        if len(made) > _ITEMS:
            raise MarkingError("too_large", "HEIF items")
    return made


def entry(body: bytes, item: int, content: bytes) -> bytes:
    """A table `iinf` with one item more.

    Args:
        body: of the table.
        item: the new one's id.
        content: its content type.
    """
    wide = item > 0xFFFF
    new = bytes((3 if wide else 2, 0, 0, 0)) + item.to_bytes(4 if wide else 2, "big") + b"\x00\x00"
    new += b"mime\x00" + content + b"\x00"
    size = 2 if body[:1] == b"\x00" else 4
    count = int.from_bytes(body[4 : 4 + size], "big") + 1
    if count >= 1 << 8 * size:
        raise MarkingError("too_large", "HEIF items")
    return body[:4] + count.to_bytes(size, "big") + body[4 + size :] + box(b"infe", new)


def described(body: bytes, item: int, primary: int) -> bytes:
    """A table `iref` in which an item describes the primary one."""
    size = 2 if body[:1] == b"\x00" else 4
    if max(item, primary) >= 1 << 8 * size:
        raise MarkingError("too_large", "HEIF items")
    return body + box(b"cdsc", item.to_bytes(size, "big") + b"\x00\x01" + primary.to_bytes(size, "big"))


def places(body: bytes) -> Places:
    """Where the items are.

    Args:
        body: of `iloc`.

    Raises:
        MarkingError: it is not well formed.
    """
    numbers = _Numbers(body)
    version = numbers.next(1)
    numbers.next(3)
    sizes = numbers.next(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    index = index if version else 0
    if version > 2 or any(size not in (0, 4, 8) for size in (offset, length, base, index)):
        raise MarkingError("unreadable", "HEIF items")
    wide = 4 if version == 2 else 2
    made: dict[int, Item] = {}
    for _ in range(numbers.next(wide)):
        item = numbers.next(wide)
        method = numbers.next(2) & 15 if version else 0
        reference, begin, extents = numbers.next(2), numbers.next(base), []
        for _ in range(numbers.next(2)):
            number = numbers.next(index)
            extents.append(Extent(begin + numbers.next(offset), numbers.next(length), number))
            if len(body) < len(extents):
                raise MarkingError("unreadable", "HEIF items")  # extents of no bytes
        if len(made) > _ITEMS:
            raise MarkingError("too_large", "HEIF items")
        made[item] = Item(method, reference, tuple(extents))
    return Places(version, index, made)


def located(old: Places, meta: Box, moved: int, new: dict[int, Item]) -> bytes:
    """A table `iloc` anew.

    Args:
        old: the table as it was.
        meta: the meta box as it was.
        moved: by how many bytes all moves that stands behind that box.
        new: items whose place is another one.

    Raises:
        MarkingError: an item can't be followed.
    """
    items = {number: _after(item, meta, moved) for number, item in old.items.items()} | new
    most = max([0, *(extent.offset for item in items.values() for extent in item.extents)])
    longest = max([0, *(extent.length for item in items.values() for extent in item.extents)])
    offset, length = 8 if most > _WIDE else 4, 8 if longest > _WIDE else 4
    wide = 4 if old.version == 2 else 2
    if max(items) >= 1 << 8 * wide or len(items) >= 1 << 8 * wide:
        raise MarkingError("too_large", "HEIF items")
    made = [bytes((old.version, 0, 0, 0, offset << 4 | length, old.index)), len(items).to_bytes(wide, "big")]
    for number, item in items.items():
        made.append(number.to_bytes(wide, "big"))
        made.append(item.method.to_bytes(2, "big") if old.version else b"")
        made.append(item.reference.to_bytes(2, "big") + len(item.extents).to_bytes(2, "big"))
        for extent in item.extents:
            made.append(extent.index.to_bytes(old.index, "big"))
            made.append(extent.offset.to_bytes(offset, "big") + extent.length.to_bytes(length, "big"))
    return b"".join(made)


def _after(item: Item, meta: Box, moved: int) -> Item:
    """Where an item is when all behind the meta box has moved."""
    if item.method != 0 or item.reference:
        return item
    extents = []
    for extent in item.extents:
        if extent.length == 0:
            raise MarkingError("unsupported", "HEIF item of the whole file")
        if extent.offset + extent.length > meta.start and extent.offset < meta.end:
            raise MarkingError("unsupported", "HEIF item in the meta box")
        by = moved if extent.offset >= meta.end else 0
        extents.append(Extent(extent.offset + by, extent.length, extent.index))
    return Item(item.method, item.reference, tuple(extents))
