# SPDX-License-Identifier: Apache-2.0
"""Make src/guiju/detect/fold.txt, the table by which views (c) to (e) fold each character (DESIGN §4).

Run it with Python 3.13 or what the header of the file names, as the table follows that Python's Unicode data:
`python scripts/make_fold_table.py CONFUSABLES > src/guiju/detect/fold.txt`, where CONFUSABLES is Unicode's
`intentional.txt` (https://www.unicode.org/Public/security/latest/intentional.txt).
"""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

import opencc  # type: ignore[import-untyped]  # the binding ships no types

# Marks that end a clause or a line: a word does not go on over one of them.
HARD = set("。，！？；：、,!?;:…‥｡､﹐﹑﹒﹔﹕﹖﹗︐︑︒︓︔︕︖︙—―\n\r\x0b\x0c\x85\u2028\u2029؟،؛۔।॥")
DOT = set(".．․")
# Letters that are drawn like Latin ones: common knowledge, beside Unicode's own list of intentional confusables.
LOOKALIKES = (
    "аa бb6 вb еe ёe зz иu йu кk лn мm нh оo пn рp сc тt уy фo хx ьb іi їi јj ѕs ԁd ԛq ԝw һh ӏl ԍg ҽe ѵv ѡw "
    "αa βb εe ζz ηn ιi κk νv οo ρp τt υu χx ωw γy "
    "æae œoe ıi ſs "
    "օo ոn սu հh ցg զq տs ԛq ɑa ɡg ɩi ɪi ʏy ꮯc ꮪs ꮇm ꮤw ꮋh ꮓz ꭰd ꭺa ꭼe ᴦr ꞵb"
)
# Of the above only what a reader takes for the Latin letter at once; the rest of the letters stay themselves.
LEFT_ALONE = set("бзийлпф")
# Default-ignorable code points that are letters by category.
IGNORABLE = {0x115F, 0x1160, 0x3164, 0xFFA0, 0x2065, 0xFFF0, *range(0xFFF1, 0xFFF9), *range(0xE0000, 0xE1000)}
HEADER = """\
# SPDX-License-Identifier: Apache-2.0 AND Unicode-3.0
# How each character folds for matching; made by scripts/make_fold_table.py, not edited by hand.
# Sources: Unicode Character Database {unicode} through Python's unicodedata, and Unicode's intentional confusables
# (both Unicode-3.0); OpenCC's table of traditional characters (Apache-2.0); lookalikes of the script itself.
# Lines: class (drop, soft, dot, hard) and ranges in hex; map and SOURCE=target pairs. Anything not named stays itself.
"""
_NAMED = re.compile(
    r"(?:LATIN (?:SMALL |CAPITAL )?LETTER(?: SMALL CAPITAL)?|NEGATIVE (?:SQUARED|CIRCLED) LATIN CAPITAL "
    r"LETTER|REGIONAL INDICATOR SYMBOL LETTER|TAG LATIN (?:SMALL|CAPITAL) LETTER) ([A-Z])(?: WITH .*)?"
)


def intentional(path: Path) -> dict[str, str]:
    """Non-ASCII character → the ASCII letter that it is drawn like on purpose."""
    pairs: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        if found := re.match(r"([0-9A-F]+) ;\t([0-9A-F]+)\t", line):
            a, b = (chr(int(x, 16)) for x in found.groups())
            if a.isascii() and a.isalnum() and not b.isascii():
                pairs[b] = a.lower()
    return pairs


class Table:
    """The rules, in the order in which they are tried."""

    def __init__(self, confusables: dict[str, str]) -> None:
        own = {pair[0]: pair[1:] for pair in LOOKALIKES.split() if pair[0] not in LEFT_ALONE}
        self.likeness = confusables | own
        self.simplify = opencc.OpenCC("t2s").convert

    def letter(self, char: str) -> str:
        """One decomposed letter or digit, folded; '' when it is a mark that is stripped."""
        if char in self.likeness:
            return self.likeness[char]
        if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc") or ord(char) in IGNORABLE:
            return ""
        if (value := unicodedata.digit(char, None)) is not None:
            return str(value)
        if named := _NAMED.fullmatch(unicodedata.name(char, "")):
            return named[1].lower()
        if "一" <= char <= "鿿" or "㐀" <= char <= "䶿" or char >= "\U00020000":
            while len(plain := self.simplify(char)) == 1 and plain != char:
                char = plain
        return char

    def fold(self, char: str) -> str | None:
        """Text that a character folds to; a class name for separators; None when it stays itself."""
        code = ord(char)
        if char in HARD:
            return "hard"
        if char in DOT:
            return "dot"
        if char in "\t™℠" or 0xD800 <= code < 0xE000 or char == "\u2800":
            return "soft"
        if 0xAC00 <= code < 0xD7A4:
            return None
        kind = unicodedata.category(char)
        if kind in ("Mn", "Me", "Cf", "Cc") or code in IGNORABLE:
            return "drop"
        if char in self.likeness:
            return self.likeness[char]
        if kind in ("Cn", "Co"):  # shown as a box; what later editions of Unicode bring beyond the BMP stays itself
            return None if code >= 0x20000 else "soft"
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
        out = "".join(self.letter(c) for c in text if unicodedata.category(c)[0] in "LNM" or self.letter(c) != c)
        if kind[0] in "PSZ" and not any(c.isalnum() for c in out):
            return "soft"
        return None if out == char else out or "drop"


def ranges(codes: list[int]) -> list[str]:
    """Code points as hex ranges."""
    out: list[tuple[int, int]] = []
    for code in codes:
        if out and out[-1][1] == code - 1:
            out[-1] = (out[-1][0], code)
        else:
            out.append((code, code))
    return [f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in out]


def lines(word: str, items: list[str]) -> list[str]:
    """Items in lines of at most 120 characters that begin with a word."""
    out: list[str] = []
    for item in items:
        if not out or len(out[-1]) + len(item) >= 119:
            out.append(word)
        out[-1] += " " + item
    return out


def main() -> None:
    """Write the table to standard output."""
    table = Table(intentional(Path(sys.argv[1])))
    classes: dict[str, list[int]] = {"drop": [], "soft": [], "dot": [], "hard": []}
    mapped: list[str] = []
    for code in [*range(0x32400), *range(0xE0000, 0xE1000)]:
        folded = table.fold(chr(code))
        if folded in classes:
            classes[folded].append(code)
        elif folded is not None:
            mapped.append(f"{code:x}={folded}")
    out = [line for name, codes in classes.items() for line in lines(name, ranges(codes))] + lines("map", mapped)
    text = HEADER.format(unicode=unicodedata.unidata_version) + "\n".join(out) + "\n"
    sys.stdout.buffer.write(text.encode())


if __name__ == "__main__":
    main()
