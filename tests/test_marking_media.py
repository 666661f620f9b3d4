# SPDX-License-Identifier: Apache-2.0
"""Sound and films of every family: what others read of our labels, and what harm a file can do (Article 16)."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from film_kit import avi, flv, mkv, tag, vorbis
from guiju.marking.families import FAMILIES
from guiju.marking.family import MOST, MarkingError
from guiju.marking.label import parse
from hostile_media import HOSTILE
from media_kit import (
    OLD,
    OURS,
    SOUND,
    comments,
    ffmpeg,
    flac,
    frame3,
    id3,
    itunes,
    mp4,
    program,
    read,
    riff,
    run,
    wav,
    write,
)

SMALL = {
    "mp4": mp4(user=itunes()),
    "mov": mp4(brand=b"qt  "),
    "m4a": mp4(brand=b"M4A ", first=False),
    "mp3": id3(3, frame3(b"TIT2", b"\0title"), padding=9) + SOUND[:417],
    "wav": wav(after=riff(b"LIST", b"INFO", riff(b"INAM", b"title\0"))),
    "flac": flac((4, comments("TITLE=t")), (1, bytes(9))),
    "ogg": vorbis("TITLE=t"),
    "mkv": mkv(tags=tag("TITLE", "t"), cues_first=True),
    "webm": mkv(kind=b"webm", known=False),
    "avi": avi(info=riff(b"INAM", b"title\0"), more=True),
    "flv": flv({"keyframes": {"filepositions": [300.0]}, "title": "t"}),
}
"""A small file of each family, by ending."""
TOOLS = ("ffprobe", "exiftool")


def test_there_is_one_of_each() -> None:
    assert {one.endings[0] for one in FAMILIES if one.kind in ("audio", "video")} == set(SMALL)


@pytest.mark.parametrize("ending", SMALL)
def test_a_second_label_takes_the_place_of_the_first(ending: str) -> None:
    old = write(SMALL[ending], OLD, ending)
    new = write(old, OURS, ending)
    assert [one.text for one in read(new, ending)] == [OURS.bare()]
    assert b"06EARLIER" not in new
    assert new == write(SMALL[ending], OURS, ending)


class Fences(io.BytesIO):
    """A stream that no reader may ask for more than a file has room for, or for places before it."""

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert 0 <= size <= 64 << 20
        return super().read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        assert place >= 0 or whence
        return super().seek(place, whence)


def tried(data: bytes, ending: str) -> None:
    """Read and write a file: a MarkingError at most. What is written is no larger than it has to be."""
    family = next(one for one in FAMILIES if ending in one.endings)
    with contextlib.suppress(MarkingError):
        assert len(family.read(Fences(data))) <= MOST
    target = io.BytesIO()
    with contextlib.suppress(MarkingError):
        family.write(Fences(data), target, OURS)
    assert len(target.getvalue()) <= 3 * len(data) + 4096


@pytest.mark.slow
@given(st.data(), st.sampled_from(sorted(SMALL)))
@settings(max_examples=80)
def test_no_cut_and_no_flipped_bit_breaks_a_reader(draw: st.DataObject, ending: str) -> None:
    data = bytearray(write(SMALL[ending], OLD, ending))
    for _ in range(draw.draw(st.integers(0, 3))):
        data[draw.draw(st.integers(0, len(data) - 1))] ^= draw.draw(st.integers(1, 255))
    tried(bytes(data[: draw.draw(st.integers(0, len(data)))]), ending)
    tried(bytes(data), ending)


@pytest.mark.slow
@pytest.mark.parametrize("ending", SMALL)
def test_no_cut_at_any_byte_breaks_a_reader(ending: str) -> None:
    data = write(SMALL[ending], OLD, ending)
    for place in range(len(data)):
        tried(data[:place], ending)


@pytest.mark.parametrize("name", [name for name, data in HOSTILE.items() if len(data) < 100_000])
def test_hostile_files_are_refused_or_hold_no_label(name: str) -> None:
    ending = name.split(maxsplit=1)[0]
    found = []
    with contextlib.suppress(MarkingError):
        found = read(HOSTILE[name], ending)
    assert not [one for one in found if parse(one.text)]
    tried(HOSTILE[name], ending)


WITHIN = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
sys.path.insert(0, sys.argv[1])
import test_marking_media as test
signal = __import__("signal")
for name, data in test.HOSTILE.items():
    signal.setitimer(signal.ITIMER_PROF, 10)
    test.tried(data, name.split()[0])
    print(name)
"""


@pytest.mark.slow
def test_hostile_files_stay_within_512_mib_and_ten_seconds() -> None:
    call = [sys.executable, "-c", WITHIN, str(Path(__file__).parent)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=110, check=False)
    assert done.stdout.splitlines() == list(HOSTILE), done.stderr[-2000:]


SOURCES = {
    "mp4": ("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=10", "-c:v", "mpeg4"),
    "mov": ("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=10", "-c:v", "mpeg4"),
    "m4a": (),
    "mp3": (),
    "wav": (),
    "flac": (),
    "opus": (),
    "ogg": ("-c:a", "libvorbis"),
    "mkv": ("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=10", "-c:v", "mpeg4"),
    "webm": ("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=10", "-c:v", "libvpx"),
    "avi": ("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=10", "-c:v", "mpeg4"),
    "flv": ("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=10", "-c:v", "flv1", "-ar", "22050"),
}
READ = [(tool, ending) for tool in TOOLS for ending in SOURCES if (tool, ending) != ("ffprobe", "wav")]
"""Which program reads which type; ffprobe reads no chunk AIGC of WAV, exiftool and the tests' own reader do."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a labelled file of ffmpeg's of each family."""
    folder = tmp_path_factory.mktemp("films")
    for ending, picture in SOURCES.items():
        plain = folder / f"plain.{ending}"
        ffmpeg("-f", "lavfi", "-i", "sine=d=1", *picture, "-metadata", "title=t", plain)
        (folder / f"made.{ending}").write_bytes(write(plain.read_bytes(), ending=ending))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "ending"), READ)
def test_other_programs_read_our_label(films: Path, tool: str, ending: str) -> None:
    assert OURS.bare() in labels_by(tool, films / f"made.{ending}")


def labels_by(tool: str, path: Path) -> list[str]:
    """Texts of all fields called AIGC that a program finds."""
    if tool == "exiftool":
        said = json.loads(run(tool, "-j", "-a", "-U", "-b", "-G1", path))[0]
        fields = {name.rpartition(":")[2]: str(text) for name, text in said.items()}
        texts = {name: text for name, text in fields.items() if "AIGC" in name.upper()}
        texts = {
            name: base64.b64decode(text[7:]).decode().rstrip("\0") if text.startswith("base64:") else text
            for name, text in texts.items()
        }
    else:
        said = json.loads(run(tool, "-v", "error", "-of", "json", "-show_entries", "format_tags:stream_tags", path))
        texts = {name: text for one in (said["format"], *said["streams"]) for name, text in one.get("tags", {}).items()}
    return [text for name, text in texts.items() if "AIGC" in name.upper()]


@pytest.mark.slow
@pytest.mark.parametrize("ending", SOURCES)
def test_what_is_played_is_the_same(films: Path, ending: str) -> None:
    program("ffmpeg")
    sums = [
        ffmpeg("-i", films / f"{name}.{ending}", "-map", "0", "-c", "copy", "-f", "streamhash", "-")
        for name in ("plain", "made")
    ]
    assert sums[0] == sums[1]


@pytest.mark.slow
@pytest.mark.parametrize("ending", sorted(set(SOURCES) - {"wav", "avi"}))
def test_labels_that_ffmpeg_writes_are_read(films: Path, tmp_path: Path, ending: str) -> None:
    theirs = tmp_path / f"theirs.{ending}"
    flags = ("-movflags", "use_metadata_tags") if ending in ("mp4", "mov", "m4a") else ()
    ffmpeg("-i", films / f"plain.{ending}", "-c", "copy", "-metadata", f"AIGC={OLD.bare()}", *flags, theirs)
    assert [one.text for one in read(theirs.read_bytes(), ending)] == [OLD.bare()]
    made = write(theirs.read_bytes(), OURS, ending)
    assert [one.text for one in read(made, ending)] == [OURS.bare()]
