# SPDX-License-Identifier: Apache-2.0
"""What the file families share: how a file is recognised, and what each family can do (Article 16; GB 45438-2025, 6.1).

A family reads the label texts of a file and writes a file with exactly one. It never changes the content: only the
place of the label. Files are read and written through seekable streams, so that a large one is never in memory whole.
"""

from __future__ import annotations

from typing import BinaryIO, Final, Protocol

import msgspec

from guiju.marking.label import Aigc

HEAD: Final = 4096
"""Bytes of a file's beginning by which its family is known."""
MOST: Final = 16
"""Labels of one file that are read, at most: one is right, more are a fault (6.1 c)."""


class MarkingError(Exception):
    """A file can't be read, or can't be given a label; the sentence says which and why, in words for a log: identifiers
    and reasons, never content.

    Args:
        reason: `unreadable` (not well formed), `unsupported` (no family knows it), `too_large` (over a bound), or
            `not_kept` (what was written could not be read back).
        what: a few words.
    """

    def __init__(self, reason: str, what: str = "") -> None:
        super().__init__(f"{reason}: {what}" if what else reason)
        self.reason = reason


class Found(msgspec.Struct, frozen=True):
    """One label text as it stands in a file.

    Attributes:
        place: where, such as `iTXt XML:com.adobe.xmp`.
        text: what stands there.
    """

    place: str
    text: str


class Family(Protocol):
    """One file family.

    Attributes:
        name: its short name, such as `png`.
        kind: `image`, `audio`, `video`, `document` or `text`.
        endings: of file names, such as `("png",)`.
        media_types: such as `("image/png",)`.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def endings(self) -> tuple[str, ...]: ...
    @property
    def media_types(self) -> tuple[str, ...]: ...

    def knows(self, head: bytes) -> bool:
        """Whether a file that begins so is one of this family."""
        ...

    def read(self, source: BinaryIO) -> list[Found]:
        """All label texts of a file, at most `MOST`.

        Raises:
            MarkingError: it is not well formed.
        """
        ...

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """Write the file with one label and no other, everything else as it was.

        Raises:
            MarkingError: it is not well formed, or can't hold a label.
        """
        ...


def head_of(source: BinaryIO) -> bytes:
    """The first bytes of a file; the stream stands at its beginning afterwards."""
    source.seek(0)
    head = source.read(HEAD)
    source.seek(0)
    return head


def exactly(source: BinaryIO, size: int, what: str) -> bytes:
    """So many bytes of a stream.

    Raises:
        MarkingError: it ends before.
    """
    data = source.read(size)
    if len(data) != size:
        raise MarkingError("unreadable", f"{what} is cut short")
    return data


def whole(source: BinaryIO, most: int, what: str) -> bytes:
    """A file that has to be in memory whole.

    Args:
        source: the file; seekable.
        most: bytes, at most.
        what: it is, in a word.

    Raises:
        MarkingError: it is larger.
    """
    size = source.seek(0, 2)
    if size > most:
        raise MarkingError("too_large", what)
    source.seek(0)
    return source.read(size)


def copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Copy so many bytes from where both streams stand.

    Raises:
        MarkingError: the source ends before.
    """
    while size > 0:
        data = source.read(min(size, 1 << 20))
        if not data:
            raise MarkingError("unreadable", "it is cut short")
        target.write(data)
        size -= len(data)
