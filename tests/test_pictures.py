# SPDX-License-Identifier: Apache-2.0
"""A picture is known again when it is scaled, compressed, lightened or cut a little; another one is not."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from fast_kit import few
from guiju.detect.banned_pictures import NEAR, Pictures, distance
from guiju.detect.pictures import read


def drawn(seed: int, size: tuple[int, int] = (240, 180)) -> Image.Image:
    """A picture of its own: a sky, hills, shapes."""
    rng = random.Random(seed)
    steps = np.linspace(rng.randint(0, 120), rng.randint(130, 255), size[1])[:, None] * np.ones((1, size[0]))
    image = Image.merge("RGB", [Image.fromarray((steps * rng.uniform(0.4, 1)).astype(np.uint8)) for _ in range(3)])
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(6, 14)):
        x, y, r = rng.randint(0, size[0]), rng.randint(0, size[1]), rng.randint(10, 70)
        colour = tuple(rng.randint(0, 255) for _ in range(3))
        shape = rng.choice((pen.ellipse, pen.rectangle))
        shape((x - r, y - r // rng.randint(1, 3), x + r, y + r), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(1))


def filed(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


FILE = filed(drawn(1, (40, 30)))
CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "half": lambda i: filed(i.resize((i.width // 2, i.height // 2))),
    "a fifth": lambda i: filed(i.resize((i.width // 5, i.height // 5))),
    "twice": lambda i: filed(i.resize((i.width * 2, i.height * 2))),
    "stretched": lambda i: filed(i.resize((i.width, i.height * 3 // 4))),
    "jpeg 75": lambda i: filed(i, "JPEG", quality=75),
    "jpeg 20": lambda i: filed(i, "JPEG", quality=20),
    "webp": lambda i: filed(i, "WEBP", quality=50),
    "grey": lambda i: filed(i.convert("L")),
    "brighter": lambda i: filed(ImageEnhance.Brightness(i).enhance(1.2)),
    "more contrast": lambda i: filed(ImageEnhance.Contrast(i).enhance(1.3)),
    "blurred": lambda i: filed(i.filter(ImageFilter.GaussianBlur(2))),
    "cut by 1 %": lambda i: filed(i.crop((i.width // 100, i.height // 100, i.width * 99 // 100, i.height * 99 // 100))),
    "256 colours": lambda i: filed(i.convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
}


@pytest.mark.parametrize("change", few(sorted(CHANGES), 4))
def test_a_changed_picture_is_known_again(change: str) -> None:
    apart = []
    for seed in range(5):
        image = drawn(seed)
        apart.append(distance(read(filed(image)), read(CHANGES[change](image))))
    assert max(apart) <= NEAR, apart


@pytest.mark.slow
def test_another_picture_is_not() -> None:
    made = [read(filed(drawn(seed, (160, 120)))) for seed in range(60)]
    apart = [distance(made[i], made[j]) for i in range(60) for j in range(i)]
    assert min(apart) > NEAR


def test_banned_pictures_are_looked_up_together() -> None:
    named = [(f"p-{seed}", read(filed(drawn(seed)))) for seed in range(6)]
    pictures = Pictures(named)
    [(name, bits)] = pictures.find(read(filed(drawn(3).resize((200, 150)), "JPEG", quality=60)))
    assert name == "p-3"
    assert bits <= NEAR
    assert pictures.find(read(filed(drawn(99)))) == []
    assert Pictures([]).find(named[0][1]) == []


@given(st.binary(max_size=60), st.integers(0, 60))
@settings(max_examples=20)
def test_what_is_no_picture_is_refused(data: bytes, cut: int) -> None:
    for some in (data, FILE[:cut]):
        with pytest.raises(ValueError, match="picture"):
            read(some)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(ValueError, match="pixels"):
        read(filed(Image.new("1", (10_000, 5_000))))
