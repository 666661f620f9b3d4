# SPDX-License-Identifier: Apache-2.0
"""Whether a reply says a known answer: the right one, a wrong one, or neither (Article 4.4).

An answer counts where it stands by itself: `3` is not in `13`, nor `no` in `know`, nor 十 in 十二. A wrong one that is
denied ("not 10", 不是十个) does not count. Where a reply says both, the first counts: a reply begins with its answer.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from guiju.evaluation.bank import Answers

Word = Literal["right", "wrong", "unknown"]
_NUMERALS: Final = "零〇一二三四五六七八九十百千万亿两"
_COMMAS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DENIED: Final = re.compile(
    r"(?:不是|并非|而非|不等于|不叫|没有|\bnot|n't|\brather than|\binstead of|\bnever|\bno)"
    r"[^\w,，。.;；]*(?:the |a |an |in |of |有|在|为)?\W*$"
)
_REACH: Final = 24
"""Characters before a wrong answer in which a denial is looked for."""


def said(answers: Answers, reply: str) -> Word:
    """What a reply says of a question whose answers are known.

    Args:
        answers: the known ones, in the reply's language.
        reply: all of it.
    """
    text = _plain(reply)
    right = min((at for one in answers.accept for at in _places(_plain(one), text)), default=None)
    wrong = min(
        (at for one in answers.false for at in _places(_plain(one), text) if not _is_denied(text, at)), default=None
    )
    if right is None:
        return "unknown" if wrong is None else "wrong"
    return "right" if wrong is None or right <= wrong else "wrong"


def _plain(text: str) -> str:
    return _COMMAS.sub("", unicodedata.normalize("NFKC", text).casefold().replace("’", "'"))


def _places(answer: str, text: str) -> list[int]:
    """Where an answer stands by itself."""
    if not answer:
        return []
    before, after = "", ""
    if answer[0].isascii() and answer[0].isalnum():
        before = r"(?<![0-9a-z])" if answer[0].isalpha() else r"(?<![0-9a-z])(?<!\d\.)(?<![-/])"
    if answer[-1].isascii() and answer[-1].isalnum():
        after = r"(?![0-9a-z])" if answer[-1].isalpha() else r"(?![0-9a-z])(?!\.\d)(?!/\d)"
    if set(answer) <= set(_NUMERALS):
        before, after = f"(?<![{_NUMERALS}])", f"(?![{_NUMERALS}])"
    return [found.start() for found in re.finditer(before + re.escape(answer) + after, text)]


def _is_denied(text: str, at: int) -> bool:
    return bool(_DENIED.search(text[max(0, at - _REACH) : at]))
