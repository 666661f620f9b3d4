# SPDX-License-Identifier: Apache-2.0
"""Ogg, Matroska, WebM, AVI and FLV: the label stands, and every place that the file names is still right (Article 16)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from film_kit import (
    FLV_FRAMES,
    FLV_HEAD,
    amf,
    avi,
    avi_places,
    element,
    flv,
    mkv,
    mkv_clusters,
    mkv_places,
    ogg_sum,
    opus,
    page,
    pages,
    tag,
    vorbis,
)
from guiju.marking.family import MarkingError
from guiju.marking.ogg import checksum
from guiju.marking.xmp import labelled as packet
from media_kit import OLD, OURS, comments, read, riff, write

OGGS = {
    "opus": opus("TITLE=标题"),
    "opus, labelled": opus("TITLE=标题", f"AIGC={OLD.bare()}"),
    "opus, what stands behind stays": opus("TITLE=标题", rest=b"\1kept"),
    "opus, just on one page": opus("TITLE=标题", "PAD=" + "x" * 64_900),
    "vorbis": vorbis("TITLE=标题"),
    "two streams": vorbis("TITLE=标题") + opus(f"AIGC={OLD.bare()}"),
    "one after another": opus("TITLE=标题") + opus("TITLE=标题"),
}


@pytest.mark.parametrize("name", OGGS)
def test_ogg_pages_hold_together(name: str) -> None:
    made = write(OGGS[name])
    assert [one.text for one in read(made)] == [OURS.bare()]
    old, new = pages(OGGS[name]), pages(made)
    assert [one for one in new if b"OpusTags" not in one[2] and b"vorbis" not in one[2]][-1][2] == old[-1][2]
    for serial in {one[0] for one in new}:
        numbers = [number for stream, number, _ in new if stream == serial]
        assert numbers == [*range(len(numbers))] or name == "one after another"
    sounds = [content for _, _, content in old if b"vorbis" not in content and b"Opus" not in content]
    assert [content for _, _, content in new if content in sounds] == sounds
    assert (b"\1kept" in made) == (b"\1kept" in OGGS[name])
    assert write(made) == made


def test_ogg_headers_may_grow_over_a_page() -> None:
    made = write(OGGS["opus, just on one page"])
    assert [number for _, number, _ in pages(made)] == [0, 1, 2, 3, 4, 5]


def test_ogg_headers_may_shrink_to_one_page() -> None:
    long = write(opus("TITLE=标题", "PAD=" + "x" * 64_900))
    laced = [content for _, _, content in pages(long)]
    assert len(laced) == 6
    two = opus("TITLE=标题", f"AIGC={OLD.bare()}" + " " * 64_000)
    head, first, *rest = pages(two)
    table = first[2]
    split = page(7, 1, table[: 255 * 200], laces=b"\xff" * 200, position=-1)
    left = table[255 * 200 :]
    split += page(7, 2, left, flags=1)
    film = page(7, 0, head[2], flags=2) + split + b"".join(page(7, n + 1, content) for _, n, content in rest)
    assert [one.text.strip() for one in read(film)] == [OLD.bare()]
    made = write(film)
    assert [number for _, number, _ in pages(made)] == [0, 1, 2, 3, 4]
    assert [content for _, _, content in pages(made)][2:] == [content for _, _, content in rest]


@given(st.binary(max_size=40))
@settings(max_examples=30)
def test_the_checksum_is_that_of_the_text(data: bytes) -> None:
    assert checksum(data) == ogg_sum(data)


MKVS = {
    "plain": mkv(),
    "tags": mkv(tags=tag("TITLE", "t")),
    "room": mkv(void=600),
    "too little room": mkv(void=100),
    "Cues first": mkv(cues_first=True, tags=tag("TITLE", "t")),
    "Cues first, room": mkv(cues_first=True, void=4000),
    "tags last": mkv(tags=tag("TITLE", "t") + tag("AIGC", OLD.bare()), tags_last=True),
    "positions of one byte": mkv(width=1),
    "Cues first, one byte": mkv(width=1, cues_first=True),
    "live": mkv(known=False),
    "webm": mkv(kind=b"webm", tags=tag("aigc", OLD.wrapped())),
}


@pytest.mark.parametrize("name", MKVS)
def test_matroska_points_where_it_did(name: str) -> None:
    film = MKVS[name]
    assert all(meant == there for meant, there in mkv_places(film)), "the test's own file"
    made = write(film)
    assert [one.text for one in read(made)] == [OURS.bare()]
    places = mkv_places(made)
    assert len(places) == len(mkv_places(film)) >= 6
    assert all(meant == there for meant, there in places)
    assert all(said == there for said, there in mkv_clusters(made))
    if "one byte" not in name:
        assert len(mkv_clusters(made)) == 3
    if name in ("room", "Cues first, room"):
        assert len(made) == len(film)
    assert made.count(b"blockblock") == film.count(b"blockblock") > 0
    assert (b"TITLE" in made) == (b"TITLE" in film)
    assert write(made) == made


def test_a_tag_within_a_tag_is_read_and_goes() -> None:
    inner = element(0x67C8, element(0x45A3, b"AIGC"), element(0x4487, OLD.bare().encode(), width=2), width=2)
    outer = element(0x67C8, element(0x45A3, b"MADE_BY"), inner, width=2)
    film = mkv(tags=element(0x7373, outer, width=2))
    assert [one.text for one in read(film)] == [OLD.bare()]
    made = write(film)
    assert [one.text for one in read(made)] == [OURS.bare()]
    assert b"MADE_BY" in made


TITLE = riff(b"INAM", b"title\0")
AVIS = {
    "plain": avi(),
    "room": avi(junk=600),
    "too little room": avi(junk=20),
    "just enough room": avi(info=TITLE, junk=232),
    "INFO": avi(info=TITLE + riff(b"AIGC", OLD.bare().encode())),
    "two RIFFs": avi(info=TITLE, more=True),
    "from the beginning": avi(absolute=True, more=True),
}


@pytest.mark.parametrize("name", AVIS)
def test_avi_indexes_name_what_they_did(name: str) -> None:
    film = AVIS[name]
    kinds = [*(["ix00"] + ["00dc"] * 3) * (2 if film.count(b"AVIX") else 1), *["00dc"] * 3]
    assert [one.decode() for one in avi_places(film)] == kinds, "the test's own file"
    made = write(film)
    assert [(one.place, one.text) for one in read(made)] == [("LIST INFO AIGC", OURS.bare())]
    assert [one.decode() for one in avi_places(made)] == kinds
    assert (TITLE in made) == (TITLE in film)
    if name == "room":
        assert len(made) == len(film)
    assert write(made) == made
    size = struct.unpack_from("<I", made, 4)[0] + 8
    assert size == len(made) or made[size : size + 4] == b"RIFF"


def test_avi_xmp_is_read_and_made_blank() -> None:
    film = avi()
    place = film.index(b"LIST", film.index(b"indx"))
    more = riff(b"_PMX", packet(b"", OLD))
    film = film[:4] + struct.pack("<I", len(film) - 8 + len(more)) + film[8:place] + more + film[place:]
    assert [one.text for one in read(film)] == [OLD.bare()]
    assert [one.text for one in read(write(film))] == [OURS.bare()]


FIELDS: dict[str, object] = {
    "duration": 1.5,
    "encoder": "e",
    "keyframes": {"times": [0.0, 1.0], "filepositions": [400.0, 430.0]},
    "filesize": 500.0,
    "AIGC_model": "m1",
}
FLVS = {
    "array": flv(FIELDS),
    "object": flv(FIELDS, kind=3),
    "labelled": flv({"AIGC": OLD.bare(), **FIELDS}),
    "no script": flv(None),
    "no fields": flv({}),
}


@pytest.mark.parametrize("name", FLVS)
def test_flv_keeps_its_frames_and_fields(name: str) -> None:
    film = FLVS[name]
    made = write(film)
    assert [one.text for one in read(made)] == [OURS.bare()]
    assert made.startswith(FLV_HEAD)
    assert made.endswith(FLV_FRAMES)
    size = int.from_bytes(made[14:17], "big")
    assert len(made) == len(FLV_HEAD) + size + 15 + len(FLV_FRAMES)
    assert struct.unpack_from(">I", made, 13 + 11 + size)[0] == size + 11
    by = len(made) - len(film)
    for kept in (amf(1.5), amf("e"), amf("m1"), amf([0.0, 1.0])):
        assert (kept in made) == (kept in film)
    if "filesize" in str(film):
        assert amf([400.0 + by, 430.0 + by]) in made
        assert amf(500.0 + by) in made
    assert write(made) == made


@pytest.mark.parametrize(
    "data",
    [
        opus()[:-1],
        opus()[: len(page(7, 0, b"OpusHead" + b"\1" * 11, flags=2))],
        page(1, 0, b"OpusHead", flags=2) + page(1, 1, b"else"),
        page(1, 0, b"unknown", flags=2),
        page(1, 0, b"OpusHead", flags=2) + page(2, 0, b"x"),
        page(1, 0, b"OpusHead", flags=2) + page(1, 1, b"OpusTags" + comments() + b"x", laces=bytes([8 + 12, 1])),
        mkv()[:-1],
        mkv()[:40],
        mkv(tags=b"\x73\x73\x7f\xff"),
        mkv().replace(b"\x15\x49\xa9\x66\x88", b"\x15\x49\xa9\x66\xff"),
        avi()[:-1],
        avi().replace(b"movi", b"mova"),
        avi().replace(struct.pack("<HBBI", 4, 0, 0, 1), struct.pack("<HBBI", 4, 0, 0, 1 << 31)),
        flv(FIELDS)[:100],
        flv({}).replace(b"\x08\0\0\0\0", b"\x07\0\0\0\0"),
    ],
    ids=range(15),
)
def test_what_is_not_well_formed_is_refused(data: bytes) -> None:
    with pytest.raises(MarkingError):
        write(data)
