# SPDX-License-Identifier: Apache-2.0
"""Pictures and sound of the scripted model service: small, real files that mean nothing."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Mapping
from email import message_from_bytes
from email.policy import HTTP
from typing import Any, Final

_SIDE: Final = 256
_RATE: Final = 8_000
_SAMPLES: Final = 800


def picture(text: str) -> bytes:
    """A PNG of one colour, which the text decides."""
    colour = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:3]
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    rows = (b"\x00" + colour * _SIDE) * _SIDE
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def pictures(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request for pictures; a prompt with `[[url]]` gets addresses in place of pictures."""
    prompt = str(asked.get("prompt", ""))
    data: list[dict[str, str]] = []
    for number in range(int(asked.get("n") or 1)):
        if "[[url]]" in prompt:
            data.append({"url": f"http://127.0.0.1:9/{number}.png"})
        else:
            made = base64.b64encode(picture(f"{number} {prompt}")).decode()
            data.append({"b64_json": made, "revised_prompt": prompt})
    return {"created": 1_700_000_000, "data": data}


def form(kind: str, body: bytes) -> dict[str, Any]:
    """A multipart form as the standard library reads it: texts as texts, files as bytes, both in lists."""
    read = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=HTTP)
    made: dict[str, Any] = {}
    for part in read.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        made.setdefault(name, []).append(data if part.get_filename() else data.decode())
    return made


def transcript(text: str, timed: bool) -> dict[str, Any]:
    """A transcript that says a text; with times, of words too, a second for every eight characters."""
    if not timed:
        return {"text": text, "usage": {"type": "duration", "seconds": 1}}
    parts = [text[at : at + 8] for at in range(0, len(text), 8)]
    segments = [
        {"id": i, "seek": 0, "start": i, "end": i + 1, "text": part, "tokens": [ord(one) for one in part]}
        for i, part in enumerate(parts)
    ]
    words = [{"word": one, "start": i, "end": i + 1} for i, one in enumerate(text)]
    return {"text": text, "language": "chinese", "duration": len(parts), "segments": segments, "words": words}


def sound() -> bytes:
    """A WAV file of a tenth of a second without a sound."""
    form = struct.pack("<HHIIHH", 1, 1, _RATE, _RATE * 2, 2, 16)
    body = bytes(_SAMPLES * 2)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
