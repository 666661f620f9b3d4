# SPDX-License-Identifier: Apache-2.0
"""Elements of EBML (RFC 8794): id, size, content; walked in a file without loading it, and within one element."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple

from guiju.marking.family import MarkingError, exactly

CRC: Final = 0xBF
VOID: Final = 0xEC
_ELEMENTS: Final = 1 << 17
_BLOCKS: Final = 1 << 19
"""Elements within those that do not say their size, at most: an hour and a half of a live film."""


class Element(NamedTuple):
    """An element: where it starts, where its content does, and where it ends; `None` when it does not say."""

    id: int
    start: int
    body: int
    end: int | None


def header(source: BinaryIO, place: int, limit: int) -> Element:
    """The element at a place of a file.

    Raises:
        MarkingError: it is not well formed, or ends behind the limit.
    """
    source.seek(place)
    head = source.read(12)
    width = 9 - head[0].bit_length() if head else 9
    wide = 9 - head[width].bit_length() if width < len(head) else 9
    body = place + width + wide
    if width > 4 or wide > 8 or width + wide > len(head):
        raise MarkingError("unreadable", "EBML element")
    name = int.from_bytes(head[:width], "big")
    size = int.from_bytes(head[width : width + wide], "big") ^ 1 << 7 * wide
    if size == (1 << 7 * wide) - 1:
        return Element(name, place, body, None)
    if body + size > limit:
        raise MarkingError("unreadable", "EBML element")
    return Element(name, place, body, body + size)


def walk(source: BinaryIO, start: int, limit: int, inner: dict[int, frozenset[int]]) -> Iterator[Element]:
    """The elements between two places; one without a size ends where an element begins that can't stand within it.

    Args:
        source: the file.
        start, limit: where they begin, and where they must have ended.
        inner: by id, which ids may stand within an element without a size.

    Raises:
        MarkingError: it is not well formed.
    """
    place, left = start, _BLOCKS
    for _ in range(_ELEMENTS):
        if place >= limit:
            return
        one = header(source, place, limit)
        if one.end is None:
            if one.id not in inner:
                raise MarkingError("unreadable", "EBML element without a size")
            end = one.body
            while end < limit and (child := header(source, end, limit)).id in inner[one.id]:
                if child.end is None or not (left := left - 1):
                    raise MarkingError("unreadable", "EBML element")
                end = child.end
            one = one._replace(end=end)
        yield one
        place = one.end or limit
    raise MarkingError("unreadable", "EBML elements")


def content(source: BinaryIO, one: Element, longest: int) -> bytes:
    """An element's content.

    Raises:
        MarkingError: it is larger than the bound.
    """
    size = (one.end or one.body) - one.body
    if size > longest:
        raise MarkingError("too_large", "EBML element")
    source.seek(one.body)
    return exactly(source, size, "EBML element")


def children(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Id, content, and all bytes of the elements within an element's content.

    Raises:
        MarkingError: it is not well formed.
    """
    place = 0
    while place < len(data):
        width = 9 - data[place].bit_length()
        name, at = int.from_bytes(data[place : place + width], "big"), place + width
        if width > 4 or at >= len(data):
            raise MarkingError("unreadable", "EBML element")
        wide = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + wide], "big") & (1 << 7 * wide) - 1
        if wide > 8 or at + wide + size > len(data):
            raise MarkingError("unreadable", "EBML element")
        end = at + wide + size
        yield name, data[at + wide : end], data[place:end]
        place = end


def sized(value: int, width: int = 0) -> bytes:
    """A size, in so many bytes where it fits, else in as many as it needs."""
    needed = next((width for width in range(1, 9) if value < (1 << 7 * width) - 1), 0)
    if not needed:
        raise MarkingError("too_large", "EBML element")
    width = max(needed, width)
    return (value | 1 << 7 * width).to_bytes(width, "big")


def element(name: int, body: bytes, width: int = 0) -> bytes:
    """An element anew, its size in so many bytes where it fits."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + sized(len(body), width) + body


def joined(parts: Iterable[bytes]) -> bytes:
    """Elements as the content of another; a checksum at their beginning is made anew."""
    first, *rest = [*parts, b""]
    body = b"".join(rest)
    if first[:2] == bytes([CRC, 0x84]):
        first = first[:2] + zlib.crc32(body).to_bytes(4, "little")
    return first + body


def void(size: int) -> bytes:
    """An element of so many bytes, at least two, that says nothing."""
    if size < 129:
        return bytes([VOID]) + sized(size - 2) + bytes(size - 2)
    return bytes([VOID]) + sized(size - 9, 8) + bytes(size - 9)
