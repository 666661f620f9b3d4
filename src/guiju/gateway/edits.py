# SPDX-License-Identifier: Apache-2.0
"""The run of an exchange in which pictures are asked about: a face in one of them needs a consent (Article 4.5)."""

from __future__ import annotations

import asyncio
from typing import Any

from guiju.gateway.media import MediaRun
from guiju.gateway.transcript import UploadRun
from guiju.gateway.wire.edits import Asked, Edits, stripped


class EditRun(UploadRun, MediaRun):
    """An exchange in which pictures are asked about and pictures are answered."""

    wire: Edits

    async def seen(self, asked: Any) -> Any:
        """Take out of the pictures what is not seen of them, and look whether there may be a face in one.

        Raises:
            CallerError: `not_checkable`: one can't be read, or is too large.
        """
        assert isinstance(asked, Asked)
        asked.pictures, asked.found = await asyncio.to_thread(stripped, asked.files)
        for one, picture in zip(asked.files, asked.pictures, strict=True):
            if one.field == "image" and await self.live.faces.may_be_in(picture.data):
                self.likenesses = ("face",)
                break
        self.ingredients = len(asked.found)
        return asked
