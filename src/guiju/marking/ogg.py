# SPDX-License-Identifier: Apache-2.0
"""Ogg (RFC 3533) with Vorbis, Opus (RFC 7845), Speex, Theora or FLAC: the label in the comment header, a field AIGC.

The pages of a stream's headers are made anew. Where that takes more or fewer of them, the numbers of all later pages of
that stream change, and with them their checksums: those follow from the difference alone, for the checksum is linear.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from guiju.marking import vorbis
from guiju.marking.family import MOST, Found, MarkingError, copy, exactly
from guiju.marking.label import KEY, Aigc

_LONGEST: Final = 16 << 20
"""Bytes of the headers of one stream, at most: pictures stand in them."""
_STREAMS: Final = 4096
_MIRROR: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Page(NamedTuple):
    """A page: where it starts, its head with the table of segments, and how long its content is."""

    start: int
    head: bytes
    size: int

    @property
    def first(self) -> bool:
        return bool(self.head[5] & 2)

    @property
    def serial(self) -> bytes:
        return self.head[14:18]

    @property
    def number(self) -> int:
        return int.from_bytes(self.head[18:22], "little")


class _Codec(NamedTuple):
    """How a codec begins its first packet and its comments, and how many headers follow the first."""

    first: bytes
    comments: bytes
    headers: int


_CODECS: Final = (
    _Codec(b"\x01vorbis", b"\x03vorbis", 2),
    _Codec(b"OpusHead", b"OpusTags", 1),
    _Codec(b"\x80theora", b"\x81theora", 2),
    _Codec(b"Speex   ", b"", 1),
    _Codec(b"\x7fFLAC", b"", 1),
)


class _Stream:
    """The headers of one logical stream, as they are gathered.

    Attributes:
        codec: none when it is not known: then its pages pass.
        left: headers that are still to come.
        pages: those that hold them, once they begin.
        packets: whole ones; the last may still be open.
        by: how far the numbers of later pages move.
    """

    def __init__(self, content: bytes) -> None:
        self.codec = next((one for one in _CODECS if content.startswith(one.first)), None)
        self.left = self.codec.headers if self.codec else 0
        if self.codec is not None and self.codec.first == b"\x7fFLAC":
            self.left = max(int.from_bytes(content[7:9], "big"), 1)
        self.pages = 0
        self.number = 0
        self.size = 0
        self.by = 0
        self.packets: list[bytes] = []
        self._open = b""

    def take(self, page: _Page, content: bytes) -> None:
        """Take a page of headers.

        Raises:
            MarkingError: headers and sound share it, or they are too large.
        """
        if not self.pages:
            self.number = page.number
        self.pages += 1
        self.size += len(content)
        if self.size > _LONGEST:
            raise MarkingError("too_large", "Ogg headers")
        place = 0
        for lace in page.head[27:]:
            if not self.left:
                raise MarkingError("unsupported", "Ogg headers that share a page with sound")
            self._open += content[place : place + lace]
            place += lace
            if lace < 255:
                self.packets.append(self._open)
                self._open = b""
                self.left -= 1

    def comments(self) -> tuple[bytes, bytes] | None:
        """What begins the packet of comments, and the comments; none when there are none."""
        if self.codec is None or not self.packets:
            return None
        packet, mark = self.packets[0], self.codec.comments
        if self.codec.first == b"\x7fFLAC":
            mark = packet[:4]
            if not mark or mark[0] & 0x7F != 4:
                return None
        if not packet.startswith(mark):
            raise MarkingError("unreadable", "Ogg comments")
        return mark, packet[len(mark) :]

    def put(self, aigc: Aigc | None) -> None:
        """Put a label in the place of any other."""
        held = self.comments()
        if held is None or self.codec is None:
            return
        mark, body = held
        made = vorbis.labelled(body, aigc)
        if self.codec.first == b"\x7fFLAC":
            if len(made) >= 1 << 24:
                raise MarkingError("too_large", "Ogg headers")
            mark = mark[:1] + len(made).to_bytes(3, "big")
        self.packets[0] = mark + made


class Ogg:
    """The family; see `Family`."""

    name = "ogg"
    kind = "audio"
    endings = ("ogg", "oga", "opus", "spx", "ogv")
    media_types = ("audio/ogg", "audio/opus", "video/ogg", "application/ogg")

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return head.startswith(b"OggS")

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        found: list[Found] = []
        streams: dict[bytes, _Stream] = {}
        for page in _pages(source):
            stream = _stream(source, page, streams)
            if page.first or not stream.left:
                continue
            stream.take(page, _content(source, page))
            if not stream.left and (held := stream.comments()) is not None:
                found += [Found(f"Ogg {KEY}", text) for text in vorbis.labels(held[1])]
        _whole(streams)
        return found[:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        streams: dict[bytes, _Stream] = {}
        placed = False
        for page in _pages(source):
            stream = _stream(source, page, streams)
            if page.first or not stream.left:
                _pass(source, target, page, 0 if page.first else stream.by)
                continue
            stream.take(page, _content(source, page))
            if stream.left:
                continue
            stream.put(None if placed else aigc)
            placed = placed or stream.comments() is not None
            made = _paged(page.serial, stream.number, stream.packets)
            stream.by = len(made) - stream.pages
            target.writelines(made)
        _whole(streams)
        if not placed:
            raise MarkingError("unsupported", "Ogg without comments")


def _pages(source: BinaryIO) -> Iterator[_Page]:
    """The pages of a file; wherever the stream is left, the next one is found.

    Raises:
        MarkingError: it is not well formed.
    """
    end = source.seek(0, 2)
    place = 0
    while place < end:
        source.seek(place)
        head = exactly(source, 27, "Ogg page")
        if head[:5] != b"OggS\x00":
            raise MarkingError("unreadable", "Ogg page")
        head += exactly(source, head[26], "Ogg page")
        size = sum(head[27:])
        if place + len(head) + size > end:
            raise MarkingError("unreadable", "Ogg is cut short")
        yield _Page(place, head, size)
        place += len(head) + size


def _content(source: BinaryIO, page: _Page) -> bytes:
    source.seek(page.start + len(page.head))
    return exactly(source, page.size, "Ogg page")


def _stream(source: BinaryIO, page: _Page, streams: dict[bytes, _Stream]) -> _Stream:
    """The logical stream of a page; each begins with a page that says so."""
    if page.first:
        if len(streams) == _STREAMS:
            raise MarkingError("unreadable", "Ogg streams")
        if (old := streams.get(page.serial)) is not None and old.left:
            raise MarkingError("unreadable", "Ogg headers")
        streams[page.serial] = _Stream(_content(source, page))
    if page.serial not in streams:
        raise MarkingError("unreadable", "Ogg page of no stream")
    return streams[page.serial]


def _whole(streams: dict[bytes, _Stream]) -> None:
    if not streams or any(one.left for one in streams.values()):
        raise MarkingError("unreadable", "Ogg headers")


def _pass(source: BinaryIO, target: BinaryIO, page: _Page, by: int) -> None:
    """Copy a page, its number moved."""
    head = page.head
    if by:
        number = (page.number + by) & 0xFFFFFFFF
        change = (page.number ^ number).to_bytes(4, "little") + bytes(len(head) - 22 + page.size)
        check = int.from_bytes(head[22:26], "little") ^ checksum(change)
        head = head[:18] + number.to_bytes(4, "little") + check.to_bytes(4, "little") + head[26:]
    target.write(head)
    source.seek(page.start + len(page.head))
    copy(source, target, page.size)


def _paged(serial: bytes, number: int, packets: list[bytes]) -> list[bytes]:
    """Headers as pages, as many packets to a page as go."""
    table, content = b"", b"".join(packets)
    for packet in packets:
        table += b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    made: list[bytes] = []
    begun = False
    for start in range(0, len(table), 255):
        laces = table[start : start + 255]
        size = sum(laces)
        ends = any(lace < 255 for lace in laces)
        position = b"\x00" * 8 if ends else b"\xff" * 8
        head = b"OggS\x00" + bytes([begun]) + position + serial + (number + len(made)).to_bytes(4, "little")
        rest = bytes([len(laces)]) + laces + content[:size]
        made.append(head + checksum(head + b"\x00" * 4 + rest).to_bytes(4, "little") + rest)
        content, begun = content[size:], laces[-1] == 255
    return made


def checksum(data: bytes) -> int:
    """Ogg's CRC-32 (RFC 3533, 6): the common one with its bits mirrored, without its first and last inversion."""
    mirrored = zlib.crc32(data.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRROR), "big")


OGG: Final = Ogg()
