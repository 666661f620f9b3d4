# SPDX-License-Identifier: Apache-2.0
"""Words on pictures: drawn into every frame, in the file's own format (Article 16; GB 45438-2025, 5.2); and the
invisible watermark (`watermark`), where it is asked for.

Pixels outside the plate stay as they are where the format allows it and there is no watermark: JPEG is encoded with its
own quantisation tables and sampling, PNG, TIFF, GIF and lossless WebP without loss. Metadata and colour profiles are
kept. Words stand upright as people see the picture, whatever its orientation says. Needs Pillow:
`pip install 'guiju[media]'`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

import msgspec
from PIL import Image, ImageSequence, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError
from PIL.Image import Transpose
from PIL.Image import open as decoded  # of streams: no file is opened here

from guiju.marking import directory, gif, jpeg, lettering, palettes, png, png_rows, watermark, webp
from guiju.marking.directory import EXIF_TAG
from guiju.marking.family import MarkingError, copy
from guiju.marking.lettering import Lettering

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF")
MOST_PIXELS: Final = 50_000_000
"""Pixels of a frame, at most: a small file may claim to be a very large picture."""
MOST_ALL: Final = 500_000_000
"""Pixels of all frames together, at most."""
_LAYOUT: Final = frozenset(
    {*range(256, 260), 262, 266, 273, *range(277, 280), 284, 317, 320, *range(322, 326), 330, 338, 339, 347}
    | {*range(512, 533), EXIF_TAG, 34853}
)
"""Tags of TIFF that say how pixels stand in the file."""
_ORIENTATION: Final = 0x0112
_TURNED: Final[Mapping[int, Transpose]] = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}
"""Exif orientation → how something upright is turned so that it stands upright when the picture is shown."""
_BACK: Final[Mapping[Transpose, Transpose]] = {
    Transpose.ROTATE_90: Transpose.ROTATE_270,
    Transpose.ROTATE_270: Transpose.ROTATE_90,
}
"""How something is turned back; all else is its own way back."""


class Ink(msgspec.Struct, frozen=True):
    """What is drawn.

    Attributes:
        words: none for none.
        mark: what the watermark says; `b""` for none.
    """

    words: Lettering | None = None
    mark: bytes = b""


def inscribed(source: BinaryIO, target: BinaryIO, words: Lettering | None, mark: bytes = b"") -> None:
    """Write a picture with words on it, a watermark in it, or both.

    Args:
        source: JPEG, PNG, WebP, GIF, TIFF or AVIF; seekable.
        target: an empty stream.
        words: what is written; none for no words.
        mark: what the watermark says (`watermark_number.payload`); `b""` for no watermark.

    Raises:
        MarkingError: `unreadable`, `unsupported` or `too_large`; `too_small` or `no_glyph` as `lettering.plate` says;
            `no_watermark`, the picture can't hold one.
    """
    source.seek(0)
    try:
        with decoded(source, formats=FORMATS) as image:
            _bounded(image)
            _WRITERS[str(image.format)](source, image, target, Ink(words, mark))
    except MarkingError:
        raise
    except UnidentifiedImageError as error:
        source.seek(4)
        raise MarkingError("unsupported" if source.read(4) == b"ftyp" else "unreadable", "picture") from error
    except Image.DecompressionBombError as error:
        raise MarkingError("too_large", "pixels") from error
    except Exception as error:  # decoders raise errors of every kind where a file is broken; none of it is written
        raise MarkingError("unreadable", type(error).__name__) from error


def _bounded(image: Image.Image) -> None:
    """Hold a picture to the bounds, by its head alone."""
    pixels = image.width * image.height
    if pixels > MOST_PIXELS or pixels * getattr(image, "n_frames", 1) > MOST_ALL:
        raise MarkingError("too_large", "pixels")


def _placed(
    size: tuple[int, int], words: Lettering, orientation: int = 1, solid: bool = False
) -> tuple[Image.Image, tuple[int, int]]:
    """The plate as it is stored, and where its upper left corner goes.

    Args:
        size: of the picture as it is stored.
        words: what is written.
        orientation: of Exif, from 1 to 8.
        solid: a plate of few colours, through which nothing shines.
    """
    turned = _TURNED.get(orientation)
    seen = size[::-1] if turned is not None and orientation >= 5 else size
    made = lettering.plate(words, seen)
    place = lettering.corner(words.place, seen, made.size)
    if solid:
        made = Image.merge("RGBA", [*(band.point(_few) for band in made.split()[:3]), made.split()[3].point(_covered)])
    if turned is None:
        return made, place
    return made.transpose(turned), _stored(turned, seen, place, made.size)


def _drawn(image: Image.Image, ink: Ink, orientation: int = 1, solid: bool = False) -> Image.Image:
    """The picture with what is drawn; it is changed itself. The other arguments are those of `_placed`."""
    if ink.mark:
        turned = _TURNED.get(orientation)
        if turned is None:
            watermark.put(image, ink.mark)
        else:  # it stands upright as people see the picture, as the words do
            back = _BACK.get(turned, turned)
            image.paste(watermark.put(image.transpose(back), ink.mark).transpose(turned))
    if ink.words is not None:
        made, place = _placed(image.size, ink.words, orientation, solid)
        _lay(image, made, place)
    return image


def _lay(image: Image.Image, made: Image.Image, place: tuple[int, int]) -> None:
    """Put a plate on a picture."""
    box = (*place, place[0] + made.width, place[1] + made.height)
    under = image.crop(box)
    under = under if under.mode in ("LA", "RGBA") else under.convert("RGB")
    laid = Image.alpha_composite(under.convert("RGBA"), made)
    if image.mode in ("LA", "RGBA"):  # the plate is seen where the picture itself is transparent
        image.paste(laid.convert(image.mode), box)
    else:
        image.paste(laid.convert("RGB").convert(image.mode), box, made.getchannel("A").point(_covered))


def _few(grey: int) -> int:
    return min(255, (grey + 16) // 32 * 32)


def _covered(alpha: int) -> int:
    return 255 if alpha else 0


def _stored(turned: Transpose, seen: tuple[int, int], at: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    """Where the upper left corner of a box goes when the picture that holds it is turned."""
    (w, h), (x, y) = seen, at
    right, below = w - x - inner[0], h - y - inner[1]
    return {
        Transpose.FLIP_LEFT_RIGHT: (right, y),
        Transpose.ROTATE_180: (right, below),
        Transpose.FLIP_TOP_BOTTOM: (x, below),
        Transpose.TRANSPOSE: (y, x),
        Transpose.ROTATE_90: (y, right),
        Transpose.TRANSVERSE: (below, right),
        Transpose.ROTATE_270: (below, x),
    }[turned]


def _jpeg(source: BinaryIO, image: Image.Image, target: BinaryIO, ink: Ink) -> None:
    """Encode the scan anew; all else of the head is the old one's."""
    old = list(jpeg.segments(source))
    if any(one.holds(0xE2, b"MPF\x00") for one in old):
        raise MarkingError("unsupported", "several pictures in a JPEG")
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    orientation = image.getexif().get(_ORIENTATION, 1)
    options: dict[str, Any] = {
        "qtables": image.quantization,
        "progressive": bool(image.info.get("progressive")),
        "keep_rgb": image.mode == "RGB" and image.info.get("adobe_transform") == 0,
    }
    sampling = JpegImagePlugin.get_sampling(image)
    options |= {"subsampling": sampling} if sampling >= 0 else {}
    image.load()
    made = io.BytesIO()
    _drawn(image.copy(), ink, orientation).save(made, "JPEG", **options)
    new = list(jpeg.segments(made))
    target.write(b"\xff\xd8")
    for one in old:
        if (0xE0 <= one.marker <= 0xEF and one.marker != 0xEE) or one.marker == 0xFE:
            source.seek(one.at)
            copy(source, target, one.size)
    first = next(one.at for one in new if one.marker not in (0xE0, 0xFE) or one.marker == 0xEE)
    made.seek(first)
    copy(made, target, made.getbuffer().nbytes - first)


def _png(source: BinaryIO, image: Image.Image, target: BinaryIO, ink: Ink) -> None:
    """Encode the pixels anew; chunks that tell of the picture are the old one's."""
    source.seek(24)
    if source.read(1) == b"\x10":
        raise MarkingError("unsupported", "PNG of 16 bits a channel")
    exif = _turn_of(source)
    if _rows(source, image, target, ink, exif):
        return
    made = io.BytesIO()
    if getattr(image, "is_animated", False):
        shown = [_drawn(_full(frame), ink, exif) for frame in ImageSequence.Iterator(image)]
        durations = _durations(image)
        shown[0].save(
            made, "PNG", save_all=True, append_images=shown[1:], duration=durations, loop=image.info.get("loop", 0)
        )
    else:
        _drawn(_full(image), ink, exif).save(made, "PNG", compress_level=5)
    png.transplanted(source, made, target)


def _rows(source: BinaryIO, image: Image.Image, target: BinaryIO, ink: Ink, exif: int) -> bool:
    """Draw only the rows of the plate anew; returns whether that could be done."""
    if ink.mark or ink.words is None:
        return False
    plate, (x, y) = _placed(image.size, ink.words, exif)
    return png_rows.redrawn(source, target, y, y + plate.height, lambda rows, top: _lay(rows, plate, (x, y - top)))


def _turn_of(source: BinaryIO) -> int:
    """The orientation of a PNG, by its Exif chunk. (Pillow decodes the whole picture to look for one.)"""
    for kind, size in png.chunks(source):
        if kind == b"eXIf" and size < 1 << 20:
            block = Image.Exif()
            block.load(b"Exif\x00\x00" + source.read(size))
            return int(block.get(_ORIENTATION, 1))
    return 1


def _full(image: Image.Image) -> Image.Image:
    """The frame in a mode that holds any colour, as a copy.

    Raises:
        MarkingError: it has more than 8 bits a channel, which drawing would lose.
    """
    if image.mode in ("CMYK", "YCbCr"):
        return image.copy()
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX"):
        raise MarkingError("unsupported", "more than 8 bits a channel")
    if image.mode in ("L", "RGB", "RGBA", "LA") and "transparency" not in image.info:
        return image.copy()
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def _durations(image: Image.Image) -> list[float]:
    return [frame.info.get("duration", 0) for frame in ImageSequence.Iterator(image)]


def _webp(source: BinaryIO, image: Image.Image, target: BinaryIO, ink: Ink) -> None:
    """Encode all frames anew: without loss where they are, else at quality 90 or their own, where that is better."""
    quality = webp.quality(source)
    lossless = quality is None
    # Without loss, quality is how long to look for a smaller file. With loss the quickest method takes half as long as
    # the one that was used before, for 3 % more bytes and 0.2 dB; without, the usual one twice as long, for 6 % less.
    options = _told(image) | {"lossless": lossless, "exact": True}
    options |= {"quality": 20, "method": 2} if lossless else {"quality": max(90, quality or 0), "method": 0}
    frames = _frames(image, ink)
    if len(frames) > 1:
        options |= {"duration": _durations(image), "loop": image.info.get("loop", 0)}
        options |= {"save_all": True, "append_images": frames[1:], "background": image.info.get("background")}
    made = io.BytesIO()
    frames[0].save(made, "WEBP", **options)
    target.write(made.getbuffer())


def _avif(source: BinaryIO, image: Image.Image, target: BinaryIO, ink: Ink) -> None:
    """Encode all frames anew, at quality 90."""
    frames = _frames(image, ink)
    options = _told(image) | {"quality": 90, "speed": 8}
    if len(frames) > 1:
        options |= {"save_all": True, "append_images": frames[1:], "duration": _durations(image)}
    made = io.BytesIO()
    frames[0].save(made, "AVIF", **options)
    target.write(made.getbuffer())


def _told(image: Image.Image) -> dict[str, Any]:
    """What a picture tells of itself, as options of `save`."""
    names = {"exif": "exif", "icc_profile": "icc_profile", "xmp": "xmp"}
    return {option: image.info[name] for option, name in names.items() if image.info.get(name)}


def _frames(image: Image.Image, ink: Ink) -> list[Image.Image]:
    """All frames with the words."""
    orientation = image.getexif().get(_ORIENTATION, 1)
    return [_drawn(_full(frame), ink, orientation) for frame in ImageSequence.Iterator(image)]


def _gif(source: BinaryIO, image: Image.Image, target: BinaryIO, ink: Ink) -> None:
    """Each frame gets a palette of its own that holds its colours, as far as 255 go."""
    if ink.mark:
        raise MarkingError("no_watermark", "GIF")
    durations, frames = [], []
    for frame in ImageSequence.Iterator(image):
        durations.append(frame.info.get("duration", 0))
        frames.append(palettes.indexed(_drawn(frame.convert("RGBA"), ink, solid=True)))
    options: dict[str, Any] = {"optimize": False, "comment": image.info.get("comment")}
    if len(frames) > 1:
        options["disposal"] = 2 if any("transparency" in frame.info for frame in frames) else 1
        options |= {"save_all": True, "append_images": frames[1:], "duration": durations}
        options |= {"loop": image.info["loop"]} if "loop" in image.info else {}
    made = io.BytesIO()
    frames[0].save(made, "GIF", **{name: value for name, value in options.items() if value is not None})
    gif.transplanted(source, made, target)


def _tiff(source: BinaryIO, image: Image.Image, target: BinaryIO, ink: Ink) -> None:
    """Each page is encoded anew with its own compression and tags."""
    options: dict[str, Any] = {"big_tiff": directory.layout(source).word == 8}
    pages = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        page = _drawn(_full(image), ink, image.getexif().get(_ORIENTATION, 1))
        page.encoderinfo = _page(image)
        pages.append(page)
    if len(pages) > 1:
        options |= {"save_all": True, "append_images": pages[1:]}
    made = io.BytesIO()
    pages[0].save(made, "TIFF", **options, **pages[0].encoderinfo)
    target.write(made.getbuffer())


def _page(image: Image.Image) -> dict[str, Any]:
    """How a page is encoded, and its tags but for those that say where its pixels stand."""
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in image.tag_v2:
        if tag not in _LAYOUT:
            tags[tag] = image.tag_v2[tag]
            tags.tagtype[tag] = image.tag_v2.tagtype[tag]
    if EXIF_TAG in image.tag_v2:
        tags[EXIF_TAG] = dict(image.getexif().get_ifd(EXIF_TAG))
    compression = image.info.get("compression", "raw")
    quality = {"quality": 95} if compression in ("jpeg", "tiff_jpeg") else {}
    return {"compression": compression, "tiffinfo": tags} | quality


_WRITERS: Final[Mapping[str, Callable[[BinaryIO, Image.Image, BinaryIO, Ink], None]]] = {
    "JPEG": _jpeg,
    "MPO": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "TIFF": _tiff,
    "AVIF": _avif,
}
