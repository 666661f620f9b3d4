# SPDX-License-Identifier: Apache-2.0
"""Sound and film files that mean harm to their reader: sizes that lie, boxes without end, tables that promise too much.

Each is small; what it claims is not. A reader must refuse it, or find no label, in little time and memory.
"""

from __future__ import annotations

import struct

from film_kit import FLV_HEAD, avi, element, flv_tag, mkv, opus, page, tag
from media_kit import SOUND, ape, box, flac, id3, mp4, riff, synchsafe, wav


def _deep(kind: bytes, depth: int) -> bytes:
    """Boxes within boxes."""
    made = b""
    for _ in range(depth):
        made = box(kind, made)
    return made


def _claims(film: bytes, kind: bytes, size: int) -> bytes:
    """A film whose box of a kind claims another size."""
    place = film.index(kind) - 4
    return film[:place] + struct.pack(">I", size) + film[place + 4 :]


def _huge(film: bytes, kind: bytes, size: int) -> bytes:
    """The same, with a size of 64 bits."""
    place = film.index(kind) - 4
    return film[:place] + struct.pack(">I4sQ", 1, kind, size) + film[place + 8 :]


def _many(count: int) -> bytes:
    return struct.pack(">I", count)


_META = box(b"hdlr", b"\0" * 8, b"mdta", b"\0" * 13)

FILMS = {
    "mp4 size 0 within": _claims(mp4(), b"mvhd", 0),
    "mp4 size 1, no more": _claims(mp4(), b"mvhd", 1),
    "mp4 size 7": _claims(mp4(), b"mdat", 7),
    "mp4 size 2^32-1": _claims(mp4(), b"moov", 0xFFFFFFFF),
    "mp4 size 2^63": _huge(mp4(), b"moov", 1 << 63),
    "mp4 size 2^64-1": _huge(mp4(), b"mdat", (1 << 64) - 1),
    "mp4 size of 64 bits is 0": _huge(mp4(), b"moov", 0),
    "mp4 moov in moov": mp4(moov=lambda _: _deep(b"moov", 5000)),
    "mp4 udta in udta": mp4(user=_deep(b"udta", 5000)),
    "mp4 meta in meta": mp4(user=box(b"udta", _deep(b"meta", 5000))),
    "mp4 a million boxes": mp4() + box(b"free") * 300_000,
    "mp4 a million items": mp4(
        user=box(b"udta", box(b"meta", b"\0" * 4, _META, box(b"ilst", box(b"\0\0\0\1") * 100_000)))
    ),
    "mp4 keys without end": mp4(
        user=box(b"udta", box(b"meta", b"\0" * 4, _META, box(b"keys", b"\0" * 4, _many(1 << 31))))
    ),
    "mp4 key of size 0": mp4(
        user=box(b"udta", box(b"meta", b"\0" * 4, _META, box(b"keys", b"\0" * 4, _many(1), b"\0" * 8)))
    ),
    "mp4 two lists": mp4(
        user=box(b"udta", box(b"meta", b"\0" * 4, _META, box(b"ilst"), box(b"ilst"), box(b"keys", b"\0" * 8)))
    ),
    "mp4 offsets 2^32-1": mp4().replace(b"stco\0\0\0\0\0\0\0\5", b"stco\0\0\0\0\xff\xff\xff\xff"),
    "mp4 XMP of nothing": mp4() + box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b"\xff" * 50),
    "mp4 XMP that expands": mp4()
    + box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b'<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>'),
    "mp4 only its head": box(b"ftyp", b"isom"),
    "mp4 XMP_ as user data": mp4(user=box(b"udta", box(b"XMP_", b"<" * 5000))),
    "mov label of 64 KiB brackets": mp4(brand=b"qt  ", user=box(b"udta", box(b"AIGC", b"[" * 65_000))),
}
SOUNDS = {
    "mp3 tag of 256 MiB": b"ID3\3\0\0\x7f\x7f\x7f\x7f" + SOUND,
    "mp3 frame of 4 GiB": id3(3, b"TXXX\xff\xff\xff\xff\0\0\0AIGC") + SOUND,
    "mp3 frame of size 0": id3(3, b"TXXX\0\0\0\0\0\0" * 20_000) + SOUND,
    "mp3 a hundred tags": id3(3) * 100 + SOUND,
    "mp3 extended header of 4 GiB": id3(3, b"\xff" * 10, flags=0x40) + SOUND,
    "mp3 tag in a tag": id3(3, id3(3, id3(3))) + SOUND,
    "mp3 all of it is 0xff": b"ID3\3\0\x80" + synchsafe(100_000) + b"\xff" * 100_000 + SOUND,
    "mp3 no sound": id3(3) + bytes(200_000),
    "mp3 APE of 16 MiB": SOUND + ape(("a", "b"))[:-24] + struct.pack("<IIII", 2000, 16 << 20, 1 << 31, 0) + b"\0" * 8,
    "mp3 APE without items": SOUND + b"\0" * 64 + b"APETAGEX" + struct.pack("<IIII", 2000, 96, 1 << 31, 0) + b"\0" * 8,
    "wav chunk of 4 GiB": wav(before=b"LIST\xfe\xff\xff\xffINFO"),
    "wav a hundred thousand chunks": wav(before=riff(b"JUNK") * 100_000),
    "wav of 2^64 bytes": b"RF64\xff\xff\xff\xffWAVE" + riff(b"ds64", b"\xff" * 28) + wav()[12:],
    "wav INFO in INFO": wav(before=riff(b"LIST", b"INFO", b"AIGC\xff\xff\xff\x7f")),
    "wav label of 9 MiB": wav(before=riff(b"AIGC", b"{" * (9 << 20))),
    "wav id3 that lies": wav(before=riff(b"id3 ", b"ID3\3\0\0\x7f\x7f\x7f\x7f")),
    "flac comment of 4 GiB": flac((4, b"\xff\xff\xff\xff")),
    "flac 2^32 comments": flac((4, struct.pack("<II", 0, 0xFFFFFFFF))),
    "flac blocks without end": b"fLaC" + b"\0\0\0\0" + b"\1\0\0\0" * 50_000,
    "flac block of 16 MiB": b"fLaC\0\0\0\0\x84\xff\xff\xff",
}


def _nested(name: int, depth: int, body: bytes = b"") -> bytes:
    """Elements of EBML within elements."""
    for _ in range(depth):
        body = element(name, body, width=4)
    return body


_HEAD = element(0x1A45DFA3, element(0x4282, b"matroska"))
_ONMETA = b"\2\0\nonMetaData"
OTHERS = {
    "ogg page without end": page(1, 0, b"OpusHead", flags=2) + b"OggS\0\0" + b"\0" * 20 + b"\xff" * 256,
    "ogg a thousand pages of headers": page(1, 0, b"OpusHead", flags=2)
    + b"".join(page(1, n, b"x" * 255, laces=b"\xff") for n in range(1, 1000)),
    "ogg 2^32 comments": opus().replace(b"test\0\0\0\0", b"test\xff\xff\xff\xff"),
    "ogg streams without end": b"".join(page(n, 0, b"OpusHead", flags=2) for n in range(5000)),
    "ogg the same stream twice": page(1, 0, b"OpusHead", flags=2) * 2,
    "mkv segment in segment": _HEAD + _nested(0x18538067, 2000),
    "mkv tag in tag": mkv(tags=_nested(0x7373, 2000)),
    "mkv simple tag in simple tag": mkv(tags=element(0x7373, _nested(0x67C8, 2000), width=4)),
    "mkv size of 2^56-2": _HEAD + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xfe",
    "mkv no sizes at all": _HEAD + b"\x18\x53\x80\x67\xff" + b"\x1f\x43\xb6\x75\xff" * 5000,
    "mkv tags without a size": mkv(tags=tag("A", "b")).replace(b"\x12\x54\xc3\x67\x01", b"\x12\x54\xc3\x67\xff"),
    "mkv Cues in Cues": _HEAD + element(0x18538067, element(0x1C53BB6B, _nested(0xBB, 2000), width=8), width=8),
    "mkv elements without end": _HEAD + element(0x18538067, b"\xec\x80" * 1_500_000, width=8),
    "mkv blocks without end": _HEAD + b"\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff" + b"\xa3\x80" * 1_200_000,
    "mkv head of zeros": _HEAD + b"\0" * 5000,
    "mkv position of 2^64": mkv(tags=tag("A", "b")).replace(b"\x53\xac\x82", b"\x53\xac\x81", 1),
    "avi list of 4 GiB": avi().replace(b"LIST", b"LIST\xff\xff\xff\xff", 1),
    "avi 2^31 indexes": avi().replace(struct.pack("<HBBI", 4, 0, 0, 1), struct.pack("<HBBI", 4, 0, 0, 1 << 31)),
    "avi index at 2^64": avi(more=True).replace(struct.pack("<II", 32, 3), b"\xff" * 8, 1),
    "avi index of itself": avi().replace(struct.pack("<HBBI", 4, 0, 0, 1), struct.pack("<HBBI", 4, 0, 1, 1)),
    "avi RIFFs without end": avi() + (b"RIFF\4\0\0\0AVIX") * 5000,
    "flv array in array": FLV_HEAD + flv_tag(18, _ONMETA + (b"\x0a\0\0\0\1" * 5000)),
    "flv object in object": FLV_HEAD + flv_tag(18, _ONMETA + b"\3" + b"\0\1a\3" * 5000),
    "flv array of 2^32": FLV_HEAD + flv_tag(18, _ONMETA + b"\x08\0\0\0\1\0\1a\x0a\xff\xff\xff\xff" + b"\5" * 20_000),
    "flv string of 4 GiB": FLV_HEAD + flv_tag(18, _ONMETA + b"\x08\0\0\0\1\0\4AIGC\x0c\xff\xff\xff\xff{"),
    "flv first tag at 2^32": FLV_HEAD[:5] + b"\xff\xff\xff\xff" + b"\0" * 40,
}
HOSTILE = FILMS | SOUNDS | OTHERS
