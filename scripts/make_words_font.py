# SPDX-License-Identifier: Apache-2.0
"""Cut src/guiju/marking/font/words.otf out of Noto Sans CJK SC Bold: the characters that labels are made of.

    python scripts/make_words_font.py NotoSansCJK-Bold.ttc      (needs fonttools; Debian's fonts-noto-cjk has the font)

The font is under the SIL Open Font License 1.1; it may be cut and shipped under that licence, and not under the name
Source. The licence's text stands beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection

WORDS = (
    "本此图片像音视频文内容作品由于经人工智能辅助生成合制可能为疑似仅供参考标识不代表真实场景已编辑过含部分"
    "【】：，。·（）"
)
ASCII = "".join(map(chr, range(0x20, 0x7F)))
OUT = Path(__file__).parents[1] / "src" / "guiju" / "marking" / "font" / "words.otf"


def main(source: str) -> None:
    """Write the font."""
    font = next(one for one in TTCollection(source).fonts if one["name"].getDebugName(1).startswith("Noto Sans CJK SC"))
    options = subset.Options(layout_features=["kern"], name_IDs=[0, 13, 14], notdef_outline=True, hinting=False)
    options.name_languages = [0x409]
    cut = subset.Subsetter(options)
    cut.populate(text=WORDS + ASCII)
    cut.subset(font)
    for number, name in {1: "Guiju Words", 2: "Bold", 4: "Guiju Words Bold", 6: "GuijuWords-Bold"}.items():
        font["name"].setName(name, number, 3, 1, 0x409)
    top = font["CFF "].cff
    top.fontNames = ["GuijuWords-Bold"]
    font["head"].modified = font["head"].created  # the same bytes at every run
    font.recalcTimestamp = False
    font.save(OUT)
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
