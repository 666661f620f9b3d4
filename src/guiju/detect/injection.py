# SPDX-License-Identifier: Apache-2.0
"""Prompt injection and forged roles by patterns (Articles 4 and 15): few, exact, beside the model's own head.

Found are orders to drop or give away the system's orders, orders within a text that was only to be read, payloads to be
decoded and followed or put together from parts, and the markers of a chat template within a message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from guiju.detect.patterns import Patterns, book
from guiju.detect.words import passages
from guiju.terms import Finding, Text

# Markers of chat templates that open a role which no caller may speak in, with something said in it.
_FORGED: Final = re.compile(
    r"<\|(?:im_start|start_header_id)\|>\s*(?:system|developer|assistant)\b(?:<\|end_header_id\|>)?\s*\S"
    r"|<<SYS>>\s*\n|^\s*</?(?:system|sys)(?:_prompt|_message)?>\s*[^\s<]"
    r"|^\s*\[(?:system|SYSTEM)\]\s*[:：]?\s*\S|<\|(?:im_end|eot_id)\|>\s*<\|(?:im_start|start_header_id)\|>",
    re.MULTILINE,
)
_MARKS: Final = ("<|", "<<SYS", "[system]", "[SYSTEM]", "<system", "</system", "<sys>")
_QUOTED: Final = re.compile(r"`[^`\n]*$")


class Injection(Patterns):
    """The detector; its findings have the categories `injection` and `jailbreak` and only signal."""

    def __init__(self) -> None:
        super().__init__("injection", book("injection"))

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts that stand one after the other."""
        out = super().find(texts)
        for group in passages(texts):
            if not any(mark in group.text for mark in _MARKS):
                continue
            for found in _FORGED.finditer(group.text):
                if not _QUOTED.search(group.text, max(found.start() - 80, 0), found.start()):
                    place = Finding(self.id, "injection", "signal", "injection.role", "", *found.span(), "raw")
                    out.append(group.place(place))
                    break
        return out


@cache
def injection() -> Injection:
    """The detector, compiled once for a process: it keeps nothing of what it looks at."""
    return Injection()
