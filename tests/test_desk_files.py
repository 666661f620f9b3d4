# SPDX-License-Identifier: Apache-2.0
"""Files that come with a complaint: what is taken, how it is made anew, and what is refused (robustness, threat 17, H4)."""

from __future__ import annotations

import asyncio
import io
import random
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from conftest import Running, Start
from fast_kit import few
from guiju import deskwork
from guiju.adapters.attachment import Looked
from guiju.adapters.attachment_reader import looked
from guiju.adapters.attachments import KINDS, Attachments, taken
from guiju.records.papers import Paper
from hostile_files import FILES as HOSTILE
from public_kit import act, complain, number, page, text


def picture(kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 48), 40).convert("RGB").save(out, kind, **more)  # type: ignore[arg-type] # options of each format
    return out.getvalue()


def located() -> bytes:
    """A photograph that says where it was taken, and that stands on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "SECRET-PLACE"
    exif.get_ifd(0x8825)[1] = "N"
    return picture("JPEG", exif=exif, comment=b"SECRET-COMMENT")


def pdf(action: str = "") -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    if action == "attachment":
        writer.add_attachment("a.exe", b"MZ")
    elif action == "password":
        writer.encrypt("secret")
    elif action:
        entry = DictionaryObject({NameObject("/S"): NameObject(action), NameObject("/F"): TextStringObject("a.exe")})
        writer._root_object[NameObject("/OpenAction")] = writer._add_object(entry)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def letter(**parts: bytes) -> bytes:
    """A DOCX, with more parts in it."""
    out = io.BytesIO()
    document = docx.Document()
    document.add_paragraph("证据：见附图。")
    document.save(out)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    return out.getvalue()


def relation(kind: str, target: str) -> bytes:
    head = b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    one = f'<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}" TargetMode="External"/>'
    return head + one.encode() + b"</Relationships>"


def wide() -> bytes:
    """A small file that says that it is a very large picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    header = chunk(b"IHDR", (60_000).to_bytes(4) + (60_000).to_bytes(4) + bytes([8, 2, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")


GOOD = {
    "PNG": picture("PNG"),
    "JPEG": located(),
    "WebP": picture("WEBP"),
    "PDF": pdf(),
    "TXT": "聊天记录：\r\n第二行".encode("gb18030"),
    "DOCX": letter(),
}
BAD = {
    "program": (b"MZ\x90\0" + bytes(200), "kind"),
    "nothing but bytes": (bytes(range(256)), "kind"),
    "zip": (zlib.compress(b"x"), "kind"),
    "gif": (picture("GIF"), "kind"),
    "svg is text": (b"\x00<svg onload=alert(1)>", "kind"),
    "cut picture": (picture("PNG")[:400], "unreadable"),
    "wide picture": (wide(), "large"),
    "script": (pdf("/JavaScript"), "active"),
    "attachment": (pdf("attachment"), "active"),
    "launch": (pdf("/Launch"), "active"),
    "other file": (pdf("/GoToR"), "active"),
    "locked": (pdf("password"), "locked"),
    "macro": (letter(**{"word/vbaProject.bin": b"x"}), "active"),
    "embedded": (letter(**{"word/embeddings/a.xlsx": b"PK"}), "active"),
    "template": (
        letter(**{"word/_rels/settings.xml.rels": relation("attachedTemplate", "http://evil.example/t")}),
        "active",
    ),
    "picture from outside": (
        letter(**{"word/_rels/x.xml.rels": relation("image", "http://evil.example/i.png")}),
        "active",
    ),
    "entities": (letter(**{"word/custom.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}), "active"),
    "field": (letter(**{"word/more.xml": b"<w:instrText>DDEAUTO c:\\\\cmd</w:instrText>"}), "active"),
    "climbs": (letter(**{"../../etc/passwd": b"x"}), "active"),
    "other package": (letter()[:30], "unreadable"),
}
LARGE: dict[str, Callable[[], bytes]] = {
    "bomb": lambda: letter(**{"word/big.xml": bytes(150 << 20)}),
    "many": lambda: letter(**{f"word/m{n}.xml": b"" for n in range(2_100)}),
}
"""What takes a second to make, made where it is looked at."""


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_allowed_is_taken(kind: str) -> None:
    found = looked(GOOD[kind])
    assert (found.kind, found.fault) == (kind, "")
    assert found.kind in taken()


def test_a_picture_is_made_anew_upright_and_without_what_it_told() -> None:
    found = looked(GOOD["JPEG"])
    assert b"SECRET" not in found.data
    with Image.open(io.BytesIO(found.data)) as made:
        assert made.size == (48, 64)
        assert not made.getexif()
        assert "comment" not in made.info
    hidden = picture("PNG", pnginfo=None) + b"SECRET-TAIL"
    assert b"SECRET" not in looked(hidden).data


def test_text_is_made_utf_8_and_a_link_in_a_letter_is_no_danger() -> None:
    assert looked(GOOD["TXT"]).data.decode() == "聊天记录：\r\n第二行"
    linked = letter(**{"word/_rels/x.xml.rels": relation("hyperlink", "https://example.com")})
    assert looked(linked).kind == "DOCX"
    assert len(PdfReader(io.BytesIO(looked(GOOD["PDF"]).data)).pages) == 1


@pytest.mark.parametrize("name", [*BAD, *few(LARGE, 0)])
def test_what_runs_or_breaks_is_refused(name: str) -> None:
    data, fault = (LARGE[name](), "large") if name in LARGE else BAD[name]
    assert looked(data) == Looked(fault=fault)


def test_nothing_that_is_made_to_break_a_reader_is_taken_as_it_is() -> None:
    for name, made in HOSTILE.items():
        data = made() if callable(made) else made
        found = looked(data[: 10 << 20])
        assert found.fault or found.kind in ("PNG", "JPEG", "WebP", "TXT", "PDF"), name


@pytest.mark.slow
def test_two_thousand_damaged_files_never_raise() -> None:
    chance = random.Random(6)
    for turn in range(2_000):
        data = bytearray(chance.choice([GOOD["PDF"], GOOD["DOCX"], GOOD["PNG"], GOOD["WebP"], GOOD["JPEG"]]))
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        assert isinstance(looked(bytes(data)), Looked), turn


@pytest.mark.slow
def test_a_child_reads_a_large_picture_and_refuses_one_that_says_it_is_larger(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    Image.new("RGB", (6_300, 6_300), "red").save(path)
    wide_ = tmp_path / "wide.png"
    wide_.write_bytes(wide())

    async def both() -> list[Looked]:
        attachments = Attachments()
        return [await attachments.look(str(one)) for one in (path, wide_, tmp_path / "none")]

    begun = time.monotonic()
    whole, too_wide, missing = asyncio.run(both())
    assert whole.kind == "PNG"
    assert too_wide.fault == "large"
    assert missing.fault == "unreadable"
    assert time.monotonic() - begun < 30


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Iterator[Running]:
    return start_once()


def evidence(gateway: Running, place: str) -> list[Paper]:
    return deskwork.opened(gateway.house).papers.all(number(place), int(time.time()), ("evidence",))


@pytest.mark.slow
def test_files_are_kept_and_those_that_are_not_are_told(gateway: Running) -> None:
    files = [
        ("..\\截图.jpg", GOOD["JPEG"]),
        ("<b>.pdf", GOOD["PDF"]),
        ("a.pdf", BAD["script"][0]),
        ("b.txt", GOOD["TXT"]),
    ]
    place = complain(gateway, "harm", *files)
    assert "not=active.many" in place
    shown = page(gateway, place)
    assert "Some files were not taken" in text(shown)
    assert "&lt;b&gt;.pdf" in shown.body.decode()
    kept = evidence(gateway, place)
    assert [(one.fields["name"], one.media) for one in kept] == [("截图.jpg", KINDS["JPEG"]), ("<b>.pdf", KINDS["PDF"])]
    assert b"SECRET" not in kept[0].file
    after = act(gateway, place, ("c.docx", GOOD["DOCX"]), ("d.exe", BAD["program"][0]), act="add", text="再补一份")
    assert "done=said" in after
    assert "not=kind" in after
    assert len(evidence(gateway, place)) == 3
    assert "not=kind" in act(gateway, place, ("d.exe", BAD["program"][0]), act="add", text="")


@pytest.mark.slow
def test_a_file_that_is_too_large_costs_nothing_but_itself(gateway: Running) -> None:
    place = complain(gateway, "other", ("large.txt", b"x" * ((10 << 20) + 1)), ("small.txt", b"x"))
    assert "not=large" in place
    assert [one.file for one in evidence(gateway, place)] == [b"x"]


@pytest.mark.slow
def test_a_complaint_has_twelve_files_at_most(gateway: Running) -> None:
    place = complain(gateway, "other")
    three = [(f"{n}.txt", b"%d" % n) for n in range(3)]
    for _ in range(4):
        assert "done=said" in act(gateway, place, *three, act="add", text="")
    assert "done=full" in act(gateway, place, three[0], act="add", text="")
    assert len(evidence(gateway, place)) == 12
