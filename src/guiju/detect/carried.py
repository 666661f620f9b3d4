# SPDX-License-Identifier: Apache-2.0
"""What a text carries beside what it plainly says: turned round, hidden or encoded (views b, j and k of DESIGN §4).

For whatever compares whole statements; words have `deep`, which reads each of these views for each of its terms.
"""

from __future__ import annotations

from guiju.detect.decoded import hidden, levels
from guiju.detect.derived import Derived, raw
from guiju.detect.triggers import narrow, signs
from guiju.detect.views import OVERRIDES, visual


def carried(text: str) -> list[str]:
    """The texts that a text carries; none where it shows no sign of any.

    Args:
        text: the raw text.
    """
    shows = signs(text)
    if shows.wide:
        text = narrow(text)
        shows = signs(text)
    turned = any(mark in text for mark in OVERRIDES)
    if not (turned or shows.hidden or shows.coded):
        return []
    whole = raw(text)
    made: list[Derived] = []
    bases = [whole] if shows.coded else []
    if turned:
        bases.append(whole.picked([i for ranges in visual(text) for one in ranges for i in one], "bidi"))
        made.append(bases[-1])
    if shows.hidden and (inner := hidden(whole)):
        bases.append(inner)
        made.append(inner)
    made += [one for base in bases for one in levels(base)]
    return [one.text for one in made]
