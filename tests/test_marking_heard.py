# SPDX-License-Identifier: Apache-2.0
"""Labels that are heard: the rhythm's lengths, and WAV files whose own samples stay as they were (GB 45438-2025, 5.3)."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest

from guiju.marking import rhythm, wav_sound
from guiju.marking.family import MarkingError
from guiju.marking.wav_sound import Format
from media_kit import riff, riff_chunks, wav


def runs(sound: rhythm.Sound, rate: int) -> list[tuple[bool, float]]:
    """Whether it sounds, and for how many seconds: measured on the loudness of 10 ms, not on how it was made."""
    step = rate // 100
    loud = [float(np.abs(sound[at : at + step]).max()) > 0.05 for at in range(0, len(sound) - step + 1, step)]
    made: list[tuple[bool, int]] = []
    for one in loud:
        made = [*made[:-1], (one, made[-1][1] + 1)] if made and made[-1][0] == one else [*made, (one, 1)]
    return [(sounds, count / 100) for sounds, count in made]


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_it_sounds_short_long_short_short(rate: int) -> None:
    heard = runs(rhythm.samples(rate), rate)
    assert [sounds for sounds, _ in heard] == [True, False, True, False, True, False, True]
    assert [seconds for _, seconds in heard] == pytest.approx([0.12, 0.12, 0.36, 0.36, 0.12, 0.12, 0.12], abs=0.011)
    assert len(rhythm.samples(rate)) == round(1.32 * rate)
    assert 0.2 < np.abs(rhythm.samples(rate)).max() <= 0.25
    spectrum = np.abs(np.fft.rfft(rhythm.samples(rate)))
    assert abs(int(spectrum.argmax()) / 1.32 - 800) < 5


def heard(data: bytes, place: wav_sound.Place, recording: bytes = b"") -> bytes:
    target = io.BytesIO()
    wav_sound.sounded(io.BytesIO(data), target, place, recording)
    return target.getvalue()


LABEL, PAUSE = round(1.32 * 8000) * 2, round(0.84 * 8000) * 2
"""Bytes of the two, 8 kHz and 16 bits."""


@pytest.mark.parametrize("place", ["start", "end", "both"])
def test_the_samples_stay_and_the_label_stands_beside_them(place: wav_sound.Place) -> None:
    plain = wav(seconds=0.3)
    own = dict(riff_chunks(plain))[b"data"]
    made = dict(riff_chunks(heard(plain, place)))[b"data"]
    label = Format(False, 1, 8000, 16).encoded(rhythm.samples(8000))
    assert len(label) == LABEL
    before = label + bytes(PAUSE) if place != "end" else b""
    after = bytes(PAUSE) + label if place != "start" else b""
    assert made == before + own + after
    with wave.open(io.BytesIO(heard(plain, place))) as opened:
        assert opened.getnframes() == len(made) // 2


def test_other_chunks_count_on() -> None:
    cue = struct.pack("<I", 1) + struct.pack("<II4sIII", 1, 100, b"data", 0, 0, 100)
    plain = wav(before=riff(b"fact", struct.pack("<I", 80)), after=riff(b"cue ", cue) + riff(b"LIST", b"INFO"))
    made = heard(plain, "start")
    inner = dict(riff_chunks(made))
    by = (LABEL + PAUSE) // 2
    assert struct.unpack("<I", inner[b"fact"]) == (80 + by,)
    assert struct.unpack("<III4sIII", inner[b"cue "]) == (1, 1, 100 + by, b"data", 0, 0, 100 + by)
    assert inner[b"LIST"] == b"INFO"
    assert struct.unpack_from("<I", made, 4)[0] == len(made) - 8
    inner = dict(riff_chunks(heard(plain, "end")))
    assert inner[b"cue "] == cue


def test_files_of_64_bits_tell_their_new_size() -> None:
    plain = wav()
    place = plain.index(b"data")
    (size,) = struct.unpack_from("<I", plain, place + 4)
    sizes = riff(b"ds64", struct.pack("<QQQI", len(plain) - 8 + 36, size, size // 2, 0))
    wide = b"RF64\xff\xff\xff\xffWAVE" + sizes + plain[12 : place + 4] + b"\xff\xff\xff\xff" + plain[place + 8 :]
    made = heard(wide, "both")
    grown = 2 * (LABEL + PAUSE)
    assert struct.unpack_from("<QQQ", made, 20) == (len(made) - 8, size + grown, (size + grown) // 2)
    assert len(made) == len(wide) + grown


@pytest.mark.parametrize(
    ("kind", "bits", "width"), [(1, 8, 1), (1, 16, 2), (1, 24, 3), (1, 32, 4), (3, 32, 4), (3, 64, 8), (0xFFFE, 24, 3)]
)
def test_every_kind_of_samples_sounds_the_same(kind: int, bits: int, width: int) -> None:
    more = struct.pack("<HHIH", 22, bits, 3, 1) + bytes(14) if kind == 0xFFFE else b""
    form = struct.pack("<HHIIHH", kind, 2, 8000, 8000 * 2 * width, 2 * width, bits) + more
    body = b"WAVE" + riff(b"fmt ", form) + riff(b"data", b"")
    data = dict(riff_chunks(heard(riff(b"RIFF", body), "start")))[b"data"]
    if kind == 3:
        sound = np.frombuffer(data, "<f4" if bits == 32 else "<f8").astype(float)
    elif bits == 8:
        sound = (np.frombuffer(data, "u1").astype(float) - 128) / 128
    else:
        whole = np.zeros((len(data) // width, 4), "u1")
        whole[:, 4 - width :] = np.frombuffer(data, "u1").reshape(-1, width)
        sound = whole.view("<i4")[:, 0].astype(float) / (1 << 31)
    assert (sound[::2] == sound[1::2]).all()
    wanted = np.concatenate([rhythm.samples(8000), rhythm.silence(8000)])
    assert np.abs(sound[::2] - wanted).max() < 1.5 / (1 << min(bits, 24) - 1)


def test_an_odd_number_of_bytes_is_padded() -> None:
    form = struct.pack("<HHIIHH", 1, 1, 1100, 1100, 1, 8)
    body = b"WAVE" + riff(b"fmt ", form) + riff(b"data", b"abc") + riff(b"LIST", b"INFO")
    for place in ("start", "end", "both"):
        made = heard(riff(b"RIFF", body), place)
        assert [kind for kind, _ in riff_chunks(made)] == [b"fmt ", b"data", b"LIST"]
        assert b"abc" in dict(riff_chunks(made))[b"data"]
        assert struct.unpack_from("<I", made, 4)[0] == len(made) - 8


def test_a_recording_of_the_same_format_is_put_in() -> None:
    spoken = wav(seconds=0.2)
    words = dict(riff_chunks(spoken))[b"data"]
    own = dict(riff_chunks(wav()))[b"data"]
    assert dict(riff_chunks(heard(wav(), "start", spoken)))[b"data"] == words + bytes(PAUSE) + own
    other = wav_sound.file_of(np.zeros(10), 44100)
    with pytest.raises(MarkingError, match="unsupported"):
        heard(wav(), "start", other)
    with pytest.raises(MarkingError, match="too_large"):
        heard(wav(), "start", wav_sound.file_of(np.zeros(8000 * 31), 8000))


@pytest.mark.parametrize(
    "form",
    [
        struct.pack("<HHIIHH", 7, 1, 8000, 8000, 1, 8),
        struct.pack("<HHIIHH", 1, 0, 8000, 8000, 1, 8),
        struct.pack("<HHIIHH", 1, 1, 0xFFFFFFFF, 8000, 1, 8),
        struct.pack("<HHIIHH", 1, 1, 8000, 8000, 3, 8),
        b"short",
    ],
)
def test_samples_that_are_not_written_here_are_refused(form: bytes) -> None:
    with pytest.raises(MarkingError):
        heard(riff(b"RIFF", b"WAVE" + riff(b"fmt ", form) + riff(b"data", b"x" * 9)), "start")
