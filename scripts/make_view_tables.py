# SPDX-License-Identifier: Apache-2.0
"""Make the tables of views (g) and (h) (DESIGN §4): src/guiju/detect/parts.txt and src/guiju/detect/sounds.txt.

`python scripts/make_view_tables.py --chaizi DIR --text FILE... --out src/guiju/detect`, with pypinyin installed. DIR
holds chaizi_jt.txt and chaizi_ft.txt (https://github.com/kfcd/chaizi, CC BY 3.0); FILEs are ordinary Chinese text, by
which parts that stand beside one another there anyway are marked as common.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

from pypinyin.contrib.tone_convert import to_normal  # type: ignore[import-not-found]  # only where tables are made
from pypinyin.phrases_dict import phrases_dict  # type: ignore[import-not-found]  # the same
from pypinyin.pinyin_dict import pinyin_dict  # type: ignore[import-not-found]  # the same

from guiju.detect.table import HARD, fold

STROKES = set("丨丿丶乀乁乚亅㇆乛𠃊𠃋㇏㇀㇇㇉㇈乙乂")
SEEN, COMMON = 3.0, 50.0
"""How often in a million characters of ordinary text parts stand beside one another, to be marked ~ and ~~."""
SHARE = 0.1
"""Of the phrases in which a character stands, those in which it must have another reading for that to count."""
PARTS_HEAD = """\
# SPDX-License-Identifier: Apache-2.0 AND CC-BY-3.0
# Characters and the parts that they are written apart as; made by scripts/make_view_tables.py, not edited by hand.
# Source: chaizi (开放词典网 kaifangcidian.com, https://github.com/kfcd/chaizi), CC BY 3.0; folded, and cut down to the
# characters of GB/T 2312 and parts that can be typed. Lines: a character, then its ways apart; ~ where ordinary text
# holds the parts beside one another as well, ~~ where it does so often.
"""
SOUNDS_HEAD = """\
# SPDX-License-Identifier: Apache-2.0 AND MIT
# Toneless readings of Chinese characters; made by scripts/make_view_tables.py, not edited by hand.
# Source: pypinyin 0.55 and its pinyin-data (MIT, mozillazg and contributors). Lines: a syllable and the characters
# that are read so; + where it is another reading than the first.
"""


def common_characters() -> list[str]:
    """The 6,763 characters of GB/T 2312."""
    made = (bytes((a, b)).decode("gb2312", "ignore") for a in range(0xB0, 0xF8) for b in range(0xA1, 0xFF))
    return [char for char in made if char]


def apart(folder: Path) -> dict[str, list[str]]:
    """Character → its ways apart, in the order of the source."""
    known = set(common_characters())
    made: dict[str, list[str]] = {}
    for name in ("chaizi_jt.txt", "chaizi_ft.txt"):
        for line in (folder / name).read_text("utf-8").splitlines():
            written, *ways = line.split("\t")
            char = fold(written)
            if char not in known:
                continue
            for way in ways:
                parts = [fold(part) for part in way.split()]
                fits = 2 <= len(parts) <= 4 and all(len(p) == 1 and p > HARD and p < "\U00010000" for p in parts)
                if fits and not STROKES & set(parts) and char not in parts and set("".join(parts)) - set("一二三八十"):
                    joined = "".join(parts)
                    if joined not in made.setdefault(char, []):
                        made[char].append(joined)
    return made


def parts(folder: Path, texts: list[Path]) -> str:
    ordinary = "".join(fold(re.sub(r"[^\u4e00-\u9fff]+", " ", path.read_text("utf-8"))) for path in texts)
    seen: Counter[str] = Counter()
    for size in (2, 3, 4):
        seen.update(ordinary[i : i + size] for i in range(len(ordinary) - size))
    lines = []
    for char, ways in sorted(apart(folder).items()):
        share = {way: seen[way] * 1e6 / max(len(ordinary), 1) for way in ways}
        told = [("~" * ((share[way] > SEEN) + (share[way] > COMMON))) + way for way in ways]
        lines.append(f"{char} {' '.join(told)}\n")
    return PARTS_HEAD + "".join(lines)


def plain(reading: str) -> str:
    """A syllable without its tone; ü as v."""
    return str(to_normal(reading)).replace("ü", "v")


def sounds() -> str:
    shares: dict[str, Counter[str]] = {}
    for phrase, readings in phrases_dict.items():
        for char, (reading, *_) in zip(phrase, readings, strict=False):
            shares.setdefault(char, Counter())[plain(reading)] += 1
    first: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    for code, told in sorted(pinyin_dict.items()):
        char = chr(code)
        if not 0x4E00 <= code <= 0x9FFF or fold(char) != char:
            continue
        readings = list(dict.fromkeys(plain(one) for one in told.split(",")))
        readings = [one for one in readings if re.fullmatch("[a-z]+", one)]
        if not readings:
            continue
        first.setdefault(readings[0], []).append(char)
        said = shares.get(char, Counter())
        for one in readings[1:]:
            if said[one] >= max(3, SHARE * said.total()):
                other.setdefault(one, []).append(char)
    lines = [f"{syllable} {''.join(chars)}\n" for syllable, chars in sorted(first.items())]
    lines += [f"+{syllable} {''.join(chars)}\n" for syllable, chars in sorted(other.items())]
    return SOUNDS_HEAD + "".join(lines)


def main() -> None:
    """Write both tables."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--chaizi", type=Path, required=True)
    told.add_argument("--text", type=Path, nargs="*", default=[])
    told.add_argument("--out", type=Path, required=True)
    said = told.parse_args()
    (said.out / "parts.txt").write_text(parts(said.chaizi, said.text), "utf-8")
    (said.out / "sounds.txt").write_text(sounds(), "utf-8")


if __name__ == "__main__":
    main()
