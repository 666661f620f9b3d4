# SPDX-License-Identifier: Apache-2.0
"""Pictures of 255 colours and transparency, as GIF holds them: colours that fit are kept, none is dithered."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MOST: Final = 255
_CLEAR: Final = 255
_MANY: Final = 4096
_OPAQUE: Final = 128


def indexed(frame: Image.Image) -> Image.Image:
    """A frame with a palette of its own.

    Args:
        frame: in mode RGBA.

    Returns:
        In mode P. The 255 colours of which it has most stay as they are; others become the nearest of these.
    """
    pixels = np.asarray(frame, np.uint8)
    clear = pixels[..., 3] < _OPAQUE
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    codes = np.where(clear, 0, red << 16 | green << 8 | blue)
    colours, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(colours) > _MANY:  # no picture that was a GIF before
        made = frame.convert("RGB").quantize(_MOST, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        indexes = np.asarray(made, np.intp)
        palette = made.getpalette() or []
    else:
        order = np.argsort(-counts, kind="stable")
        kept = colours[order[:_MOST]]
        indexes = _nearest(colours, kept)[places.reshape(codes.shape)]
        palette = [int(part) for colour in kept for part in (colour >> 16 & 255, colour >> 8 & 255, colour & 255)]
    image = Image.fromarray(np.where(clear, _CLEAR, indexes).astype(np.uint8), "L")
    image.putpalette([*palette, *([0] * (768 - len(palette)))])
    if clear.any():
        image.info["transparency"] = _CLEAR
    return image


def _nearest(colours: NDArray[np.uint32], kept: NDArray[np.uint32]) -> NDArray[np.intp]:
    """For each colour, which of those that are kept is the nearest."""
    one, other = (np.stack([c >> 16 & 255, c >> 8 & 255, c & 255], axis=-1).astype(np.int32) for c in (colours, kept))
    apart = ((one[:, None, :] - other[None, :, :]) ** 2).sum(axis=2)
    nearest: NDArray[np.intp] = apart.argmin(axis=1)
    return nearest
