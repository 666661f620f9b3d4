# SPDX-License-Identifier: Apache-2.0
"""Pictures that somebody sends, looked at in a child process with limits (Article 4; DESIGN §4).

What goes on is never the file that came but the picture made anew by the child: without metadata, place and time, and
of the very pixels whose words were read. A picture that breaks the child is refused; the next one gets a fresh child.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct
import sys
from collections import OrderedDict
from importlib.util import find_spec
from typing import Final, Protocol

import msgspec

from guiju.errors import OutsideError

SECONDS: Final = 30
"""For one picture, at most, of the processor's time and of the clock's."""
START_S: Final = 60
"""For the child to begin, at most: it loads its models."""
WAITING: Final = 16
"""Pictures that may wait for the child; more are too many at once."""
_WORDLESS: Final = 4096
"""How many pictures without words are remembered, by keyed digest: the turns of a talk bring the same ones again."""
_LARGEST: Final = 64 << 20
"""Bytes of an answer, at most."""


HEAD: Final = struct.Struct("!I?")
"""Before a picture: its length, and whether its words are to be read."""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What is seen of a picture.

    Attributes:
        picture: it made anew, a JPEG; empty where it can't be looked at.
        lines: words that stand on it, from top to bottom.
        fault: why it can't be looked at: `no_picture`, `moving`, `too_large`, `too_small`, `too_long`; else `""`.
    """

    picture: bytes = b""
    lines: tuple[str, ...] = ()
    fault: str = ""


class Seeing(Protocol):
    """Looks at pictures."""

    async def look(self, data: bytes) -> Seen:
        """What is seen of a picture; never raises for what is in the file.

        Args:
            data: the file, as it came.

        Raises:
            OutsideError: `guard_unavailable`, there is nobody to look.
        """
        ...

    async def close(self) -> None:
        """End what looks."""
        ...


def installed() -> bool:
    """Whether what reads words on pictures is there: `pip install 'guiju[pictures]'`."""
    return all(find_spec(name) is not None for name in ("PIL", "rapidocr", "onnxruntime"))


class Pictures:
    """One child, begun with the first picture; see `Seeing`.

    Args:
        key: digest key, 32 bytes.
        seconds: for one picture, at most.
    """

    def __init__(self, key: bytes, seconds: int = SECONDS) -> None:
        self._key = key
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._wordless: OrderedDict[bytes, None] = OrderedDict()
        self._child: asyncio.subprocess.Process | None = None

    async def look(self, data: bytes) -> Seen:
        """See `Seeing`."""
        if self._waiting >= WAITING:
            raise OutsideError("guard_unavailable")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._looked(data)
        finally:
            self._waiting -= 1

    async def _looked(self, data: bytes) -> Seen:
        mark = hashlib.blake2b(data, key=self._key, digest_size=16).digest()
        known = mark in self._wordless
        child = self._child or await self._begin()
        try:
            async with asyncio.timeout(self._seconds + 1):  # a busy machine is not to be taken for a bad picture
                seen = await _asked(child, data, reads=not known)
        except (TimeoutError, OSError, EOFError, msgspec.DecodeError):
            await self._end()
            return Seen(fault="too_large")
        except BaseException:  # the caller has left, and the next picture must not get the answer to this one
            await self._end()
            raise
        if not seen.lines and not seen.fault:
            self._wordless[mark] = None
            self._wordless.move_to_end(mark)
            if len(self._wordless) > _WORDLESS:
                self._wordless.popitem(last=False)
        return seen

    async def _begin(self) -> asyncio.subprocess.Process:
        child = self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "guiju.adapters.picture_reader", str(self._seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        assert child.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                ready = await child.stdout.readline()
        except BaseException as error:  # the caller may have left, too: a child half begun is of no use
            await self._end()
            if isinstance(error, TimeoutError):
                raise OutsideError("guard_unavailable") from None
            raise
        if ready != b"ready\n":
            await self._end()
            raise OutsideError("guard_unavailable")
        return child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:
            child.kill()
        if child.stdin is not None:
            child.stdin.close()
        await child.wait()

    async def close(self) -> None:
        """See `Seeing`."""
        await self._end()


async def _asked(child: asyncio.subprocess.Process, data: bytes, *, reads: bool) -> Seen:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(HEAD.pack(len(data), reads))
    child.stdin.write(data)
    await child.stdin.drain()
    size = int.from_bytes(await child.stdout.readexactly(4))
    if size > _LARGEST:
        raise EOFError("an answer that is none")
    return msgspec.msgpack.decode(await child.stdout.readexactly(size), type=Seen)
