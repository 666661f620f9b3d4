# SPDX-License-Identifier: Apache-2.0
"""What is told of pictures of strangers, by which a banned one is known again (Articles 13, 15): a child process with
limits reads them (`pip install 'guiju[media]'`)."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import find_spec
from typing import Final, Protocol

import msgspec

from guiju.adapters import confined
from guiju.detect.banned_pictures import Sight

SECONDS: Final = 10
"""For one picture, of the processor's time and of the clock's."""
MEMORY: Final = 1 << 30
"""Bytes that the child may write to."""


class Sights(Protocol):
    """Tells of pictures."""

    async def look(self, picture: bytes) -> Sight | None:
        """What is told of a picture; none where it can't be read."""
        ...


def installed() -> bool:
    """Whether what reads pictures is there."""
    return find_spec("PIL") is not None


class Looked:
    """A child looks at each picture; see `Sights`."""

    async def look(self, picture: bytes) -> Sight | None:
        """See `Sights`."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            confined.__file__,
            *(str(MEMORY), str(SECONDS), "0", sys.executable, "-I", "-m", "guiju.adapters.sights_child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said, _ = await asyncio.wait_for(child.communicate(picture), SECONDS + 1)
            return msgspec.msgpack.decode(said, type=Sight)
        except (TimeoutError, ConnectionError, msgspec.DecodeError):
            return None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
