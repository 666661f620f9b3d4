# SPDX-License-Identifier: Apache-2.0
"""The one table of file families, and the way to a label that is known to stand in the file (Article 16)."""

from __future__ import annotations

from typing import BinaryIO, Final

from guiju.marking.avi import AVI
from guiju.marking.family import Family, MarkingError, head_of
from guiju.marking.flac import FLAC
from guiju.marking.flv import FLV
from guiju.marking.gif import GIF
from guiju.marking.heif import AVIF, HEIC
from guiju.marking.html_page import HTML_PAGE
from guiju.marking.jpeg import JPEG
from guiju.marking.label import Aigc, parse
from guiju.marking.markdown import MARKDOWN
from guiju.marking.mkv import MKV, WEBM
from guiju.marking.mp3 import MP3
from guiju.marking.mp4 import M4A, MOV, MP4
from guiju.marking.office import OFFICE
from guiju.marking.ogg import OGG
from guiju.marking.pdf import PDF
from guiju.marking.plain import PLAIN
from guiju.marking.png import PNG
from guiju.marking.tiff import TIFF
from guiju.marking.wav import WAV
from guiju.marking.webp import WEBP

_SOUND: Final[tuple[Family, ...]] = (M4A, MP3, WAV, FLAC, OGG)
_FILMS: Final[tuple[Family, ...]] = (MP4, MOV, MKV, WEBM, AVI, FLV)
_DOCUMENTS: Final[tuple[Family, ...]] = (OFFICE, PDF, HTML_PAGE, PLAIN, MARKDOWN)
FAMILIES: Final[tuple[Family, ...]] = (PNG, JPEG, WEBP, TIFF, GIF, HEIC, AVIF, *_FILMS, *_SOUND, *_DOCUMENTS)


def family_of(head: bytes, ending: str = "") -> Family | None:
    """The family of a file; its first bytes decide, and its ending only where they fit several.

    Args:
        head: its first bytes, such as `family.head_of` gives them.
        ending: of its name, such as `png`, with or without a dot.
    """
    known = [family for family in FAMILIES if family.knows(head)]
    plain = ending.lower().removeprefix(".")
    return next((family for family in known if plain in family.endings), known[0] if known else None)


def labelled(source: BinaryIO, target: BinaryIO, aigc: Aigc, ending: str = "") -> Family:
    """Write a file with this label and no other, then read it back from what was written.

    Args:
        source: the file; seekable.
        target: an empty stream; readable and seekable.
        aigc: the label.
        ending: of the file's name.

    Returns:
        The file's family.

    Raises:
        MarkingError: no family knows the file, it is not well formed, or the label is not there afterwards.
    """
    family = family_of(head_of(source), ending)
    if family is None:
        raise MarkingError("unsupported", ending or "an unknown kind of file")
    family.write(source, target, aigc)
    found = family.read(target)
    if len(found) != 1 or (read := parse(found[0].text)) is None or read.aigc != aigc:
        raise MarkingError("not_kept", family.name)
    return family
