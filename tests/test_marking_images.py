# SPDX-License-Identifier: Apache-2.0
"""Labels in pictures (Article 16): one stands in the file afterwards, and all else is as it was."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from guiju.marking import families, xmp
from guiju.marking.family import MarkingError
from guiju.marking.label import parse
from marking_kit import KINDS, OTHER, OURS, XMP, exif, frames, labelled, made, picture, saved, texts


@pytest.mark.parametrize("kind", KINDS)
def test_one_label_stands_there_and_all_else_is_kept(kind: str) -> None:
    before = made(kind)
    assert texts(before) == []
    once = labelled(before)
    assert texts(once) == [OURS.bare()]
    assert frames(once) == frames(before)
    again = labelled(labelled(once, OTHER), OURS)
    assert texts(again) == [OURS.bare()]
    assert frames(again) == frames(before)
    assert again.count(OURS.produce_id.encode()) == 2  # number and propagation number of one label
    assert OTHER.produce_id.encode() not in again
    if kind == "jpeg rich":
        assert b"kept" in once
        assert b'dc:source="kept"' in once
    if "rich" in kind:
        with Image.open(io.BytesIO(again)) as image, Image.open(io.BytesIO(before)) as old:
            assert image.getexif()[0x010F] == "maker"
            assert image.info["icc_profile"] == old.info["icc_profile"]


def test_what_is_no_picture_has_no_family() -> None:
    assert families.family_of(b"") is None
    with pytest.raises(MarkingError, match="unsupported"):
        labelled(b"nothing at all")


COMMENTS = {
    "ASCII": b"ASCII\x00\x00\x00" + OTHER.wrapped().encode(),
    "UNICODE": b"UNICODE\x00" + OTHER.wrapped().encode("utf-16-le"),
    "UNICODE, other order": b"UNICODE\x00" + OTHER.wrapped().encode("utf-16-be"),
    "no code": OTHER.wrapped().encode(),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("code", COMMENTS)
def test_a_label_in_exif_is_read_and_gives_way_to_ours(kind: str, code: str) -> None:
    held = {0x010F: "maker", 0x8769: {0x9286: COMMENTS[code]}}
    before = saved(kind, tiffinfo=held) if kind == "TIFF" else saved(kind, exif=exif(COMMENTS[code]))
    (found,) = texts(before)
    read = parse(found)
    assert read is not None
    assert read.aigc == OTHER
    after = labelled(before)
    assert texts(after) == [OURS.bare()]
    with Image.open(io.BytesIO(after)) as image:
        assert image.getexif()[0x010F] == "maker"


def test_another_comment_stays() -> None:
    after = labelled(saved("JPEG", exif=exif(b"ASCII\x00\x00\x00a fine day; AIGC {}")))
    assert b"a fine day" in after


def segment(body: bytes) -> bytes:
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


def with_segments(*bodies: bytes) -> bytes:
    plain = made("jpeg")
    return plain[:2] + b"".join(segment(body) for body in bodies) + plain[2:]


def test_extended_xmp_loses_its_label_and_keeps_its_digest_true() -> None:
    packet = xmp.labelled(XMP, OTHER)
    digest = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()
    main = XMP.replace(b'dc:source="kept"', b'dc:source="' + digest + b'"')
    head, half = b"http://ns.adobe.com/xmp/extension/\x00" + digest + struct.pack(">I", len(packet)), len(packet) // 2
    before = with_segments(
        b"http://ns.adobe.com/xap/1.0/\x00" + main,
        head + struct.pack(">I", half) + packet[half:],  # parts may come in any order
        head + struct.pack(">I", 0) + packet[:half],
    )
    assert texts(before) == [OTHER.bare()]
    after = labelled(before)
    assert texts(after) == [OURS.bare()]
    assert digest not in after
    clean = hashlib.md5(xmp.blanked(packet), usedforsecurity=False).hexdigest().upper().encode()
    assert after.count(clean) == 3
    assert frames(after) == frames(before)


def test_a_second_packet_loses_its_label_only() -> None:
    second = xmp.labelled(XMP, OTHER)
    before = with_segments(b"http://ns.adobe.com/xap/1.0/\x00" + second, b"http://ns.adobe.com/xap/1.0/\x00" + second)
    assert len(texts(before)) == 2
    after = labelled(before)
    assert texts(after) == [OURS.bare()]
    assert after.count(b'dc:source="kept"') == 2


def test_a_packet_that_fills_its_segment_gives_up_its_padding_before_it_is_refused() -> None:
    room = 65_533 - 29 - len(XMP)
    padded = XMP.replace(b" " * 40, b" " * (40 + room))
    assert texts(labelled(with_segments(b"http://ns.adobe.com/xap/1.0/\x00" + padded))) == [OURS.bare()]
    full = XMP.replace(b"kept", b"k" * room)
    with pytest.raises(MarkingError, match="too_large"):
        labelled(with_segments(b"http://ns.adobe.com/xap/1.0/\x00" + full))


@pytest.mark.parametrize("trailer", ["magic", "sub-blocks"])
def test_gif_packets_of_both_forms_are_read(trailer: str) -> None:
    plain, packet = made("gif moving"), xmp.labelled(XMP, OTHER)
    if trailer == "magic":
        body = packet + b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    else:
        cut = [packet[at : at + 255] for at in range(0, len(packet), 255)]
        body = b"".join(bytes((len(one),)) + one for one in cut) + b"\x00"
    before = plain[:-1] + (b"\x21\xff\x0bXMP DataXMP" + body) * 2 + plain[-1:]
    assert texts(before) == [OTHER.bare()] * 2
    after = labelled(before)
    assert texts(after) == [OURS.bare()]
    assert frames(after) == frames(plain)


def test_a_gif_of_1987_becomes_one_that_may_have_extensions() -> None:
    old = (
        b"GIF87a"
        + b"\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    )
    assert frames(labelled(old)) == frames(old)
    assert labelled(old).startswith(b"GIF89a")


def test_labels_on_further_pages_give_way() -> None:
    plain = picture()
    tiffs = [saved("TIFF", plain, tiffinfo={700: xmp.labelled(XMP, OTHER)}) for _ in range(2)]
    pages = [Image.open(io.BytesIO(one)) for one in tiffs]
    out = io.BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], tiffinfo={700: xmp.labelled(XMP, OTHER)})
    before = out.getvalue()
    assert len(texts(before)) == 2
    after = labelled(before)
    assert texts(after) == [OURS.bare()]
    assert frames(after) == frames(before)


def big_endian() -> bytes:
    """A TIFF of one grey pixel in Motorola's order."""
    rows = [
        (256, 3, 1, 1 << 16),
        (257, 3, 1, 1 << 16),
        (258, 3, 1, 8 << 16),
        (259, 3, 1, 1 << 16),
        (262, 3, 1, 1 << 16),
    ]
    rows += [(273, 4, 1, 8), (277, 3, 1, 1 << 16), (278, 3, 1, 1 << 16), (279, 4, 1, 1)]
    table = struct.pack(">H", len(rows)) + b"".join(struct.pack(">HHII", *row) for row in rows) + bytes(4)
    return b"MM\x00*" + struct.pack(">I", 10) + b"\x7f\x00" + table


def test_tiff_in_motorola_s_order() -> None:
    after = labelled(labelled(big_endian(), OTHER))
    assert texts(after) == [OURS.bare()]
    assert frames(after) == frames(big_endian())


@pytest.mark.slow
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_nothing_but_marking_errors(data: st.DataObject) -> None:
    whole = bytearray(labelled(made(data.draw(st.sampled_from(KINDS)))))
    edge = st.integers(0, min(len(whole), 1500) - 1)
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(edge)] ^= 1 << data.draw(st.integers(0, 7))
    end = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    broken = bytes(whole[:end])
    family = families.family_of(broken[:4096])
    if family is None:
        return
    for act in (family.read, lambda source: labelled(source.getvalue(), OTHER)):
        try:
            act(io.BytesIO(broken))
        except MarkingError:
            continue


HUGE = {
    "jpeg": b"\xff\xd8"
    + segment(b"http://ns.adobe.com/xmp/extension/\x00" + b"A" * 32 + b"\xff\xff\xff\xff" + bytes(4) + b"x")
    + b"\xff\xd9",
    "webp": b"RIFF\xf6\xff\xff\xffWEBPXMP \xf0\xff\xff\xff",
    "webp chunk": b"RIFF\x20\x00\x00\x00WEBPVP8X\xf0\xff\xff\xff" + bytes(20),
    "tiff": b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIII", 1, 700, 7, 0xFFFFFFF0, 8, 0),
    "bigtiff": b"II+\x00\x08\x00\x00\x00" + struct.pack("<QQ", 16, 0xFFFFFFFF) + bytes(40),
    "tiff in a circle": b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIII", 1, 256, 3, 1, 1, 8),
    "gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00\x21\xff\x0bXMP DataXMP" + b"\xff" * 4000,
    "png": b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIHDR" + bytes(17) + b"\x7f\xff\xff\xffiTXt",
}


@pytest.mark.parametrize("kind", HUGE)
def test_sizes_that_a_file_claims_take_no_memory(kind: str) -> None:
    family = families.family_of(HUGE[kind])
    assert family is not None
    tracemalloc.start()
    try:
        for act in (family.read, lambda source: labelled(source.getvalue())):
            with pytest.raises(MarkingError):
                act(io.BytesIO(HUGE[kind]))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_exiftool_reads_the_label_and_finds_the_file_whole(kind: str, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None and os.environ.get("GUIJU_NO_SKIP") != "1":
        pytest.skip("needs exiftool; apt-get install libimage-exiftool-perl")
    file = tmp_path / f"a.{kind.split(maxsplit=1)[0].removeprefix('big')}"
    file.write_bytes(labelled(made(kind)))
    ran = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-XMP:all", "-validate", "-warning", str(file)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    (told,) = json.loads(ran.stdout)
    assert json.loads(told["XMP-TC260:Aigc"]) == OURS.fields()
    warnings = {told.get("ExifTool:Warning")} - {
        None,
        "Missing required JPEG IFD0 tag 0x0213 YCbCrPositioning",  # Pillow's
        "File has wrong extension (should be BTF, not TIFF)",
        "Non-standard format (undef) for IFD0 0x02bc ApplicationNotes",  # the guide and XMP part 3 ask for it
    }
    assert not warnings
