# SPDX-License-Identifier: Apache-2.0
"""Files that are made to break their reader, each built in a few lines; nothing of them is stored."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

_CUSTOM: Final = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties" Target="%s"/>'
    b"</Relationships>"
)
_TYPES: Final = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def _package(custom: bytes, target: bytes = b"docProps/custom.xml", **more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", _TYPES)
        package.writestr("_rels/.rels", _CUSTOM % target)
        package.writestr("docProps/custom.xml", custom)
        for name, data in more.items():
            package.writestr(name, data)
    return out.getvalue()


def _laughs() -> bytes:
    entities = b"".join(b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 10) for n in range(9))
    return b'<!DOCTYPE x [<!ENTITY a0 "ha">' + entities + b"]><x>&a9;</x>"


def _chunk(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    made = len(body) if size is None else size
    return struct.pack(">I", made) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(*chunks: bytes) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + _chunk(b"IEND", b"")


@functools.cache
def _bomb(size: int) -> bytes:
    packer = zlib.compressobj(9)
    piece = bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()


def _pdf(body: bytes, trailer: bytes = b"<< /Root 1 0 R /Size 9 >>", start: int | None = None) -> bytes:
    made = b"%PDF-1.7\n" + body
    at = len(made) if start is None else start
    return made + b"xref\n0 1\n0000000000 65535 f \ntrailer " + trailer + b"\nstartxref\n%d\n%%%%EOF" % at


def _jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments) + b"\xff\xd9"


def _webp(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def _tiff(*entries: bytes, following: int = 0, count: int | None = None) -> bytes:
    made = struct.pack("<2sHIH", b"II", 42, 8, len(entries) if count is None else count)
    return made + b"".join(entries) + struct.pack("<I", following)


def _entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


_XMP: Final = b"XML:com.adobe.xmp\x00"

FILES: Final[dict[str, tuple[str, Callable[[], bytes]]]] = {
    "office: entities that grow": ("docx", lambda: _package(_laughs())),
    "office: a part of 1 GiB": ("docx", lambda: _package(bytes(1 << 28) * 4)),
    "office: a member of 1 GiB": ("docx", lambda: _package(b"<x/>", word=bytes(1 << 28) * 4)),
    "office: a path that leaves": ("docx", lambda: _package(b"<x/>", b"../../../../etc/passwd")),
    "office: a file on the disk": ("docx", lambda: _package(b"<x/>", b"file:///etc/passwd")),
    "office: XML a million deep": ("docx", lambda: _package(b"<a>" * 1_000_000)),
    "office: a million properties": ("docx", lambda: _package(b"<a>" + b"<b/>" * 1_000_000 + b"</a>")),
    "office: no XML": ("docx", lambda: _package(b"\x00\xff")),
    "office: UTF-16 cut": ("docx", lambda: _package(b"\xff\xfe<")),
    "office: cut": ("docx", lambda: _package(b"<x/>")[:-30]),
    "office: 70,000 members": ("docx", lambda: _package(b"<x/>", **{f"m{n}": b"" for n in range(70_000)})),
    "png: a chunk of 2 GiB": ("png", lambda: _png(_chunk(b"iTXt", b"", 0x7FFFFFFF))),
    "png: a chunk of 4 GiB": ("png", lambda: _png(_chunk(b"tEXt", b"AIGC\x00", 0xFFFFFFFF))),
    "png: text that unpacks to 1 GiB": ("png", lambda: _png(_chunk(b"zTXt", b"AIGC\x00\x00" + _bomb(1 << 30)))),
    "png: XMP that unpacks to 1 GiB": (
        "png",
        lambda: _png(_chunk(b"iTXt", _XMP + b"\x01\x00\x00\x00" + _bomb(1 << 30))),
    ),
    "png: entities that grow": ("png", lambda: _png(_chunk(b"iTXt", _XMP + b"\x00\x00\x00\x00" + _laughs()))),
    "png: XMP a million deep": (
        "png",
        lambda: _png(_chunk(b"iTXt", _XMP + b"\x00\x00\x00\x00" + b"<a>" * 1_000_000)),
    ),
    "png: a million chunks": ("png", lambda: _png(*[_chunk(b"tEXt", b"x")] * 1_500_000)),
    "jpeg: a segment that is cut": ("jpg", lambda: _jpeg(b"\xff\xe1\xff\xffhttp://ns.adobe.com/xap/1.0/\x00")),
    "jpeg: a size of none": ("jpg", lambda: _jpeg(b"\xff\xe1\x00\x00")),
    "jpeg: entities that grow": (
        "jpg",
        lambda: _jpeg(
            b"\xff\xe1" + struct.pack(">H", len(_laughs()) + 31) + b"http://ns.adobe.com/xap/1.0/\x00" + _laughs()
        ),
    ),
    "jpeg: nothing but fill": ("jpg", lambda: b"\xff\xd8" + b"\xff" * 10_000_000),
    "webp: a chunk of 4 GiB": ("webp", lambda: _webp(b"XMP \xff\xff\xff\xff")),
    "webp: a file of 4 GiB": ("webp", lambda: _webp(b"VP8 \x00\x00\x00\x00", size=0xFFFFFFFF)),
    "tiff: a directory that is its own next": ("tif", lambda: _tiff(_entry(0x2BC, 7, 4, 0), following=8)),
    "tiff: 65,535 entries": ("tif", lambda: _tiff(count=0xFFFF)),
    "tiff: XMP of 4 GiB": ("tif", lambda: _tiff(_entry(0x2BC, 7, 0xFFFFFFFF, 8))),
    "gif: blocks without an end": (
        "gif",
        lambda: b"GIF89a\x01\x00\x01\x00\x00\x00\x00!\xff\x0bXMP DataXMP" + b"\x01<" * 1_000_000,
    ),
    "pdf: its own previous": ("pdf", lambda: _pdf(b"", b"<< /Root 1 0 R /Size 9 /Prev 9 >>", 9)),
    "pdf: a start outside": ("pdf", lambda: _pdf(b"", start=1 << 40)),
    "pdf: a root that is itself": ("pdf", lambda: _pdf(b"1 0 obj 1 0 R endobj\n")),
    "pdf: arrays a million deep": ("pdf", lambda: _pdf(b"1 0 obj " + b"[" * 1_000_000 + b" endobj\n")),
    "pdf: dictionaries deep": ("pdf", lambda: _pdf(b"1 0 obj " + b"<</A" * 100_000 + b" endobj\n")),
    "pdf: XMP that unpacks to 1 GiB": (
        "pdf",
        lambda: _pdf(
            b"1 0 obj << /Type /Catalog /Metadata 2 0 R >> endobj\n2 0 obj << /Filter /FlateDecode /Length %d >> "
            b"stream\n%s\nendstream endobj\n" % (len(_bomb(1 << 30)), _bomb(1 << 30))
        ),
    ),
    "pdf: nothing": ("pdf", lambda: b"%PDF-"),
    "markdown: references that grow": (
        "md",
        lambda: (
            b"---\na0: &a0 [x]\n"
            + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12))
            + b"AIGC: *a11\n---\n"
        ),
    ),
    "markdown: deep": ("md", lambda: b"---\nAIGC: " + b"[" * 60_000 + b"\n---\n"),
    "markdown: no end": ("md", lambda: b"---\nAIGC: x\n" * 100_000),
    "html: tags without an end": ("html", lambda: b"<html><head>" + b"<meta name=aigc content='" * 100_000),
    "html: comments without an end": ("html", lambda: b"<html><head>" + b"<!--" * 500_000),
    "text: nothing": ("txt", lambda: b""),
}
