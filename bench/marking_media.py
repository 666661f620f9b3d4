# SPDX-License-Identifier: Apache-2.0
"""Labels of sound and film: time and memory, and what survives. `python bench/marking_media.py [--json] [--size MB]`

Files of so many megabytes are made here and labelled in a process of their own each, whose peak memory is told. What
survives is tried with the program ffmpeg: apt-get install ffmpeg.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from guiju.marking import families
from guiju.marking.family import MarkingError, head_of
from guiju.marking.label import generated, parse
from guiju.marking.ogg import checksum
from guiju.terms import Label

LABEL = generated(Label("DEVELOPMENT", "bench-0001"))
PIECE = 1 << 20


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of MP4."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def mp4(out: BinaryIO, size: int) -> None:
    """A film whose movie box stands first and names a chunk every 4 KiB: all offsets have to move."""
    count = size // 4096

    def moov(start: int) -> bytes:
        table = box(b"stco", struct.pack(f">II{count}I", 0, count, *(start + 4096 * n for n in range(count))))
        track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table))))
        return box(b"moov", box(b"mvhd", bytes(100)), track)

    head = box(b"ftyp", b"isom\0\0\2\0isom")
    start = len(head) + len(moov(0)) + 8
    out.write(head + moov(start) + struct.pack(">I", 8 + 4096 * count) + b"mdat")
    filled(out, 4096 * count)


def wav(out: BinaryIO, size: int) -> None:
    """A sound of 16 bits."""
    form = struct.pack("<HHIIHH", 1, 2, 48000, 192000, 4, 16)
    out.write(b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<I", 16) + form)
    out.write(b"data" + struct.pack("<I", size))
    filled(out, size)


def mp3(out: BinaryIO, size: int) -> None:
    """A sound without a tag."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    for _ in range(size // len(frame) // 1000):
        out.write(frame * 1000)


def flac(out: BinaryIO, size: int) -> None:
    """A sound with padding."""
    out.write(b"fLaC" + struct.pack(">I", 34) + bytes(34) + b"\x81\0\x20\0" + bytes(8192) + b"\xff\xf8")
    filled(out, size)


def mkv(out: BinaryIO, size: int) -> None:
    """A film in clusters of 1 MiB that say where they are."""
    cluster = 10 + 5 + PIECE
    whole = (8 + cluster) * (size // PIECE)
    out.write(b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x18\x53\x80\x67" + struct.pack(">Q", 1 << 56 | whole))
    for number in range(size // PIECE):
        out.write(b"\x1f\x43\xb6\x75" + struct.pack(">I", 1 << 28 | cluster))
        out.write(b"\xa7\x88" + struct.pack(">Q", number * (8 + cluster)))
        out.write(b"\xa3" + struct.pack(">I", 1 << 28 | PIECE))
        filled(out, PIECE)


def ogg(out: BinaryIO, size: int) -> None:
    """A sound of Opus whose comments stand on two pages, so that every later page gets another number."""
    comments = b"OpusTags" + struct.pack("<I4sI", 4, b"test", 1) + struct.pack("<I", 70_000) + b"A=" + b"x" * 69_998
    packets = [
        (b"OpusHead" + bytes(11), 2),
        *((comments[at : at + 255 * 200], 0) for at in range(0, len(comments), 255 * 200)),
    ]
    number = 0
    for number, (content, flags) in enumerate(packets):  # it goes on below
        out.write(page(number, content, flags))
    sound = random.Random(1).randbytes(255 * 200 - 1)
    for more in range(size // len(sound)):
        out.write(page(number + 1 + more, sound, 0))


def page(number: int, content: bytes, flags: int) -> bytes:
    """A page of Ogg; its last packet ends unless the content is a multiple of 255 bytes."""
    table = b"\xff" * (len(content) // 255) + (bytes([len(content) % 255]) if len(content) % 255 else b"")
    head = b"OggS\0" + bytes([flags]) + struct.pack("<qII", 0, 7, number)
    rest = bytes([len(table)]) + table + content
    return head + checksum(head + bytes(4) + rest).to_bytes(4, "little") + rest


def filled(out: BinaryIO, size: int) -> None:
    """Bytes that do not matter, written in pieces."""
    piece = random.Random(1).randbytes(PIECE)
    while size > 0:
        out.write(piece[: min(size, PIECE)])
        size -= PIECE


MAKERS: dict[str, Callable[[BinaryIO, int], None]] = {
    "mp4": mp4,
    "mkv": mkv,
    "mp3": mp3,
    "wav": wav,
    "flac": flac,
    "ogg": ogg,
}


def child(source: str, target: str) -> None:
    """Label one file, and print what it took."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    begin = time.perf_counter()
    with open(source, "rb") as given, open(target, "w+b") as made:
        families.labelled(cast(BinaryIO, given), cast(BinaryIO, made), LABEL, Path(source).suffix)
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    row = {
        "cpu": spent,
        "wall": time.perf_counter() - begin,
        "rss": after.ru_maxrss / 1024,
        "base": before.ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(row))


def costs(folder: Path, size: int, rounds: int) -> list[dict[str, Any]]:
    """What a large file of each kind takes: the best of some rounds."""
    rows = []
    for ending, make in MAKERS.items():
        source, target = folder / f"large.{ending}", folder / f"made.{ending}"
        with source.open("wb") as out:
            make(cast(BinaryIO, out), size)
        tries = []
        for _ in range(rounds):
            said = subprocess.run(
                [sys.executable, __file__, "--child", str(source), str(target)], capture_output=True, check=True
            ).stdout
            tries.append(json.loads(said))
        best = min(tries, key=lambda one: float(one["cpu"]))
        megabytes = source.stat().st_size / 1e6
        rows.append({"type": ending, "MB": megabytes, **best, "MB/s": megabytes / best["cpu"]})
        source.unlink()
        target.unlink()
    return rows


FILM = ("-f", "lavfi", "-i", "testsrc=d=2:s=160x120:r=10", "-f", "lavfi", "-i", "sine=d=2")
SOUND = ("-f", "lavfi", "-i", "sine=d=2")
COPY = ("-map", "0", "-c", "copy")
KEYS = ("-movflags", "use_metadata_tags")
SURVIVAL: tuple[tuple[str, str, tuple[tuple[str, ...], ...]], ...] = (
    ("mp4", "mp4", (COPY, (*COPY, *KEYS), (), KEYS)),
    ("mp4", "mov", (COPY, (*COPY, *KEYS))),
    ("mp4", "mkv", (COPY, ())),
    ("mp4", "webm", (("-c:v", "libvpx", "-c:a", "libopus"),)),
    ("mov", "mp4", (COPY, (*COPY, *KEYS))),
    ("mkv", "mkv", (COPY, ())),
    ("mkv", "mp4", (COPY, (*COPY, *KEYS))),
    ("webm", "webm", (COPY, ("-c:v", "libvpx", "-c:a", "libopus"))),
    ("webm", "mp4", ((), KEYS)),
    ("avi", "avi", (COPY, ())),
    ("avi", "mp4", ((), KEYS)),
    ("flv", "flv", (COPY, ())),
    ("flv", "mp4", ((), KEYS)),
    ("mp3", "mp3", (COPY, ())),
    ("mp3", "m4a", ((), KEYS)),
    ("m4a", "m4a", (COPY, (*COPY, *KEYS))),
    ("m4a", "mp3", ((),)),
    ("wav", "wav", (COPY, ())),
    ("wav", "mp3", ((),)),
    ("flac", "flac", (COPY, ())),
    ("flac", "mp3", ((),)),
    ("opus", "opus", (COPY, ())),
    ("opus", "mp3", ((),)),
    ("ogg", "ogg", (COPY,)),
)
ENCODED = {
    "webm": ("-c:v", "libvpx", "-c:a", "libopus"),
    "flv": ("-c:v", "flv1", "-ar", "22050"),
    "ogg": ("-c:a", "libvorbis"),
}


def survives(folder: Path) -> list[dict[str, Any]]:
    """Whether the label is still there after ffmpeg has written the file anew."""

    def ffmpeg(*arguments: str | Path) -> None:
        quiet = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")
        subprocess.run(["ffmpeg", *quiet, *map(str, arguments)], check=True)

    rows, made = [], {}
    for ending in dict.fromkeys(source for source, _, _ in SURVIVAL):
        plain, made[ending] = folder / f"plain.{ending}", folder / f"labelled.{ending}"
        film = ending in ("mp4", "mov", "mkv", "webm", "avi", "flv")
        ffmpeg(*(FILM if film else SOUND), *ENCODED.get(ending, ()), plain)
        child_of(plain, made[ending])
    for source, target, ways in SURVIVAL:
        for way in ways:
            out = folder / f"out.{target}"
            ffmpeg("-i", made[source], *way, out)
            how = "-c copy" if "copy" in way else "encoded anew"
            flags = " with use_metadata_tags" if "use_metadata_tags" in way else ""
            rows.append({"from": source, "to": target, "how": how + flags, "label": has_label(out)})
    return rows


def child_of(source: Path, target: Path) -> None:
    """Label one file."""
    with source.open("rb") as given, target.open("w+b") as made:
        families.labelled(cast(BinaryIO, given), cast(BinaryIO, made), LABEL, source.suffix)


def has_label(path: Path) -> bool:
    """Whether our label stands in a file."""
    with path.open("rb") as stream:
        family = families.family_of(head_of(cast(BinaryIO, stream)), path.suffix)
        try:
            found = family.read(cast(BinaryIO, stream)) if family else []
        except MarkingError:
            return False
    return any((read := parse(one.text)) is not None and read.aigc == LABEL for one in found)


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options.add_argument("--size", type=int, default=100, help="megabytes of each file")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.child:
        child(*asked.child)
        return
    with tempfile.TemporaryDirectory() as name:
        large = costs(Path(name), asked.size * 1_000_000, asked.rounds)
        kept = survives(Path(name)) if shutil.which("ffmpeg") else []
    if asked.json:
        sys.stdout.write(json.dumps({"costs": large, "survives": kept, "cores": os.cpu_count()}, indent=1) + "\n")
        return
    for row in large:
        sys.stdout.write(
            f"{row['type']:5} {row['MB']:6.1f} MB  {row['cpu']:5.2f} s CPU  {row['wall']:5.2f} s  "
            f"{row['MB/s']:6.0f} MB/s  peak {row['rss']:5.1f} MiB ({row['rss'] - row['base']:+.1f} while labelling)\n"
        )
    for row in kept:
        sys.stdout.write(f"{row['from']:5} → {row['to']:5} {row['how']:40} {'kept' if row['label'] else 'LOST'}\n")


if __name__ == "__main__":
    main()
