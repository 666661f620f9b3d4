# SPDX-License-Identifier: Apache-2.0
"""MP4, QuickTime and M4A: the label stands where the guide wants it, and every sample is still found (Article 16)."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest

from guiju.marking.families import family_of
from guiju.marking.family import MarkingError
from guiju.marking.mp4 import M4A, MOV, MP4
from guiju.marking.xmp import labelled as packet
from media_kit import CHUNKS, OLD, OURS, TITLE, box, chunks_of, ffmpeg, free_form, itunes, mp4, read, write

XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
MDTA = box(b"hdlr", b"\0" * 8, b"mdta", b"\0" * 13)


def keyed(*pairs: tuple[bytes, str]) -> bytes:
    """A `meta` box with keys and items, as ffmpeg writes it."""
    keys = b"".join(struct.pack(">I", 8 + len(name)) + b"mdta" + name for name, _ in pairs)
    items = [
        box(struct.pack(">I", number), box(b"data", b"\0\0\0\1\0\0\0\0", text.encode()))
        for number, (_, text) in enumerate(pairs, 1)
    ]
    head = box(b"keys", b"\0" * 4, struct.pack(">I", len(pairs)), keys)
    return box(b"meta", b"\0" * 4, MDTA, head, box(b"ilst", *items))


FILMS = {
    "moov first": mp4(),
    "mdat first": mp4(first=False),
    "64 bits": mp4(wide=True),
    "64 bits, mdat first": mp4(wide=True, first=False),
    "iTunes": mp4(user=itunes(TITLE)),
    "QuickTime": mp4(brand=b"qt  ", user=box(b"udta", TITLE) + box(b"meta", MDTA)),
    "udta ends with zeros": mp4(user=box(b"udta", TITLE, b"\0" * 4)),
    "free before": mp4(before=box(b"free", b"\0" * 40)),
}


@pytest.mark.parametrize("name", FILMS)
def test_every_sample_is_found_and_what_was_there_stays(name: str) -> None:
    film = FILMS[name]
    made = write(film)
    assert chunks_of(film) == chunks_of(made) == CHUNKS
    assert [one.text for one in read(made)] == [OURS.bare()]
    assert made.count(TITLE) == film.count(TITLE)
    again = write(made)
    assert again == made


def test_the_label_stands_under_the_key_in_moov_udta_meta() -> None:
    made = write(mp4(user=itunes(TITLE)))
    # Written by hand from the guide: after the tags of iTunes, a `meta` of handler mdta with key and item number 1.
    key = box(b"keys", struct.pack(">III", 0, 1, 12), b"mdtaAIGC")
    item = box(b"ilst", box(b"\0\0\0\1", box(b"data", b"\0\0\0\1\0\0\0\0", OURS.bare().encode())))
    assert box(b"meta", b"\0" * 4, MDTA, key, item) in made
    assert itunes(TITLE)[8:] in made


def test_labels_elsewhere_go() -> None:
    assert read(mp4()) == []
    text = OLD.bare()
    user = itunes(TITLE, free_form("AIGC", text)) + keyed((b"title", "x"), (b"com.example.AIGC", text))
    film = mp4(user=user, before=box(b"uuid", XMP, packet(b"", OLD)))
    places = [one.place for one in read(film)]
    assert places == ["moov.udta.meta AIGC", "moov.meta com.example.AIGC", "uuid XMP"]
    made = write(film)
    assert [(one.place, one.text) for one in read(made)] == [("moov.udta.meta AIGC", OURS.bare())]
    assert chunks_of(made) == CHUNKS
    assert b"title" in made


def test_a_key_that_is_there_is_used_again() -> None:
    film = mp4(user=box(b"udta", keyed((b"title", "x"), (b"AIGC", OLD.wrapped()), (b"encoder", "y"))))
    assert [one.text for one in read(film)] == [OLD.wrapped()]
    made = write(film)
    assert made.count(b"mdtaAIGC") == 1
    assert made.count(b"mdtaencoder") == 1
    assert [one.text for one in read(made)] == [OURS.bare()]


def test_a_key_that_only_sounds_like_it_stays() -> None:
    film = mp4(user=box(b"udta", keyed((b"AIGC_model", "m1"))))
    assert read(film) == []
    assert b"m1" in write(film)


def test_where_items_have_places_nothing_moves() -> None:
    items = box(b"meta", b"\0" * 4, MDTA, box(b"iloc", b"\0" * 8))
    film = mp4(before=items)
    made = write(film)
    assert made.startswith(film[: film.index(b"moov")] + b"free")
    assert chunks_of(made) == CHUNKS
    assert [one.text for one in read(made)] == [OURS.bare()]
    endless = film.replace(struct.pack(">I", 8 + sum(map(len, CHUNKS))) + b"mdat", b"\0\0\0\0mdat")
    assert [one.text for one in read(write(endless))] == [OURS.bare()]


def test_fragments_and_their_tables_move() -> None:
    init = mp4(moov=lambda body: box(b"moov", body, box(b"mvex", b"")))
    place = len(init)
    offset = struct.pack(">Q", place + 100)
    moof = box(b"moof", box(b"traf", box(b"tfhd", b"\0\0\0\1\0\0\0\1", offset)))
    table = box(b"tfra", b"\1\0\0\0", struct.pack(">III", 1, 0, 1), struct.pack(">QQ", 7, place), b"\1\1\1")
    film = init + moof + box(b"mdat", b"x" * 60) + box(b"mfra", table)
    made = write(film)
    by = len(made) - len(film)
    assert by > 0
    assert struct.pack(">Q", place + by + 100) in made
    assert struct.pack(">QQ", 7, place + by) in made
    index = box(b"sidx", b"\0" * 4, struct.pack(">IIII", 1, 1000, 0, place))
    made = write(mp4(before=index))
    assert struct.pack(">IIII", 1, 1000, 0, place + by) in made


@pytest.mark.parametrize(
    ("film", "reason"),
    [
        (mp4()[:-1], "unreadable"),
        (mp4(moov=lambda body: box(b"free", body)), "unsupported"),
        (mp4() + box(b"moov", b""), "unreadable"),
        (mp4(moov=lambda body: box(b"moov", box(b"cmov", body))), "unsupported"),
        (mp4(moov=lambda body: box(b"moov", body, b"\0\0\0\4free")), "unreadable"),
        (mp4(moov=lambda body: struct.pack(">I4sQ", 1, b"moov", 1 << 63) + body), "unreadable"),
        (mp4().replace(b"stco\0\0\0\0\0\0\0\5", b"stco\0\0\0\0\xff\xff\xff\xff"), "unreadable"),
    ],
    ids=["cut", "no moov", "two", "packed", "small box", "2^63", "count"],
)
def test_what_is_not_well_formed_is_refused(film: bytes, reason: str) -> None:
    with pytest.raises(MarkingError) as refused:
        write(film)
    assert refused.value.reason == reason


def test_pictures_in_the_same_boxes_are_not_films() -> None:
    picture = family_of(mp4(brand=b"avif"))
    assert picture is not None
    assert picture.kind == "image"
    assert not any(one.knows(mp4(brand=b"avif")) for one in (MP4, MOV, M4A))
    named = [
        family_of(mp4(brand=brand), ending) for brand, ending in [(b"isom", "mp4"), (b"isom", "m4a"), (b"M4A ", "mp4")]
    ]
    assert [one.name if one else "" for one in named] == ["mp4", "m4a", "m4a"]


class Sparse(io.BytesIO):
    """A stream that holds only what was written: the rest reads as zeros."""

    def __init__(self, head: bytes, hole: int, tail: bytes) -> None:
        super().__init__()
        self.head, self.hole, self.tail, self.at = head, hole, tail, 0

    def seek(self, place: int, whence: int = 0) -> int:
        self.at = {0: 0, 1: self.at, 2: len(self.head) + self.hole + len(self.tail)}[whence] + place
        return self.at

    def tell(self) -> int:
        return self.at

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert 0 <= size <= 1 << 20  # never all of it at once
        made = self.head[self.at : self.at + size]
        left = size - len(made)
        inside = max(0, min(left, len(self.head) + self.hole - max(self.at, len(self.head))))
        made += bytes(inside)
        start = self.at + len(made) - len(self.head) - self.hole
        if start >= 0 and len(made) < size:
            made += self.tail[start : start + size - len(made)]
        self.at += len(made)
        return made


class Sink(io.BytesIO):
    """A stream that keeps the beginning and the length of what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.begin, self.length = b"", 0

    def write(self, data: Any) -> int:
        if len(self.begin) < 1 << 16:
            self.begin += bytes(data)
        self.length += len(data)
        return len(data)


@pytest.mark.slow
def test_offsets_that_no_longer_fit_get_64_bits() -> None:
    """A film of just under 4 GiB grows over it."""
    hole = (1 << 32) - 1 - len(mp4()) - 40
    film = mp4()
    last = film.rindex(b"mdat") - 4
    head = film[:last] + struct.pack(">I", 8 + sum(map(len, CHUNKS)) + hole) + film[last + 4 :]
    # The last chunk is said to lie at the end.
    table = head.index(b"stco") + 12
    end = len(head) + hole - 14
    head = head[: table + 16] + struct.pack(">I", end) + head[table + 20 :]
    source, sink = Sparse(head, hole, b""), Sink()
    MP4.write(source, sink, OURS)
    grown = sink.length - len(head) - hole
    place = sink.begin.index(b"co64") + 12
    old = struct.unpack_from(">5I", head, table)
    assert struct.unpack_from(">5Q", sink.begin, place) == tuple(offset + grown for offset in old)
    assert old[4] + grown >= 1 << 32


MADE = {
    "faststart": ("-movflags", "faststart"),
    "fragmented": ("-movflags", "frag_keyframe+empty_moov"),
    "dash": ("-movflags", "frag_keyframe+empty_moov+default_base_moof+global_sidx"),
    "offsets": ("-movflags", "frag_keyframe+omit_tfhd_offset+separate_moof"),
    "plain": (),
    "keys": ("-movflags", "use_metadata_tags"),
}


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["mp4", "mov", "m4a"])
@pytest.mark.parametrize("how", MADE)
def test_films_of_ffmpeg_play_the_same(tmp_path: Path, how: str, ending: str) -> None:
    plain, made = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    picture = ("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=10", "-c:v", "mpeg4") if ending != "m4a" else ()
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", *picture, "-metadata", "title=t", *MADE[how], plain)
    made.write_bytes(write(plain.read_bytes(), ending=ending))
    sums = [ffmpeg("-i", path, "-map", "0", "-c", "copy", "-f", "streamhash", "-") for path in (plain, made)]
    assert sums[0] == sums[1]
