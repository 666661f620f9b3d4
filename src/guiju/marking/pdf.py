# SPDX-License-Identifier: Apache-2.0
"""PDF (ISO 32000): the label under the key AIGC of the information dictionary (TC260-PG-20258A, 6.3).

The label is added behind the file as an incremental update: all bytes before stay, and so does a signature over them.
Read besides: the property of an XMP stream, as pictures have it. Files of strangers are read in a child process with
limits (`adapters.reading`): a small file can be made to take very long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from guiju.brought import brought
from guiju.marking.family import Found, MarkingError, whole
from guiju.marking.label import Aigc

LARGEST: Final = 64 << 20
"""Bytes of a file, at most: it is in memory whole."""


class Pdf:
    """The family; see `Family`."""

    name = "pdf"
    kind = "document"
    endings = ("pdf",)
    media_types = ("application/pdf",)

    def knows(self, head: bytes) -> bool:
        """See `Family`. Up to 1,024 bytes before the header are borne, as most readers bear them."""
        return b"%PDF-" in head[:1024]

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        with _told(source) as data:
            found: list[Found] = _library().read(data)
            return found

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        with _told(source) as data:
            _library().write(data, target, aigc)


PDF: Final = Pdf()
"""The one of its kind."""


def _library() -> Any:
    # Brought in by name once it is needed: pypdf takes 0.2 s and 14 MB, and every start knows all families.
    return brought("guiju.marking.pdf_file")


@contextmanager
def _told(source: BinaryIO) -> Iterator[bytes]:
    """The file's bytes; whatever the library raises on a file that is not well formed becomes ours."""
    data = whole(source, LARGEST, "PDF")
    try:
        yield data
    except MarkingError:
        raise
    except Exception as error:  # the library raises whatever its way through a broken file meets
        raise MarkingError("unreadable", "PDF") from error
