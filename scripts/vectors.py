# SPDX-License-Identifier: Apache-2.0
"""Conformance vectors of labels: a folder of small files per type with the verdict that a verifier should reach.

    python scripts/vectors.py OUT

Needs Pillow and ffmpeg. Beside the files stand `expected.json` (file, kind, verdict, label) and `keys.txt`, the public
key that is trusted. Anybody may use them to test a reader of their own: nothing in them is of a real provider.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from pypdf import PdfWriter

from guiju.marking import reserved
from guiju.marking.families import family_of
from guiju.marking.label import Aigc, generated, parse
from guiju.terms import Label

CODE: Final = "001191110000600037341L10000"
"""A code whose checksum holds, of nobody."""
SECRET: Final = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01")
OTHER: Final = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x02")
FILMS: Final = {
    "mp4": ("mpeg4",),
    "mov": ("mpeg4",),
    "mkv": ("mpeg4",),
    "webm": ("libvpx",),
    "avi": ("mpeg4",),
    "flv": ("flv",),
}
SOUNDS: Final = {
    "m4a": ("aac",),
    "mp3": ("libmp3lame",),
    "wav": ("pcm_s16le",),
    "flac": ("flac",),
    "ogg": ("libvorbis",),
    "opus": ("libopus",),
}
PICTURES: Final = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "gif": "GIF", "avif": "AVIF"}


class Misspelt(Aigc, frozen=True):
    """A label with a key as it is misspelt in the field."""

    def bare(self) -> str:
        """See `Aigc`."""
        return super().bare().replace('"ProduceID"', '"ProduceId"')

    def fields(self) -> dict[str, str]:
        """See `Aigc`."""
        return {("ProduceId" if key == "ProduceID" else key): value for key, value in super().fields().items()}


def ffmpeg(ending: str, *arguments: str) -> bytes:
    """What ffmpeg makes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"made.{ending}"
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *arguments, "-fflags", "+bitexact", str(path)], check=True)
        return path.read_bytes()


def film(ending: str, seconds: float = 0.4) -> bytes:
    """A film of a test picture."""
    source = f"testsrc=size=64x48:rate=10:duration={seconds}"
    return ffmpeg(ending, "-f", "lavfi", "-i", source, "-c:v", *FILMS[ending], "-pix_fmt", "yuv420p")


def sound(ending: str, seconds: float = 0.4) -> bytes:
    """A sound of one tone."""
    return ffmpeg(ending, "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}", "-c:a", *SOUNDS[ending])


def picture(ending: str, shade: int = 90) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 120, 200)).save(out, PICTURES[ending])
    return out.getvalue()


def pdf(_: str, width: int = 200) -> bytes:
    """A page without anything on it."""
    made, out = PdfWriter(), io.BytesIO()
    made.add_blank_page(width, 200)
    made.write(out)
    return out.getvalue()


def docx(_: str, words: str = "AI") -> bytes:
    """The least document that Word opens."""
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    package = "http://schemas.openxmlformats.org/package/2006"
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        f'"application/xml"/><Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}" '
        'Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:body>'
        "</w:document>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in parts.items():
            made.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


MAKERS: Final[dict[str, Callable[[str], bytes]]] = {
    **dict.fromkeys(PICTURES, picture),
    **dict.fromkeys(FILMS, film),
    **dict.fromkeys(SOUNDS, sound),
    "pdf": pdf,
    "docx": docx,
    "md": lambda _: "# 题目\n\n正文\n".encode(),
    "html": lambda _: b"<!DOCTYPE html><html><head><title>x</title></head><body>x</body></html>",
}
CHANGED: Final[dict[str, Callable[[str], bytes]]] = {
    **{ending: lambda e: picture(e, 10) for ending in PICTURES},
    **{ending: lambda e: film(e, 0.8) for ending in FILMS},
    **{ending: lambda e: sound(e, 0.8) for ending in SOUNDS},
    "md": lambda _: "# 题目\n\n别的正文\n".encode(),
    "html": lambda _: b"<!DOCTYPE html><html><head><title>y</title></head><body>y</body></html>",
}


def written(data: bytes, ending: str, aigc: Aigc) -> bytes:
    """A file with a label, by the family's writer alone."""
    family, out = family_of(data[:4096], ending), io.BytesIO()
    assert family is not None, ending
    family.write(io.BytesIO(data), out, aigc)
    return out.getvalue()


def bound(data: bytes, ending: str, aigc: Aigc, secret: Ed25519PrivateKey) -> bytes:
    """A file with a label that is bound to it; empty for a type that can't have one."""
    family, out = family_of(data[:4096], ending), io.BytesIO()
    assert family is not None, ending
    return out.getvalue() if reserved.bound(family, io.BytesIO(data), out, aigc, secret, io.BytesIO) else b""


def label_of(data: bytes, ending: str) -> Aigc:
    """The label of a file."""
    family = family_of(data[:4096], ending)
    assert family is not None, ending
    read = parse(family.read(io.BytesIO(data))[0].text)
    assert read is not None, ending
    return read.aigc


def vectors(ending: str) -> Iterator[tuple[str, bytes, str, Aigc | None]]:
    """Kind, file, verdict and label of each vector of a type."""
    plain, aigc = MAKERS[ending](ending), generated(Label(CODE, f"VECTOR-{ending.upper()}"))
    made = written(plain, ending, aigc)
    yield "stripped", plain, "none", None
    yield "good", made, "unbound", aigc
    yield "cut", made[: len(made) * 3 // 5], "", None
    yield "misspelt", written(plain, ending, Misspelt(**_fields(aigc))), "unbound", aigc
    nobody = generated(Label("", "VECTOR"))
    yield "nobody", written(plain, ending, nobody), "unknown_producer", nobody
    wrong = generated(Label(CODE.replace("L", "M"), "VECTOR"))
    yield "checksum", written(plain, ending, wrong), "unknown_producer", wrong
    signed = reserved.sm2_signed(aigc, bytes(31) + b"\x03", "vector")
    yield "sm2", written(plain, ending, signed), "unbound", signed
    forged = Aigc(**{**_fields(signed), "produce_id": "ANOTHER"})
    yield "sm2-altered", written(plain, ending, forged), "altered", forged
    if whole := bound(plain, ending, aigc, SECRET):
        label = label_of(whole, ending)
        yield "whole", whole, "whole", label
        spread = Aigc(**{**_fields(label), "propagator": "PLATFORM", "propagate_id": "7"})
        yield "spread", written(whole, ending, spread), "whole", spread
        yield "altered", written(CHANGED[ending](ending), ending, label), "altered", label
        stranger = bound(plain, ending, aigc, OTHER)
        yield "stranger", stranger, "unknown_producer", label_of(stranger, ending)


def _fields(aigc: Aigc) -> dict[str, str]:
    return {name: getattr(aigc, name) for name in Aigc.__struct_fields__}


def main() -> None:
    """Write the folder."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1])
    rows = []
    for ending in MAKERS:
        (out / ending).mkdir(parents=True, exist_ok=True)
        for kind, data, verdict, aigc in vectors(ending):
            path = out / ending / f"{kind}.{ending}"
            path.write_bytes(data)
            label = aigc.fields() if aigc and verdict else None
            rows.append({"file": f"{ending}/{path.name}", "kind": kind, "verdict": verdict or None, "label": label})
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    (out / "expected.json").write_text(text + "\n", "utf-8")
    (out / "keys.txt").write_text(SECRET.public_key().public_bytes_raw().hex() + "\n")
    print(f"{len(rows)} files of {len(MAKERS)} types → {out}")


if __name__ == "__main__":
    main()
