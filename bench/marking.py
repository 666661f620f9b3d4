# SPDX-License-Identifier: Apache-2.0
"""Labels of pictures: what they cost, and what of them survives common handling. `python bench/marking.py [--json]`

Pictures are 1024 by 1024, made here: soft shapes, dark, light and busy ones. Times are CPU time of one thread, the best
of several rounds, on the busy one where nothing else is said. Besides: how far pictures change beside their words
(PSNR), and how much files grow. Words are read again with PP-OCR where `rapidocr` is installed (`pip install rapidocr
onnxruntime`); else that column says so.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import io
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from guiju.marking import c2pa, families, watermark
from guiju.marking.inscribe import inscribed
from guiju.marking.label import Aigc, generated, parse
from guiju.marking.lettering import Lettering
from guiju.marking.throwaway import certificate
from guiju.marking.watermark_number import payload
from guiju.terms import Label

SIDE = 1024
WORDS = Lettering("AI生成")
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
LABEL = generated(Label("DEVELOPMENT", "bench-0001"))
SAID = payload(LABEL.produce_id)
KEPT = ("metadata", "credentials", "watermark", "words")
GROUNDS = ("dark", "light", "busy")


def picture(ground: str) -> Image.Image:
    """A picture on a dark, a light or a busy ground; a word behind it makes another one."""
    rng, kind = random.Random(ground), ground.partition(" ")[0]
    made = Image.new("RGB", (SIDE, SIDE), {"dark": (10, 12, 18), "light": (246, 246, 240)}.get(kind, (120, 120, 120)))
    draw = ImageDraw.Draw(made)
    for _ in range(2500 if kind == "busy" else 12):
        x, y, r = rng.randrange(SIDE), rng.randrange(SIDE), rng.randrange(6, 60)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(rng.randrange(256) for _ in range(3)))
    return made.filter(ImageFilter.GaussianBlur(2))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A file."""
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 90} if kind != "PNG" else {}) | options)
    return out.getvalue()


def worded(data: bytes, mark: bytes = b"") -> bytes:
    """The file with words and, where one is given, a watermark."""
    out = io.BytesIO()
    inscribed(io.BytesIO(data), out, WORDS, mark)
    return out.getvalue()


def labelled(data: bytes, aigc: Aigc = LABEL) -> bytes:
    """The file with its metadata, read back."""
    out = io.BytesIO()
    families.labelled(io.BytesIO(data), out, aigc)
    return out.getvalue()


def signed(data: bytes, media_type: str, signing: c2pa.Signing) -> bytes:
    """The file with content credentials."""
    out = io.BytesIO()
    c2pa.signed(io.BytesIO(data), out, media_type, signing, ("Guiju bench", "0"))
    return out.getvalue()


def a_second(call: Callable[[], Any], rounds: int) -> float:
    """How often a thread does it in a second of CPU time."""
    spent = []
    for _ in range(rounds):
        began = time.thread_time()
        call()
        spent.append(time.thread_time() - began)
    return 1 / min(spent)


def costs(signing: c2pa.Signing) -> dict[str, dict[str, float]]:
    """Pictures a second."""
    made = {}
    for kind, media_type in TYPES.items():
        data = saved(picture("busy"), kind)
        made[kind] = {
            "metadata": a_second(lambda data=data: labelled(data), 50),
            "words and metadata": a_second(lambda data=data: labelled(worded(data)), 8),
            "words, watermark and metadata": a_second(lambda data=data: labelled(worded(data, SAID)), 8),
            "watermark, read": a_second(lambda data=data: watermark.read(io.BytesIO(data)), 8),
            "content credentials": a_second(lambda data=data, kind=media_type: signed(data, kind, signing), 8),
        }
        calm = [saved(picture(ground), kind) for ground in ("dark", "light")]
        made[kind]["words and metadata, calm ground"] = 2 / sum(
            1 / a_second(lambda one=one: labelled(worded(one)), 8) for one in calm
        )
    return made


def changes() -> list[dict[str, Any]]:
    """How far pictures change beside their words, and files grow."""
    rows = []
    for kind in TYPES:
        for ground in GROUNDS:
            data = saved(picture(ground), kind)
            for what, mark in (("words", b""), ("words and watermark", SAID)):
                after = worded(data, mark)
                apart = (np.asarray(opened(data), np.float64) - np.asarray(opened(after), np.float64))[: SIDE * 4 // 5]
                error = float((apart**2).mean())
                psnr = 10 * math.log10(255**2 / error) if error else None
                rows.append(
                    {"type": kind, "ground": ground, "what": what, "psnr": psnr, "size": len(after) / len(data)}
                )
    return rows


def unmarked(pictures: int) -> dict[str, int]:
    """Watermarks that are read in pictures that have none."""
    found = 0
    for number in range(pictures):
        data = saved(picture(f"{('busy', 'dark', 'light')[number % 3]} {number}"), "JPEG", quality=50 + number % 50)
        found += watermark.read(io.BytesIO(data)) is not None
    return {"pictures": pictures, "found": found}


def opened(data: bytes) -> Image.Image:
    """The picture as an editor has it."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def handled(data: bytes, kind: str) -> Iterator[tuple[str, bytes]]:
    """What people do with a picture."""
    image = opened(data)
    kept = Image.open(io.BytesIO(data)).info.get("xmp")
    yield "sent as a file", data
    if kind != "PNG":
        yield "saved again by an editor that keeps XMP", saved(image, kind, xmp=kept)
    yield "saved again without metadata", saved(image, kind)
    yield "half the size", saved(image.resize((SIDE // 2, SIDE // 2)), kind)
    yield (
        "a tenth cut off at each edge",
        saved(image.crop((SIDE // 10, SIDE // 10, SIDE * 9 // 10, SIDE * 9 // 10)), kind),
    )
    yield "screenshot at 125 %", saved(image.resize((SIDE * 5 // 4, SIDE * 5 // 4)), "PNG")
    yield "messenger: 720 px, quality 70", saved(image.resize((720, 720)), "JPEG", quality=70)
    small = opened(saved(image.resize((720, 720)), "JPEG", quality=70))
    yield "messenger twice: 480 px, quality 50", saved(small.resize((480, 480)), "JPEG", quality=50)
    yield "as WebP, quality 60", saved(image, "WEBP", quality=60)


def reader() -> Callable[[bytes], bool] | None:
    """Reads the words again; none where OCR is not installed."""
    try:
        engine = importlib.import_module("rapidocr").RapidOCR()
    except ModuleNotFoundError:
        return None

    def read(data: bytes) -> bool:
        found = engine(np.asarray(opened(data))[..., ::-1])
        return any("AI生成" in str(text).replace(" ", "") for text in found.txts or ())

    return read


def has_label(data: bytes) -> bool:
    """Whether the metadata still have the label."""
    family = families.family_of(data[:4096])
    found = family.read(io.BytesIO(data)) if family else []
    return [read.aigc for one in found if (read := parse(one.text))] == [LABEL]


def survival(signing: c2pa.Signing) -> list[dict[str, Any]]:
    """For each way of handling: how many pictures keep metadata, whole credentials and words."""
    read = reader()
    rows: dict[str, dict[str, Any]] = {}
    for kind in ("JPEG", "PNG"):
        for ground in GROUNDS:
            data = signed(labelled(worded(saved(picture(ground), kind), SAID)), TYPES[kind], signing)
            for how, after in handled(data, kind):
                row = rows.setdefault(
                    how, {"how": how, "of": 0, "metadata": 0, "credentials": 0, "watermark": 0, "words": 0}
                )
                after_kind = TYPES[str(Image.open(io.BytesIO(after)).format)]
                credentials = c2pa.read(io.BytesIO(after), after_kind)
                row["of"] += 1
                row["metadata"] += has_label(after)
                row["credentials"] += credentials is not None and credentials.state != "invalid"
                row["watermark"] += watermark.read(io.BytesIO(after)) == SAID
                row["words"] = row["words"] + read(after) if read else None
    return list(rows.values())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--unmarked", type=int, default=30, help="pictures without a watermark in which one is looked for"
    )
    options = parser.parse_args()
    chain, key = certificate(datetime.datetime.now(datetime.UTC))
    signing = c2pa.Signing(chain, key)
    speed = costs(signing)
    rows, changed, without = survival(signing), changes(), unmarked(options.unmarked)
    if options.json:
        report = {"a second": speed, "survival": rows, "changes": changed, "unmarked": without}
        json.dump(report, sys.stdout, ensure_ascii=False)
        return
    for kind, figures in speed.items():
        print(kind, ", ".join(f"{name} {value:.0f}/s" for name, value in figures.items()))
    for row in changed:
        psnr = f"{row['psnr']:.1f} dB" if row["psnr"] else "the same"
        print(f"{row['type']:5} {row['ground']:6} {row['what']:20} {psnr}, {row['size']:.2f} of its size")
    print(f"{without['found']} watermarks read in {without['pictures']} pictures without one")
    print(f"{'handling':42} metadata credentials watermark words")
    for row in rows:
        words = "not read" if row["words"] is None else f"{row['words']}/{row['of']}"
        print(
            f"{row['how']:42} {row['metadata']}/{row['of']:<7} {row['credentials']}/{row['of']:<8} "
            f"{row['watermark']}/{row['of']:<7} {words}"
        )


if __name__ == "__main__":
    main()
