# SPDX-License-Identifier: Apache-2.0
"""Looks at every text of a request, each unchanged leaf once (DESIGN §4): earlier turns are not scanned again."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from msgspec import structs

from guiju.detect.words import Look, Words, passages
from guiju.terms import Finding, Text

SLICED_FROM = 4096
"""Characters from which a text is looked at slice by slice, so that others are served in between."""


class Looks:
    """Remembers what was found in a text, under a keyed digest of text and version; never the text.

    Args:
        key: digest key, 32 bytes.
        most: how many texts are remembered.
    """

    def __init__(self, key: bytes, most: int = 8192) -> None:
        self._key = key
        self._most = most
        self._kept: OrderedDict[bytes, Look] = OrderedDict()

    async def find(self, words: Words, texts: Sequence[Text]) -> list[Finding]:
        """All findings in a request's texts, those that are split over several leaves too.

        Args:
            words: the matcher in force.
            texts: the leaves, in the order in which a reader meets them.
        """
        if len(texts) == 1:
            field = texts[0].field
            return [structs.replace(one, field=field) for one in (await self._look(words, texts[0].text)).findings]
        groups = passages(texts)
        return words.gather(groups, [await self._look(words, group.text) for group in groups])

    async def _look(self, words: Words, text: str) -> Look:
        size = len(text)
        if size < 256:
            return words.look(text)
        mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16)
        mark.update(words.version.encode())
        at = mark.digest()
        if (known := self._kept.get(at)) is not None:
            self._kept.move_to_end(at)
            return known
        if size < SLICED_FROM:
            look = words.look(text)
        else:
            slices = words.look_slices(text)
            try:
                while True:
                    next(slices)
                    await asyncio.sleep(0)
            except StopIteration as ended:
                look = ended.value
        self._kept[at] = look
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return look
