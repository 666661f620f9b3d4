# SPDX-License-Identifier: Apache-2.0
"""Files that come with a complaint, looked at and made anew in a child with limits (robustness, threat 17).

Only what stands in `KINDS` is taken, and by what the file is, not by what it is called. A child reads one file and
ends: what breaks it breaks nothing else, and a file that can't be read is refused, never taken as it is.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

import msgspec

from guiju.adapters.attachment import MEMORY, SECONDS, Looked

KINDS: Final[Mapping[str, str]] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
    "PDF": "application/pdf",
    "TXT": "text/plain; charset=utf-8",
    "DOCX": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
"""What is taken → its media type."""
PICTURES: Final = ("PNG", "JPEG", "WebP")
ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp", ".pdf", ".txt", ".docx")
_AT_ONCE: Final = 2
_WAIT_S: Final = 30.0
_LARGEST: Final = 32 << 20
"""Bytes of an answer, at most: a picture made anew may be larger than it came."""


def taken() -> tuple[str, ...]:
    """The kinds that are taken here: pictures need what makes them anew (`pip install 'guiju[media]'`)."""
    pictures = find_spec("PIL") is not None
    return tuple(kind for kind in KINDS if pictures or kind not in PICTURES)


class Attachments:
    """Looks at files, two at once; others wait."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def look(self, path: str) -> Looked:
        """What a file is, made anew where that is possible; never raises for what is in it.

        Args:
            path: of the file.
        """
        try:
            async with asyncio.timeout(_WAIT_S), self._turn:
                return await _asked(path)
        except (TimeoutError, OSError, msgspec.DecodeError):
            return Looked(fault="unreadable")


async def _asked(path: str) -> Looked:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "guiju.adapters.attachment_reader", path, str(MEMORY), str(SECONDS)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    made = bytearray()
    try:
        async with asyncio.timeout(SECONDS + 2):  # a busy machine is not to be taken for a bad file
            while piece := await child.stdout.read(1 << 16):
                made += piece
                if len(made) > _LARGEST:
                    break
            else:
                await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return msgspec.msgpack.decode(bytes(made), type=Looked)
