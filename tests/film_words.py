# SPDX-License-Identifier: Apache-2.0
"""Films of the scripted model service: whether they show the words of their label, and the proof of that duty."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

from conftest import Start
from doors import VIDEOS
from doors import film as asked
from guiju.adapters.scripted import ScriptedModel
from guiju.adapters.scripted_films import film
from guiju.gateway.live import Controls
from guiju.records.jobs import find
from guiju.terms import IdentityLevel
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


def film_without_its_words_does_not_go_out(start: Start, every: Callable[[IdentityLevel], Controls]) -> None:
    """l.4.4: a film shows the words from its first picture, for two seconds at least; one that can't does not go out.
    What stands around the player is the app's."""
    with ScriptedModel() as model:
        gateway = start(every=every, upstream=model.url)
        made = asked(gateway, "[[job:0]]").json["id"]
        answer = gateway.ask("GET", f"{VIDEOS}/{made}/content")
        assert words_stand(answer.body, 0.0)
        assert words_stand(answer.body, 2.0)
        theirs = find(gateway.house.store, "operator", made, 0).theirs
        model.app.jobs.broken.add(theirs)
        assert gateway.ask("GET", f"{VIDEOS}/{made}/content").status == 503
