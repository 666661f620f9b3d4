# SPDX-License-Identifier: Apache-2.0
"""Whether the film of the scripted model service shows the words of its label."""

from __future__ import annotations

import tempfile

from guiju.adapters.scripted_films import film
from media_kit import ffmpeg


def words_stand(data: bytes, second: float) -> bool:
    """Whether a film shows more at its lower right, at a time of it, than what the model service made."""

    def corner(film_: bytes, at: float) -> bytes:
        with tempfile.NamedTemporaryFile(suffix=".mp4") as held:
            held.write(film_)
            held.flush()
            cut = ("-vf", "crop=200:30:120:150", "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-")
            return ffmpeg("-ss", f"{at}", "-i", held.name, *cut)

    return max(corner(data, second)) > max(corner(film(), 0.0)) + 60
