# SPDX-License-Identifier: Apache-2.0
"""The APEv2 tag at the end of a sound file: read for labels, and rid of them; anything else in it stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from guiju.marking.family import MarkingError, exactly
from guiju.marking.splice import Splice, names_label, size_of

_MARK: Final = b"APETAGEX"
_LONGEST: Final = 16 << 20
_ITEMS: Final = 1 << 12


def labels(source: BinaryIO) -> list[str]:
    """The label texts.

    Raises:
        MarkingError: there is a tag that is not well formed.
    """
    place = _place(source)
    return [] if place is None else [text for name, text, _ in _items(source, *place) if names_label(name, text)]


def without(source: BinaryIO) -> list[Splice]:
    """The splices that take the labels out; none when there is none.

    Raises:
        MarkingError: there is a tag that is not well formed.
    """
    place = _place(source)
    if place is None:
        return []
    start, end, header = place
    items = list(_items(source, *place))
    kept = [raw for name, text, raw in items if not names_label(name, text)]
    if len(kept) == len(items):
        return []
    body = b"".join(kept)
    rest = (2000).to_bytes(4, "little") + (len(body) + 32).to_bytes(4, "little") + len(kept).to_bytes(4, "little")
    made = body + _MARK + rest + (0x80000000 if header else 0).to_bytes(4, "little") + b"\x00" * 8
    if header:
        made = _MARK + rest + (0xA0000000).to_bytes(4, "little") + b"\x00" * 8 + made
    return [Splice(start - (32 if header else 0), end, made)]


def _place(source: BinaryIO) -> tuple[int, int, bool] | None:
    """Where the items start, where the footer ends, and whether there is a header."""
    end = size_of(source)
    if end >= 128:
        source.seek(end - 128)
        end -= 128 if source.read(3) == b"TAG" else 0
    if end < 32:
        return None
    source.seek(end - 32)
    footer = exactly(source, 32, "APE tag")
    if footer[:8] != _MARK:
        return None
    version, size = int.from_bytes(footer[8:12], "little"), int.from_bytes(footer[12:16], "little")
    header = bool(footer[23] & 0x80)
    if version not in (1000, 2000) or not 32 <= size <= min(_LONGEST, end) or (header and size + 32 > end):
        raise MarkingError("unreadable", "APE tag")
    return end - size, end, header


def _items(source: BinaryIO, start: int, end: int, _: bool) -> Iterator[tuple[str, str, bytes]]:
    """Name, text and bytes of each item."""
    source.seek(start)
    data = exactly(source, end - 32 - start, "APE tag")
    place = 0
    for _number in range(_ITEMS):
        if place == len(data):
            return
        size = int.from_bytes(data[place : place + 4], "little")
        stop = data.find(b"\x00", place + 8, place + 8 + 256)
        if stop < 0 or stop + 1 + size > len(data):
            raise MarkingError("unreadable", "APE tag")
        value = data[stop + 1 : stop + 1 + size]
        yield (
            data[place + 8 : stop].decode("ascii", "replace"),
            value.decode("utf-8", "replace"),
            data[place : stop + 1 + size],
        )
        place = stop + 1 + size
    raise MarkingError("unreadable", "APE tag")
