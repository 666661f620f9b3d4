# SPDX-License-Identifier: Apache-2.0
"""Vorbis comments (Xiph.Org), as FLAC, Vorbis, Opus, Theora and Speex hold them: the label in a field AIGC."""

from __future__ import annotations

from typing import Final

from guiju.marking.family import MarkingError
from guiju.marking.label import KEY, Aigc
from guiju.marking.splice import names_label

_FIELDS: Final = 1 << 16
VENDOR: Final = b"Guiju"


def _split(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Vendor, fields, and what stands behind them.

    Raises:
        MarkingError: it is not well formed.
    """
    place, parts = 0, []
    left = 1  # the vendor; then as many fields as are announced behind it
    while left:
        if place + 4 > len(data):
            raise MarkingError("unreadable", "comments")
        size = int.from_bytes(data[place : place + 4], "little")
        if size > len(data) - place - 4:
            raise MarkingError("unreadable", "comments")
        parts.append(data[place + 4 : place + 4 + size])
        place, left = place + 4 + size, left - 1
        if len(parts) == 1:
            left, place = int.from_bytes(data[place : place + 4], "little"), place + 4
            if place > len(data) or left > _FIELDS:
                raise MarkingError("unreadable", "comments")
    return parts[0], parts[1:], data[place:]


def _pair(field: bytes) -> tuple[str, str]:
    name, _, text = field.partition(b"=")
    return name.decode("utf-8", "replace"), text.decode("utf-8", "replace")


def labels(data: bytes) -> list[str]:
    """The label texts of a comment header.

    Raises:
        MarkingError: it is not well formed.
    """
    return [text for name, text in map(_pair, _split(data)[1]) if names_label(name, text)]


def labelled(data: bytes, aigc: Aigc | None) -> bytes:
    """A comment header with this label and no other, everything else as it was; without any with none.

    Args:
        data: the header as it is; `b""` for a new one.
        aigc: the label.

    Raises:
        MarkingError: it is not well formed.
    """
    vendor, fields, rest = _split(data) if data else (VENDOR, [], b"")
    kept = [field for field in fields if not names_label(*_pair(field))]
    if aigc is not None:
        kept.append(f"{KEY}={aigc.bare()}".encode())
    parts = b"".join(len(one).to_bytes(4, "little") + one for one in kept)
    return len(vendor).to_bytes(4, "little") + vendor + len(kept).to_bytes(4, "little") + parts + rest
