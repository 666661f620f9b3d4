# SPDX-License-Identifier: Apache-2.0
"""Small sound and film files made by code, programs that read labels, and what tests of both share."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from guiju.marking.families import family_of, labelled
from guiju.marking.family import Found, MarkingError
from guiju.marking.label import Aigc, generated
from guiju.terms import Label

OURS = generated(Label("001191110000600037341L10000", "06EXAMPLE0000000000000000"))
OLD = generated(Label("001191110000600037341L10000", "06EARLIER0000000000000000"))


def program(name: str) -> str:
    """A program that reads or writes media; the test is skipped where it is not installed, but not in CI."""
    found = shutil.which(name)
    if found is None:
        why = f"{name} is not installed: apt-get install ffmpeg libimage-exiftool-perl"
        if os.environ.get("GUIJU_NO_SKIP") == "1":
            pytest.fail(why)
        pytest.skip(why)
    return found


def run(name: str, *arguments: str | Path) -> bytes:
    """What a program prints; it must end well."""
    call = [program(name), *map(str, arguments)]
    return subprocess.run(call, capture_output=True, check=True, stdin=subprocess.DEVNULL, timeout=60).stdout


def ffmpeg(*arguments: str | Path) -> bytes:
    """What ffmpeg prints."""
    return run("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments)


def write(data: bytes, aigc: Aigc = OURS, ending: str = "") -> bytes:
    """A file with a label, read back by the way that everybody takes."""
    target = io.BytesIO()
    labelled(io.BytesIO(data), target, aigc, ending)
    return target.getvalue()


def read(data: bytes, ending: str = "") -> list[Found]:
    """The label texts of a file."""
    family = family_of(data[:4096], ending)
    if family is None:
        raise MarkingError("unsupported")
    return family.read(io.BytesIO(data))


# MP4


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


CHUNKS = [bytes([65 + number]) * (10 + number) for number in range(5)]
META = box(b"hdlr", b"\0" * 8, b"mdirappl", b"\0" * 9)


def itunes(*items: bytes) -> bytes:
    """User data as iTunes and ffmpeg write it."""
    return box(b"udta", box(b"meta", b"\0" * 4, META, box(b"ilst", *items)))


TITLE = box(b"\xa9nam", box(b"data", b"\0\0\0\1\0\0\0\0title"))


def free_form(name: str, text: str) -> bytes:
    """A free-form tag of iTunes."""
    return box(
        b"----",
        box(b"mean", b"\0" * 4, b"com.apple.iTunes"),
        box(b"name", b"\0" * 4, name.encode()),
        box(b"data", b"\0\0\0\1\0\0\0\0", text.encode()),
    )


def mp4(
    *,
    brand: bytes = b"isom",
    first: bool = True,
    wide: bool = False,
    user: bytes = b"",
    before: bytes = b"",
    extra: bytes = b"",
    moov: Callable[[bytes], bytes] = lambda body: box(b"moov", body),
) -> bytes:
    """A film of one track and five chunks.

    Args:
        brand: the major brand.
        first: whether the movie box stands before the samples.
        wide: whether offsets have 64 bits and the samples' box has a size of 64 bits.
        user: what stands behind the track in the movie box.
        before, extra: boxes before the two, and within the sample table.
        moov: makes the movie box.
    """

    def movie(start: int) -> bytes:
        offsets = [start + sum(map(len, CHUNKS[:number])) for number in range(len(CHUNKS))]
        kind, form = (b"co64", "Q") if wide else (b"stco", "I")
        table = box(kind, b"\0" * 4, struct.pack(f">I{len(offsets)}{form}", len(offsets), *offsets))
        sizes = box(b"stsz", b"\0" * 8, struct.pack(">I5I", 5, *map(len, CHUNKS)))
        steps = box(b"stsc", b"\0" * 4, struct.pack(">4I", 1, 1, 1, 1))
        minf = box(
            b"minf",
            box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), box(b"url ", b"\0\0\0\1"))),
            box(b"stbl", sizes, steps, table, extra),
        )
        return moov(box(b"mvhd", b"\0" * 100) + box(b"trak", box(b"tkhd", b"\0" * 84), box(b"mdia", minf)) + user)

    head = box(b"ftyp", brand, b"\0\0\2\0isomiso2") + before
    data = b"".join(CHUNKS)
    mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + len(data)) if wide else struct.pack(">I4s", 8 + len(data), b"mdat")
    if first:
        size = len(movie(0))
        return head + movie(len(head) + size + len(mdat)) + mdat + data
    return head + mdat + data + movie(len(head) + len(mdat))


def chunks_of(film: bytes) -> list[bytes]:
    """The chunks that a film's offsets point at: a reader of its own, by searching for the tables."""
    place = max(film.find(b"stco"), film.find(b"co64"))
    width = 4 if film[place : place + 4] == b"stco" else 8
    (count,) = struct.unpack_from(">I", film, place + 8)
    offsets = struct.unpack_from(f">{count}{'I' if width == 4 else 'Q'}", film, place + 12)
    return [film[at : at + len(chunk)] for at, chunk in zip(offsets, CHUNKS, strict=True)]


# MP3


def frame3(name: bytes, body: bytes, flags: bytes = b"\0\0") -> bytes:
    """A frame of ID3v2.3."""
    return name + struct.pack(">I", len(body)) + flags + body


def synchsafe(size: int) -> bytes:
    """A size of seven bits a byte."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def frame4(name: bytes, body: bytes, flags: bytes = b"\0\0") -> bytes:
    """A frame of ID3v2.4."""
    return name + synchsafe(len(body)) + flags + body


def id3(version: int, *frames: bytes, flags: int = 0, padding: int = 0) -> bytes:
    """A tag."""
    body = b"".join(frames) + b"\0" * padding
    return b"ID3" + bytes([version, 0, flags]) + synchsafe(len(body)) + body


SOUND = (b"\xff\xfb\x90\x00" + b"\0" * 413) * 3
"""Three silent frames of MPEG-1 layer III, 128 kbit/s, 44.1 kHz."""
V1 = b"TAG" + b"title".ljust(125, b"\0")


def ape(*items: tuple[str, str]) -> bytes:
    """An APEv2 tag with header and footer."""
    body = b"".join(struct.pack("<II", len(t.encode()), 0) + n.encode() + b"\0" + t.encode() for n, t in items)
    sizes = struct.pack("<III", 2000, len(body) + 32, len(items))
    head, foot = struct.pack("<I", 0xA0000000), struct.pack("<I", 0x80000000)
    return b"APETAGEX" + sizes + head + b"\0" * 8 + body + b"APETAGEX" + sizes + foot + b"\0" * 8


# WAV


def wav(*, seconds: float = 0.01, before: bytes = b"", after: bytes = b"") -> bytes:
    """A quiet sound, with chunks before and behind its samples."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(range(1, 161)) * int(seconds * 100))
    data = stream.getvalue()
    place = data.index(b"data")
    body = data[8:place] + before + data[place:] + after
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff(kind: bytes, *parts: bytes) -> bytes:
    """A chunk of RIFF."""
    body = b"".join(parts)
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def riff_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a RIFF file: a reader of its own."""
    made, rest = [], data[12:]
    while rest:
        (size,) = struct.unpack_from("<I", rest, 4)
        made.append((rest[:4], rest[8 : 8 + size]))
        rest = rest[8 + size + (size & 1) :]
    return made


# FLAC


def comments(*fields: str, vendor: str = "test") -> bytes:
    """A header of Vorbis comments."""
    parts = [vendor, *fields]
    sized = [struct.pack("<I", len(part.encode())) + part.encode() for part in parts]
    return sized[0] + struct.pack("<I", len(fields)) + b"".join(sized[1:])


def flac(*blocks: tuple[int, bytes]) -> bytes:
    """A FLAC file whose sound is not looked at."""
    every = [(0, bytes(34)), *blocks]
    made = b"fLaC"
    for number, (kind, body) in enumerate(every):
        made += bytes([kind | (0x80 if number == len(every) - 1 else 0)]) + struct.pack(">I", len(body))[1:] + body
    return made + b"\xff\xf8" + b"sound" * 20
