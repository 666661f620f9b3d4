# SPDX-License-Identifier: Apache-2.0
"""Speech with a label that is heard: where the settings or the key say, before the metadata are written, or the sound
does not go out (Article 16; Labelling Measures, 4(2); GB 45438-2025, 5.3)."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from conftest import Start
from doors import SPEECH
from guiju.adapters import heard
from guiju.adapters.signatures import Signatures
from guiju.config import Gateway, Settings
from guiju.errors import ConfigError
from guiju.gateway import media
from guiju.gateway.media import Explicit
from guiju.house import recording
from guiju.marking import rhythm, wav_sound
from guiju.marking.family import MarkingError
from guiju.marking.mp3 import MP3
from guiju.marking.wav import WAV
from guiju.terms import Label
from media_kit import ffmpeg, program
from media_kit import wav as plain

OURS = Label("DEVELOPMENT", "06EXAMPLE")
QUIET = plain(seconds=1.0)
SPOKEN = wav_sound.file_of(np.full(8000, 0.1), 8000)


def samples(data: bytes) -> Any:
    """The samples of a WAV file of 16 bits, read by the standard library."""
    with wave.open(io.BytesIO(data)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2")


def labelled(explicit: Explicit, data: bytes = QUIET, ending: str = "wav") -> bytes:
    """A sound as the door gives it out."""
    (made,) = media._labelled([data], OURS, ending, explicit, Signatures())
    return made


@pytest.mark.parametrize(
    ("text", "sound", "key", "place"),
    [
        ("envelope", "as_text", "", None),
        ("start", "as_text", "", "start"),
        ("both", "as_text", "", "both"),
        ("both", "envelope", "", None),
        ("envelope", "end", "", "end"),
        ("envelope", "as_text", "end", "end"),
        ("start", "as_text", "envelope", None),
        ("envelope", "start", "both", "start"),
    ],
)
def test_speech_follows_the_text_unless_it_has_a_place_of_its_own(
    text: Any, sound: Any, key: str, place: str | None
) -> None:
    settings = Gateway(label=text, label_sound=sound, label_picture="as_text")
    explicit = media._explicit(settings, key, "zh", b"")
    assert explicit.place == place
    assert (explicit.language is None) == ((key or text) == "envelope")
    assert media._explicit(msgspec.structs.replace(settings, label_picture="words"), key, "zh", b"").language == "zh"
    assert media._explicit(settings, key, "zh", b"", "end") == media.Explicit("zh", "end", b"")
    assert media._explicit(settings, key, "zh", b"", "none") == media.Explicit()


@pytest.mark.parametrize("place", ["start", "end", "both"])
def test_the_rhythm_stands_beside_the_sound_which_stays_as_it_was(place: Any) -> None:
    made = labelled(Explicit(place=place))
    tone = np.rint(rhythm.samples(8000) * 32768).astype("<i2")
    pause, content = np.zeros(len(rhythm.silence(8000)), "<i2"), samples(QUIET)
    parts = {
        "start": [tone, pause, content],
        "end": [content, pause, tone],
        "both": [tone, pause, content, pause, tone],
    }
    assert np.array_equal(samples(made), np.concatenate(parts[place]))
    (found,) = WAV.read(io.BytesIO(made))
    assert json.loads(found.text)["ProduceID"] == "06EXAMPLE"


def test_without_a_place_the_sound_has_its_metadata_alone() -> None:
    assert np.array_equal(samples(labelled(Explicit())), samples(QUIET))


def test_a_recording_is_heard_instead() -> None:
    made = samples(labelled(Explicit(place="start", recording=SPOKEN)))
    assert np.array_equal(made[:8000], samples(SPOKEN))


def test_what_can_t_be_labelled_so_is_not_let_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MarkingError, match="no_ffmpeg"):
        labelled(Explicit(place="start"), b"ID3\x04\0\0\0\0\0\0" + (b"\xff\xfb\x90\x00" + b"\0" * 413) * 3, "mp3")


def test_a_recording_is_looked_at_when_the_settings_are_read(tmp_path: Path) -> None:
    (good := tmp_path / "good.wav").write_bytes(SPOKEN)
    (long := tmp_path / "long.wav").write_bytes(plain(seconds=31))
    (other := tmp_path / "other.wav").write_bytes(b"RIFF")
    assert recording(Settings()) == b""
    assert recording(Settings(gateway=Gateway(label_recording=str(good)))) == SPOKEN
    for path in (long, other, tmp_path / "none.wav"):
        with pytest.raises(ConfigError):
            recording(Settings(gateway=Gateway(label_recording=str(path))))
    assert heard.fault(io.BytesIO(SPOKEN)) == ""


@pytest.mark.slow
def test_the_door_of_speech_gives_it_out(start: Start) -> None:
    gateway = start(overlay=(("gateway.label", "start"),))
    bare = start(overlay=(("gateway.label", "start"), ("gateway.label_sound", "envelope")))
    asked = {"model": "scripted", "input": "你好", "voice": "alloy", "response_format": "wav"}
    made, plain_ = gateway.ask("POST", SPEECH, asked), bare.ask("POST", SPEECH, asked)
    assert (made.status, plain_.status) == (200, 200)
    more = len(samples(made.body)) - len(samples(plain_.body))
    assert more == len(rhythm.samples(8000)) + len(rhythm.silence(8000))
    (found,) = WAV.read(io.BytesIO(made.body))
    assert json.loads(found.text)["ProduceID"] == made.headers["x-guiju-decision-id"]


@pytest.mark.slow
def test_packed_sound_is_encoded_anew_with_it(tmp_path: Path) -> None:
    program("ffmpeg")
    (tmp_path / "a.wav").write_bytes(QUIET)
    ffmpeg("-i", tmp_path / "a.wav", "-ar", "16000", tmp_path / "a.mp3")
    made = labelled(Explicit(place="both"), (tmp_path / "a.mp3").read_bytes(), "mp3")
    (found,) = MP3.read(io.BytesIO(made))
    assert json.loads(found.text)["ProduceID"] == "06EXAMPLE"
    (tmp_path / "b.mp3").write_bytes(made)
    ffmpeg("-i", tmp_path / "b.mp3", tmp_path / "b.wav")
    with wave.open(str(tmp_path / "b.wav")) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    assert seconds == pytest.approx(1 + 2 * (rhythm.SECONDS + rhythm.PAUSE), abs=0.2)
