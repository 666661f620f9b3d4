# SPDX-License-Identifier: Apache-2.0
"""Pictures and sound of the scripted model service: small, real files that mean nothing."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Mapping
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


def sound() -> bytes:
    """A WAV file of a tenth of a second without a sound."""
    form = struct.pack("<HHIIHH", 1, 1, _RATE, _RATE * 2, 2, 16)
    body = bytes(_SAMPLES * 2)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
