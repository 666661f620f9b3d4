# SPDX-License-Identifier: Apache-2.0
"""The child that looks at pictures of strangers: `python -m guiju.adapters.picture_reader`, started by
`adapters.pictures` alone.

A picture in, what is seen of it out: the picture made anew, as everybody after this sees it, and the words that stand
on it. Both are of the same pixels, so a model never sees what was not read. Needs `pip install 'guiju[pictures]'`.
"""

from __future__ import annotations

import io
import logging
import resource
import sys
from contextlib import suppress
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.Image import open as decoded  # of bytes in memory: no file is opened here
from rapidocr import RapidOCR
from rapidocr.utils.process_img import get_rotate_crop_image

from guiju.adapters.pictures import HEAD, Seen

MEMORY: Final = 1024 << 20
"""Bytes that the child may write to, at most (RLIMIT_DATA); reading words takes 400 MB."""
SIDE: Final = 1280
"""Pixels of the longer side of a picture made anew; a larger one is made smaller."""
TILE: Final = 768
"""Pixels of the longer side of what words are read on at a time; small words on a larger one are overlooked."""
SHARED: Final = 192
"""Pixels that two tiles share: as much as words take that are too small to be read on the whole picture."""
LEAST: Final = 16
"""Pixels of the shorter side, at least: words can't stand on less, and no model reads less."""
MOST_PIXELS: Final = 40_000_000
"""Pixels of a picture that is taken, at most: a small file may claim to be a very large one."""
MOST_RATIO: Final = 20
"""How many times longer than wide a picture may be: the words of a longer strip would become too small to read."""
SMALL: Final = 20
"""Pixels of height below which words are read part by part alone."""
SAME: Final = 0.6
"""How much of a place must lie in another, and how high it must be beside that, to be a piece of the same line."""
QUALITY: Final = 90
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
SCORE: Final = 0.5
"""What the reader must believe of a line, from 0 to 1; below it a pattern is taken for letters."""


def limit(seconds: int) -> None:
    """Give up what is not needed.

    Args:
        seconds: of processor time for one picture; each picture gets as many more.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(ValueError):  # a lower limit is in force already
        end = int(used.ru_utime + used.ru_stime) + seconds + 1
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def made_anew(data: bytes) -> Image.Image | str:
    """The picture as everybody after this sees it: upright, on white, no larger than is read; or why there is none."""
    try:
        with decoded(io.BytesIO(data), formats=FORMATS) as image:
            wide, high = image.size
            if wide * high > MOST_PIXELS:
                return "too_large"
            if min(wide, high) < LEAST:
                return "too_small"
            if max(wide, high) > MOST_RATIO * min(wide, high):
                return "too_long"
            if getattr(image, "n_frames", 1) > 1:
                return "moving"
            image.draft("RGB", (SIDE, SIDE))
            whole = ImageOps.exif_transpose(image)
            if whole.has_transparency_data:
                whole = whole.convert("RGBA")
                whole = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole)
            made = whole.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "no_picture"
    made.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return made


class Place(NamedTuple):
    """Where a line stands: its corners, and the upright rectangle around them."""

    corners: NDArray[np.float32]
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def part_of(self, other: Place) -> bool:
        """Whether it lies in another one, as a piece of that line and not as one of several lines taken for one."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(0.0, wide) * max(0.0, high)
        return shared > SAME * (self.right - self.left) * self.height and self.height > SAME * other.height


class Words:
    """Reads the words on a picture, with one thread."""

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)
        engine = "EngineConfig.onnxruntime"
        self._read: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Det.limit_type": "max",
                "Det.limit_side_len": TILE,
                f"{engine}.intra_op_num_threads": 1,
                f"{engine}.inter_op_num_threads": 1,
            }
        )

    def on(self, picture: Image.Image) -> list[str]:
        """The lines: small ones part by part, each part from top to bottom, and before them those that are longer."""
        parts = [(left, top) for top in _starts(picture.height) for left in _starts(picture.width)]
        places = self._places(picture, 0, 0)
        if len(parts) > 1:
            places = [one for one in places if one.height >= SMALL and one.right - one.left > SHARED]
        for left, top in parts if len(parts) > 1 else ():
            part = picture.crop((left, top, min(left + TILE, picture.width), min(top + TILE, picture.height)))
            for place in self._places(part, left, top):
                if not any(place.part_of(other) for other in places):
                    places.append(place)
        pixels = np.asarray(picture)[:, :, ::-1]
        return [line for place in places if (line := self._line(get_rotate_crop_image(pixels, place.corners.copy())))]

    def _places(self, part: Image.Image, left: int, top: int) -> list[Place]:
        """Where lines stand on a part of the picture; it is made as large as lines are best seen on."""
        scale = TILE / max(part.size)
        sized = part.resize((max(1, round(part.width * scale)), max(1, round(part.height * scale))))
        boxes = self._read(np.asarray(sized)[:, :, ::-1], use_det=True, use_cls=False, use_rec=False).boxes
        made = []
        for box in () if boxes is None else boxes:
            corners = np.asarray(box, np.float32) / scale + np.array((left, top), np.float32)
            (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
            made.append(Place(corners, float(x0), float(y0), float(x1), float(y1)))
        return made

    def _line(self, pixels: NDArray[np.uint8]) -> str:
        """The words of one line; none where what was taken for letters is a pattern."""
        found = self._read(pixels, use_det=False, use_cls=True, use_rec=True)
        if not found.txts or found.scores[0] < SCORE:
            return ""
        return str(found.txts[0]).strip()


def _starts(size: int) -> list[int]:
    """Where tiles begin that cover a side; the last one ends where it ends."""
    return [*range(0, size - TILE, TILE - SHARED), max(0, size - TILE)]


def seen(data: bytes, words: Words | None) -> Seen:
    """Look at one picture.

    Args:
        data: the file.
        words: what reads it; none for a picture that is known to hold no words.
    """
    made = made_anew(data)
    if isinstance(made, str):
        return Seen(fault=made)
    out = io.BytesIO()
    made.save(out, "JPEG", quality=QUALITY, subsampling=0)
    if words is None:
        return Seen(out.getvalue())
    with decoded(io.BytesIO(out.getvalue()), formats=("JPEG",)) as sent:  # what is read is what goes on
        return Seen(out.getvalue(), tuple(words.on(sent.convert("RGB"))))


def answer(data: bytes, words: Words | None) -> Seen:
    """The same; a picture that takes more memory than it may can't be looked at."""
    try:
        return seen(data, words)
    except MemoryError:
        return Seen(fault="too_large")


def main(source: BinaryIO, out: BinaryIO) -> None:
    """Answer picture by picture until the input ends."""
    seconds = int(sys.argv[1])
    limit(seconds)
    words = Words()
    out.write(b"ready\n")
    out.flush()
    while len(head := source.read(HEAD.size)) == HEAD.size:
        size, reads = HEAD.unpack(head)
        limit(seconds)
        made = msgspec.msgpack.encode(answer(source.read(size), words if reads else None))
        out.write(len(made).to_bytes(4) + made)
        out.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
