# SPDX-License-Identifier: Apache-2.0
"""Cuts a text into portions that a guard takes, at the ends of sentences, each with the end of the one before it."""

from __future__ import annotations

import re
from typing import Final

_END: Final = re.compile(r"[。！？!?…\n；;]+[”’」』）)\]\"']*|\.(?=\s)")


def border(text: str) -> int:
    """Where the last sentence that is complete ends; 0 where none is."""
    end = 0
    for found in _END.finditer(text):
        end = found.end()
    return end


def portions(text: str, most: int, overlap: int) -> list[tuple[int, str]]:
    """Cut a text; every character is in a portion, and what lies over a border is whole in one of both.

    Args:
        text: the text.
        most: characters of a portion.
        overlap: characters of the one before that are seen again; less than half of `most`.

    Returns:
        Offset and portion, in order.
    """
    made = []
    start = 0
    while len(text) - start > most:
        half = start + most // 2
        cut = half + border(text[half : start + most])
        if cut == half:  # no sentence ends there
            cut = start + most
        made.append((start, text[start:cut]))
        back = cut - overlap
        found = _END.search(text, back, cut)
        start = found.end() if found and found.end() < cut else back
    made.append((start, text[start:]))
    return made
