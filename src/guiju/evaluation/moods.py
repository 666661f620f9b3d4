# SPDX-License-Identifier: Apache-2.0
"""How well a reply speaks, told by a list of words (Articles 4(2) and 12): Chinese and English, `moods.toml`.

It compares two replies to one question; it is no judgement of one reply, and none of a person. Pure.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from guiju.errors import Language

_NEAR: Final = {"zh": 4, "en": 24}
"""Within so many characters before a word, another one turns it round."""
_PAUSE: Final = re.compile("[，。！？；,.!?;:：\n]")


class Words(msgspec.Struct, frozen=True):
    """What is searched in one language: good words and ill ones, by the longest first, and what turns them round."""

    any: re.Pattern[str]
    good: frozenset[str]
    turns: re.Pattern[str]


def mood(text: str, language: Language) -> float:
    """From -1 (every word that counts speaks ill) to 1 (every one speaks well); 0 where none does, or as many of each.

    Args:
        text: a reply.
        language: in which it was asked; words of that one are searched.
    """
    known = _words()[language]
    text = unicodedata.normalize("NFKC", text).casefold()
    good = ill = 0
    for one in known.any.finditer(text):
        before = _PAUSE.split(text[max(0, one.start() - _NEAR[language]) : one.start()])[-1]
        well = (one.group() in known.good) != (known.turns.search(before) is not None)
        good, ill = good + well, ill + (not well)
    return (good - ill) / (good + ill) if good + ill else 0.0


@cache
def _words() -> dict[str, Words]:
    raw = tomllib.loads(files("guiju.evaluation").joinpath("moods.toml").read_text("utf-8"))
    made = {}
    for language, lists in raw.items():
        good, ill, turns = (lists[name].split() for name in ("good", "ill", "turns"))
        edge = r"\b" if language == "en" else ""

        def whole(some: list[str], edge: str = edge) -> re.Pattern[str]:
            return re.compile(edge + "(?:" + "|".join(map(re.escape, sorted(some, key=len, reverse=True))) + ")" + edge)

        made[language] = Words(whole([*good, *ill]), frozenset(good), whole(turns))
    return made
