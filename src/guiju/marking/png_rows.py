# SPDX-License-Identifier: Apache-2.0
"""Some rows of a PNG drawn anew, all others kept as they are filtered (W3C PNG, third edition, 9): ten times faster
than to decode and encode the whole picture.

For 8 bits a channel, without palette, key colour, interlacing or animation; what else there is takes the long way.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import frombytes as unpacked

from guiju.marking import png
from guiju.marking.family import MarkingError, copy, exactly

try:
    from isal import isal_zlib as packer
except ModuleNotFoundError:
    import zlib as packer  # type: ignore[no-redef]  # the same functions, five times slower

_MODES: Final = {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}
_CHANNELS: Final = {0: 1, 2: 3, 4: 2, 6: 4}
_LONG_WAY: Final = (b"PLTE", b"tRNS", b"acTL")
_DATA: Final = b"IDAT"
_NONE, _SUB, _UP, _PAETH = 0, 1, 2, 4
_LEVEL: Final = 2
_SLACK: Final = 1 << 20
_BLOCK: Final = 65_535
"""Bytes of a stored block, at most."""

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
    raw = _inflated(source, chunks, width * channels, height)
    rows = np.frombuffer(raw, np.uint8).reshape(height, width * channels + 1)
    end = min(last + 1, height)  # the row behind them too: its filter looks at the one above
    made = _redrawn(rows, head, first, end, draw)
    whole, stream = packer.compressobj(_LEVEL), memoryview(raw)
    before, behind = first * rows.shape[1], end * rows.shape[1]
    parts = (stream[:before], made.tobytes(), stream[behind:])
    packed = b"".join((*map(whole.compress, parts), whole.flush()))
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


def _inflated(source: BinaryIO, chunks: list[tuple[bytes, int, int]], stride: int, height: int) -> bytes:
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
    raw: bytes = packer.decompressobj().decompress(b"".join(made), size)
    if len(raw) != size:
        raise MarkingError("unreadable", "PNG data is cut short")
    if max(raw[:: stride + 1]) > _PAETH:
        raise MarkingError("unreadable", "PNG filter")
    return raw


def _redrawn(rows: Rows, head: bytes, first: int, end: int, draw: Draw) -> Rows:
    """Some rows, drawn on and filtered anew, each in the better one of two filters."""
    begin = next(row for row in range(first, -1, -1) if rows[row, 0] in (_NONE, _SUB) or row == 0)
    stride = rows.shape[1] - 1
    width = int.from_bytes(head[:4], "big")
    top = max(first - 1, 0)
    image = _picture(rows[begin:end], head).crop((0, max(top - begin, 0), width, end - begin))
    top = max(top, begin)
    draw(image, top)
    plain = np.asarray(image, np.uint8).reshape(end - top, stride)
    values, above = plain[first - top :], plain[: end - first] if top < first else plain[:-1]
    made, step = np.empty((end - first, stride + 1), np.uint8), stride // width
    made[:, 0] = _SUB
    made[:, 1 : 1 + step] = values[:, :step]
    np.subtract(values[:, step:], values[:, :-step], out=made[:, 1 + step :])
    lower = made[len(values) - len(above) :]  # a row that has none above it keeps that filter
    up = values[len(values) - len(above) :] - above
    better = _weights(up) < _weights(lower[:, 1:])
    lower[better, 0] = _UP
    lower[better, 1:] = up[better]
    return made


def _picture(rows: Rows, head: bytes) -> Image.Image:
    """Rows as a picture."""
    size, mode = (int.from_bytes(head[:4], "big"), len(rows)), _MODES[head[9]]
    made: Image.Image = unpacked(mode, size, _stored(rows.reshape(-1).data), "zip", mode, 0)
    return made


def _weights(rows: Rows) -> NDArray[np.int64]:
    """How far filtered rows are from zeros, by which encoders choose."""
    made: NDArray[np.int64] = np.minimum(rows, -rows).sum(axis=1, dtype=np.int64)
    return made


def _stored(data: memoryview) -> bytes:
    """A zlib stream that packs nothing (RFC 1950; RFC 1951, 3.2.4), for a reader in the same process."""
    parts: list[bytes | memoryview] = [b"\x78\x01"]
    for at in range(0, len(data), _BLOCK):
        piece = data[at : at + _BLOCK]
        last = at + _BLOCK >= len(data)
        parts += [struct.pack("<BHH", last, len(piece), len(piece) ^ 0xFFFF), piece]
    return b"".join((*parts, struct.pack(">I", packer.adler32(data))))
