# SPDX-License-Identifier: Apache-2.0
"""Some rows of a PNG drawn anew, all others kept as they are filtered (W3C PNG, third edition, 9): ten times faster
than to decode and encode the whole picture.

For 8 bits a channel, without palette, key colour, interlacing or animation; what else there is takes the long way.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import open as decoded  # of bytes in memory: no file is opened here

from guiju.marking import png
from guiju.marking.family import MarkingError, copy, exactly

try:
    from isal import isal_zlib as packer
except ModuleNotFoundError:
    import zlib as packer  # type: ignore[no-redef]  # the same functions, five times slower

_CHANNELS: Final = {0: 1, 2: 3, 4: 2, 6: 4}
_LONG_WAY: Final = (b"PLTE", b"tRNS", b"acTL")
_DATA: Final = b"IDAT"
_NONE, _SUB, _UP, _PAETH = 0, 1, 2, 4
_LEVEL: Final = 2
_SLACK: Final = 1 << 20

Rows = NDArray[np.uint8]
Draw = Callable[[Image.Image, int], None]
"""Draws on rows of a picture: those rows as a picture, and which row of the whole is their first."""


def redrawn(source: BinaryIO, target: BinaryIO, first: int, last: int, draw: Draw) -> bool:
    """Write a PNG some of whose rows are drawn anew.

    Args:
        source: the file; seekable.
        target: an empty stream.
        first, last: which rows change, the last exclusive.
        draw: draws on them.

    Returns:
        Whether it was done; nothing is written for a kind of PNG that takes the long way.

    Raises:
        MarkingError: it is not well formed.
    """
    chunks = [(kind, source.tell() - 8, size) for kind, size in png.chunks(source)]
    source.seek(16)
    head = exactly(source, 13, "PNG")
    width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    channels = _CHANNELS.get(head[9], 0)
    if head[8] != 8 or not channels or head[12] or any(kind in _LONG_WAY for kind, _, _ in chunks):
        return False
    rows = _inflated(source, chunks, width * channels, height).copy()
    _redraw(rows, head, first, min(last, height), draw)
    packed = packer.compress(rows.tobytes(), _LEVEL)
    target.write(png.SIGNATURE)
    written = False
    for kind, at, size in chunks:
        if kind == _DATA:
            if not written:
                png.put(target, _DATA, packed)
            written = True
            continue
        source.seek(at)
        copy(source, target, size + 12)
    return True


def _inflated(source: BinaryIO, chunks: list[tuple[bytes, int, int]], stride: int, height: int) -> Rows:
    """The filtered rows, each behind its filter's number."""
    size = (stride + 1) * height
    packed = sum(length for kind, _, length in chunks if kind == _DATA)
    if packed > size + _SLACK:
        raise MarkingError("unreadable", "PNG data")
    made = []
    for kind, at, length in chunks:
        if kind == _DATA:
            source.seek(at + 8)
            made.append(exactly(source, length, "PNG data"))
    raw = packer.decompressobj().decompress(b"".join(made), size)
    if len(raw) != size:
        raise MarkingError("unreadable", "PNG data is cut short")
    rows = np.frombuffer(raw, np.uint8).reshape(height, stride + 1)
    if rows[:, 0].max() > _PAETH:
        raise MarkingError("unreadable", "PNG filter")
    return rows


def _redraw(rows: Rows, head: bytes, first: int, last: int, draw: Draw) -> None:
    """Draw on rows in place; the row behind them is filtered anew as well, as its filter looks at the one above."""
    end = min(last + 1, len(rows))
    begin = next(row for row in range(first, -1, -1) if rows[row, 0] in (_NONE, _SUB) or row == 0)
    stride = rows.shape[1] - 1
    image = _picture(rows[begin:end], head)
    draw(image, begin)
    plain = np.asarray(image, np.uint8).reshape(end - begin, stride)
    step = stride // int.from_bytes(head[:4], "big")
    above = plain[first - begin - 1] if first > begin else None
    for row, values in enumerate(plain[first - begin :], first):
        rows[row] = min(_filtered(values, above, step), key=_weight)
        above = values


def _picture(rows: Rows, head: bytes) -> Image.Image:
    """Rows as a picture, decoded by way of a small PNG of them."""
    small = io.BytesIO()
    small.write(png.SIGNATURE)
    png.put(small, b"IHDR", head[:4] + len(rows).to_bytes(4, "big") + head[8:])
    png.put(small, _DATA, packer.compress(rows.tobytes(), 0))
    png.put(small, b"IEND", b"")
    small.seek(0)
    image = decoded(small, formats=("PNG",))
    image.load()
    return image


def _filtered(values: Rows, above: Rows | None, step: int) -> Iterator[Rows]:
    """A row in each of two filters, behind the filter's number; without a row above in one."""
    sub = values.copy()
    sub[step:] -= values[:-step]
    yield np.concatenate([np.array([_SUB], np.uint8), sub])
    if above is not None:
        yield np.concatenate([np.array([_UP], np.uint8), values - above])


def _weight(row: Rows) -> int:
    """How far a filtered row is from zeros, by which encoders choose."""
    return int(np.abs(row[1:].view(np.int8).astype(np.int16)).sum())
