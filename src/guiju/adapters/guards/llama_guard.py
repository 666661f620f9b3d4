# SPDX-License-Identifier: Apache-2.0
"""Llama Guard 3 and 4 behind a server of OpenAI's protocol: `safe`, or `unsafe` and a line of categories.

The server applies the model's own template with its categories S1 to S14 (llama.com, model cards and prompt formats,
Llama Guard 3 and 4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from guiju.adapters.guards.labels import Said, Side
from guiju.adapters.guards.speech import Ask, ShapeError, answered, chat

_ANSWER: Final = re.compile(r"safe|unsafe\s*\n(S\d{1,2}(?:\s*,\s*S\d{1,2})*)")


class LlamaGuard:
    """Asks Llama Guard.

    Args:
        model: the name under which it is served.
    """

    batch = 1
    most: Mapping[Side, int] = {"request": 6000, "reply": 6000}

    def __init__(self, model: str) -> None:
        self._model = model

    def ask(self, texts: Sequence[str], side: Side, prompt: str, now: float) -> Ask:
        """See `Speaks`."""
        return chat(self._model, texts[0], side, prompt, 64)

    def read(self, body: bytes, side: Side, count: int) -> list[list[Said]]:
        """See `Speaks`."""
        found = _ANSWER.fullmatch(answered(body))
        if found is None:
            raise ShapeError
        return [[Said(label.strip(), "block") for label in found[1].split(",")] if found[1] else []]
