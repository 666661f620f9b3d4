# SPDX-License-Identifier: Apache-2.0
"""MP3 (ISO/IEC 11172-3, 13818-3): the label in the ID3v2 tag at the beginning (TC260-PG-202510A).

Read besides: items AIGC of an APEv2 tag at the end. ID3v1 and whatever else stands behind the sound stay untouched.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from guiju.marking import ape, id3
from guiju.marking.family import MOST, Found, MarkingError
from guiju.marking.label import KEY, Aigc
from guiju.marking.splice import Moved, Splice

_TAGS: Final = 8
"""Tags that follow one another at the beginning, at most."""
_WINDOW: Final = 1 << 17
"""Bytes behind the tags in which the sound must begin."""


class Mp3:
    """The family; see `Family`."""

    name = "mp3"
    kind = "audio"
    endings = ("mp3", "mp2", "mpga")
    media_types = ("audio/mpeg", "audio/mp3")

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head.startswith(b"ID3") or sound(head[:4])

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found = [Found(f"ID3v2.{tag.version} TXXX {KEY}", text) for _, tag in _tags(source) for text in tag.labels()]
        return [*found, *(Found(f"APEv2 {KEY}", text) for text in ape.labels(source))][:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        splices = []
        for number, (start, tag) in enumerate(_tags(source)):
            if number == 0 or tag.labels():
                splices.append(Splice(start, start + tag.size, tag.labelled(None if number else aigc)))
        if not splices:
            splices.append(Splice(0, 0, id3.fresh(aigc)))
        Moved([*splices, *ape.without(source)]).write(source, target)


def _tags(source: BinaryIO) -> list[tuple[int, id3.Tag]]:
    """The tags at the beginning and where each starts.

    Raises:
        MarkingError: one is not well formed, or no sound follows.
    """
    source.seek(0)
    tags: list[tuple[int, id3.Tag]] = []
    while (tag := id3.read(source)) is not None:
        if len(tags) == _TAGS:
            raise MarkingError("unreadable", "MP3 tags")
        tags.append((source.tell() - tag.size, tag))
    window = source.read(_WINDOW)
    place = window.find(b"\xff")
    while place >= 0 and not sound(window[place : place + 4]):
        place = window.find(b"\xff", place + 1)
    if place < 0 or window.startswith((b"fLaC", b"RIFF", b"OggS")):
        raise MarkingError("unreadable", "MP3 without sound")
    return tags


def sound(head: bytes) -> bool:
    """Whether four bytes are the head of an MPEG audio frame: version, layer, bit rate and sample rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    return version != 1 and layer != 0 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3


MP3: Final = Mp3()
