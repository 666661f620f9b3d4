# SPDX-License-Identifier: Apache-2.0
"""The run of an exchange in which pictures are asked about: a face in one of them needs a consent (Article 4.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from guiju.adapters.faces import Faces
from guiju.gateway import alike
from guiju.gateway.media import MediaRun
from guiju.gateway.transcript import UploadRun
from guiju.gateway.wire import videos
from guiju.gateway.wire.edits import Asked, Edits, stripped
from guiju.gateway.wire.form import File
from guiju.marking.bare import Bare
from guiju.marking.label import Aigc


class EditRun(UploadRun, MediaRun):
    """An exchange in which pictures are asked about and pictures are answered."""

    wire: Edits

    async def seen(self, asked: Any) -> Any:
        """Take out of the pictures what is not seen of them, and look whether there may be a face in one.

        Raises:
            CallerError: `not_checkable`: one can't be read, or is too large.
        """
        assert isinstance(asked, Asked)
        asked.pictures, asked.found, face = await taken_apart(self.live.faces, asked.files)
        self.alike = await alike.sent(self.live, self.policy, fields(asked))
        self.likenesses = ("face",) if face else ()
        self.ingredients = len(asked.found)
        return asked


def fields(asked: Asked | videos.Asked) -> list[tuple[str, bytes]]:
    """Where each picture stands, and what is left of it."""
    return [(one.field, left.data) for one, left in zip(asked.files, asked.pictures, strict=True)]


async def taken_apart(faces: Faces, files: Sequence[File]) -> tuple[tuple[Bare, ...], tuple[Aigc, ...], bool]:
    """What is left of pictures, the labels that they carry, and whether there may be a face in one; a mask shows none.

    Raises:
        CallerError: `not_checkable`: one can't be read, or is too large.
    """
    pictures, found = await asyncio.to_thread(stripped, tuple(files))
    face = False
    for one, picture in zip(files, pictures, strict=True):
        if one.field != "mask" and await faces.may_be_in(picture.data):
            face = True
            break
    return pictures, found, face
