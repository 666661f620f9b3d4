# SPDX-License-Identifier: Apache-2.0
"""What is left of a picture for somebody else: each pixel, and nothing that stands beside them (Article 11)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from guiju.marking.bare import bare
from guiju.marking.family import MarkingError

SECRET = b"30.2741N"


def made(form: str, size: tuple[int, int] = (40, 30), turned: int = 0, **more: Any) -> bytes:
    """A picture whose file says more than is seen: Exif with a place, XMP, a text, and bytes after its end."""
    picture = Image.effect_noise(size, 90).convert("RGB")
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    if turned:
        exif[0x0112] = turned
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    if form == "PNG":
        told = PngImagePlugin.PngInfo()
        told.add_text("Comment", SECRET.decode())
        told.add_text("XML:com.adobe.xmp", xmp.decode())
        more["pnginfo"] = told
    else:
        more["xmp"] = xmp
    if form == "JPEG":
        more["comment"] = SECRET
    out = io.BytesIO()
    picture.save(out, form, exif=exif, **more)
    return out.getvalue() + (b"" if form == "WEBP" else SECRET)


CASES: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"turned": 6}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
]


@pytest.mark.parametrize(("form", "more"), CASES)
def test_pixels_stay_and_all_else_goes(form: str, more: dict[str, Any]) -> None:
    before = made(form, **more)
    assert SECRET in before
    after = bare(before)
    assert SECRET not in after.data
    assert (after.family, after.width, after.height) == (form.lower(), 40, 30)
    old, new = Image.open(io.BytesIO(before)), Image.open(io.BytesIO(after.data))
    assert old.convert("RGBA").tobytes() == new.convert("RGBA").tobytes()
    assert new.getexif().get(0x0112) == more.get("turned")
    assert bare(after.data) == after


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_can_be_seen_through_stays_so(form: str) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (5, 4), (9, 99, 200, 77)).save(out, form, lossless=True)
    assert Image.open(io.BytesIO(bare(out.getvalue()).data)).getpixel((1, 1)) == (9, 99, 200, 77)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "unsupported"),
        (b"GIF89a", "unsupported"),
        (b"\x89PNG\r\n\x1a\n", "unreadable"),
        (b"\xff\xd8\xff\xd9", "unreadable"),
        (b"\xff\xd8\xff\xe0\x00\x01", "unreadable"),
        (b"RIFF\x04\x00\x00\x00WEBP", "unreadable"),
        (made("PNG", (8193, 1)), "too_large"),
    ],
)
def test_what_is_no_picture_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(MarkingError) as caught:
        bare(data)
    assert caught.value.reason == reason


WHOLE = {form: made(form) for form in ("PNG", "JPEG", "WEBP")}


@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 2**31), st.binary(max_size=4), st.integers(0, 2**31))
def test_a_damaged_picture_breaks_nothing(form: str, at: int, put: bytes, cut: int) -> None:
    data = bytearray(WHOLE[form])
    at %= len(data)
    data[at : at + len(put)] = put
    try:
        bare(bytes(data[: cut % (2 * len(data))]))
    except MarkingError as error:
        told = error.reason
    else:
        told = ""
    assert told in ("", "unsupported", "unreadable", "too_large")
