# SPDX-License-Identifier: Apache-2.0
"""Labels that are seen in films and heard in packed sound: what ffmpeg makes for us, looked at and listened to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pytest

from guiju.adapters import confined
from guiju.adapters import ffmpeg as program
from guiju.cli.explicit import Explicit
from guiju.cli.labelling import Outcome, Wanted, write
from guiju.marking import rhythm, wav_sound
from guiju.marking.family import MarkingError
from hostile_media import HOSTILE
from media_kit import ffmpeg, run, wav
from test_marking_heard import runs

pytestmark = pytest.mark.slow
CODE = "001191110000600037341L10000"
FILMS = {
    "mp4": ("-c:v", "libx264", "-c:a", "aac"),
    "mov": ("-c:v", "mpeg4", "-c:a", "aac"),
    "mkv": ("-c:v", "libx264", "-c:a", "flac"),
    "webm": ("-c:v", "libvpx", "-c:a", "libopus"),
    "avi": ("-c:v", "mpeg4", "-c:a", "mp3"),
    "flv": ("-c:v", "flv1", "-ar", "22050"),
}
SOUNDS = {
    "mp3": (),
    "m4a": (),
    "flac": (),
    "ogg": ("-c:a", "libvorbis"),
    "opus": (),
    "wav": ("-c:a", "pcm_mulaw"),
}
GREY = "color=c=gray:s=320x240:r=10"


def labelled(file: Path, place: str, recording: bytes = b"") -> tuple[Outcome, Path]:
    out = file.with_name(f"made-{file.name}")
    return write(file, out, Wanted(code=CODE, explicit=Explicit((place,), recording=recording))), out


def grey(path: Path, second: float, width: int = 320) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The grey values of the picture at a time of a film."""
    raw = ffmpeg("-ss", f"{second}", "-i", path, "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, width)


def lead(path: Path) -> float:
    """By how many seconds the sound begins before the pictures."""
    asked = ("-show_entries", "stream=codec_type,start_time", "-of", "csv=p=0")
    starts = dict(line.split(",")[:2] for line in run("ffprobe", "-v", "error", *asked, path).decode().split())
    return float(starts["video"]) - float(starts["audio"])


@pytest.mark.parametrize("ending", FILMS)
def test_words_stand_at_the_opening_and_the_sound_is_copied(tmp_path: Path, ending: str) -> None:
    film = tmp_path / f"a.{ending}"
    ffmpeg("-f", "lavfi", "-i", f"{GREY}:d=5", "-f", "lavfi", "-i", "sine=d=5", *FILMS[ending], film)
    done, made = labelled(film, "opening")
    assert (done.state, done.explicit) == ("labelled", "opening")
    for second in (0, 1, 2.5):
        letters = np.argwhere(grey(made, second) > 200)
        top, left = letters.min(0)
        bottom, right = letters.max(0)
        assert bottom - top + 1 >= 0.05 * 240
        assert top > 120
        assert left > 160
        assert right < 320
    assert (np.abs(grey(made, 4).astype(int) - grey(film, 4)) < 12).all()
    sums = [ffmpeg("-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-") for path in (film, made)]
    assert sums[0] == sums[1]
    assert lead(made) == pytest.approx(lead(film), abs=0.05)


def test_words_can_stay_and_stand_upright_in_a_turned_film(tmp_path: Path) -> None:
    plain, film = tmp_path / "plain.mp4", tmp_path / "a.mp4"
    ffmpeg("-f", "lavfi", "-i", f"{GREY}:d=4", "-c:v", "libx264", plain)
    ffmpeg("-display_rotation", "90", "-i", plain, "-c", "copy", film)
    done, made = labelled(film, "throughout")
    assert done.state == "labelled"
    for second in (0, 3.5):
        picture = grey(made, second, 240)
        assert picture.shape == (320, 240)
        letters = np.argwhere(picture > 200)
        (top, left), (bottom, right) = letters.min(0), letters.max(0)
        assert right - left > bottom - top >= 11
        assert top > 240


def test_a_film_too_short_to_be_read_lasts_two_seconds(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    ffmpeg("-f", "lavfi", "-i", f"{GREY}:d=0.5", "-c:v", "libx264", film)
    done, made = labelled(film, "opening")
    assert done.state == "labelled"
    assert (grey(made, 1.9) > 200).any()


def sound(path: Path) -> rhythm.Sound:
    raw = ffmpeg("-i", path, "-ac", "1", "-ar", "8000", "-f", "f32le", "-")
    return np.frombuffer(raw, "<f4").astype(np.float64)


@pytest.mark.parametrize("ending", SOUNDS)
@pytest.mark.parametrize("place", ["rhythm", "rhythm-end", "rhythm-both"])
def test_the_rhythm_is_heard_beside_the_content(tmp_path: Path, ending: str, place: str) -> None:
    file = tmp_path / f"a.{ending}"
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "2", "-metadata", "title=t", *SOUNDS[ending], file)
    done, made = labelled(file, place)
    assert (done.state, done.explicit) == ("labelled", place)
    heard = sound(made)
    both = place == "rhythm-both"
    assert len(heard) / 8000 == pytest.approx(2 + (1.32 + 0.84) * (1 + both), abs=0.12)
    loud = [(sounds, seconds) for sounds, seconds in runs(heard, 8000) if seconds > 0.04]
    tones = [sounds for sounds, _ in loud]
    assert "".join("x" if one else "." for one in tones).strip(".") == ("x.x.x.x.x.x.x.x" if both else "x.x.x.x")
    longest = [seconds for sounds, seconds in loud if sounds]
    assert longest[:4] == pytest.approx([0.12, 0.36, 0.12, 0.12], abs=0.04)
    first = int(np.argmax(np.abs(heard) > 0.05)) / 8000
    assert first == pytest.approx(2.84 if place == "rhythm-end" else 0, abs=0.1)
    tags = run("ffprobe", "-v", "error", "-show_entries", "format_tags:stream_tags", made).decode().lower()
    assert "title=t" in tags or ending == "wav"


def test_a_recording_is_spoken_before_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a.mp3"
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono", "-t", "1", file)
    spoken = wav_sound.file_of(0.5 * np.sin(np.arange(16000) / 8), 16000)
    done, made = labelled(file, "spoken", spoken)
    assert done.state == "labelled"
    loud = [(sounds, seconds) for sounds, seconds in runs(sound(made), 8000) if seconds > 0.06]
    assert loud[0][1] == pytest.approx(1.0, abs=0.06)
    assert labelled(file, "spoken")[0].state == "no_recording"


def test_a_film_without_pictures_and_damage_are_refused(tmp_path: Path) -> None:
    only = tmp_path / "a.mkv"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", only)
    assert labelled(only, "opening")[0].state == "unsupported"
    (noise := tmp_path / "b.wav").write_bytes(wav().replace(b"\1\0\1\0\x40\x1f", b"\x55\0\1\0\x40\x1f"))
    done, made = labelled(noise, "rhythm")
    assert done.state in ("unsupported", "unreadable")
    assert not made.exists()


def test_the_program_stays_within_its_limits(tmp_path: Path) -> None:
    call = [sys.executable, confined.__file__, str(64 << 20), "5", str(1 << 20), sys.executable, "-c"]
    hungry = subprocess.run([*call, "b'x' * (200 << 20)"], capture_output=True, check=False)
    assert b"MemoryError" in hungry.stderr
    full = subprocess.run([*call, f"open({str(tmp_path / 'f')!r}, 'wb').write(b'x' * (2 << 20))"], check=False)
    assert full.returncode != 0
    assert os.stat(tmp_path / "f").st_size <= 1 << 20
    busy = subprocess.run([*call[:3], "1", *call[4:], "while True: pass"], capture_output=True, check=False)
    assert busy.returncode < 0


def test_no_address_and_no_other_file_is_read(tmp_path: Path) -> None:
    (other := tmp_path / "secret.wav").write_bytes(wav(seconds=1))
    (lists := tmp_path / "a.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{other}\n")
    with lists.open("rb") as source, pytest.raises(MarkingError) as refused:
        program.look(cast(BinaryIO, source), "mp4")
    assert refused.value.reason == "unreadable"


def test_hostile_films_are_refused_or_have_nothing_to_show(tmp_path: Path) -> None:
    for number, name in enumerate(one for one in HOSTILE if one.split()[0] in ("mp4", "mkv", "avi", "flv")):
        (file := tmp_path / f"{number}.{name.split()[0]}").write_bytes(HOSTILE[name][:200_000])
        assert labelled(file, "opening")[0].state in ("unreadable", "unsupported", "too_large"), name
