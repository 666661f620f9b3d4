# SPDX-License-Identifier: Apache-2.0
"""A label that is heard, put before or behind the samples of a WAV file (Article 16; GB 45438-2025, 5.3).

Samples are copied as they are. Places that other chunks count in samples (`cue `) move along; `fact` and `ds64` tell
the new number.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO, Final, Literal

import msgspec
import numpy as np

from guiju.marking import rhythm, wav
from guiju.marking.family import MarkingError, exactly
from guiju.marking.rhythm import Sound
from guiju.marking.riff import UNKNOWN, Chunk, body_of
from guiju.marking.splice import Moved, Splice

Place = Literal["start", "end", "both"]
LONGEST: Final = 30
"""Seconds of a recording, at most."""
_INTEGERS, _FLOATS, _EXTENSIBLE = 1, 3, 0xFFFE


class Format(msgspec.Struct, frozen=True):
    """How samples stand in a file.

    Attributes:
        floats: whether they are floating-point numbers.
        channels, rate: how many, and how often a second.
        bits: of a sample.
    """

    floats: bool
    channels: int
    rate: int
    bits: int

    @property
    def block(self) -> int:
        """Bytes of the samples of one moment."""
        return self.channels * self.bits // 8

    def encoded(self, sound: Sound) -> bytes:
        """Samples of one channel as bytes of all channels."""
        if self.floats:
            each = sound.astype("<f4" if self.bits == 32 else "<f8")
            return np.repeat(each[:, None], self.channels, 1).tobytes()
        whole = np.clip(np.rint(sound * (1 << self.bits - 1)), -(1 << self.bits - 1), (1 << self.bits - 1) - 1)
        if self.bits == 8:
            return np.repeat((whole + 128).astype("u1")[:, None], self.channels, 1).tobytes()
        wide = whole.astype("<i4").view("u1").reshape(-1, 4)[:, : self.bits // 8]
        return np.repeat(wide[:, None, :], self.channels, 1).tobytes()


def format_of(source: BinaryIO) -> Format:
    """How the samples of a file stand in it.

    Raises:
        MarkingError: it is not well formed, or its samples are packed.
    """
    chunks = wav.form(source).chunks
    head = next((body_of(source, one) for one in chunks if one.kind == b"fmt "), b"")
    if len(head) < 16:
        raise MarkingError("unreadable", "WAV format")
    kind, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", head)
    if kind == _EXTENSIBLE and len(head) >= 26:
        (kind,) = struct.unpack_from("<H", head, 24)
    made = Format(kind == _FLOATS, channels, rate, bits)
    known = bits in (32, 64) if kind == _FLOATS else kind == _INTEGERS and bits in (8, 16, 24, 32)
    if not known or not 1 <= channels <= 64 or not 1000 <= rate <= 1_000_000 or block != made.block:
        raise MarkingError("unsupported", "WAV format")
    return made


def file_of(sound: Sound, rate: int, channels: int = 1) -> bytes:
    """Samples as a WAV file of 16 bits."""
    data = Format(False, channels, rate, 16).encoded(sound)
    head = struct.pack("<HHIIHH", _INTEGERS, channels, rate, rate * 2 * channels, 2 * channels, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def recorded(recording: bytes, form: Format) -> bytes:
    """The samples of a recording, when it is of just the same format as the file that it goes into.

    Raises:
        MarkingError: it is of another, or too long.
    """
    stream = io.BytesIO(recording)
    if format_of(stream) != form:
        raise MarkingError("unsupported", "a recording of another format")
    data = _data(wav.form(stream).chunks)
    size = (data.end - data.start - 8) // form.block * form.block
    if size > LONGEST * form.rate * form.block:
        raise MarkingError("too_large", "recording")
    stream.seek(data.start + 8)
    return exactly(stream, size, "WAV")


def sounded(source: BinaryIO, target: BinaryIO, place: Place, recording: bytes = b"") -> None:
    """Write a WAV file with a label that is heard.

    Args:
        source: the file; seekable.
        target: an empty stream.
        place: before the content, behind it, or both.
        recording: a WAV file of the same format with the words spoken; `b""` for the rhythm.

    Raises:
        MarkingError: it is not well formed, or of a format that is not written here.
    """
    form, layout = format_of(source), wav.form(source)
    label = recorded(recording, form) if recording else form.encoded(rhythm.samples(form.rate))
    pause = form.encoded(rhythm.silence(form.rate))
    data = _data(layout.chunks)
    size = data.end - data.start - 8
    before = label + pause if place in ("start", "both") else b""
    after = pause + label if place in ("end", "both") else b""
    after = bytes(-size % form.block) * bool(after) + after
    grown = len(before) + len(after)
    last = after + b"\x00" * ((size + grown) & 1) if data.next > data.end or (size + grown) & 1 else after
    splices = [Splice(data.start + 8, data.start + 8, before), Splice(data.end, data.next, last)]
    by, moments = Moved(splices).grown, grown // form.block
    source.seek(data.start + 4)
    if exactly(source, 4, "WAV") != b"\xff\xff\xff\xff":  # a stream's, or said in ds64
        splices.append(Splice(data.start + 4, data.start + 8, _count(size + grown)))
    if layout.wide:
        source.seek(20)
        sizes = struct.unpack("<QQQ", exactly(source, 24, "WAV ds64"))
        splices.append(Splice(20, 44, struct.pack("<QQQ", sizes[0] + by, sizes[1] + grown, sizes[2] + moments)))
    elif layout.size not in (0, UNKNOWN):
        splices.append(Splice(4, 8, _count(layout.size + by)))
    for one in layout.chunks:
        body = body_of(source, one) if one.kind in (b"fact", b"cue ") else b""
        if one.kind == b"fact" and len(body) >= 4 and body[:4] != b"\xff\xff\xff\xff":
            splices.append(Splice(one.start + 8, one.start + 12, _count(int.from_bytes(body[:4], "little") + moments)))
        elif one.kind == b"cue " and before:
            splices.append(Splice(one.start + 8, one.end, _cues(body, len(before) // form.block)))
    Moved(splices).write(source, target)


def _data(chunks: list[Chunk]) -> Chunk:
    found = [one for one in chunks if one.kind == b"data"]
    if len(found) != 1:
        raise MarkingError("unreadable", "WAV without samples")
    return found[0]


def _count(value: int) -> bytes:
    if value >= UNKNOWN:
        raise MarkingError("too_large", "WAV")
    return value.to_bytes(4, "little")


def _cues(body: bytes, by: int) -> bytes:
    """Cue points, moved by so many samples."""
    made = bytearray(body)
    for place in range(4, len(body) - 23, 24):
        for at in (place + 4, place + 20):
            (old,) = struct.unpack_from("<I", made, at)
            struct.pack_into("<I", made, at, min(old + by, UNKNOWN))
    return bytes(made)
