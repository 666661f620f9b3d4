# SPDX-License-Identifier: Apache-2.0
"""The canary's own model: it answers one sentence with the canary's word in it, so that the road can be walked
to its end without asking anybody (DESIGN §9)."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from guiju.adapters.upstream import Method, Reply, Upstream
from guiju.config import Limits
from guiju.config import Upstream as Settings

HARMLESS: Final = "0 1 2 3"
"""Asked for this, it answers this and nothing else: a harmless answer, whose label can be read back."""
IMAGES, SPEECH = "/images/generations", "/audio/speech"
"""Where below its address it is asked for a picture and for a sound."""
GREY: Final = 128
"""Each sample of the picture that it draws."""
SIDE: Final = 256
"""Width and height of that picture: as little as a watermark needs."""
RATE: Final = 8000
"""Samples a second of the sound that it makes: a quarter of a second of silence."""


class CanaryReply(Reply):
    """A stream whose text holds the word, cut in two."""

    def __init__(self, word: str) -> None:
        self.streamed = True
        self._word = word

    async def chunks(self, most: int = 0) -> AsyncIterator[bytes]:
        """The stream's bytes."""
        half = len(self._word) // 2
        for text, finish in ((". " + self._word[:half], None), (self._word[half:] + " .", None), ("", "stop")):
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
            yield b"data: " + msgspec.json.encode({"choices": [choice]}) + b"\n\n"
        yield b"data: [DONE]\n\n"

    def close(self) -> None:
        """Nothing is open."""


class MadeReply(Reply):
    """A file, whole."""

    def __init__(self, made: bytes) -> None:
        self.streamed = False
        self._made = made

    async def body(self) -> bytes:
        """What was made."""
        return self._made

    def close(self) -> None:
        """Nothing is open."""


def picture() -> bytes:
    """A picture of one grey, as PNG."""
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([GREY]) * SIDE) * SIDE)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    made = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def sound() -> bytes:
    """A quarter of a second of silence, as WAV."""
    data = bytes(RATE // 2)
    head = struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16)
    body = b"WAVEfmt " + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


class CanaryModel(Upstream):
    """Serves under a secret model name.

    Args:
        name: the secret name.
        word: the canary's word.
    """

    def __init__(self, name: str, word: str) -> None:
        super().__init__(Settings(name="canary", url="http://127.0.0.1/v1", models={name: name}), Limits())
        self._word = word

    @property
    def models(self) -> tuple[str, ...]:
        """It is listed nowhere."""
        return ()

    async def ask(
        self, body: bytes, path: str = "", form: str = "", *, method: Method = "POST", again: bool = True
    ) -> Reply:
        """Answer, whatever was asked."""
        if path == IMAGES:
            return MadeReply(msgspec.json.encode({"data": [{"b64_json": base64.b64encode(picture()).decode()}]}))
        if path == SPEECH:
            return MadeReply(sound())
        return CanaryReply(HARMLESS if HARMLESS.encode() in body else self._word)


class SayingModel(CanaryModel):
    """Says a text of one's own in a drill, and remembers what it was asked; see `rehearsing`."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__(name, said)
        self.asked: list[bytes] = []

    async def ask(
        self, body: bytes, path: str = "", form: str = "", *, method: Method = "POST", again: bool = True
    ) -> Reply:
        """Answer, and remember."""
        self.asked.append(body)
        return await super().ask(body, path, form, method=method, again=again)
