# SPDX-License-Identifier: Apache-2.0
"""Looks at every text of a request, each unchanged leaf once (DESIGN §4): earlier turns are not scanned again."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Generator, Sequence
from time import perf_counter

from msgspec import structs

from guiju.detect.words import Look, Words, passages
from guiju.terms import Finding, Text

_WORK_S = 0.0005
PAUSE_S = 0.001
"""While a large text is looked at: how long at a stretch, and how long others, and the ledger's thread, go first."""
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

    async def find(self, words: Words, texts: Sequence[Text], *alone: Text) -> list[Finding]:
        """All findings in a request's texts, those that are split over several leaves too.

        Args:
            words: the matcher in force.
            texts: the leaves, in the order in which a reader meets them.
            alone: leaves that stand beside no other.
        """
        if words.clear((*texts, *alone)):
            return []
        found = await self._find(words, texts)
        for text in alone:
            found += await self._find(words, (text,))
        return found

    async def _find(self, words: Words, texts: Sequence[Text]) -> list[Finding]:
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
            await asyncio.sleep(PAUSE_S)
            look = await _in_turns(words.look_slices(text))
        self._kept[at] = look
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return look


async def _in_turns(slices: Generator[None, None, Look]) -> Look:
    """Work, and let others work."""
    began = perf_counter()
    while True:
        try:
            next(slices)
        except StopIteration as ended:
            look: Look = ended.value
            return look
        if perf_counter() - began >= _WORK_S:
            await asyncio.sleep(PAUSE_S)
            began = perf_counter()
