# SPDX-License-Identifier: Apache-2.0
"""Likeness of pictures by a perceptual hash (Articles 13, 15): the same picture, scaled or compressed anew.

The hash is of the picture's lowest frequencies (a cosine transform of its grey values), 256 bits; of the picture itself
nothing is kept. It knows a picture, never who is on it. Reading pictures needs Pillow: `pip install 'guiju[media]'`;
those of strangers are read in a child process with limits, never here in the gateway's own.
"""

from __future__ import annotations

import hashlib
import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import open as decoded  # of bytes in memory: no file is opened here

from guiju.detect.banned_pictures import Sight

SIDE: Final = 64
LOW: Final = 16
PLAIN: Final = 4.0
"""Spread of the grey values below which a picture has no detail by which it could be known: its hash would be noise."""
MOST_PIXELS: Final = 40_000_000
"""Pixels of a picture that is read at most: a small file may claim to be a very large one."""


def _cosines() -> NDArray[np.float64]:
    rows, columns = np.arange(LOW)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * (2 * columns + 1) * rows / (2 * SIDE))


_COSINES: Final = _cosines()


def read(data: bytes) -> bytes:
    """The hash of a picture in a file, 32 bytes; see `seen`."""
    return hashed(_grey(data)[0])


def seen(data: bytes) -> Sight:
    """What is told of a picture in a file.

    Args:
        data: the file: JPEG, PNG, WebP, GIF, BMP or TIFF; of several frames the first.

    Raises:
        ValueError: it is no whole picture, or has too many pixels.
    """
    grey, pixels = _grey(data)
    return Sight(pixels, hashed(grey) if grey.std() >= PLAIN else b"")


def _grey(data: bytes) -> tuple[NDArray[np.float64], bytes]:
    """64 by 64 grey values of a picture, and a digest of all its pixels."""
    try:
        with decoded(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError("too many pixels")
            whole = image.convert("RGBA") if image.has_transparency_data else image
            if whole is not image:
                white = Image.new("RGBA", whole.size, "white")
                whole = Image.alpha_composite(white, whole)
            plain = whole.convert("RGB")
            pixels = hashlib.sha256(f"{plain.size}".encode() + plain.tobytes()).digest()
            grey = plain.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("no picture") from error
    return np.asarray(grey, np.float64), pixels


def hashed(grey: NDArray[np.float64]) -> bytes:
    """The hash of 64 by 64 grey values."""
    low = _COSINES @ grey @ _COSINES.T
    flat = low.ravel()
    return np.packbits(flat > np.median(flat[1:])).tobytes()
