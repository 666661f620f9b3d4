# SPDX-License-Identifier: Apache-2.0
"""Where a short answer stands in a reply, and whether the reply means it (Article 4.4).

An answer counts where it stands by itself: `3` is not in `13`, nor `no` in `know`, nor 十 in 十二; numbers by value.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from guiju.detect.figures import figures
from guiju.detect.stance import stands, tone

Span = tuple[int, int]
_OPEN: Final = re.compile(
    "有人(?:说|认为|以为)|传说|常被误|误以为|俗称|(?:many|some) (?:people )?(?:think|believe|say)|often (?:said"
    "|thought)|myth",
    re.I,
)
"""What follows is somebody else's opinion."""
_NUMERALS: Final = "零〇一二三四五六七八九十百千万亿两"
_LETTER: Final = r"(?<![a-z0-9])"
_DIGIT: Final = r"(?<![a-z0-9/])(?<![0-9]\.)"
_AFTER_LETTER: Final = r"(?![a-z0-9])"
_AFTER_DIGIT: Final = r"(?![a-z0-9]|[.,]\d|/\d)"
_CLAUSE: Final = re.compile("[。！？!?；;,，]|[.] |(?<![a-z])but(?![a-z])|而是|而(?=有)")
_NO_FIGURE: Final = re.compile(r"[a-z/-]")


def plain(text: str) -> str:
    """A text in one case and width, blanks and apostrophes alike."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("’", "'").split())


def places(text: str, short: str) -> list[Span]:
    """Where a short answer stands by itself; a number wherever its value stands.

    Args:
        text, short: both `plain`.
    """
    if not short:
        return []
    before, after = _before(short[0]), _after(short[-1])
    found = [one.span() for one in re.finditer(before + re.escape(short) + after, text)]
    wanted = figures(f"{short}个" if not short.isascii() else short)
    if len(wanted) == 1 and wanted[0].end - wanted[0].start >= len(short):
        same = (one for one in figures(text) if one.kind == wanted[0].kind and one.day == wanted[0].day)
        spans = [(one.start, one.end) for one in same if wanted[0].value in (one.value, one.shown * one.scale)]
        found += [span for span in spans if not _within(text, *span)]
    return found


def meant(text: str, span: Span) -> bool:
    """Whether a reply says what stands there, and neither denies it nor reports it as the opinion of others."""
    start, end = span
    clause = _CLAUSE.split(text[:start])[-1]
    if _OPEN.search(clause):
        return False
    return stands(clause, text[start:end], "", tone(text[start:end])) in ("asserts", "asks")


def _within(text: str, start: int, end: int) -> bool:
    """Whether a figure is part of a name, an ordinal or a fraction: B12, 10th, 1/12."""
    return bool(_NO_FIGURE.match(text[start - 1 : start]) or re.match(r"[a-z]|/\d", text[end : end + 2]))


def _before(sign: str) -> str:
    """What must not stand before a short answer that begins with a sign: 十 is no part of 二十."""
    if sign in _NUMERALS:
        return f"(?<![{_NUMERALS}])"
    return "" if not (sign.isascii() and sign.isalnum()) else _LETTER if sign.isalpha() else _DIGIT


def _after(sign: str) -> str:
    if sign in _NUMERALS:
        return f"(?![{_NUMERALS}])"
    return "" if not (sign.isascii() and sign.isalnum()) else _AFTER_LETTER if sign.isalpha() else _AFTER_DIGIT
