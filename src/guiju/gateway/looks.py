# SPDX-License-Identifier: Apache-2.0
"""Looks at every text of a request, each unchanged leaf once (DESIGN §4): earlier turns are not scanned again."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Generator, Sequence
from time import perf_counter
from typing import Final, TypeVar

import msgspec
from msgspec import structs

from guiju.detect.banned_pictures import BannedPictures
from guiju.detect.words import Look, Passage, Words, passages
from guiju.terms import Detector, Finding, Following, Stage, Text

T = TypeVar("T")
_WORK_S = 0.0005
PAUSE_S = 0.001
"""While a large text is looked at: how long at a stretch, and how long others, and the ledger's thread, go first."""
SLICED_FROM = 4096
"""Characters from which a text is looked at slice by slice, so that others are served in between."""
_SLICE: Final = 2048
_AGAIN: Final = 512
"""Characters of a slice, and how many of the one before are seen again with it."""
_TURNS: Final = 8
_TURN: Final = 256
"""How many of the last things said are looked at together, and characters of each."""
_KEPT_FROM: Final = 256
"""Characters from which what was found in a text is remembered."""


class Detectors(msgspec.Struct, frozen=True):
    """What finds, beside words; each is there only while a control that decides on what it finds is in force.

    Attributes:
        request: looks at each text of what is asked.
        reply: looks at each sentence of an answer, or at the whole of it (`Screen`); with each, how many characters of
            what came before it sees again, so that it finds what lies over the border of two sentences.
        turns: looks at the last things that were said together, for what is split over several turns.
        pictures: knows banned pictures; none where none is banned.
        version: names all of them, with their data; what was found in a text is remembered under it.
    """

    request: tuple[Detector, ...] = ()
    reply: tuple[tuple[Detector, int], ...] = ()
    turns: tuple[Detector, ...] = ()
    version: str = ""
    pictures: BannedPictures | None = None

    def at(self, stage: Stage) -> tuple[Detector, ...]:
        """What looks at whole texts of a stage."""
        return self.request if stage == "input" else tuple(detector for detector, _ in self.reply)


class Looks:
    """Remembers what was found in a text, under a keyed digest of text and versions; never the text.

    Args:
        key: digest key, 32 bytes.
        most: how many texts are remembered.
    """

    def __init__(self, key: bytes, most: int = 8192) -> None:
        self._key = key
        self._most = most
        self._kept: OrderedDict[bytes, Look | tuple[Finding, ...]] = OrderedDict()

    async def find(
        self, words: Words, detectors: Detectors, stage: Stage, texts: Sequence[Text], *alone: Text
    ) -> list[Finding]:
        """All findings in texts: words, those that are split over several leaves too, and what detectors find.

        Args:
            words: the words in force.
            detectors: what looks besides, at each passage.
            stage: of what is looked at.
            texts: the leaves, in the order in which a reader meets them.
            alone: leaves that stand beside no other.
        """
        found: list[Finding] = []
        if not words.clear((*texts, *alone)):
            found = await self._words(words, texts)
            for text in alone:
                found += await self._words(words, (text,))
        if others := detectors.at(stage):
            for passage in (*passages(texts), *passages(alone)):
                for detector in others:
                    seen = await self._seen_by(detector, detectors.version, passage)
                    found += [passage.place(one) for one in seen]
        if detectors.turns and stage == "input":
            found += _over_turns(detectors.turns, texts)
        return found

    async def _words(self, words: Words, texts: Sequence[Text]) -> list[Finding]:
        if len(texts) == 1:
            field = texts[0].field
            return [structs.replace(one, field=field) for one in (await self._look(words, texts[0].text)).findings]
        groups = passages(texts)
        return words.gather(groups, [await self._look(words, group.text) for group in groups])

    async def _look(self, words: Words, text: str) -> Look:
        size = len(text)
        if size < _KEPT_FROM:
            return words.look(text)
        at = self._mark(text, words.id, words.version)
        known = self._known(at)
        if isinstance(known, Look):
            return known
        if size < SLICED_FROM:
            look = words.look(text)
        else:
            await asyncio.sleep(PAUSE_S)
            look = await _in_turns(words.look_slices(text))
        self._keep(at, look)
        return look

    async def _seen_by(self, detector: Detector, version: str, passage: Passage) -> Sequence[Finding]:
        """What one detector finds in a passage."""
        text = passage.text
        if len(text) < _KEPT_FROM:
            return detector.find((Text("", text),)) if text else ()
        at = self._mark(text, detector.id, version)
        known = self._known(at)
        if isinstance(known, tuple):
            return known
        if len(text) < SLICED_FROM:
            found = detector.find((Text("", text),))
        else:
            await asyncio.sleep(PAUSE_S)
            found = await _in_turns(_slices(detector, text))
        kept = tuple(found)
        self._keep(at, kept)
        return kept

    def _mark(self, text: str, detector: str, version: str) -> bytes:
        mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16)
        mark.update(f"\0{detector}\0{version}".encode())
        return mark.digest()

    def _known(self, at: bytes) -> Look | tuple[Finding, ...] | None:
        known = self._kept.get(at)
        if known is not None:
            self._kept.move_to_end(at)
        return known

    def _keep(self, at: bytes, what: Look | tuple[Finding, ...]) -> None:
        self._kept[at] = what
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _over_turns(detectors: Sequence[Detector], texts: Sequence[Text]) -> list[Finding]:
    """What is split over the last short things that were said; each alone has been looked at."""
    said: list[Text] = []
    for text in reversed(texts):
        if text.aside:
            continue
        if len(said) == _TURNS or len(text.text) > _TURN:
            break
        said.append(Text(text.field, text.text, joins=True))
    if len(said) < 2:
        return []
    found = [one for detector in detectors for one in detector.find(said[::-1])]
    return list({(one.rule, one.category, one.field): one for one in found}.values())


def _slices(detector: Detector, text: str) -> Generator[None, None, list[Finding]]:
    """Look at a long text slice by slice; what lies wholly in what two slices share is told once."""
    told: dict[tuple[str, str, int, int], Finding] = {}
    again = 0 if isinstance(detector, Following) else _AGAIN
    if isinstance(detector, Following):
        detector = detector.begin()
    for start in range(0, len(text), _SLICE):
        if start:
            yield
        begin = max(0, start - again)
        for one in detector.find((Text("", text[begin : start + _SLICE]),)):
            placed = structs.replace(one, start=one.start + begin, end=one.end + begin)
            told.setdefault((placed.rule, placed.category, placed.start, placed.end), placed)
    return list(told.values())


async def _in_turns(slices: Generator[None, None, T]) -> T:
    """Work, and let others work."""
    began = perf_counter()
    while True:
        try:
            next(slices)
        except StopIteration as ended:
            made: T = ended.value
            return made
        if perf_counter() - began >= _WORK_S:
            await asyncio.sleep(PAUSE_S)
            began = perf_counter()
