# SPDX-License-Identifier: Apache-2.0
"""The words of explicit labels (Article 16; GB 45438-2025, 5.1 to 5.4; Labelling Measures, 4 and 6)."""

from __future__ import annotations

import re
from typing import Final

from guiju.errors import Language

WORDS: Final[dict[str, dict[Language, str]]] = {
    "1": {"zh": "AI生成", "en": "AI-generated"},
    "2": {"zh": "可能为AI生成", "en": "Possibly AI-generated"},
    "3": {"zh": "疑似AI生成", "en": "Suspected AI-generated"},
}
"""Kind of the label → what people read: it is, the user says so, traces were found."""
_ELEMENTS: Final = (
    re.compile(r"人工智能|(?<![A-Za-z])AI(?![A-Za-z])|artificial intelligence", re.IGNORECASE),
    re.compile(r"生成|合成|generated|synthetic|synthesi[sz]ed", re.IGNORECASE),
)
_LONGEST: Final = 64


def fault(text: str) -> str:
    """What is wrong with words of the operator's own; `""` when nothing is. A label in words names both elements, AI
    and generation."""
    if not 0 < len(text) <= _LONGEST or not text.isprintable():
        return "empty, longer than 64 characters, or not printable"
    if not all(element.search(text) for element in _ELEMENTS):
        return "both elements: AI (人工智能, AI), generation (生成, 合成, generated)"
    return ""
