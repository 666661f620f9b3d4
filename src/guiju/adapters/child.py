# SPDX-License-Identifier: Apache-2.0
"""A child process within limits that is given one picture of a stranger and tells something of it."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from guiju.adapters import confined

SECONDS: Final = 10
"""For one picture, of the processor's time and of the clock's."""
MEMORY: Final = 1 << 30
"""Bytes that the child may write to."""


async def told(program: str, picture: bytes) -> bytes:
    """What a child prints about a picture; nothing where it took too long or ended early.

    Args:
        program: its module.
        picture: the file, as it came.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        confined.__file__,
        *(str(MEMORY), str(SECONDS), "0", sys.executable, "-I", "-m", program),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return (await asyncio.wait_for(child.communicate(picture), SECONDS + 1))[0]
    except (TimeoutError, ConnectionError):
        return b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
