# SPDX-License-Identifier: Apache-2.0
"""A label that is heard, in any sound that can have one (Article 16; GB 45438-2025, 5.3): samples of WAV are copied,
anything else is encoded anew by ffmpeg."""

from __future__ import annotations

from typing import BinaryIO

from guiju.adapters import ffmpeg
from guiju.marking import wav, wav_sound
from guiju.marking.family import MarkingError
from guiju.marking.wav_sound import LONGEST, Place


def put(family: str, source: BinaryIO, target: BinaryIO, place: Place, recording: bytes = b"") -> None:
    """Write a sound with a label that is heard.

    Args:
        family: of the file.
        source: the file, and `target` an empty one; both of the operating system.
        place: before the content, behind it, or both.
        recording: a WAV file with the words spoken; `b""` for the rhythm.

    Raises:
        MarkingError: it can't have one; `no_ffmpeg`, the program is needed and not there.
    """
    if family == "wav":
        try:
            wav_sound.sounded(source, target, place, recording)
        except MarkingError as error:
            if error.reason != "unsupported":
                raise
        else:
            return
    ffmpeg.sounded(source, target, family, place, recording)


def fault(recording: BinaryIO) -> str:
    """What is wrong with a recording of the words; `""` when nothing is.

    Args:
        recording: the file; seekable.
    """
    try:
        form = wav_sound.format_of(recording)
        data = [one for one in wav.form(recording).chunks if one.kind == b"data"]
    except MarkingError as error:
        return str(error)
    seconds = sum(one.end - one.start - 8 for one in data) / (form.rate * form.block)
    return "" if 0 < seconds <= LONGEST else f"{seconds:.1f} s"
