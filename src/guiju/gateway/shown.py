# SPDX-License-Identifier: Apache-2.0
"""Texts as a third party's guard model gets to see them: without personal data (Article 11)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from guiju.detect.personal.masking import hidden, unhidden
from guiju.terms import Finding

_LARGE: Final = 65_536
"""Characters from which texts are not looked at on the event loop."""


class Shown:
    """Texts without personal data, and the way back.

    Args:
        texts: as they are.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._made = [hidden(text) for text in texts]

    @property
    def texts(self) -> list[str]:
        """The texts as they may be shown."""
        return [text for text, _ in self._made]

    def back(self, number: int, found: Sequence[Finding]) -> list[Finding]:
        """Findings in a shown text as findings in the text itself.

        Args:
            number: which text.
            found: what was found in it.
        """
        moved = self._made[number][1]
        if not moved:
            return list(found)
        made = []
        for one in found:
            start, end = unhidden(moved, one.start, one.end)
            made.append(structs.replace(one, start=start, end=end))
        return made


async def shown(texts: Sequence[str]) -> Shown:
    """Make texts ready to be shown."""
    if sum(map(len, texts)) > _LARGE:
        return await asyncio.to_thread(Shown, texts)
    return Shown(texts)
