# SPDX-License-Identifier: Apache-2.0
"""What is told of pictures of strangers, by which a banned one is known again (Articles 13, 15): a child process with
limits reads them (`pip install 'guiju[media]'`)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

import msgspec

from guiju.adapters import child
from guiju.detect.banned_pictures import Sight


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
        try:
            return msgspec.msgpack.decode(await child.told("guiju.adapters.sights_child", picture), type=Sight)
        except msgspec.DecodeError:
            return None
