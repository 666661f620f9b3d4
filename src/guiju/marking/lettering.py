# SPDX-License-Identifier: Apache-2.0
"""The words that people see, set on a plate (Article 16; GB 45438-2025, 5.2 and 5.4).

White letters on a dark plate read on any background. They are drawn with the font that is shipped (`font/`, SIL Open
Font License 1.1) or with one of the operator's; a character that the font lacks is an error, never a box. Needs Pillow:
`pip install 'guiju[media]'`.
"""

from __future__ import annotations

import io
import math
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal, get_args

import msgspec
from PIL import Image, ImageDraw, ImageFont

from guiju.marking.family import MarkingError

Place = Literal["bottom-right", "bottom-left", "bottom", "top-right", "top-left", "top"]
PLACES: Final[tuple[str, ...]] = get_args(Place)
SHARE: Final = 0.05
"""Height of letters in the picture's shorter side, at least (5.2 e)."""
_LEGIBLE: Final = 10
"""Pixels of a letter's height below which nobody reads it."""
_COMFORTABLE: Final = 14
_PLATE: Final = (0, 0, 0, 184)
_INK: Final = (255, 255, 255, 255)


class Lettering(msgspec.Struct, frozen=True):
    """What is written, where and how.

    Attributes:
        text: the words.
        place: at which edge or corner.
        share: height of letters in the picture's shorter side.
        font: a font file; `b""` for the one that is shipped.
    """

    text: str
    place: Place = "bottom-right"
    share: float = SHARE
    font: bytes = b""


@cache
def shipped() -> bytes:
    """The font that is shipped."""
    return files("guiju.marking").joinpath("font/words.otf").read_bytes()


@lru_cache(maxsize=32)
def plate(lettering: Lettering, size: tuple[int, int]) -> Image.Image:
    """The words on their plate, for a picture of this size.

    Args:
        lettering: what is written.
        size: width and height of the picture as people see it.

    Returns:
        A picture with transparency.

    Raises:
        MarkingError: `too_small`, the picture can't hold letters that can be read; `no_glyph`, the font lacks a
            character, or is no font.
    """
    font_file = lettering.font or shipped()
    least = math.ceil(max(lettering.share, SHARE) * min(size))
    for height in dict.fromkeys((max(least, _COMFORTABLE), max(least, _LEGIBLE))):
        font = _font(font_file, height)
        for lines in _broken(lettering.text):
            made = _set(font, lines, height)
            if made.width <= size[0] and made.height <= size[1]:
                return made
    raise MarkingError("too_small", f"{size[0]}x{size[1]}")


def corner(place: Place, size: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    """Where the upper left corner of a plate goes.

    Args:
        place: the edge or corner.
        size: of the picture.
        inner: of the plate.
    """
    margin = round(min(size) * 0.02)
    gap_x, gap_y = (max(0, min(margin, room - took)) for room, took in zip(size, inner, strict=True))
    x = {"left": gap_x, "right": size[0] - inner[0] - gap_x}.get(place.partition("-")[2], (size[0] - inner[0]) // 2)
    return x, gap_y if place.startswith("top") else size[1] - inner[1] - gap_y


def _font(data: bytes, height: int) -> ImageFont.FreeTypeFont:
    """The font at such a size that capitals and Han characters are at least so high.

    Raises:
        MarkingError: it is no font.
    """
    try:
        trial = ImageFont.truetype(io.BytesIO(data), 100)
        capital = trial.getmask("A").size[1]
        made = ImageFont.truetype(io.BytesIO(data), math.ceil(height * 100 / max(capital, 1)))
    except OSError as error:
        raise MarkingError("no_glyph", "no font") from error
    return made


def _set(font: ImageFont.FreeTypeFont, lines: list[str], height: int) -> Image.Image:
    """Lines in white on a plate."""
    missing = font.getmask("\U0010fffd")
    for character in dict.fromkeys("".join(lines)):
        mask = font.getmask(character)
        if character != " " and (mask.size, bytes(mask)) == (missing.size, bytes(missing)):
            raise MarkingError("no_glyph", f"U+{ord(character):04X}")
    boxes = [font.getbbox(line, anchor="ls") for line in lines]
    top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
    step, pad = math.ceil((bottom - top) * 1.2), math.ceil(height * 0.45)
    width = math.ceil(max(box[2] - box[0] for box in boxes)) + 2 * pad
    tall = math.ceil(bottom - top) + step * (len(lines) - 1) + 2 * pad
    made = Image.new("RGBA", (width, tall), (0, 0, 0, 0))
    draw = ImageDraw.Draw(made)
    draw.rounded_rectangle((0, 0, width - 1, tall - 1), radius=math.ceil(height * 0.35), fill=_PLATE)
    for number, (line, box) in enumerate(zip(lines, boxes, strict=True)):
        draw.text((pad - box[0], pad - top + number * step), line, font=font, fill=_INK, anchor="ls")
    return made


def _broken(text: str) -> list[list[str]]:
    """The text on one line, and on two where it has a space: the first that fits is taken."""
    made = [[text]]
    words = text.split(" ")
    if len(words) > 1:
        cut = min(range(1, len(words)), key=lambda at: abs(len(" ".join(words[:at])) - len(text) / 2))
        made.append([" ".join(words[:cut]), " ".join(words[cut:])])
    return made
