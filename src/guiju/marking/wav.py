# SPDX-License-Identifier: Apache-2.0
"""WAV (RIFF, RF64, BW64): the label in a chunk `AIGC` of its own (TC260-PG-202510A), before the samples.

Read besides: AIGC in LIST INFO, in an `id3 ` chunk, in XMP (`_PMX`); a write takes them out.
"""

from __future__ import annotations

import io
from typing import BinaryIO, Final

import msgspec

from guiju.marking import id3, xmp
from guiju.marking.family import MOST, Found, MarkingError, exactly
from guiju.marking.label import KEY, Aigc
from guiju.marking.riff import UNKNOWN, Chunk, body_of, chunk, chunks, info
from guiju.marking.splice import Moved, Splice, names_label, size_of

_OWN: Final = KEY.encode()
_KINDS: Final = (b"RIFF", b"RF64", b"BW64")
_ID3: Final = (b"id3 ", b"ID3 ", b"ID3\x00")


class Form(msgspec.Struct, frozen=True):
    """A file's form: whether its sizes have 64 bits, where its last chunk may end, and its chunks."""

    wide: bool
    size: int
    end: int
    chunks: list[Chunk]


class Wav:
    """The family; see `Family`."""

    name = "wav"
    kind = "audio"
    endings = ("wav", "wave", "bwf", "rf64")
    media_types = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head[:4] in _KINDS and head[8:12] == b"WAVE"

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        for one in form(source).chunks:
            if one.kind == _OWN:
                found.append(Found(KEY, body_of(source, one).decode("utf-8", "replace")))
            elif _holds(source, one):
                found += _texts(one.kind, body_of(source, one))
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        layout = form(source)
        splices = []
        for one in layout.chunks:
            if one.kind == _OWN:
                splices.append(Splice(one.start, one.next, b""))
            elif _holds(source, one) and _texts(one.kind, body := body_of(source, one)):
                splices.append(Splice(one.start, one.next, chunk(one.kind, _without(one.kind, body))))
        data = next((one for one in layout.chunks if one.kind in (b"data", b"wavl")), None)
        if data is None:
            raise MarkingError("unreadable", "WAV without samples")
        splices.append(Splice(data.start, data.start, chunk(_OWN, aigc.bare().encode())))
        grown = Moved(splices).grown
        if layout.wide:
            splices.append(Splice(20, 28, (layout.size + grown).to_bytes(8, "little")))
        elif layout.size not in (0, UNKNOWN):  # a stream's size that was never filled in stays so
            if layout.size + grown >= UNKNOWN:
                raise MarkingError("too_large", "WAV")
            splices.append(Splice(4, 8, (layout.size + grown).to_bytes(4, "little")))
        Moved(splices).write(source, target)


def form(source: BinaryIO) -> Form:
    """The form of a file.

    Raises:
        MarkingError: it is not well formed.
    """
    length = size_of(source)
    source.seek(0)
    head = exactly(source, 12, "WAV")
    if head[:4] not in _KINDS or head[8:] != b"WAVE":
        raise MarkingError("unreadable", "WAV")
    size, sizes, wide = int.from_bytes(head[4:8], "little"), {}, head[:4] != b"RIFF"
    if wide:
        large = exactly(source, 36, "WAV ds64")
        if large[:4] != b"ds64" or int.from_bytes(large[4:8], "little") < 28:
            raise MarkingError("unreadable", "WAV ds64")
        size, sizes[b"data"] = int.from_bytes(large[8:16], "little"), int.from_bytes(large[16:24], "little")
    end = length if size in (0, UNKNOWN) and not wide else size + 8
    if end > length + 1 or end < 12:
        raise MarkingError("unreadable", "WAV size")
    return Form(wide, size, end, list(chunks(source, 12, min(end, length), sizes)))


def _holds(source: BinaryIO, one: Chunk) -> bool:
    """Whether a chunk is of a kind in which others put labels."""
    if one.kind == b"LIST":
        source.seek(one.start + 8)
        return source.read(4) == b"INFO"
    return one.kind in _ID3 or one.kind == b"_PMX"


def _texts(kind: bytes, body: bytes) -> list[Found]:
    """The label texts of such a chunk."""
    if kind == b"_PMX":
        return [Found("_PMX XMP", text) for text in xmp.texts(body)]
    if kind in _ID3:
        tag = id3.read(io.BytesIO(body))
        return [Found("id3 TXXX", text) for text in tag.labels()] if tag else []
    plain = [(name.decode("latin-1"), text.decode("utf-8", "replace").rstrip("\x00")) for name, text in info(body)]
    return [Found("LIST INFO", text) for name, text in plain if names_label(name, text)]


def _without(kind: bytes, body: bytes) -> bytes:
    """Such a chunk's content without labels."""
    if kind == b"_PMX":
        return xmp.blanked(body)
    if kind in _ID3:
        stream = io.BytesIO(body)
        tag = id3.read(stream)
        return (tag.labelled(None) if tag else b"") + stream.read()
    kept = [(name, text) for name, text in info(body)
            if not names_label(name.decode("latin-1"), text.decode("utf-8", "replace").rstrip("\x00"))]  # fmt: skip
    return body[:4] + b"".join(chunk(*one) for one in kept)


WAV: Final = Wav()
