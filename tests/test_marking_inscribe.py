# SPDX-License-Identifier: Apache-2.0
"""Words on pictures (GB 45438-2025, 5.2): they can be read, and all else is as it was."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps, ImageSequence

from guiju.marking import lettering, webp
from guiju.marking.family import MarkingError
from guiju.marking.inscribe import inscribed
from guiju.marking.lettering import PLACES, Lettering
from guiju.marking.words import WORDS, fault
from marking_kit import KINDS, XMP, exif, made, picture, saved

SIZE = (160, 120)
WORD = Lettering("AI生成")
LOSSY = {
    "jpeg": 12,
    "jpeg rich": 12,
    "webp": 60,
    "webp rich": 60,
    "gif moving": 20,
    "avif": 60,
    "avif rich": 60,
    "avif moving": 60,
}
"""Kinds whose pixels change when they are encoded anew, and by how much at most."""


def drawn(data: bytes, words: Lettering = WORD) -> bytes:
    target = io.BytesIO()
    inscribed(io.BytesIO(data), target, words)
    return target.getvalue()


def pixels(data: bytes) -> list[NDArray[np.int16]]:
    with Image.open(io.BytesIO(data)) as image:
        return [np.asarray(frame.convert("RGB"), np.int16) for frame in ImageSequence.Iterator(image)]


def box(size: tuple[int, int], words: Lettering = WORD) -> tuple[slice, slice]:
    """The rows and columns of the plate."""
    plate = lettering.plate(words, size)
    x, y = lettering.corner(words.place, size, plate.size)
    return slice(y, y + plate.height), slice(x, x + plate.width)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "jpeg two pictures"])
def test_every_frame_shows_the_words_and_keeps_its_other_pixels(kind: str) -> None:
    before, after = made(kind, SIZE), drawn(made(kind, SIZE))
    old, new = pixels(before), pixels(after)
    assert len(old) == len(new)
    for was, made_now in zip(old, new, strict=True):
        assert made_now[box(SIZE)].max() > 235  # white letters
        apart = np.abs(made_now - was)
        rows, columns = box(SIZE)
        room = 20 if kind in LOSSY else 0  # blocks of JPEG that the plate touches
        apart[rows.start - room : rows.stop + room, columns.start - room : columns.stop + room] = 0
        assert apart.max() <= LOSSY.get(kind, 0)
    with Image.open(io.BytesIO(before)) as was, Image.open(io.BytesIO(after)) as now:
        assert now.format == was.format
        for name in ("icc_profile", "loop", "compression", "progressive", "comment"):
            assert now.info.get(name) == was.info.get(name), name
        times = [[frame.info.get("duration") for frame in ImageSequence.Iterator(image)] for image in (was, now)]
        assert times[0] == times[1]
        if "rich" in kind:
            assert now.getexif()[0x010F] == "maker"
        if kind in ("jpeg rich", "webp rich"):
            assert XMP in after


def test_jpeg_keeps_its_tables_and_sampling() -> None:
    for options in ({"quality": 95, "subsampling": 0}, {"quality": 50, "subsampling": 2}):
        before = saved("JPEG", picture("RGB", SIZE), **options)
        with Image.open(io.BytesIO(before)) as was, Image.open(io.BytesIO(drawn(before))) as now:
            assert now.quantization == was.quantization  # type: ignore[attr-defined]  # a JPEG's own
            assert now.layer == was.layer  # type: ignore[attr-defined]  # the same


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("place", ["bottom-right", "top-left"])
def test_words_stand_upright_as_people_see_the_picture(kind: str, orientation: int, place: Any) -> None:
    block = exif()
    block[0x0112] = orientation
    words = Lettering("AI生成", place)
    before = saved(kind, Image.new("RGB", SIZE, (60, 90, 60)), exif=block)
    with Image.open(io.BytesIO(drawn(before, words))) as image:
        seen = ImageOps.exif_transpose(image).convert("L")
    plate = lettering.plate(words, seen.size)
    ink = np.asarray(seen)[box(seen.size, words)] > 200
    meant = np.asarray(plate.convert("RGB").convert("L")) > 200
    assert (ink == meant).mean() > 0.98
    assert ink.sum() > 100


@pytest.mark.parametrize("size", [(640, 480), (1024, 1024), (300, 2000), (2000, 300)])
@pytest.mark.parametrize("text", [words for both in WORDS.values() for words in both.values()])
def test_letters_are_as_high_as_the_standard_asks(size: tuple[int, int], text: str) -> None:
    plate = lettering.plate(Lettering(text), size)
    ink = np.asarray(plate.convert("RGB").convert("L")) > 128
    rows = np.flatnonzero(ink.any(axis=1))
    lines = 2 if rows[-1] - rows[0] > 0.09 * min(size) and " " in text else 1
    assert (rows[-1] - rows[0] + 1) / lines >= 0.05 * min(size)
    assert plate.width <= size[0]
    assert plate.height <= size[1]
    capital = np.asarray(lettering.plate(Lettering("A"), size).convert("RGB").convert("L")) > 128
    assert capital.any(axis=1).sum() >= 0.05 * min(size)


def luminance(colour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative luminance (WCAG 2.2)."""
    share = colour / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("ground", ["black", "white", "yellow", "noise"])
@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG"])
def test_letters_stand_out_on_any_ground(kind: str, ground: str) -> None:
    image = Image.effect_noise(SIZE, 120).convert("RGB") if ground == "noise" else Image.new("RGB", SIZE, ground)
    out = pixels(drawn(saved(kind, image)))[0][box(SIZE)].astype(np.float64)
    plate = np.asarray(lettering.plate(WORD, SIZE))
    ink = (plate[..., :3] == 255).all(axis=2)
    ground_of = (plate == (0, 0, 0, plate[plate.shape[0] // 2, 2, 3])).all(axis=2)
    light, dark = (luminance(out[mask]) for mask in (ink, ground_of))
    assert (np.percentile(light, 5) + 0.05) / (np.percentile(dark, 95) + 0.05) > 4.5


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_pictures_of_any_colours_get_words(kind: str, mode: str) -> None:
    if (kind, mode) in {("PNG", "CMYK"), ("JPEG", "1"), ("JPEG", "LA"), ("JPEG", "P"), ("JPEG", "RGBA")}:
        return  # there are none
    after = drawn(saved(kind, picture("RGB", SIZE).convert(mode)))
    assert pixels(after)[0][box(SIZE)].max() > 235
    assert len({frame.shape for frame in pixels(after)}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("kept", range(5))
@pytest.mark.parametrize("place", ["bottom", "top-left"])
def test_rows_of_any_filter_are_redrawn(mode: str, kept: int, place: Any) -> None:
    """A picture of 8 bits keeps the rows that have no words; here all of them have one filter (Paeth is 4)."""
    image = picture("RGB", SIZE).convert(mode)
    image.putalpha(200) if mode in ("LA", "RGBA") else None
    plain = np.asarray(image, np.int16).reshape(SIZE[1], -1)
    step, rows = len(image.getbands()), []
    for number, row in enumerate(plain):
        above = plain[number - 1] if number else np.zeros_like(row)
        left, corner = (np.concatenate([np.zeros(step, np.int16), one[:-step]]) for one in (row, above))
        guess = left + above - corner
        a, b, c = (np.abs(guess - one) for one in (left, above, corner))
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))
        by = [np.zeros_like(row), left, above, (left + above) // 2, paeth][kept]
        rows.append(bytes((kept,)) + ((row - by) % 256).astype(np.uint8).tobytes())
    packed, colours = zlib.compress(b"".join(rows)), {"L": 0, "LA": 4, "RGB": 2, "RGBA": 6}[mode]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, 8, colours, 0, 0, 0))
    data = chunk(b"IDAT", packed[:999]) + chunk(b"IDAT", packed[999:])
    before = b"\x89PNG\r\n\x1a\n" + head + chunk(b"gAMA", b"\x00\x00\xb1\x8f") + data + chunk(b"IEND", b"")
    words = Lettering("AI生成", place)
    old, new = pixels(before)[0], pixels(drawn(before, words))[0]
    assert new[box(SIZE, words)].max() > 235
    old[box(SIZE, words)] = new[box(SIZE, words)]
    assert (old == new).all()
    assert b"gAMA" in drawn(before, words)


def test_clear_pixels_of_a_palette_stay_clear() -> None:
    image = picture("RGB", SIZE).quantize(16)
    image.info["transparency"] = 3
    for kind in ("PNG", "GIF"):
        before = saved(kind, image)
        with Image.open(io.BytesIO(before)) as was, Image.open(io.BytesIO(drawn(before))) as now:
            clear = [np.asarray(one.convert("RGBA"))[..., 3] == 0 for one in (was, now)]
        clear[0][box(SIZE)] = clear[1][box(SIZE)] = False
        assert clear[0].any()
        assert (clear[0] == clear[1]).all()


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def png_head(width: int, height: int, depth: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))


def test_what_would_lose_by_drawing_is_refused() -> None:
    deep = png_head(64, 64, 16) + chunk(b"IDAT", zlib.compress(bytes(64 * (1 + 6 * 64)))) + chunk(b"IEND", b"")
    for data in (deep, saved("TIFF", Image.new("I;16", SIZE)), made("jpeg two pictures", SIZE)):
        with pytest.raises(MarkingError, match="unsupported"):
            drawn(data)


def test_a_picture_that_only_claims_to_be_large_takes_no_memory() -> None:
    bomb = png_head(30_000, 30_000, 8) + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")
    tracemalloc.start()
    try:
        with pytest.raises(MarkingError, match="too_large"):
            drawn(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_what_can_t_be_read_is_not_drawn() -> None:
    with pytest.raises(MarkingError, match="too_small"):
        drawn(saved("PNG", picture()))
    for text in ("AI生成 ☃", "AI ญ"):
        with pytest.raises(MarkingError, match="no_glyph"):
            drawn(made("png", SIZE), Lettering(text))
    with pytest.raises(MarkingError, match="no_glyph"):
        drawn(made("png", SIZE), Lettering("AI生成", font=b"no font"))


def test_the_shipped_font_has_all_words_of_ours() -> None:
    for both in WORDS.values():
        for words in both.values():
            assert fault(words) == ""
            assert lettering.plate(Lettering(words), (800, 800)).width > 50


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("由AI生成", True),
        ("人工智能合成", True),
        ("Synthetic (AI)", True),
        ("AI", False),
        ("生成", False),
        ("MAIN 生成", False),
        ("", False),
        ("AI生成\n", False),
    ],
)
def test_words_of_one_s_own_name_both_elements(text: str, right: bool) -> None:
    assert (fault(text) == "") is right


def test_places_are_where_they_say() -> None:
    for place in PLACES:
        x, y = lettering.corner(place, (100, 100), (20, 10))  # type: ignore[arg-type]  # the names are its values
        assert (x > 60, x < 20) == ("right" in place, "left" in place)
        assert (y < 20) is place.startswith("top")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of broken tags so
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_nothing_but_marking_errors(data: st.DataObject) -> None:
    whole = bytearray(made(data.draw(st.sampled_from(KINDS)), (80, 60)))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, min(len(whole), 900) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    end = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    try:
        drawn(bytes(whole[:end]))
    except MarkingError:
        return


@pytest.mark.parametrize("quality", [10, 50, 80, 95, 100])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_quality_of_a_lossy_webp_is_known(quality: int, mode: str) -> None:
    image = picture(mode, (256, 192))
    found = webp.quality(io.BytesIO(saved("WEBP", image, quality=quality)))
    assert found == pytest.approx(quality, abs=8)
    moving = saved("WEBP", image, quality=quality, save_all=True, append_images=[picture(mode, (256, 192), 2)])
    assert webp.quality(io.BytesIO(moving)) is not None
    assert webp.quality(io.BytesIO(saved("WEBP", image, lossless=True))) is None


@pytest.mark.parametrize("quality", [50, 90, 100])
def test_a_lossy_webp_loses_little_beside_its_words(quality: int) -> None:
    before = saved("WEBP", picture("RGB", (640, 480)).filter(ImageFilter.GaussianBlur(1)), quality=quality)
    after = drawn(before)
    apart = (pixels(before)[0] - pixels(after)[0]).astype(np.float64)
    apart[box((640, 480))[0].start - 40 :] = 0
    assert 10 * np.log10(255**2 / (apart**2).mean()) >= 40
