# SPDX-License-Identifier: Apache-2.0
"""Labels of generated text (Article 16; GB 45438-2025, 5.1 and 6.1; Annex E).

The implicit label travels as an `aigc` object beside the text. No rule prescribes its place in an API's answer: this
one is ours. The visible mark `AI生成` has both elements that a label in words needs.
"""

from __future__ import annotations

from typing import Final

from guiju.marking.label import generated
from guiju.terms import Label

MARK: Final = "【AI生成】"
_START, _END = MARK + "\n", "\n" + MARK


def envelope(label: Label) -> dict[str, str]:
    """The seven fields of Annex E as they stand beside a text."""
    return generated(label).fields()


def before(place: str) -> str:
    """What stands before the text when the mark goes `start` or `both`; else nothing."""
    return _START if place in ("start", "both") else ""


def after(place: str) -> str:
    """What stands after the text when the mark goes `end` or `both`; else nothing."""
    return _END if place in ("end", "both") else ""


def unmarked(text: str) -> str:
    """Text without our own mark at its start and end: a mark in history does not go to the model."""
    return text.removeprefix(_START).removesuffix(_END)
