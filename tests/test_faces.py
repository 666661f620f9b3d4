# SPDX-License-Identifier: Apache-2.0
"""That there is a face is told, in a child with limits; what can't be read counts as one. The face is drawn here: how
often those of persons are missed can't be measured without pictures of persons, and was not."""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from guiju.adapters.faces import Assumed, Looked

SIDE = 400


def drawn() -> Image.Image:
    """A face."""
    made = Image.new("L", (SIDE, SIDE), 150)
    pen = ImageDraw.Draw(made)
    ovals = [(200, 200, 110, 145, 205), (200, 95, 112, 60, 60), (200, 150, 95, 60, 205)]
    for x in (155, 245):
        ovals += [(x, 172, 30, 15, 120), (x, 172, 24, 11, 235), (x, 172, 11, 11, 40)]
    ovals += [(188, 238, 9, 5, 120), (212, 238, 9, 5, 120), (200, 280, 42, 13, 110)]
    for x, y, width, height, grey in ovals:
        pen.ellipse((x - width, y - height, x + width, y + height), fill=grey)
    for x in (155, 245):
        pen.rectangle((x - 32, 140, x + 32, 152), fill=70)
    pen.line((158, 280, 242, 280), fill=60, width=4)
    return made.filter(ImageFilter.GaussianBlur(3))


def file(picture: Image.Image, form: str = "PNG") -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def found(data: bytes) -> bool:
    """What the child says."""
    return asyncio.run(Looked().may_be_in(data))


def test_without_looking_every_picture_may_have_a_face() -> None:
    assert asyncio.run(Assumed().may_be_in(b""))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_face_is_found_in_each_kind_of_file(form: str) -> None:
    assert found(file(drawn(), form))


@pytest.mark.slow
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_face_is_found_whichever_way_it_is_turned(turn: int) -> None:
    assert found(file(drawn().rotate(turn)))


@pytest.mark.slow
def test_a_small_face_in_a_large_picture_is_found() -> None:
    whole = Image.new("L", (2000, 1500), 150)
    whole.paste(drawn().resize((300, 300)), (1500, 1000))
    assert found(file(whole))


@pytest.mark.slow
def test_no_face_is_found_where_there_is_none() -> None:
    slope = np.tile(np.linspace(0, 255, 512, dtype=np.uint8), (256, 1))
    for picture in (Image.new("RGB", (256, 256), (9, 99, 200)), Image.fromarray(slope)):
        assert not found(file(picture))


@pytest.mark.slow
@pytest.mark.parametrize("data", [b"", b"junk", file(drawn())[:200]])
def test_what_can_not_be_read_may_have_a_face(data: bytes) -> None:
    assert found(data)
