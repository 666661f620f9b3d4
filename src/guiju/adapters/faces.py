# SPDX-License-Identifier: Apache-2.0
"""Whether there is a face in a picture: never whose (bounds; deep synthesis provisions, 14).

A child process with limits decodes the picture and asks OpenCV's Haar cascades (`pip install 'guiju[faces]'`). Whatever
goes wrong there counts as a face. How often faces are missed was not measured here: that needs pictures of persons.
"""

from __future__ import annotations

from typing import Final, Protocol

from guiju.adapters import child

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
        return await child.told("guiju.adapters.faces_child", picture) != _NONE
