# SPDX-License-Identifier: Apache-2.0
"""Text of strangers as a page shows it: escaped, cut where it is endless, and with nothing in it that can't be seen.

What turns the order of letters round, or is invisible, is shown by its number, so that a line reads as it is stored
(robustness, C2).
"""

from __future__ import annotations

import time
import unicodedata
from itertools import groupby
from typing import Final

from markupsafe import Markup, escape

LONGEST: Final = 300
"""Characters of a value that are shown, at most."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show as nothing."""


def unseen(character: str) -> bool:
    """Whether a character can't be seen, or changes how others are."""
    if character in _FILLERS or 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF:
        return True
    return unicodedata.category(character) in _UNSEEN or (character.isspace() and character not in " \u3000")


def visible(text: str, most: int = LONGEST) -> Markup:
    """A text for a page.

    Args:
        text: anybody's.
        most: characters that are shown; how many are left out is said.
    """
    made = []
    for hidden, run in groupby(text[:most], unseen):
        if hidden:
            made += [Markup('<span class="unseen">U+{:04X}</span>').format(ord(one)) for one in run]
        else:
            made.append(escape("".join(run)))
    if len(text) > most:
        made.append(Markup('<span class="cut">… +{}</span>').format(len(text) - most))
    return Markup("").join(made)


def lines(text: str, most: int = 20_000) -> Markup:
    """A text of several lines for a page, each as `visible` shows it.

    Args:
        text: anybody's.
        most: characters that are shown.
    """
    made = [visible(line, most) for line in text[:most].replace("\r\n", "\n").split("\n")]
    if len(text) > most:
        made.append(Markup('<span class="cut">… +{}</span>').format(len(text) - most))
    return Markup("<br>").join(made)


def moment(at: float) -> str:
    """A time as a person is told it, by the clock of the place where the law is kept.

    Args:
        at: Unix seconds.
    """
    return time.strftime("%Y-%m-%d %H:%M (UTC+8)", time.gmtime(at + 8 * 3600))
