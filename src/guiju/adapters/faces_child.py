# SPDX-License-Identifier: Apache-2.0
"""The child that looks for faces: `python -m guiju.adapters.faces_child`, a picture in, `0` or `1` out.

It is started by `adapters.faces` alone, within limits. It says `0` only when it has looked at the whole picture,
upright and in the three other turns, from both sides, and found none.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

SIDE: Final = 768
"""Pixels to which the longer side is brought before it is looked at."""
_FOLDER: Final = Path(cv2.__file__).parent / "data"
_FRONT: Final = ("haarcascade_frontalface_default.xml", "haarcascade_frontalface_alt2.xml")
_PROFILE: Final = "haarcascade_profileface.xml"  # of one side; the other one is seen in the mirror
_SMALLEST: Final = 24
"""Pixels of a face's side, at least, in the picture as it is looked at."""


def any_face(data: bytes) -> bool:
    """Whether there is a face in a picture; true as well where it can't be read."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        return True
    scale = SIDE / max(picture.shape)
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    even = cv2.equalizeHist(picture)
    return any(_found(np.ascontiguousarray(np.rot90(even, turn))) for turn in range(4))


def _found(picture: Any) -> bool:
    """Whether one of the cascades finds a face."""
    looks = [(name, picture) for name in (*_FRONT, _PROFILE)] + [(_PROFILE, cv2.flip(picture, 1))]
    return any(
        len(cv2.CascadeClassifier(str(_FOLDER / name)).detectMultiScale(seen, 1.1, 4, minSize=(_SMALLEST,) * 2))
        for name, seen in looks
    )


if __name__ == "__main__":
    cv2.setNumThreads(1)  # the limit is of processor time
    sys.stdout.write("1\n" if any_face(sys.stdin.buffer.read()) else "0\n")
