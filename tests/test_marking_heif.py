# SPDX-License-Identifier: Apache-2.0
"""HEIF and HEIC, built by hand from ISO/IEC 23008-12: one label, and every item still where its table says."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.marking import families, xmp
from guiju.marking.boxes import box, boxes, top
from guiju.marking.family import MarkingError
from guiju.marking.items import places
from marking_kit import OTHER, OURS, XMP, exif, labelled, made, texts

CODED = b"coded picture " * 30
THUMB = b"thumbnail " * 9


class Form(msgspec.Struct, frozen=True):
    """How a file of these tests is laid out.

    Attributes:
        version: of `iloc`.
        base: whether items have a base offset.
        front: whether the data stand before the meta box.
        open: whether the last box has no size.
        packet, block: XMP and Exif, where it has them.
        inside: whether they stand in the meta box.
        wide: whether ids take 32 bits.
    """

    version: int = 0
    base: bool = False
    front: bool = False
    open: bool = False
    packet: bytes = b""
    block: bytes = b""
    inside: bool = False
    wide: bool = False


def full(kind: bytes, body: bytes, version: int = 0) -> bytes:
    return box(kind, bytes((version, 0, 0, 0)) + body)


def heic(form: Form) -> bytes:
    """A file with a picture in two pieces, a thumbnail and, where asked for, XMP and Exif."""
    size = ">I" if form.wide else ">H"
    parts = [b"hvc1\x00", b"hvc1\x00"]
    parts += [b"mime\x00application/rdf+xml\x00"] if form.packet else []
    parts += [b"Exif\x00"] if form.block else []
    entries = [
        full(b"infe", struct.pack(size, number) + b"\x00\x00" + part, 3 if form.wide else 2)
        for number, part in enumerate(parts, 1)
    ]
    extra = form.packet + (b"\x00\x00\x00\x00" + form.block if form.block else b"")
    idat = box(b"idat", extra) if form.inside else b""
    media = CODED[:100] + THUMB + CODED[100:] + (b"" if form.inside else extra)

    def meta(start: int) -> bytes:
        at = start + len(CODED) + len(THUMB)
        rows = [
            (1, 0, [(start, 100), (start + 100 + len(THUMB), len(CODED) - 100)]),
            (2, 0, [(start + 100, len(THUMB))]),
        ]
        own = 0 if form.inside else at
        if form.packet:
            rows.append((3, int(form.inside), [(own, len(form.packet))]))
        if form.block:
            rows.append((len(parts), int(form.inside), [(own + len(form.packet), len(form.block) + 4)]))
        table = struct.pack(">H", 0x4440 if form.base else 0x4400)
        table += struct.pack(">I" if form.version == 2 else ">H", len(rows))
        for number, method, extents in rows:
            table += struct.pack(">I" if form.version == 2 else ">H", number)
            table += struct.pack(">H", method) if form.version else b""
            begin = extents[0][0] if form.base else 0
            table += b"\x00\x00" + (struct.pack(">I", begin) if form.base else b"") + struct.pack(">H", len(extents))
            table += b"".join(struct.pack(">II", offset - begin, length) for offset, length in extents)
        body = full(b"hdlr", b"\x00" * 4 + b"pict" + b"\x00" * 13)
        body += full(b"pitm", struct.pack(size, 1), int(form.wide))
        body += full(b"iloc", table, form.version)
        body += full(b"iinf", struct.pack(size, len(parts)) + b"".join(entries), int(form.wide)) + idat
        if form.wide:
            body += full(b"iref", box(b"thmb", struct.pack(">IHI", 2, 1, 1)), 1)
        return full(b"meta", body)

    head = box(b"ftyp", b"heic\x00\x00\x00\x00mif1heic")
    data = box(b"mdat", media)
    if form.front:
        return head + data + meta(len(head) + 8)
    if form.open:
        data = bytes(4) + data[4:]
    return head + meta(len(head) + len(meta(0)) + 8) + data


def items(data: bytes) -> dict[int, bytes]:
    """What the table of a file says that its items are."""
    (meta,) = (one for one in top(io.BytesIO(data)) if one.kind == b"meta")
    parts = dict(boxes(data[meta.body + 4 : meta.end]))
    found = {}
    for number, item in places(parts[b"iloc"]).items.items():
        pool = data if item.method == 0 else parts[b"idat"]
        found[number] = b"".join(pool[one.offset : one.offset + one.length] for one in item.extents)
    return found


BLOCK = exif(b"ASCII\x00\x00\x00" + OTHER.wrapped().encode()).tobytes().removeprefix(b"Exif\x00\x00")
FORMS = {
    "plain": Form(),
    "base offsets": Form(version=1, base=True),
    "data in front": Form(front=True),
    "no size at the end": Form(version=1, open=True),
    "wide ids": Form(version=2, wide=True),
    "XMP": Form(packet=XMP),
    "XMP and a label": Form(version=1, packet=xmp.labelled(XMP, OTHER)),
    "XMP in the meta box": Form(version=1, packet=xmp.labelled(XMP, OTHER), inside=True),
    "label in Exif": Form(packet=XMP, block=BLOCK),
    "label in Exif in the meta box": Form(version=1, block=BLOCK, inside=True),
}


@pytest.mark.parametrize("name", FORMS)
def test_one_label_stands_there_and_every_item_is_found(name: str) -> None:
    before = heic(FORMS[name])
    assert len(texts(before)) == ("label" in name or name == "XMP in the meta box")
    after = labelled(before)
    assert texts(after) == [OURS.bare()]
    again = labelled(labelled(after, OTHER))
    for data in (after, again):
        assert texts(data) == [OURS.bare()]
        assert items(data)[1] == CODED
        assert items(data)[2] == THUMB
        assert OTHER.produce_id.encode() not in data
        assert (b'dc:source="kept"' in data) is bool(FORMS[name].packet)
    assert len(again) == len(after)  # the label's own place is used again


def test_a_label_leads_from_the_picture() -> None:
    after = labelled(heic(FORMS["wide ids"]))
    (meta,) = (one for one in top(io.BytesIO(after)) if one.kind == b"meta")
    parts = dict(boxes(after[meta.body + 4 : meta.end]))
    assert dict(boxes(parts[b"iref"][4:])) == {
        b"thmb": struct.pack(">IHI", 2, 1, 1),
        b"cdsc": struct.pack(">IHI", 3, 1, 1),
    }


@pytest.mark.parametrize("kind", ["avif moving", "avif rich"])
def test_avif_of_another_writer_is_read_back_by_it(kind: str) -> None:
    after = labelled(made(kind))
    family = families.family_of(after[:4096])
    assert family is not None
    assert family.name == "avif"
    assert OURS.produce_id.encode() in after


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_nothing_but_marking_errors(data: st.DataObject) -> None:
    whole = bytearray(heic(FORMS[data.draw(st.sampled_from(sorted(FORMS)))]))
    for _ in range(data.draw(st.integers(0, 5))):
        whole[data.draw(st.integers(16, min(len(whole), 500) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    end = data.draw(st.one_of(st.just(len(whole)), st.integers(12, len(whole))))
    broken = bytes(whole[:end])
    family = families.family_of(broken[:4096])
    if family is None:
        return
    for act in (family.read, lambda source: labelled(source.getvalue(), OTHER)):
        try:
            act(io.BytesIO(broken))
        except MarkingError:
            continue


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_exiftool_reads_the_label(name: str, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None and os.environ.get("GUIJU_NO_SKIP") != "1":
        pytest.skip("needs exiftool; apt-get install libimage-exiftool-perl")
    file = tmp_path / "a.heic"
    file.write_bytes(labelled(heic(FORMS[name])))
    ran = subprocess.run(["exiftool", "-json", "-XMP:all", str(file)], capture_output=True, check=True, timeout=60)
    assert json.loads(json.loads(ran.stdout)[0]["Aigc"]) == OURS.fields()
