# SPDX-License-Identifier: Apache-2.0
"""Likeness of pictures by a perceptual hash (Articles 13, 15): the same picture, scaled or compressed anew.

The hash is of the picture's lowest frequencies (a cosine transform of its grey values), 256 bits; of the picture itself
nothing is kept. It knows a picture, never who is on it. Reading pictures needs Pillow: `pip install 'guiju[media]'`;
those of strangers are read in a child process with limits, never here in the gateway's own.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import open as decoded  # of bytes in memory: no file is opened here

SIDE: Final = 64
LOW: Final = 16
BITS: Final = LOW * LOW
NEAR: Final = 40
"""Bits at most in which two hashes of one picture differ; those of two pictures differ in about 128."""
MOST_PIXELS: Final = 40_000_000
"""Pixels of a picture that is read at most: a small file may claim to be a very large one."""


def _cosines() -> NDArray[np.float64]:
    rows, columns = np.arange(LOW)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * (2 * columns + 1) * rows / (2 * SIDE))


_COSINES: Final = _cosines()


def read(data: bytes) -> bytes:
    """The hash of a picture in a file.

    Args:
        data: the file: JPEG, PNG, WebP, GIF, BMP or TIFF; of several frames the first.

    Returns:
        32 bytes.

    Raises:
        ValueError: it is no whole picture, or has too many pixels.
    """
    try:
        with decoded(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError("too many pixels")
            image.draft("L", (4 * SIDE, 4 * SIDE))
            whole = image.convert("RGBA") if image.has_transparency_data else image
            if whole is not image:
                white = Image.new("RGBA", whole.size, "white")
                whole = Image.alpha_composite(white, whole)
            grey = whole.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("no picture") from error
    return hashed(np.asarray(grey, np.float64))


def hashed(grey: NDArray[np.float64]) -> bytes:
    """The hash of 64 by 64 grey values."""
    low = _COSINES @ grey @ _COSINES.T
    flat = low.ravel()
    return np.packbits(flat > np.median(flat[1:])).tobytes()


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


class Pictures:
    """Hashes of banned pictures, looked up together.

    Args:
        named: the id of each and its hash.
        most: bits at most in which a picture may differ from it.
    """

    def __init__(self, named: Sequence[tuple[str, bytes]], most: int = NEAR) -> None:
        self._names = [name for name, _ in named]
        self._rows = np.frombuffer(b"".join(made for _, made in named), np.uint8).reshape(-1, BITS // 8)
        self._most = most

    def find(self, made: bytes) -> list[tuple[str, int]]:
        """The banned pictures that a picture is like, and in how many bits it differs; the nearest first."""
        apart = np.bitwise_count(self._rows ^ np.frombuffer(made, np.uint8)).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(apart <= self._most)
        return sorted(((self._names[i], int(apart[i])) for i in near), key=lambda found: found[1])
