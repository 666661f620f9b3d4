# SPDX-License-Identifier: Apache-2.0
"""Whether there is a face in a picture: never whose (bounds; deep synthesis provisions, 14).

A child process with limits decodes the picture and asks OpenCV's Haar cascades (`pip install 'guiju[faces]'`). Whatever
goes wrong there counts as a face. How often faces are missed was not measured here: that needs pictures of persons.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final, Protocol

from guiju.adapters import confined

SECONDS: Final = 10
"""For one picture, of the processor's time and of the clock's."""
MEMORY: Final = 1 << 30
"""Bytes that the child may write to."""
_NONE: Final = b"0\n"


class Faces(Protocol):
    """Tells whether there may be a face in a picture."""

    async def may_be_in(self, picture: bytes) -> bool: ...


class Assumed:
    """Every picture may have one; nothing is looked at."""

    async def may_be_in(self, picture: bytes) -> bool:
        """See `Faces`."""
        return True


class Looked:
    """A child looks at each picture."""

    async def may_be_in(self, picture: bytes) -> bool:
        """See `Faces`."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            confined.__file__,
            *(str(MEMORY), str(SECONDS), "0", sys.executable, "-I", "-m", "guiju.adapters.faces_child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said, _ = await asyncio.wait_for(child.communicate(picture), SECONDS + 1)
        except (TimeoutError, ConnectionError):
            return True
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        return said != _NONE
