# SPDX-License-Identifier: Apache-2.0
"""Finds that somebody wants a conversation to end (companion Measures, Article 19): a message that says so and nothing
else. Who writes about leaving is not leaving."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from guiju.detect.words import passages
from guiju.terms import Finding, Text

CATEGORY: Final = "companion.exit"
_LONGEST: Final = 64
"""Characters of a message that can be one of these, at most."""


class Leaving:
    """The detector; its findings only signal."""

    id = "leaving"

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find among texts that stand one after the other."""
        out = []
        for group in passages(texts):
            text = group.text
            if 0 < len(text) <= _LONGEST and plain(text) in phrases():
                out.append(group.place(Finding(self.id, CATEGORY, "signal", "leaving", "", 0, len(text), "folded")))
        return out


def plain(text: str) -> str:
    """A message without case, width and the marks around it."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(folded.split()).strip(" .,!?~。，！？、～…\"'“”‘’()（）/")


@cache
def phrases() -> frozenset[str]:
    """What counts, as `plain` makes it."""
    raw = tomllib.loads(files("guiju.detect").joinpath("leaving.toml").read_text("utf-8"))
    return frozenset(plain(one) for language in ("zh", "en") for one in raw[language])
