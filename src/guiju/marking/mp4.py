# SPDX-License-Identifier: Apache-2.0
"""MP4, QuickTime and M4A (ISO/IEC 14496-12): the label under key AIGC in moov.udta.meta (TC260-PG-20257A, 6.1.1).

`keys` names it and `ilst` holds it, handler `mdta`. Tags that others keep in a `meta` of handler `mdir` (iTunes) stay
as they are; ours then stands behind it, for readers take the first that they understand. Read besides: keys of
moov.meta and of tracks, iTunes' free-form tags, a user-data box AIGC, XMP. Only `moov` is held in memory. When it
grows, chunk offsets that point behind it grow along; where a file has offsets that are not understood, `moov` goes to
the end and nothing moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from guiju.marking import mp4_offsets, xmp
from guiju.marking.boxes import Box, body_of, box, boxes, top
from guiju.marking.family import MOST, Found, MarkingError
from guiju.marking.label import KEY, Aigc
from guiju.marking.splice import Moved, Splice, names_label, size_of

_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_TEXT: Final = b"\x00\x00\x00\x01\x00\x00\x00\x00"
"""Type and locale of a `data` box that holds UTF-8."""
_HANDLER: Final = b"\x00" * 8 + b"mdta" + b"\x00" * 13
_FIRST: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp")
_PICTURES: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"jxl ")


class Mp4(msgspec.Struct, frozen=True):
    """The family; see `Family`. Its three members differ in brands and names alone.

    Attributes:
        brands: the major brands of `ftyp` that are this member's alone; MP4 has all others. M4A may have those too:
            then the file's ending decides.
    """

    name: str
    kind: str
    endings: tuple[str, ...]
    media_types: tuple[str, ...]
    brands: tuple[bytes, ...] = ()

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        kind, brand = head[4:8], head[8:12]
        if kind != b"ftyp":
            return kind in _FIRST and b"qt  " in self.brands
        if self == MP4:
            return brand not in (*_PICTURES, *MOV.brands, *M4A.brands)
        return brand in self.brands or (self == M4A and brand not in (*_PICTURES, *MOV.brands))

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        moov, others = _parts(source)
        found = list(_texts(body_of(source, moov)))
        for one in others:
            found += [Found("uuid XMP", text) for text in xmp.texts(body_of(source, one)[16:])]
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        moov, others = _parts(source)
        old = body_of(source, moov)
        splices = []
        for one in others:
            packet = body_of(source, one)[16:]
            splices.append(Splice(one.end - len(packet), one.end, xmp.blanked(packet)))
        new = _movie(old, aigc)
        moved = mp4_offsets.grown(source, moov, new)
        splices += _at_the_end(source, moov, new) if moved is None else moved
        Moved(splices).write(source, target)


def _parts(source: BinaryIO) -> tuple[Box, list[Box]]:
    """The movie box, and the boxes that may hold XMP.

    Raises:
        MarkingError: there is no movie box, or more than one.
    """
    movies, others = [], []
    for one in top(source):
        if one.kind == b"moov":
            movies.append(one)
        elif one.kind == b"uuid" and one.end - one.body >= 16:
            source.seek(one.body)
            if source.read(16) == _XMP:
                others.append(one)
    if len(movies) != 1:
        raise MarkingError("unreadable" if movies else "unsupported", f"MP4 with {len(movies)} movie boxes")
    return movies[0], others[:MOST]


def _at_the_end(source: BinaryIO, moov: Box, movie: bytes) -> list[Splice]:
    """The movie box at the end, its old place free: no offset moves."""
    end, last = size_of(source), list(top(source))[-1]
    made = [Splice(moov.start + 4, moov.start + 8, b"free"), Splice(end, end, box(b"moov", movie))]
    source.seek(last.start)
    if source.read(4) == b"\x00" * 4:  # it went to the end of the file; now it must say how far
        if last.end - last.start > 0xFFFFFFFF:
            raise MarkingError("unsupported", "MP4 whose last box has no size")
        made.append(Splice(last.start, last.start + 4, (last.end - last.start).to_bytes(4, "big")))
    return made


def _texts(movie: bytes) -> Iterator[Found]:
    """The label texts of a movie box."""
    for kind, body in boxes(movie):
        if kind in (b"udta", b"meta"):
            yield from _texts_of(kind, body, "moov")
        elif kind == b"trak":
            for inner, deeper in boxes(body):
                if inner in (b"udta", b"meta"):
                    yield from _texts_of(inner, deeper, "moov.trak")


def _texts_of(kind: bytes, body: bytes, place: str) -> Iterator[Found]:
    """The label texts of user data or of a `meta` box."""
    place = f"{place}.{kind.decode()}"
    if kind == b"meta":
        for name, text in _Meta(body).labels():
            yield Found(f"{place} {name}", text)
        return
    for inner, deeper in boxes(body, loose=True):
        if inner == b"meta":
            yield from _texts_of(inner, deeper, place)
        elif inner == b"XMP_":
            yield from (Found(f"{place}.XMP_", text) for text in xmp.texts(deeper))
        elif inner == KEY.encode():
            yield Found(f"{place}.{KEY}", deeper[max(deeper.find(b"{"), 0) :].decode("utf-8", "replace"))


class _Meta:
    """A `meta` box: its items by name.

    Attributes:
        handler: such as `mdta`.
        keys: what `keys` says, in order, each with its name space; the first is number 1.
        items: of `ilst`: kind and content.
    """

    def __init__(self, body: bytes) -> None:
        full = body[4:8] != b"hdlr"  # ISO has version and flags at the beginning, QuickTime has not
        self._version = body[:4] if full else b""
        self._parts = list(boxes(body[len(self._version) :], loose=True))
        inner = dict(self._parts)
        if len(inner) != len(self._parts) and sum(kind in (b"keys", b"ilst") for kind, _ in self._parts) > 2:
            raise MarkingError("unreadable", "MP4 metadata")
        self.handler = inner.get(b"hdlr", b"")[8:12]
        self.keys = _keys(inner[b"keys"]) if b"keys" in inner else []
        self.items = list(boxes(inner.get(b"ilst", b"")))

    def item(self, kind: bytes, body: bytes) -> tuple[str, str]:
        """Name and text of an item."""
        inner = dict(boxes(body, loose=True)) if names(kind, self.keys) else {}
        data = inner.get(b"data", b"")
        text = data[8:].decode("utf-16-be" if data[3:4] == b"\x02" else "utf-8", "replace")
        if kind == b"----":
            return inner.get(b"name", b"")[4:].decode("utf-8", "replace"), text
        return names(kind, self.keys), text

    def labels(self) -> Iterator[tuple[str, str]]:
        """Name and text of each item that is a label."""
        yield from ((name, text) for name, text in (self.item(*one) for one in self.items) if names_label(name, text))

    def without(self) -> None:
        """Take out the labels; their keys stay, so that no other item's number changes."""
        self.items = [one for one in self.items if not names_label(*self.item(*one))]

    def put(self, text: str) -> None:
        """Put a label in, under the key that is there or a new one."""
        key = b"mdta" + KEY.encode()
        if key not in self.keys:
            self.keys.append(key)
        number = self.keys.index(key) + 1
        self.items.append((number.to_bytes(4, "big"), box(b"data", _TEXT + text.encode())))

    def body(self) -> bytes:
        """The box's content anew: what is neither keys nor items stays as it was, in order."""
        new = {}
        if self.keys:
            entries = b"".join((len(key) + 4).to_bytes(4, "big") + key for key in self.keys)
            new[b"keys"] = b"\x00" * 4 + len(self.keys).to_bytes(4, "big") + entries
        new[b"ilst"] = b"".join(box(*one) for one in self.items)
        parts = [(kind, new.pop(kind, body)) for kind, body in self._parts]
        return self._version + b"".join(box(*one) for one in (*parts, *new.items()))


def names(kind: bytes, keys: list[bytes]) -> str:
    """The name of an item by its kind; `""` for a number that no key has."""
    number = int.from_bytes(kind, "big")
    if 1 <= number <= len(keys):
        return keys[number - 1][4:].decode("utf-8", "replace")
    return kind.decode("latin-1") if number >= 1 << 24 else ""


def _keys(body: bytes) -> list[bytes]:
    """The entries of a `keys` box, each with its name space."""
    found: list[bytes] = []
    count, place = int.from_bytes(body[4:8], "big"), 8
    while place < len(body) and len(found) < count:
        size = int.from_bytes(body[place : place + 4], "big")
        if size < 8 or place + size > len(body):
            raise MarkingError("unreadable", "MP4 keys")
        found.append(body[place + 4 : place + size])
        place += size
    if len(found) != count:
        raise MarkingError("unreadable", "MP4 keys")
    return found


def _movie(movie: bytes, aigc: Aigc) -> bytes:
    """A movie box's content with this label and no other."""
    made, placed = [], False
    for kind, body in boxes(movie):
        if kind == b"udta":
            body, placed = _user(body, "" if placed else aigc.bare()), True
        elif kind == b"meta":
            body = _bare(body)
        elif kind == b"trak":
            body = _track(body)
        made.append(box(kind, body))
    if not placed:
        made.append(box(b"udta", _user(b"", aigc.bare())))
    return b"".join(made)


def _user(body: bytes, text: str) -> bytes:
    """User data with this label and no other; none with `""`. Its content as it was when there is nothing to do."""
    made, placed = [], not text
    for kind, inner in boxes(body, loose=True):
        if kind == KEY.encode():
            continue
        if kind == b"meta":
            held = _Meta(inner)
            found = any(True for _ in held.labels())
            held.without()
            if here := not placed and held.handler == b"mdta":
                held.put(text)
                placed = True
            if found or here:
                inner = held.body()
        elif kind == b"XMP_" and xmp.texts(inner):
            inner = xmp.blanked(inner)
        made.append(box(kind, inner))
    if not placed:
        held = _Meta(b"\x00" * 4 + box(b"hdlr", _HANDLER))
        held.put(text)
        made.append(box(b"meta", held.body()))
    return b"".join(made)


def _bare(body: bytes) -> bytes:
    """A `meta` box's content without labels."""
    held = _Meta(body)
    if not any(True for _ in held.labels()):
        return body
    held.without()
    return held.body()


def _track(body: bytes) -> bytes:
    """A track's content without labels."""
    made = []
    for kind, inner in boxes(body):
        if kind == b"udta":
            inner = _user(inner, "")
        elif kind == b"meta":
            inner = _bare(inner)
        made.append(box(kind, inner))
    return b"".join(made)


MOV: Final = Mp4("mov", "video", ("mov", "qt"), ("video/quicktime",), (b"qt  ",))
M4A: Final = Mp4("m4a", "audio", ("m4a", "m4b", "m4p"), ("audio/mp4", "audio/x-m4a"), (b"M4A ", b"M4B ", b"M4P "))
MP4: Final = Mp4("mp4", "video", ("mp4", "m4v", "3gp", "3g2", "f4v"), ("video/mp4", "video/x-m4v", "video/3gpp"))
