# SPDX-License-Identifier: Apache-2.0
"""Words on the pictures of a film, for its opening or throughout (Article 16; GB 45438-2025, 5.4)."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from guiju.adapters import ffmpeg


def put(
    family: str, source: BinaryIO, target: BinaryIO, lettering: Any, text: str, *, throughout: bool, font: bytes = b""
) -> None:
    """Write a film with words at its lower right.

    Args:
        family: of the file.
        source: the file, and `target` an empty one; both of the operating system.
        lettering: the module `guiju.marking.lettering`, which needs a package of an extra.
        text: the words.
        throughout: whether they stay; else they stand for `ffmpeg.SHOWN` seconds from the opening.
        font: a font file; `b""` for the one that is shipped.

    Raises:
        MarkingError: it can't have them; `no_ffmpeg`, the program is needed and not there.
    """
    film = ffmpeg.look(source, family)
    width, height, wide = ffmpeg.size_of(film, family)
    share = lettering.SHARE * min(width * wide, height) / min(width, height)  # of what people see
    plate = lettering.plate(lettering.Lettering(text=text, share=share, font=font), (width, height))
    at = lettering.corner("bottom-right", (width, height), plate.size)
    plate.save(picture := io.BytesIO(), "PNG")
    ffmpeg.captioned(source, target, family, film, picture.getvalue(), at, throughout=throughout)
