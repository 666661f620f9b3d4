# SPDX-License-Identifier: Apache-2.0
"""MP3, WAV, FLAC: the label beside everything else that was there (Article 16)."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiju.marking import id3 as tags
from guiju.marking.family import MarkingError
from guiju.marking.xmp import labelled as packet
from media_kit import (
    OLD,
    OURS,
    SOUND,
    V1,
    ape,
    comments,
    flac,
    frame3,
    frame4,
    id3,
    read,
    riff,
    riff_chunks,
    synchsafe,
    wav,
    write,
)

TITLE = frame3(b"TIT2", b"\x01" + "标题".encode("utf-16"))
TITLE4 = frame4(b"TIT2", b"\x03" + "标题".encode())
PICTURE = frame3(b"APIC", b"\0image/jpeg\0\3\0\xff\xd8\xff\xe0" + bytes(range(256)))
TEXT = f"\0AIGC\0{OURS.bare()}".encode()


def user3(text: str, name: str = "AIGC") -> bytes:
    """A user's text as many programs write it: UTF-16."""
    return frame3(b"TXXX", b"\x01" + name.encode("utf-16") + b"\0\0" + text.encode("utf-16"))


MP3S = {
    "no tag": SOUND + V1,
    "2.3": id3(3, TITLE, PICTURE, user3(OLD.bare()), padding=600) + SOUND + V1,
    "2.3, own frame": id3(3, user3("m1", "AIGC_model"), padding=2) + SOUND,
    "2.4": id3(4, TITLE4, frame4(b"TXXX", b"\3aigc\0" + OLD.wrapped().encode())) + SOUND,
    "2.4, sizes of eight bits": id3(4, b"TIT2" + struct.pack(">I", 200) + b"\0\0\3" + b"t" * 199, TITLE4) + SOUND,
    "2.2": id3(2, b"TT2\0\0\6\0title", b"TXX\0\0\7\0AIGC\0x") + SOUND,
    "two tags": id3(3, TITLE) + id3(4, TITLE4, frame4(b"TXXX", b"\3AIGC\0" + OLD.bare().encode())) + SOUND,
    "APE": SOUND + ape(("Title", "t"), ("AIGC", OLD.bare())) + V1,
}


@pytest.mark.parametrize("name", MP3S)
def test_mp3_keeps_its_sound_and_other_tags(name: str) -> None:
    made = write(MP3S[name])
    assert [one.text for one in read(made)] == [OURS.bare()]
    assert SOUND in made
    for kept in (TITLE, TITLE4, PICTURE, user3("m1", "AIGC_model"), b"TT2\0\0\6\0title"):
        assert made.count(kept) == MP3S[name].count(kept)
    assert made.endswith(V1) == MP3S[name].endswith(V1)
    assert write(made) == made


def test_padding_gives_room() -> None:
    assert len(write(MP3S["2.3"])) == len(MP3S["2.3"])


def test_a_new_tag_is_of_2_3_and_an_old_one_stays_what_it_was() -> None:
    assert write(SOUND) == id3(3, frame3(b"TXXX", TEXT)) + SOUND
    assert write(id3(4, TITLE4) + SOUND) == id3(4, TITLE4, frame4(b"TXXX", TEXT)) + SOUND
    assert write(id3(2) + SOUND) == id3(2, b"TXX" + struct.pack(">I", len(TEXT))[1:] + TEXT) + SOUND


def test_an_untouched_ape_tag_stays() -> None:
    tag = ape(("Title", "t"))
    assert write(SOUND + tag + V1).endswith(SOUND + tag + V1)
    assert write(SOUND + ape(("Title", "t"), ("AIGC", OLD.bare()))).endswith(SOUND + tag)


def unsynchronised(body: bytes) -> bytes:
    """By the text of 2.3.0, section 5: byte by byte."""
    made = b""
    for place, byte in enumerate(body):
        made += bytes([byte])
        following = body[place + 1 : place + 2]
        if byte == 0xFF and (not following or following[0] >= 0xE0 or following[0] == 0):
            made += b"\0"
    return made


@pytest.mark.slow
@given(st.binary(max_size=60), st.integers(0, 9))
def test_an_unsynchronised_tag_stays_so(noise: bytes, padding: int) -> None:
    frame = frame3(b"PRIV", b"\xff\xff\xe0\0\xff" + noise + b"\xff")
    body = unsynchronised(frame + b"\0" * padding)
    made = write(b"ID3\3\0\x80" + synchsafe(len(body)) + body + SOUND)
    assert made[5] == 0x80
    size = len(made) - len(SOUND) - 10
    assert b"\xff\xff" not in made[10 : 10 + size]
    tag = tags.read(io.BytesIO(made))
    assert tag is not None
    assert tag.frames[0].raw == frame
    assert tag.labels() == [OURS.bare()]


def test_a_footer_and_an_extended_header() -> None:
    extended = struct.pack(">I", 6) + b"\0\0" + b"\0\0\0\0"
    made = write(id3(3, extended, TITLE, flags=0x40) + SOUND)
    assert made == id3(3, TITLE, frame3(b"TXXX", TEXT)) + SOUND
    body = TITLE4
    footed = b"ID3\4\0\x10" + synchsafe(len(body)) + body + b"3DI\4\0\x10" + synchsafe(len(body))
    label = frame4(b"TXXX", TEXT)
    size = synchsafe(len(body + label))
    assert write(footed + SOUND) == b"ID3\4\0\x10" + size + body + label + b"3DI\4\0\x10" + size + SOUND


INFO = riff(b"LIST", b"INFO", riff(b"INAM", b"title\0"), riff(b"AIGC", OLD.bare().encode()))
WAVS = {
    "plain": wav(),
    "chunks": wav(before=riff(b"bext", b"b" * 31), after=INFO),
    "own": wav(before=riff(b"AIGC", OLD.bare().encode())),
    "own behind": wav(after=riff(b"AIGC", OLD.bare().encode())),
    "id3": wav(after=riff(b"id3 ", id3(3, TITLE, user3(OLD.bare())))),
    "xmp": wav(before=riff(b"_PMX", packet(b"", OLD))),
    "odd end": wav(after=b"LIST\5\0\0\0INFO\0"),
}


@pytest.mark.parametrize("name", WAVS)
def test_wav_holds_one_chunk_before_the_samples(name: str) -> None:
    made = write(WAVS[name])
    assert [(one.place, one.text) for one in read(made)] == [("AIGC", OURS.bare())]
    assert struct.unpack_from("<I", made, 4)[0] == len(made) - 8
    old, new = riff_chunks(WAVS[name]), riff_chunks(made)
    kinds = [kind for kind, _ in new]
    assert kinds[kinds.index(b"data") - 1] == b"AIGC"
    assert dict(new)[b"AIGC"] == OURS.bare().encode()
    assert [one for one in old if one[0] in (b"fmt ", b"data", b"bext")] == [
        one for one in new if one[0] in (b"fmt ", b"data", b"bext")
    ]
    assert [kind for kind, _ in old if kind != b"AIGC"] == [kind for kind in kinds if kind != b"AIGC"]
    assert (b"title" in made) == (b"title" in WAVS[name])
    assert write(made) == made


def test_wav_of_64_bits_and_of_a_stream() -> None:
    plain = wav(after=riff(b"LIST", b"INFO"))
    place = plain.index(b"data")
    (size,) = struct.unpack_from("<I", plain, place + 4)
    sizes = riff(b"ds64", struct.pack("<QQQI", len(plain) - 8 + 36, size, size // 2, 0))
    wide = b"RF64\xff\xff\xff\xffWAVE" + sizes + plain[12 : place + 4] + b"\xff\xff\xff\xff" + plain[place + 8 :]
    made = write(wide)
    assert struct.unpack_from("<Q", made, 20)[0] == len(made) - 8
    assert made.endswith(plain[place + 8 :])
    stream = plain[:4] + b"\xff\xff\xff\xff" + plain[8 : place + 4] + b"\xff\xff\xff\xff" + plain[place + 8 :]
    made = write(stream)
    assert made[4:8] == b"\xff\xff\xff\xff"
    assert [one.text for one in read(made)] == [OURS.bare()]


FLACS = {
    "no comments": flac(),
    "comments": flac((4, comments("TITLE=标题", f"AIGC={OLD.bare()}"))),
    "padding": flac((4, comments("TITLE=标题")), (1, bytes(500))),
    "padding, no comments": flac((3, bytes(18)), (1, bytes(500))),
    "little padding": flac((4, comments("TITLE=标题")), (1, bytes(5))),
    "picture": flac((6, b"picture" * 10), (4, comments(f"aigc={OLD.wrapped()}", "AIGC_MODEL=m1"))),
}


@pytest.mark.parametrize("name", FLACS)
def test_flac_keeps_its_other_blocks(name: str) -> None:
    made = write(FLACS[name])
    assert [one.text for one in read(made)] == [OURS.bare()]
    sound = FLACS[name][FLACS[name].index(b"\xff\xf8sound") :]
    assert made.endswith(sound)
    for kept in (b"TITLE=\xe6\xa0\x87", b"picture" * 10, b"AIGC_MODEL=m1"):
        assert made.count(kept) == FLACS[name].count(kept)
    if name.startswith("padding"):
        assert len(made) == len(FLACS[name])
    assert write(made) == made


@pytest.mark.parametrize(
    "data",
    [
        id3(3, TITLE),
        id3(3, TITLE) + b"fLaC" + SOUND,
        id3(5, TITLE) + SOUND,
        id3(3, b"TIT2\xff\xff\xff\xff\0\0x") + SOUND,
        b"ID3\3\0\0\xff\xff\xff\xff" + SOUND,
        SOUND + ape(("Title", "t"))[:-32] + b"APETAGEX" + struct.pack("<IIII", 2000, 1 << 31, 1, 0) + b"\0" * 8,
        wav()[:-1],
        wav().replace(b"data", b"dada"),
        b"RF64\xff\xff\xff\xffWAVE" + riff(b"ds64", b"\xff" * 28) + wav()[12:],
        flac()[:20],
        flac((4, b"\xff\xff\xff\x7f")),
        flac((4, struct.pack("<II", 0, 1 << 31))),
        flac((127, b"")),
    ],
    ids=range(13),
)
def test_what_is_not_well_formed_is_refused(data: bytes) -> None:
    with pytest.raises(MarkingError) as refused:
        write(data)
    assert refused.value.reason in ("unreadable", "too_large")
