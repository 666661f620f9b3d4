# SPDX-License-Identifier: Apache-2.0
"""An invisible watermark for pictures (Labelling Measures, 5; GB 45438-2025, 6.2). Needs Pillow.

A faint pattern is added to a picture's brightness. It repeats eight times along the shorter side, so that it comes
through where the picture is made smaller, cut or encoded anew, and consists of 294 waves: 105 have known phases, by
which a reader finds where the pattern begins, and two bits of the message turn each of the others. How strong it is
follows from how busy the picture is. There is no secret in it: anybody can read it, and whoever wants to can remove it.

A reader makes the picture small, evens it out, and measures the waves, first for the whole picture and then for the
periods that its autocorrelation suggests, for it may have been cut. A check of 32 bits decides; at most five readings
are tried, so that a picture without a mark is taken for a marked one once in 800 million.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.Image import open as opened  # of streams: no file is opened here

from guiju.marking import watermark_code
from guiju.marking.family import MarkingError

LEAST: Final = 256
"""Pixels of the shorter side, at least: below that the pattern's waves are too short."""
MOST_READ: Final = 16_000_000
"""Pixels of a picture in which a mark is looked for, at most; a JPEG counts as small as it is decoded."""
MODES: Final = ("L", "LA", "RGB", "RGBA")
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF")
_TILES: Final = 8
_SIDE: Final = 512
"""The shorter side of a picture as it is read."""
_NEAR: Final = 3
_FAR: Final = 14
"""Waves in a period, at least and at most."""
_FLAT: Final = 1.8
_BUSY: Final = 0.05
_MOST: Final = 2.4
"""How far the pattern goes: levels on flat ground, more for each level of deviation around it, and at most."""
_BAND: Final = 256
_WIDEST: Final = 2.05
"""How many times the period may have grown: what is left of the shorter side is half of it."""
_STEP: Final = 0.05
_TRIED: Final = 4
_FINE: Final = 128
"""Places along a period at which its beginning is looked for."""

Plane = NDArray[np.float32]
Waves = NDArray[np.complex128]


class _Plan:
    """Which waves there are, and the phases that they start from; the same for everybody and for ever.

    Attributes:
        rows, columns: of each wave, in periods.
        phases: of each, a unit.
        rings: of each, how many there are in a period in its own direction, about.
        known: how many have no message.
    """

    def __init__(self) -> None:
        span = range(-_FAR, _FAR + 1)
        waves = [
            (y, x) for y in range(_FAR + 1) for x in span if (y > 0 or x > 0) and _NEAR <= math.hypot(x, y) <= _FAR
        ]
        drawn = {wave: hashlib.sha256(b"guiju watermark 1 %d %d" % wave).digest() for wave in waves}
        waves.sort(key=drawn.__getitem__)
        self.rows, self.columns = (np.array([wave[axis] for wave in waves]) for axis in (0, 1))
        quarters = np.array([drawn[wave][-1] % 4 for wave in waves])
        self.phases = np.exp(1j * (math.pi / 4 + math.pi / 2 * quarters))
        self.rings = np.array([round(math.hypot(*wave)) for wave in waves])
        self.known = len(waves) - watermark_code.CODED // 2


@cache
def _plan() -> _Plan:
    return _Plan()


def put(image: Image.Image, said: bytes) -> Image.Image:
    """Mark a picture; it is changed itself.

    Args:
        image: in one of `MODES`, as people see it.
        said: what the mark says: `watermark_number.payload`.

    Returns:
        The same picture.

    Raises:
        MarkingError: `no_watermark`, its colours are others, or it is too small.
    """
    if image.mode not in MODES or min(image.size) < LEAST:
        raise MarkingError("no_watermark", f"{image.mode}, {image.width}x{image.height}")
    width, height = image.size
    plan, period = _plan(), min(width, height) / _TILES
    sent = watermark_code.coded(said)
    table = np.zeros((_FAR + 1, 2 * _FAR + 1), np.complex128)
    turned = np.concatenate([np.ones(plan.known), (sent[0::2] + 1j * sent[1::2]) / math.sqrt(2)]) * plan.phases
    table[plan.rows, plan.columns + _FAR] = turned / math.sqrt(len(turned) / 2)
    columns, rows = _waves(width, period), _waves(height, period)[:, _FAR:] @ table.astype(np.complex64)
    strength = Image.fromarray(_strength(image))
    scale = strength.height / height
    for top in range(0, height, _BAND):
        end = min(top + _BAND, height)
        wave = rows.real[top:end] @ columns.real.T - rows.imag[top:end] @ columns.imag.T
        part = strength.resize(
            (width, end - top), Image.Resampling.BILINEAR, (0, top * scale, strength.width, end * scale)
        )
        added = np.rint(wave * np.asarray(part)).astype(np.int16)
        _add(image, added, top)
    return image


def _add(image: Image.Image, added: NDArray[np.int16], top: int) -> None:
    """Add to the brightness of some rows; transparency stays."""
    box = (0, top, image.width, top + len(added))
    band = image.crop(box)
    pixels = np.array(band, np.int16)
    each = pixels.reshape(*added.shape, -1)  # the same values, by pixel and channel
    each[..., : each.shape[2] - (image.mode in ("LA", "RGBA"))] += added[..., None]
    image.paste(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), image.mode), box)


def read(source: BinaryIO) -> bytes | None:
    """The mark of a picture.

    Args:
        source: an image file; seekable.

    Returns:
        What it says; none where there is no mark, or what is there can't be read or is too large to be looked at.
    """
    try:
        source.seek(0)
        with opened(source, formats=_FORMATS) as image:
            image.draft("L", (_SIDE, _SIDE))
            if image.width * image.height > MOST_READ or min(image.size) < _SIDE // 8:
                return None
            ImageOps.exif_transpose(image, in_place=True)
            return found(image)
    except MemoryError:
        raise
    except Exception:  # decoders raise errors of every kind where a file is broken; nobody is told more than that
        return None


def found(image: Image.Image) -> bytes | None:
    """The mark of a picture that is decoded.

    Args:
        image: as people see it.

    Returns:
        What the mark says; none where there is none.
    """
    plain = _evened(image)
    for period in (_SIDE / _TILES, *_periods(plain)):
        heard = _heard(plain, period)
        if heard is not None and (said := watermark_code.decoded(heard)) is not None:
            return said
    return None


def _small(image: Image.Image) -> Plane:
    """The brightness of a picture whose shorter side is of one length."""
    grey, scale = image.convert("L"), _SIDE / min(image.size)
    size = round(image.width * scale), round(image.height * scale)
    return np.asarray(grey.resize(size, Image.Resampling.BILINEAR), np.float32)


def _strength(image: Image.Image) -> Plane:
    """How far the pattern may go at each place of a small picture."""
    plain = _small(image)
    deviation = np.sqrt(np.maximum(_mean((plain - _mean(plain, 4)) ** 2, 4), 0))
    made: Plane = np.minimum(_FLAT + _BUSY * deviation, _MOST).astype(np.float32)
    return made


def _evened(image: Image.Image) -> Plane:
    """A small picture without its large shapes, as busy everywhere."""
    plain = _small(image)
    rest = plain - _mean(plain, 5)
    deviation = np.sqrt(np.maximum(_mean(rest * rest, 5), 0))
    made: Plane = np.clip(rest / (deviation + 1), -2.5, 2.5).astype(np.float32)
    return made


def _mean(plane: Plane, radius: int) -> Plane:
    """The mean of each neighbourhood."""
    side = 2 * radius + 1
    sums = np.pad(plane.astype(np.float64), radius, mode="edge").cumsum(0).cumsum(1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    whole = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    made: Plane = (whole / side**2).astype(np.float32)
    return made


def _waves(length: int, period: float, aside: float = 0.0) -> NDArray[np.complex64]:
    """The waves along one side: a row a pixel, a column a number of waves in the period, and so many more."""
    turns = np.outer(np.arange(length), np.arange(-_FAR, _FAR + 1) + aside) / period
    made: NDArray[np.complex64] = np.exp(2j * math.pi * turns).astype(np.complex64)
    return made


def _periods(plain: Plane) -> list[float]:
    """Periods at which a picture is like itself, the likeliest first."""
    height, width = plain.shape
    spectrum = np.zeros((2 * height, width + 1), np.float32)  # of twice the size, to look between pixels
    half, rest = height // 2, height - height // 2
    power = np.abs(np.fft.rfft2(plain)) ** 2
    spectrum[:rest, : power.shape[1]], spectrum[-half:, : power.shape[1]] = power[:rest], power[rest:]
    alike = np.fft.irfft2(spectrum, s=(2 * height, 2 * width))
    periods = np.arange(_SIDE / _TILES, _SIDE / _TILES * _WIDEST, _STEP)
    scores = np.zeros(len(periods))
    for down, across in ((0, 1), (0, 2), *((down, across) for down in (1, 2) for across in range(-2, 3))):
        y, x = down * periods, across * periods
        value = _between(alike, 2 * y, 2 * x)
        scores += np.where((y < height * 0.6) & (np.abs(x) < width * 0.6), value, 0)
    made = []
    for _ in range(_TRIED):
        best = float(periods[int(np.argmax(scores))])
        scores[np.abs(periods - best) < 1.5] = -np.inf
        made.append(best)
    return made


def _between(plane: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """What lies at places between pixels, round the edges."""
    height, width = plane.shape
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - top, x - left
    rows, columns = (top % height, (top + 1) % height), (left % width, (left + 1) % width)
    upper = plane[rows[0], columns[0]] * (1 - right) + plane[rows[0], columns[1]] * right
    lower = plane[rows[1], columns[0]] * (1 - right) + plane[rows[1], columns[1]] * right
    made: NDArray[np.float64] = upper * (1 - down) + lower * down
    return made


def _heard(plain: Plane, period: float) -> NDArray[np.float64] | None:
    """The message as it comes through, with its noise; none where there are no waves at all."""
    plan, height, width = _plan(), *plain.shape
    down = _waves(height, period)[:, _FAR:].conj().T
    waves, beside = (
        (down @ (plain.astype(np.complex64) @ _waves(width, period, aside).conj()))[plan.rows, plan.columns + _FAR]
        for aside in (0.0, 0.5)
    )
    power, noise = (_ringed(plan, np.abs(some) ** 2) for some in (waves, beside))
    if not power.min() > 0 or not noise.min() > 0:
        return None
    weights = np.sqrt(np.maximum(power - noise, power / 20)) / noise
    limits = np.minimum(1, 2 * np.sqrt(power) / np.maximum(np.abs(waves), 1e-12))
    heard: Waves = waves * weights * limits  # what comes through best counts most, but none may outvote the others
    spectrum = np.zeros((_FINE, _FINE), np.complex128)
    known = slice(0, plan.known)
    spectrum[plan.rows[known], plan.columns[known] % _FINE] = heard[known] * plan.phases[known].conj()
    y, x = divmod(int(np.argmax(np.fft.ifft2(spectrum).real)), _FINE)
    heard *= np.exp(2j * math.pi * (plan.rows * y + plan.columns * x) / _FINE) * plan.phases.conj()
    said = heard[plan.known :]
    return np.stack([said.real, said.imag], axis=1).reshape(-1)


def _ringed(plan: _Plan, values: Plane) -> NDArray[np.float64]:
    """For each wave the mean of those that are about as long."""
    means = np.bincount(plan.rings, values) / np.maximum(np.bincount(plan.rings), 1)
    made: NDArray[np.float64] = means[plan.rings]
    return made
