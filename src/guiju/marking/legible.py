# SPDX-License-Identifier: Apache-2.0
"""Whether words stand on a picture that was of one grey before, and how high (GB 45438-2025, 5.2 e). Needs Pillow."""

from __future__ import annotations

from typing import BinaryIO, Final

from PIL import Image

_CONTRAST: Final = 96
"""Levels between letters and their ground, at least."""


def height(picture: BinaryIO) -> float:
    """The height of the light letters on a darker plate, as a share of the shorter side; 0 where there are none.

    Args:
        picture: an image file.

    Raises:
        OSError: it is no picture.
    """
    with Image.open(picture, formats=("PNG", "JPEG", "WEBP")) as image:
        grey = image.convert("L")
    low, high = grey.getextrema()
    if not isinstance(low, int) or not isinstance(high, int) or high - low < _CONTRAST:
        return 0.0
    box = grey.point(lambda level: 255 if level > (low + high) / 2 + _CONTRAST / 4 else 0).getbbox()
    return (box[3] - box[1]) / min(grey.size) if box else 0.0
