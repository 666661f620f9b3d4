# SPDX-License-Identifier: Apache-2.0
"""Sound and film decoded and encoded by the program ffmpeg, for labels that are heard or seen (Article 16; GB 45438).

ffmpeg is a program of its own, found on the PATH, and not a library in this process: a fault in a decoder ends a child
that has 512 MiB and a time, and the licence of its encoders stays its own. It reads the one file that it is given, in
the format that its first bytes say, and no address and no other file that a playlist may name.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from guiju.adapters import confined
from guiju.marking import rhythm, wav_sound
from guiju.marking.family import MarkingError
from guiju.marking.wav_sound import Place

MEMORY: Final = 512 << 20
"""Bytes that the program may write to."""
SECONDS: Final = 600
"""Of processor time and of waiting, at most."""
SHOWN: Final = 3
"""Seconds for which the opening words stand; the standard asks for two (5.4 g)."""
_GROWS: Final = 64 << 20
_TOLD: Final = 1 << 20
"""Bytes of what a program prints that are read, at most."""
_MOST_PIXELS: Final = 2560 * 1440
"""Of a picture: what 512 MiB can hold of those that are looked at and made at one time."""
_MANY_PIXELS: Final = 1920 * 1088
"""Above them the encoder may hold fewer pictures, and one thread has to do."""
_ERRORS: Final = ("-max_error_rate", "0.02")
"""Pictures or sounds that can't be decoded, of all: more, and the file counts as damaged."""
_READS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("mp4", "mov", "m4a"), "mov"),
    **dict.fromkeys(("mkv", "webm"), "matroska"),
    **{name: name for name in ("avi", "flv", "mp3", "flac", "ogg", "wav")},
}
"""Family → the format that ffmpeg reads it as."""
_WRITES: Final[Mapping[str, str]] = {
    **{name: name for name in ("mp4", "mov", "webm", "avi", "flv", "mp3", "flac", "ogg", "wav")},
    "mkv": "matroska",
    "m4a": "ipod",
}
"""Family → the format that ffmpeg writes it as."""
_SOUND: Final[Mapping[str, tuple[str, ...]]] = {
    "mp3": ("libmp3lame",),
    "aac": ("aac",),
    "alac": ("alac",),
    "flac": ("flac",),
    "opus": ("libopus",),
    "vorbis": ("libvorbis",),
    "speex": ("libspeex",),
    "pcm_alaw": ("pcm_alaw",),
    "pcm_mulaw": ("pcm_mulaw",),
    **{f"pcm_{form}": (f"pcm_{form}",) for form in ("u8", "s16le", "s24le", "s32le", "f32le", "f64le")},
}
"""Codec of a sound → how it is encoded anew."""
_X264: Final = ("libx264", "-crf", "18", "-preset", "veryfast", "-x264-params", "rc-lookahead=10:sync-lookahead=0")
_FRUGAL: Final = (
    "libx264",
    "-crf",
    "18",
    "-preset",
    "superfast",
    "-x264-params",
    "rc-lookahead=0:sync-lookahead=0",
    "-bf",
    "0",
)
_VP9: Final = (
    "libvpx-vp9",
    "-crf",
    "24",
    "-b:v",
    "0",
    "-deadline",
    "realtime",
    "-cpu-used",
    "6",
    "-lag-in-frames",
    "0",
)
_FILM: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("mp4", "mov", "mkv"), _X264),
    "flv": (*_X264, "-bf", "0"),  # else its clock begins late
    "webm": _VP9,
    "avi": ("mpeg4", "-q:v", "3"),
}
"""Family → how its pictures are encoded anew."""
_WIDE_RANGE: Final = ("smpte2084", "arib-std-b67")


class Film(msgspec.Struct, frozen=True):
    """What a file holds.

    Attributes:
        streams: as ffprobe tells of them.
        seconds: how long it is; 0 when it does not say.
    """

    streams: tuple[dict[str, Any], ...]
    seconds: float

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The streams of a kind, `audio` or `video`; cover pictures are no film."""
        return [
            one
            for one in self.streams
            if one.get("codec_type") == kind and not one.get("disposition", {}).get("attached_pic")
        ]


def look(source: BinaryIO, family: str) -> Film:
    """What a file holds.

    Args:
        source: the file; of the operating system.
        family: its family's name.

    Raises:
        MarkingError: `no_ffmpeg`, `unsupported`, `unreadable`, or `too_large` when it takes more than it may.
    """
    asked = ("-of", "json", "-show_streams", "-show_format")
    said = _run("ffprobe", ["-v", "error", *_input(family, source), *asked], [source], 64 << 20)
    try:
        told = json.loads(said)
        return Film(tuple(told.get("streams", ())), float(told.get("format", {}).get("duration", 0)))
    except (ValueError, TypeError, AttributeError) as error:
        raise MarkingError("unreadable", family) from error


def sounded(source: BinaryIO, target: BinaryIO, family: str, place: Place, recording: bytes = b"") -> None:
    """Write a sound file with a label that is heard, encoded anew in its own codec.

    Args:
        source: the file; of the operating system, as is `target`.
        target: an empty file.
        family: the file's family.
        place: before the content, behind it, or both.
        recording: a sound file with the words spoken, of the family `wav`; `b""` for the rhythm.

    Raises:
        MarkingError: as `look` does.
    """
    film = look(source, family)
    sounds = film.of("audio")
    if len(sounds) != 1 or sounds[0].get("codec_name") not in _SOUND:
        raise MarkingError("unsupported", f"{family} with this sound")
    sound = sounds[0]
    rate, channels = int(sound.get("sample_rate", 0)), int(sound.get("channels", 0))
    if not 1000 <= rate <= 768_000 or not 1 <= channels <= 8:
        raise MarkingError("unsupported", f"{family} with this sound")
    label = recording or wav_sound.file_of(rhythm.samples(rate), rate)
    form = f"aformat=sample_rates={rate}:channel_layouts={sound.get('channel_layout') or f'{channels}c'}"
    rest = f"apad=pad_dur={rhythm.PAUSE}" if place == "start" else f"adelay=delays={round(rhythm.PAUSE * 1000)}:all=1"
    parts = {
        "start": f"[1:a]{form},{rest}[l];[0:a:0]{form}[c];[l][c]concat=n=2:v=0:a=1[o]",
        "end": f"[1:a]{form},{rest}[l];[0:a:0]{form}[c];[c][l]concat=n=2:v=0:a=1[o]",
        "both": f"[1:a]{form},asplit[a][b];[a]apad=pad_dur={rhythm.PAUSE}[l];[b]{rest}[m];[0:a:0]{form}[c];"
        "[l][c][m]concat=n=3:v=0:a=1[o]",
    }
    bits = str(sound.get("bit_rate") or "")
    quality = ("-b:a", bits) if bits.isdigit() and sound["codec_name"] in ("mp3", "aac", "opus", "vorbis") else ()
    cover = ("-map", "0:v?", "-c:v", "copy") if family in ("mp3", "m4a", "flac") else ()
    with tempfile.TemporaryFile() as held:
        held.write(label)
        held.flush()
        call = [
            *_call(family, source),
            *("-f", "wav", "-i", _path(held)),
            *("-filter_complex", parts[place], "-map", "[o]", "-map_metadata:s:a:0", "0:s:a:0", *cover),
            *("-c:a", *_SOUND[sound["codec_name"]], *quality, *_output(family, target)),
        ]
        _run("ffmpeg", call, [source, target, held], _most(source))


def captioned(
    source: BinaryIO,
    target: BinaryIO,
    family: str,
    film: Film,
    picture: bytes,
    at: tuple[int, int],
    *,
    throughout: bool,
) -> None:
    """Write a film with words on its pictures; the sound is copied as it is.

    Args:
        source, target, family: as for `sounded`.
        film: what `look` told of it.
        picture: the words as PNG with transparency.
        at: where its upper left corner goes, in pixels of the film as it is seen.
        throughout: whether the words stay; else they stand for `SHOWN` seconds from the opening.

    Raises:
        MarkingError: as `look` does.
    """
    stream = shown(film, family)
    number, many = film.streams.index(stream), int(stream["width"]) * int(stream["height"]) > _MANY_PIXELS
    codec = _FRUGAL if many and _FILM[family][0] == "libx264" else _FILM[family]
    steps = [f"[0:{number}]null"]
    if 0 < film.seconds < 2:  # too short to be read: its last picture stays until two seconds are over
        steps.append(f"tpad=stop_mode=clone:stop_duration={2.1 - film.seconds:.3f}")
    when = "" if throughout else f":enable='lt(t,{SHOWN})'"
    steps.append(f"null[v];[v][1:v]overlay={at[0]}:{at[1]}:eof_action=repeat{when}[o]")
    more = ("-map", "0:s?", "-c:s", "copy", "-map", "0:t?", "-c:t", "copy") if family == "mkv" else ()
    with tempfile.TemporaryFile() as held:
        held.write(picture)
        held.flush()
        call = [
            *_call(family, source, 1 if many else 2),
            *("-f", "png_pipe", "-i", _path(held)),
            *("-filter_complex", ",".join(steps), "-map", "[o]", "-map", "0:a?", *more),
            *("-c:v", *codec, "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-c:a", "copy"),
            *_output(family, target, 1 if many else 2),
        ]
        _run("ffmpeg", call, [source, target, held], _most(source))


def shown(film: Film, family: str) -> dict[str, Any]:
    """The stream of pictures that people see.

    Raises:
        MarkingError: there is none, or it is too large, or of a kind that would lose by being encoded anew here.
    """
    found = film.of("video")
    if not found or family not in _FILM:
        raise MarkingError("unsupported", f"{family} without pictures")
    width, height = (int(found[0].get(name, 0)) for name in ("width", "height"))
    if not 0 < width * height <= _MOST_PIXELS:
        raise MarkingError("too_large", "pixels")
    if found[0].get("color_transfer") in _WIDE_RANGE:
        raise MarkingError("unsupported", "pictures of high dynamic range")
    return found[0]


def size_of(film: Film, family: str) -> tuple[int, int, float]:
    """Width and height of a film in pixels as people see it, turned as it says, and how wide a pixel is.

    Raises:
        MarkingError: as `shown` does.
    """
    stream = shown(film, family)
    width, height = int(stream["width"]), int(stream["height"])
    sides = [one.get("rotation", 0) for one in stream.get("side_data_list", ())]
    wide, _, tall = str(stream.get("sample_aspect_ratio", "1:1")).partition(":")
    ratio = (
        float(Fraction(int(wide), int(tall))) if wide.isdigit() and tall.isdigit() and int(wide) * int(tall) else 1.0
    )
    if any(round(abs(float(turn))) % 180 == 90 for turn in sides):
        return height, width, 1 / ratio
    return width, height, ratio


def _call(family: str, source: BinaryIO, threads: int = 1) -> list[str]:
    """How each call of ffmpeg begins."""
    quiet = ["-hide_banner", "-loglevel", "error", "-nostdin", "-y", *_ERRORS, "-filter_complex_threads", "1"]
    return [*quiet, "-threads", str(threads), *_input(family, source)]


def _input(family: str, source: BinaryIO) -> list[str]:
    if family not in _READS:
        raise MarkingError("unsupported", family)
    return ["-protocol_whitelist", "file", "-f", _READS[family], "-i", _path(source)]


def _output(family: str, target: BinaryIO, threads: int = 1) -> list[str]:
    """How each call of ffmpeg ends."""
    faster = ["-movflags", "+faststart"] if family in ("mp4", "mov", "m4a") else []
    return ["-map_metadata", "0", "-threads", str(threads), *faster, "-f", _WRITES[family], _path(target)]


def _path(stream: BinaryIO) -> str:
    """A file that both processes hold open, by its number: it needs no name."""
    return f"file:/proc/self/fd/{stream.fileno()}"


def _most(source: BinaryIO) -> int:
    """Bytes that may be written: films that were packed very well grow."""
    return 8 * os.fstat(source.fileno()).st_size + _GROWS


def _run(program: str, arguments: Sequence[str], streams: Sequence[BinaryIO], most: int) -> bytes:
    """What a program prints.

    Raises:
        MarkingError: `no_ffmpeg`, `unreadable`, or `too_large` when it takes more than it may.
    """
    found = shutil.which(program)
    if found is None:
        raise MarkingError("no_ffmpeg", program)
    limits = [str(MEMORY), str(SECONDS), str(most)]
    call = [sys.executable, "-I", str(Path(confined.__file__)), *limits, found, *arguments]
    for stream in streams:
        stream.flush()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as wrong:  # files, for they are held to a size
        try:
            ended = subprocess.run(
                call,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=wrong,
                pass_fds=[stream.fileno() for stream in streams],
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
                cwd="/",
                timeout=SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise MarkingError("too_large", "it takes too long") from error
        said.seek(0)
        wrong.seek(0)
        if ended != 0:
            starved = ended < 0 or ended == 256 - errno.ENOMEM or b"annot allocate" in wrong.read(_TOLD)
            raise MarkingError("too_large" if starved else "unreadable", f"{program} ended with {ended}")
        return said.read(_TOLD)
