# SPDX-License-Identifier: Apache-2.0
"""View (g) of DESIGN §4: characters that are written apart (女口 for 如). `parts.txt` names its source and licence."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files
from typing import Final, Literal

import msgspec

Use = Literal["rare", "seen", "common"]
"""Whether ordinary text holds the parts beside one another as well."""
_USES: Final[tuple[Use, ...]] = ("rare", "seen", "common")


class Way(msgspec.Struct, frozen=True):
    """One way to write a character apart."""

    char: str
    parts: str
    use: Use


def ways(chars: Collection[str] | None = None) -> list[Way]:
    """The ways to write characters apart.

    Args:
        chars: folded characters; none for all of the table.
    """
    made: list[Way] = []
    for line in files("guiju.detect").joinpath("parts.txt").read_text("utf-8").splitlines():
        if line[0] != "#" and (chars is None or line[0] in chars):
            for told in line[2:].split(" "):
                parts = told.lstrip("~")
                made.append(Way(line[0], parts, _USES[len(told) - len(parts)]))
    return made
