# SPDX-License-Identifier: Apache-2.0
"""The invisible watermark (Labelling Measures, 5; GB 45438-2025, 6.2): it can't be seen, comes through what people do
with pictures, says which answer it belongs to, and is read in no picture that has none."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cli_kit import typed
from conftest import Start
from guiju.marking import watermark, watermark_code
from guiju.marking.family import MarkingError
from guiju.marking.inscribe import inscribed
from guiju.marking.lettering import Lettering
from guiju.marking.watermark_number import BYTES, payload
from guiju.records.ids import ExchangeIds
from marking_kit import exif, made, picture, saved

SIZE = (1024, 768)
NUMBER = "06EXAMPLE00000000000000000"
SAID = payload(NUMBER)


def marked(data: bytes, words: Lettering | None = None) -> bytes:
    target = io.BytesIO()
    inscribed(io.BytesIO(data), target, words, SAID)
    return target.getvalue()


def said(image: Image.Image, kind: str = "PNG", **options: object) -> bytes | None:
    """What a reader of the file that this picture is saved to says."""
    return watermark.read(io.BytesIO(saved(kind, image, **options)))


def soft(size: tuple[int, int] = SIZE, seed: int = 1) -> Image.Image:
    """A picture with soft shapes of every size."""
    rng = np.random.default_rng(seed)
    layers = [
        Image.fromarray(rng.integers(0, 256, (rows, rows, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
        for rows in (3, 9, 40)
    ]
    return Image.blend(Image.blend(layers[0], layers[1], 0.4), layers[2], 0.2)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_it_is_read_from_every_kind_of_picture_and_nobody_sees_it(kind: str, mode: str) -> None:
    if (kind, mode) == ("JPEG", "RGBA"):
        return  # there is none
    image = soft().convert(mode)
    if mode == "RGBA":
        image.putalpha(200)
    before = saved(kind, image, **({"quality": 95} if kind != "PNG" and kind != "TIFF" else {}))
    after = marked(before)
    assert watermark.read(io.BytesIO(before)) is None
    assert watermark.read(io.BytesIO(after)) == SAID
    with Image.open(io.BytesIO(before)) as was, Image.open(io.BytesIO(after)) as now:
        assert now.format == was.format
        assert now.size == was.size
        apart = np.asarray(was.convert("RGB"), np.float64) - np.asarray(now.convert("RGB"), np.float64)
    assert 10 * np.log10(255**2 / (apart**2).mean()) >= 40
    assert np.abs(apart).max() > 0


def again(quality: int) -> Callable[[Image.Image], Image.Image]:
    """Saved as JPEG and opened again."""
    return lambda image: Image.open(io.BytesIO(saved("JPEG", image, quality=quality)))


HANDLED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG at quality 50": again(50),
    "half the size": lambda image: again(75)(image.resize((SIZE[0] // 2, SIZE[1] // 2))),
    "a tenth cut off at each edge": lambda image: again(85)(image.crop((102, 77, 922, 691))),
    "the strip with the words cut off": lambda image: again(85)(image.crop((0, 0, 1024, 691))),
    "a screenshot at 125 %": lambda image: image.resize((1280, 960)),
    "a messenger": lambda image: again(70)(image.resize((720, 540))),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "brighter, and grey": lambda image: image.convert("L").point(lambda level: min(255, level * 1.1)),
}


@pytest.mark.parametrize("how", HANDLED)
@pytest.mark.parametrize("ground", ["soft", "grey"])
def test_it_comes_through_what_people_do_with_pictures(how: str, ground: str) -> None:
    image = soft() if ground == "soft" else Image.new("RGB", SIZE, (90, 90, 96))
    assert said(HANDLED[how](watermark.put(image, SAID))) == SAID


def test_where_it_is_lost_nothing_else_is_read() -> None:
    image = watermark.put(soft(), SAID)
    assert said(image.resize((48, 32))) is None
    assert said(image.filter(ImageFilter.GaussianBlur(12))) is None
    assert said(image.rotate(7)) is None


def test_words_and_the_watermark_go_together() -> None:
    after = marked(saved("PNG", soft()), Lettering("AI生成"))
    assert watermark.read(io.BytesIO(after)) == SAID
    with Image.open(io.BytesIO(after)) as image:
        assert np.asarray(image)[-60:, -200:].max() > 235


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright_as_people_see_the_picture(orientation: int) -> None:
    block = exif()
    block[0x0112] = orientation
    after = marked(saved("JPEG", soft(), quality=90, exif=block))
    assert watermark.read(io.BytesIO(after)) == SAID


def test_a_large_picture_is_marked_in_bands_that_fit_together() -> None:
    image = Image.new("L", (700, 1100), 120)
    apart = np.asarray(watermark.put(image.copy(), SAID), np.int16) - np.asarray(image)
    steps = np.abs(np.diff(apart.astype(np.float64), axis=0)).mean(axis=1)
    assert steps[[255, 511, 767, 1023]].max() <= steps.mean() * 2


@pytest.mark.parametrize("data", [made("gif"), saved("PNG", soft((400, 255))), saved("JPEG", soft().convert("CMYK"))])
def test_what_can_not_have_one_is_refused(data: bytes) -> None:
    with pytest.raises(MarkingError, match="no_watermark"):
        marked(data)


def test_the_code_mends_what_is_lost() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        message = rng.bytes(11)
        noisy = watermark_code.coded(message) + rng.normal(0, 0.75, watermark_code.CODED)
        assert (noisy * watermark_code.coded(message) < 0).sum() > 15  # so many bits are wrong by themselves
        assert watermark_code.decoded(noisy) == message
        assert watermark_code.decoded(rng.normal(0, 1, watermark_code.CODED)) is None


def test_it_leads_to_the_number_of_the_answer() -> None:
    ids = ExchangeIds(b"k" * 32, "gateway-1")
    number = ids.new(1_790_000_000_000)
    assert ids.completed(payload(number)) == number
    assert payload(f"{number}-2") == payload(number)
    others = ["", "a", number[:-1], number.lower(), "Z" * 26, "0f8fad5bd9cb469fa16570867728950e"]
    assert len({payload(other) for other in (*others, number)}) == len(others) + 1
    assert all(len(payload(other)) == BYTES for other in others)


@pytest.mark.slow
def test_no_picture_without_one_is_taken_for_a_marked_one() -> None:
    """The check has 32 bits. That readings of pictures without a mark are as good as drawn by lot is seen in its first
    bits, which hold by chance as often as they should; so the whole of it holds once in 4 billion readings."""
    readings = fitting = 0
    for seed in range(30):
        image = soft((640, 512), seed) if seed % 3 else picture("RGB", (640, 512), seed)
        assert watermark.found(image) is None
        plain = watermark._evened(image)
        for period in (64.0, *watermark._periods(plain)):
            heard = watermark._heard(plain, period)
            assert heard is not None
            message, check = watermark_code.likeliest(heard)
            readings += 1
            fitting += check[0] >> 4 == watermark_code.check(message)[0] >> 4
    expected = readings / 16
    assert abs(fitting - expected) < 4 * expected**0.5, f"{fitting} of {readings}"


@pytest.mark.slow
def test_it_is_read_in_a_fraction_of_a_second() -> None:
    image = soft((1024, 1024))
    began = time.thread_time()
    watermark.found(image)
    assert time.thread_time() - began < 1


@pytest.mark.slow
def test_the_command_writes_reads_and_traces_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(saved("PNG", soft()))
    done = typed("label", "write", "a.png", "-o", "b.png", "--watermark", "--json", cwd=tmp_path)
    [row] = json.loads(done.stdout)
    assert row["watermark"] == payload(row["label"]["ProduceID"]).hex()
    with Image.open(tmp_path / "b.png") as image:
        image.crop((60, 40, 990, 720)).save(tmp_path / "c.jpg", quality=80)
    rows = json.loads(typed("label", "verify", "b.png", "c.jpg", "a.png", "--json", cwd=tmp_path).stdout)
    assert [one["verdict"] for one in rows] == ["unbound", "unbound", "none"]
    assert [one["watermark"] for one in rows] == [
        {"says": row["watermark"], "fits": True},
        {"says": row["watermark"], "fits": None},
        None,
    ]
    assert row["watermark"] in rows[1]["explanation"]["zh"][0]
    gateway = start(overlay=(("gateway.watermark", True),))
    answer = gateway.ask("POST", "/v1/images/generations", {"model": "scripted", "prompt": "一只猫"})
    number = answer.headers["x-guiju-decision-id"]
    gateway.entry("closed", number)
    file = base64.b64decode(answer.json["data"][0]["b64_json"])
    read = watermark.read(io.BytesIO(file))
    assert read is None or read == payload(number)
    traced = typed("evidence", "trace", payload(number).hex(), "--data", gateway.data, "--json", cwd=tmp_path)
    assert json.loads(traced.stdout)["result"] == "found"
    spread = ("--watermark", "--role", "propagator")
    assert typed("label", "write", "a.png", "-o", "d.png", *spread, cwd=tmp_path).returncode == 2
