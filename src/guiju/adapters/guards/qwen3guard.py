# SPDX-License-Identifier: Apache-2.0
"""Qwen3Guard-Gen behind a server of OpenAI's protocol (vLLM, SGLang): lines `Safety:`, `Categories:` and `Refusal:`.

The format is that of the makers' README (github.com/QwenLM/Qwen3Guard). Qwen3Guard-Stream takes token numbers, for
which no server publishes a protocol: replies are looked at by the generative model, sentence by sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from guiju.adapters.guards.labels import Said, Side
from guiju.adapters.guards.speech import Ask, ShapeError, answered, chat
from guiju.terms import Severity

_ANSWER: Final = re.compile(
    r"Safety: (Safe|Unsafe|Controversial)\s*\nCategories: ([^\n]+?)\s*(?:\nRefusal: (Yes|No))?\Z"
)
_SEVERITY: Final[Mapping[str, Severity]] = {"Unsafe": "block", "Controversial": "signal"}


class Qwen3Guard:
    """Asks Qwen3Guard-Gen.

    Args:
        model: the name under which it is served.
    """

    batch = 1
    most: Mapping[Side, int] = {"request": 6000, "reply": 6000}

    def __init__(self, model: str) -> None:
        self._model = model

    def ask(self, texts: Sequence[str], side: Side, prompt: str, now: float) -> Ask:
        """See `Speaks`."""
        return chat(self._model, texts[0], side, prompt, 128)

    def read(self, body: bytes, side: Side, count: int) -> list[list[Said]]:
        """See `Speaks`."""
        found = _ANSWER.match(answered(body))
        if found is None or (side == "reply") != bool(found[3]):
            raise ShapeError
        labels = [label.strip() for label in found[2].split(",")]
        severity = _SEVERITY.get(found[1])
        if severity is None:
            if labels != ["None"]:
                raise ShapeError
            return [[]]
        return [[Said(label, severity) for label in labels if label]]
