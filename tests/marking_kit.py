# SPDX-License-Identifier: Apache-2.0
"""What the tests of labels share: pictures of every type, made by code, and how their pixels are compared."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageCms, ImageSequence

from guiju.marking import families
from guiju.marking.label import Aigc, generated
from guiju.terms import Label

OURS = generated(Label("001191110000600037341L10000", "06EXAMPLE0000000000000000"))
OTHER = generated(Label("001191110000600037341L10000", "07EXAMPLE0000000000000001"))
XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="kept"/></rdf:RDF></x:xmpmeta>'
    + b" " * 40
    + b'<?xpacket end="w"?>'
)


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 32), seed: int = 1) -> Image.Image:
    """A picture with soft colours and a little noise."""
    y, x = np.mgrid[: size[1], : size[0]]
    noise = np.random.default_rng(seed).integers(0, 32, y.shape)
    pixels = np.stack([127 + 100 * np.sin(x / 9 + seed), y * 200 // size[1] + noise, 20 * seed + noise], axis=-1)
    made = Image.fromarray(pixels.astype(np.uint8), "RGB")
    if mode in ("RGBA", "LA"):
        made.putalpha(Image.linear_gradient("L").resize(size))
    return made.convert(mode)


def frames(data: bytes) -> list[bytes]:
    """The pixels of every frame, as Pillow reads them."""
    with Image.open(io.BytesIO(data)) as image:
        return [frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(image)]


def saved(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    """A file as Pillow writes it."""
    out = io.BytesIO()
    (image or picture()).save(out, kind, **options)
    return out.getvalue()


def exif(comment: bytes = b"") -> Image.Exif:
    """An Exif block with a maker and, where one is given, a UserComment."""
    made = Image.Exif()
    made[0x010F] = "maker"
    if comment:
        made.get_ifd(0x8769)[0x9286] = comment
    return made


def _rich(kind: str, image: Image.Image, **options: object) -> bytes:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return saved(kind, image, icc_profile=icc, exif=exif(), **options)


def _moving(kind: str, image: Image.Image, **options: object) -> bytes:
    rest = [picture("RGB", image.size, n) for n in (2, 3)]
    return saved(kind, image, save_all=True, append_images=rest, duration=[50, 70, 90], loop=0, **options)


def _pages(image: Image.Image, big: bool) -> bytes:
    return saved("TIFF", image, save_all=True, append_images=[picture("L", image.size, 2)], big_tiff=big)


_MADE: dict[str, Callable[[Image.Image], bytes]] = {
    "png": lambda image: saved("PNG", image),
    "png rich": lambda image: _rich("PNG", image),
    "png moving": lambda image: _moving("PNG", image),
    "jpeg": lambda image: saved("JPEG", image),
    "jpeg rich": lambda image: _rich("JPEG", image, quality=90, progressive=True, comment="kept", xmp=XMP),
    "jpeg two pictures": lambda image: saved(
        "MPO", image, save_all=True, append_images=[picture("RGB", image.size, 2)]
    ),
    "webp": lambda image: saved("WEBP", image),
    "webp lossless": lambda image: saved("WEBP", picture("RGBA", image.size), lossless=True, exact=True),
    "webp rich": lambda image: _rich("WEBP", image, xmp=XMP),
    "webp moving": lambda image: _moving("WEBP", image, lossless=True),
    "tiff": lambda image: saved("TIFF", image),
    "tiff rich": lambda image: _rich("TIFF", image, compression="tiff_lzw"),
    "tiff pages": lambda image: _pages(image, big=False),
    "bigtiff": lambda image: _pages(image, big=True),
    "avif": lambda image: saved("AVIF", image, speed=10),
    "avif rich": lambda image: _rich("AVIF", image, speed=10, xmp=XMP),
    "avif moving": lambda image: _moving("AVIF", image, speed=10),
    "gif": lambda image: saved("GIF", image.convert("L")),
    "gif moving": lambda image: _moving("GIF", image),
}
KINDS = tuple(_MADE)


@cache
def made(name: str, size: tuple[int, int] = (48, 32)) -> bytes:
    """A file of one kind."""
    return _MADE[name](picture("RGB", size))


def labelled(data: bytes, aigc: Aigc = OURS) -> bytes:
    """The file with a label."""
    target = io.BytesIO()
    families.labelled(io.BytesIO(data), target, aigc)
    return target.getvalue()


def texts(data: bytes) -> list[str]:
    """The label texts of a file."""
    family = families.family_of(data[:4096])
    assert family is not None
    return [found.text for found in family.read(io.BytesIO(data))]
