# SPDX-License-Identifier: Apache-2.0
"""The child that looks at one file of a complaint: `python -m guiju.adapters.attachment_reader FILE BYTES SECONDS`,
started by `adapters.attachments` alone.

Pictures are made anew of their pixels, without metadata; text is made UTF-8. A PDF or a DOCX is taken as it is when
there is nothing in it that runs, opens something, or holds another file, and nothing that is far larger than it says.
"""

from __future__ import annotations

import io
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from guiju.adapters.attachment import Looked

try:
    from PIL import Image, ImageOps
except ImportError:  # pictures are not taken then
    Image = None  # type: ignore[assignment] # what is asked before any picture is opened

PIXELS: Final = 40_000_000
_PAGES: Final = 500
_OBJECTS: Final = 100_000
_PARTS: Final = 2_000
_UNPACKED: Final = 100 << 20
_RATIO: Final = 200
"""How many times as large as it is packed a part of a DOCX may be, beyond its first MiB."""
_RUNS: Final = frozenset({
    "/JavaScript", "/JS", "/Launch", "/EmbeddedFiles", "/EmbeddedFile", "/RichMedia", "/XFA", "/AA", "/SubmitForm",
    "/ImportData", "/GoToR", "/GoToE", "/Movie", "/Sound", "/Rendition",
})  # fmt: skip
"""What runs, opens another file, or holds one."""
_LINK: Final = re.compile(r"/hyperlink\Z")


class _Refused(Exception):  # it is no error: the file is refused
    """Why a file is not taken."""


def looked(data: bytes) -> Looked:
    """Look at a file."""
    try:
        kind, made = _made(data)
    except _Refused as refused:
        return Looked(fault=str(refused))
    except MemoryError:
        return Looked(fault="large")
    except Exception:  # whatever a parser of strangers' files raises, the file can't be read
        return Looked(fault="unreadable")
    return Looked(kind, made)


def _made(data: bytes) -> tuple[str, bytes]:
    for kind, start in (("PNG", b"\x89PNG\r\n\x1a\n"), ("JPEG", b"\xff\xd8\xff")):
        if data.startswith(start):
            return kind, _picture(data, kind)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP", _picture(data, "WebP")
    if data.startswith(b"%PDF-"):
        return "PDF", _pdf(data)
    if data.startswith(b"PK\x03\x04"):
        return "DOCX", _docx(data)
    return "TXT", _text(data)


def _picture(data: bytes, kind: str) -> bytes:
    """The picture made anew: upright, its first frame, nothing of it but pixels."""
    if Image is None:
        raise _Refused("kind")
    Image.MAX_IMAGE_PIXELS = None  # the size is looked at here, before anything is decoded
    with Image.open(io.BytesIO(data), formats=(kind.upper(),)) as opened:
        if opened.width * opened.height > PIXELS:
            raise _Refused("large")
        upright = ImageOps.exif_transpose(opened)
        mode = "RGBA" if upright.has_transparency_data and kind != "JPEG" else "RGB"
        made = upright if upright.mode == mode else upright.convert(mode)
        del upright  # each copy of a large picture takes a hundred megabytes
    bare = Image.new(made.mode, made.size)
    bare.paste(made)
    del made
    out = io.BytesIO()
    if kind == "PNG":
        bare.save(out, "PNG")
    else:
        bare.save(out, kind.upper(), quality=90)
    return out.getvalue()


def _text(data: bytes) -> bytes:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any(one < " " and one not in "\t\n\r\f" for one in text):
            break
        return text.encode()
    raise _Refused("kind")


def _pdf(data: bytes) -> bytes:
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted:
        raise _Refused("locked")
    if len(reader.pages) > _PAGES:
        raise _Refused("large")
    for one in _held(reader):
        if isinstance(one, DictionaryObject):
            names = set(one) | {str(one.raw_get(key)) for key in ("/S", "/Type", "/Subtype") if key in one}
            if names & _RUNS:
                raise _Refused("active")
    return data


def _held(reader: PdfReader) -> Iterator[Any]:
    """Everything that can be reached in a PDF, each thing once."""
    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [reader.trailer]
    count = 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, IndirectObject):
            name = (one.idnum, one.generation)
            if name in seen:
                continue
            seen.add(name)
            one = one.get_object()
        count += 1
        if count > _OBJECTS:
            raise _Refused("large")
        yield one
        if isinstance(one, DictionaryObject):
            waiting += [one.raw_get(key) for key in one]
        elif isinstance(one, ArrayObject):
            waiting += list(one)


def _docx(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        parts = packed.infolist()
        names = {part.filename for part in parts}
        if "word/document.xml" not in names or "[Content_Types].xml" not in names:
            raise _Refused("kind")
        if len(parts) > _PARTS or len(names) != len(parts) or sum(part.file_size for part in parts) > _UNPACKED:
            raise _Refused("large")
        for part in parts:
            if part.flag_bits & 1:
                raise _Refused("locked")
            if part.file_size > (1 << 20) + _RATIO * part.compress_size:
                raise _Refused("large")
            if part.filename.startswith("/") or ".." in part.filename.split("/") or "\\" in part.filename:
                raise _Refused("active")
            _part(part.filename, packed.read(part))
    return data


def _part(name: str, content: bytes) -> None:
    """Whether a part of a DOCX is text, style or picture, and no more."""
    lower = name.lower()
    if "vbaproject" in lower or "/embeddings/" in lower or "/activex/" in lower or lower.endswith((".bin", ".docm")):
        raise _Refused("active")
    if lower.endswith((".zip", ".docx", ".xlsx", ".pptx", ".exe", ".dll", ".js", ".html", ".htm", ".svg")):
        raise _Refused("active")
    if not lower.endswith((".xml", ".rels")):
        return
    plain = content.replace(b"\0", b"")  # UTF-16 is read as well
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise _Refused("active")
    if lower.endswith(".rels"):
        for relation in re.findall(rb"<Relationship\b[^>]*>", plain):
            outside = re.search(rb"""TargetMode\s*=\s*["']External["']""", relation)
            kind = re.search(rb"""\bType\s*=\s*["']([^"']*)["']""", relation)
            if outside and not (kind and _LINK.search(kind[1].decode("utf-8", "replace"))):
                raise _Refused("active")
    elif b"macroEnabled" in plain or re.search(rb"\bDDE(AUTO)?\b", plain):
        raise _Refused("active")


def main() -> None:
    """Look at the file that is named, and say what it is."""
    memory, seconds = int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(msgspec.msgpack.encode(looked(Path(sys.argv[1]).read_bytes())))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
