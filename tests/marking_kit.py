# SPDX-License-Identifier: Apache-2.0
"""What the tests of labels share: pictures of every type, made by code, and how their pixels are compared."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable
from functools import cache

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
    rng = random.Random(seed)
    made = Image.new("RGB", size)
    made.putdata(
        [
            (int(127 + 120 * math.sin(x / 9 + seed)), y * 255 // size[1], rng.randrange(256))
            for y in range(size[1])
            for x in range(size[0])
        ]
    )
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


def _rich(kind: str, **options: object) -> bytes:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return saved(kind, icc_profile=icc, exif=exif(), **options)


def _moving(kind: str, **options: object) -> bytes:
    rest = [picture("RGB", seed=n) for n in (2, 3)]
    return saved(kind, save_all=True, append_images=rest, duration=[50, 70, 90], loop=0, **options)


def _pages(big: bool) -> bytes:
    return saved("TIFF", save_all=True, append_images=[picture("L", seed=2)], big_tiff=big)


_MADE: dict[str, Callable[[], bytes]] = {
    "png": lambda: saved("PNG"),
    "png rich": lambda: _rich("PNG"),
    "png moving": lambda: _moving("PNG"),
    "jpeg": lambda: saved("JPEG"),
    "jpeg rich": lambda: _rich("JPEG", quality=90, progressive=True, comment="kept", xmp=XMP),
    "jpeg two pictures": lambda: saved("MPO", save_all=True, append_images=[picture(seed=2)]),
    "webp": lambda: saved("WEBP"),
    "webp lossless": lambda: saved("WEBP", picture("RGBA"), lossless=True, exact=True),
    "webp rich": lambda: _rich("WEBP", xmp=XMP),
    "webp moving": lambda: _moving("WEBP", lossless=True),
    "tiff": lambda: saved("TIFF"),
    "tiff rich": lambda: _rich("TIFF", compression="tiff_lzw"),
    "tiff pages": lambda: _pages(big=False),
    "bigtiff": lambda: _pages(big=True),
    "gif": lambda: saved("GIF", picture("L")),
    "gif moving": lambda: _moving("GIF"),
}
KINDS = tuple(_MADE)


@cache
def made(name: str) -> bytes:
    """A file of one kind."""
    return _MADE[name]()


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
