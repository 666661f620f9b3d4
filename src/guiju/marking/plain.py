# SPDX-License-Identifier: Apache-2.0
"""Plain text, and what all text files share. It holds no label, and nothing is hidden in it.

No rule for it is published, and characters that nobody sees would be a change of the content. It can carry words that
people read (`marking.text`), nothing else.
"""

from __future__ import annotations

import re
from typing import BinaryIO, Final

from guiju.marking.family import Found, MarkingError, whole
from guiju.marking.label import Aigc

LARGEST: Final = 64 << 20
"""Bytes of a text file, at most: it is in memory whole."""
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class Plain:
    """The family; see `Family`."""

    name = "text"
    kind = "text"
    endings = ("txt", "text")
    media_types = ("text/plain",)

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return is_text(head)

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        said(source)
        return []

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        raise MarkingError("unsupported", "plain text has no metadata; give it words that people read")


PLAIN: Final = Plain()
"""The one of its kind."""


def is_text(head: bytes) -> bool:
    """Whether a file that begins so can be text: no control characters, and no other family's mark."""
    return bool(head) and not _BINARY.search(head) and not head.startswith((b"%PDF-", b"{\\rtf"))


def said(source: BinaryIO) -> str:
    """The whole file as text.

    Raises:
        MarkingError: it is too large, or not UTF-8.
    """
    try:
        return whole(source, LARGEST, "text").decode("utf-8")
    except UnicodeDecodeError as error:
        raise MarkingError("unreadable", "text that is not UTF-8") from error
