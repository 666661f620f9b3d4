# SPDX-License-Identifier: Apache-2.0
"""Small Ogg, Matroska, AVI and FLV files made by code, and readers of their places, written from the formats' texts."""

from __future__ import annotations

import struct
import zlib

from media_kit import comments, riff

# Ogg


def _bits(byte: int) -> int:
    check = byte << 24
    for _ in range(8):
        check = (check << 1 ^ (0x04C11DB7 if check & 0x80000000 else 0)) & 0xFFFFFFFF
    return check


_BITS = [_bits(byte) for byte in range(256)]


def ogg_sum(data: bytes) -> int:
    """The checksum, byte by byte (RFC 3533, 6)."""
    check = 0
    for byte in data:
        check = (check << 8 & 0xFFFFFFFF) ^ _BITS[check >> 24 ^ byte]
    return check


def page(serial: int, number: int, content: bytes, *, flags: int = 0, laces: bytes = b"", position: int = 0) -> bytes:
    """A page that ends its packet unless the laces say otherwise."""
    laces = laces or b"\xff" * (len(content) // 255) + bytes([len(content) % 255])
    head = b"OggS\0" + bytes([flags]) + struct.pack("<qII", position, serial, number)
    rest = bytes([len(laces)]) + laces + content
    return head + struct.pack("<I", ogg_sum(head + b"\0" * 4 + rest)) + rest


def opus(*fields: str, sound: int = 3, rest: bytes = b"") -> bytes:
    """A stream of Opus."""
    made = page(7, 0, b"OpusHead" + b"\1" * 11, flags=2) + page(7, 1, b"OpusTags" + comments(*fields) + rest)
    return made + b"".join(
        page(7, 2 + n, bytes([n]) * 99, position=n, flags=4 * (n == sound - 1)) for n in range(sound)
    )


def vorbis(*fields: str, serial: int = 9) -> bytes:
    """A stream of Vorbis: comments and setup share a page."""
    first, second = b"\3vorbis" + comments(*fields) + b"\1", b"\5vorbis" + b"setup" * 60
    laces = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in (first, second))
    return (
        page(serial, 0, b"\1vorbis" + b"\1" * 23, flags=2)
        + page(serial, 1, first + second, laces=laces)
        + page(serial, 2, b"sound" * 9, position=5, flags=4)
    )


def pages(data: bytes) -> list[tuple[int, int, bytes]]:
    """Stream, number and content of each page; checksums must hold."""
    made, place = [], 0
    while place < len(data):
        table = data[place + 27 : place + 27 + data[place + 26]]
        end = place + 27 + len(table) + sum(table)
        whole = data[place:end]
        assert ogg_sum(whole[:22] + b"\0" * 4 + whole[26:]) == struct.unpack_from("<I", whole, 22)[0]
        serial, number = struct.unpack_from("<II", whole, 14)
        made.append((serial, number, whole[27 + len(table) :]))
        place = end
    return made


# Matroska


def element(name: int, *parts: bytes, width: int = 1) -> bytes:
    """An element of EBML with a size of so many bytes; 0 for none that it says."""
    body = b"".join(parts)
    mark = b"\xff" if not width else (len(body) | 1 << 7 * width).to_bytes(width, "big")
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + mark + body


def tag(name: str, text: str) -> bytes:
    """A tag of Matroska."""
    return element(0x7373, element(0x63C0), element(0x67C8, element(0x45A3, name.encode()), element(0x4487, text.encode(), width=2), width=2), width=2)  # fmt: skip


def checked(name: int, *parts: bytes, width: int = 8) -> bytes:
    """An element with a checksum."""
    body = b"".join(parts)
    return element(name, element(0xBF, struct.pack("<I", zlib.crc32(body))), body, width=width)


def _seek(places: dict[int, int]) -> bytes:
    rows = [
        element(0x4DBB, element(0x53AB, name.to_bytes(4, "big")), element(0x53AC, at.to_bytes(2, "big")))
        for name, at in places.items()
    ]
    return checked(0x114D9B74, *rows)


def _cues(clusters: list[int], width: int) -> bytes:
    places = [element(0xF1, at.to_bytes(width, "big")) for at in clusters]
    rows = [
        element(0xBB, element(0xB3, bytes([n])), element(0xB7, element(0xF7, b"\1"), one))
        for n, one in enumerate(places)
    ]
    return checked(0x1C53BB6B, *rows)


def _cluster(number: int, at: int, width: int, known: bool) -> bytes:
    inner = [element(0xE7, bytes([number])), element(0xA7, at.to_bytes(width, "big")), element(0xA3, b"block" * 2)]
    return checked(0x1F43B675, *inner, width=4) if known else element(0x1F43B675, *inner, width=0)


def mkv(
    *,
    tags: bytes = b"",
    void: int = 0,
    cues_first: bool = False,
    tags_last: bool = False,
    width: int = 2,
    known: bool = True,
    kind: bytes = b"matroska",
) -> bytes:
    """A film of three clusters that say where they are, with SeekHead and Cues.

    Args:
        tags: of the element of tags; none for `b""`.
        void: bytes of a Void element before the clusters.
        cues_first, tags_last: where these stand.
        width: bytes of each cluster's position.
        known: whether segment and clusters say their size.
        kind: the document's type.
    """
    info, tracks = element(0x1549A966, b"\xec\x80" * 4), element(0x1654AE6B, b"\xec\x80" * 9)
    free = b"" if not void else element(0xEC, bytes(void - 9), width=8)
    held = checked(0x1254C367, tags) if tags else b""
    names = [0x1549A966, 0x1654AE6B, 0x1C53BB6B, *([0x1254C367] if tags else [])]
    size = len(_cluster(0, 0, width, known))
    places, starts = dict.fromkeys(names, 0), [0, 0, 0]
    parts: list[bytes] = []
    for _ in range(2):
        middle = [_cues(starts, width)] if cues_first else []
        front = [_seek(places), info, tracks, *([] if tags_last else [held]), free, *middle]
        back = [*([] if cues_first else [_cues(starts, width)]), *([held] if tags_last else [])]
        begin = sum(map(len, front))
        starts = [begin + size * n for n in range(3)]
        parts = [*front, *(_cluster(n, at, width, known) for n, at in enumerate(starts)), *back]
        at = 0
        for part in parts:
            name = int.from_bytes(part[:4], "big")
            if name in places:
                places[name] = at
            at += len(part)
    head = element(0x1A45DFA3, element(0x4282, kind))
    return head + element(0x18538067, *parts, width=8 if known else 0)


def mkv_places(data: bytes) -> list[tuple[int, int]]:
    """What SeekHead and Cues point at: the id that is meant, and the one that stands there. Checksums must hold."""
    start = data.index(b"\x18\x53\x80\x67") + 4
    base = start + (1 if data[start] == 0xFF else 9 - data[start].bit_length())
    found = []

    def walk(body: bytes, meant: int) -> None:
        place = 0
        while place < len(body):
            wide = 9 - body[place].bit_length()
            name = int.from_bytes(body[place : place + wide], "big")
            at = place + wide
            width = 9 - body[at].bit_length()
            size = int.from_bytes(body[at : at + width], "big") & (1 << 7 * width) - 1
            inner = body[at + width : at + width + size]
            if name == 0xBF:
                assert struct.unpack("<I", inner)[0] == zlib.crc32(body[at + width + size :])
            elif name == 0x53AB:
                meant = int.from_bytes(inner, "big")
            elif name in (0x53AC, 0xF1):
                there = base + int.from_bytes(inner, "big")
                found.append((meant, int.from_bytes(data[there : there + 4], "big")))
            elif name in (0x4DBB, 0xBB, 0xB7, 0x7373):
                walk(inner, meant if name == 0x4DBB else 0x1F43B675)
            place = at + width + size

    for name in (0x114D9B74, 0x1C53BB6B, 0x1254C367):
        mark = name.to_bytes(4, "big")
        place = data.find(mark)
        while place >= 0:
            width = 9 - data[place + 4].bit_length()
            size = int.from_bytes(data[place + 4 : place + 4 + width], "big") & (1 << 7 * width) - 1
            if data[place - 4 : place - 1] != b"\x53\xab\x84" and place + size < len(data):
                walk(data[place + 4 + width : place + 4 + width + size], 0x1F43B675)
            place = data.find(mark, place + 4)
    return found


def mkv_clusters(data: bytes) -> list[tuple[int, int]]:
    """Where each cluster says it is, and where it is; those that say it no more are left out."""
    start = data.index(b"\x18\x53\x80\x67") + 4
    base = start + (1 if data[start] == 0xFF else 9 - data[start].bit_length())
    found, place = [], data.find(b"\x1f\x43\xb6\x75")
    while place >= 0:
        said = data.find(b"\xe7\x81", place, place + 30) + 3
        if data[said] == 0xA7:
            found.append((int.from_bytes(data[said + 2 : said + 2 + (data[said + 1] & 0x7F)], "big"), place - base))
        place = data.find(b"\x1f\x43\xb6\x75", place + 4)
    return found


# AVI


def avi(*, info: bytes = b"", junk: int = -1, more: bool = False, absolute: bool = False) -> bytes:
    """A film of three frames, with the indexes of OpenDML and an `idx1`.

    Args:
        info: of LIST INFO; none for `b""`.
        junk: bytes of a JUNK chunk before the film; none below 0.
        more: whether a second RIFF of OpenDML follows.
        absolute: whether `idx1` counts from the file's beginning.
    """
    frames = [riff(b"00dc", bytes([65 + n]) * (10 + n)) for n in range(3)]
    made = b""
    for _ in range(2):
        first = _avi_list(b"movi", *frames, _standard(made, 0))
        second = _avi_list(b"movi", *frames, _standard(made, 1))
        places = [at for at in _all(made, b"ix00") if made] or [0, 0]
        index = riff(b"indx", struct.pack("<HBBI4s12x", 4, 0, 0, 1 + more, b"00dc"), *(
            struct.pack("<QII", places[n], 32, 3) for n in range(1 + more)
        ))  # fmt: skip
        head = _avi_list(b"hdrl", riff(b"avih", bytes(56)), _avi_list(b"strl", riff(b"strh", bytes(56)), index))
        parts = [head]
        parts += [_avi_list(b"INFO", info)] if info else []
        parts += [riff(b"JUNK", bytes(junk))] if junk >= 0 else []
        begin = 12 + sum(map(len, parts))
        base = begin + 8 if not absolute else 0
        at = [(begin + 12 if absolute else 4) + sum(map(len, frames[:n])) for n in range(3)]
        old = riff(b"idx1", *(struct.pack("<4sIII", b"00dc", 16, at[n], 10 + n) for n in range(3)))
        assert base >= 0
        made = riff(b"RIFF", b"AVI ", *parts, first, old)
        made += riff(b"RIFF", b"AVIX", second) if more else b""
    return made


def _avi_list(kind: bytes, *parts: bytes) -> bytes:
    return riff(b"LIST", kind, *parts)


def _all(data: bytes, mark: bytes) -> list[int]:
    found, place = [], data.find(mark)
    while place >= 0:
        found.append(place)
        place = data.find(mark, place + 1)
    return found


def _standard(made: bytes, number: int) -> bytes:
    """An index of chunks; its base is the film's list."""
    lists = _all(made, b"movi")
    base = lists[number] if number < len(lists) else 0
    rows = b"".join(struct.pack("<II", 4 + 8 + n * 18 + (n > 1) * 2, 10 + n) for n in range(3))
    return riff(b"ix00", struct.pack("<HBBI4sQI", 2, 0, 1, 3, b"00dc", base, 0), rows)


def avi_places(data: bytes) -> list[bytes]:
    """What the indexes name: chunks' kinds through `indx` and `ix00`, then through `idx1`."""
    found = []
    for at in _all(data, b"indx"):
        (count,) = struct.unpack_from("<I", data, at + 12)
        for number in range(count):
            (place,) = struct.unpack_from("<Q", data, at + 32 + 16 * number)
            found.append(data[place : place + 4])
            (rows,) = struct.unpack_from("<I", data, place + 12)
            (base,) = struct.unpack_from("<Q", data, place + 20)
            for row in range(rows):
                (offset,) = struct.unpack_from("<I", data, place + 32 + 8 * row)
                found.append(data[base + offset - 8 : base + offset - 4])
    at = data.index(b"idx1")
    for row in range(3):
        (offset,) = struct.unpack_from("<I", data, at + 16 + 16 * row)
        film = data.index(b"movi")
        found.append(data[film + offset : film + offset + 4] if offset < film else data[offset : offset + 4])
    return found


# FLV


def amf(value: float | str | dict[str, object] | list[object]) -> bytes:
    """A value of AMF 0."""
    if isinstance(value, str):
        return b"\2" + struct.pack(">H", len(value)) + value.encode()
    if isinstance(value, dict):
        return b"\3" + _fields(value) + b"\0\0\t"
    if isinstance(value, list):
        return b"\n" + struct.pack(">I", len(value)) + b"".join(amf(one) for one in value)  # type: ignore[arg-type] # of values
    return b"\0" + struct.pack(">d", value)


def _fields(value: dict[str, object]) -> bytes:
    return b"".join(
        struct.pack(">H", len(name)) + name.encode() + amf(one)  # type: ignore[arg-type] # of values
        for name, one in value.items()
    )


def flv_tag(kind: int, data: bytes) -> bytes:
    """A tag and its size."""
    head = bytes([kind]) + struct.pack(">I", len(data))[1:] + b"\0" * 7
    return head + data + struct.pack(">I", len(data) + 11)


FLV_HEAD = b"FLV\1\5" + struct.pack(">II", 9, 0)
FLV_FRAMES = flv_tag(9, b"frame one") + flv_tag(8, b"sound") + flv_tag(9, b"frame two")


def flv(fields: dict[str, object] | None, *, kind: int = 8) -> bytes:
    """A film, with onMetaData as an array (8) or an object (3) unless the fields are none."""
    if fields is None:
        return FLV_HEAD + FLV_FRAMES
    begin = b"\2\0\nonMetaData" + bytes([kind]) + (struct.pack(">I", len(fields)) if kind == 8 else b"")
    return FLV_HEAD + flv_tag(18, begin + _fields(fields) + b"\0\0\t") + FLV_FRAMES
