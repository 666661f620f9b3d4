# SPDX-License-Identifier: Apache-2.0
"""OpenAI's moderation endpoint: thirteen categories, many texts at once (openai-openapi, CreateModerationResponse)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from guiju.adapters.guards.labels import OTHER, TABLE, Said, Side
from guiju.adapters.guards.speech import Ask, ShapeError, decoded, items, obj

MODEL: Final = "omni-moderation-latest"
_LATER: Final = frozenset({"illicit", "illicit/violent"})
"""Categories that the older text models do not have."""
_MUST: Final = frozenset(TABLE.label["openai"]) - _LATER


class OpenAIModeration:
    """Asks `/moderations`.

    Args:
        model: the moderation model; "" for the newest.
    """

    batch = 32
    most: Mapping[Side, int] = {"request": 8000, "reply": 8000}

    def __init__(self, model: str) -> None:
        self._model = model or MODEL

    def ask(self, texts: Sequence[str], side: Side, prompt: str, now: float) -> Ask:
        """See `Speaks`."""
        return Ask("/moderations", msgspec.json.encode({"model": self._model, "input": list(texts)}))

    def read(self, body: bytes, side: Side, count: int) -> list[list[Said]]:
        """See `Speaks`."""
        results = items(decoded(body).get("results"))
        if len(results) != count:
            raise ShapeError
        return [_said(one) for one in results]


def _said(result: dict[str, Any]) -> list[Said]:
    flagged, categories = result.get("flagged"), obj(result.get("categories"))
    if not isinstance(flagged, bool) or not categories.keys() >= _MUST:
        raise ShapeError
    for name, value in categories.items():
        if not isinstance(value, bool) and not (value is None and name in _LATER):
            raise ShapeError
    said = [Said(name, "block") for name, value in categories.items() if value]
    return said or ([Said(OTHER, "block")] if flagged else [])
