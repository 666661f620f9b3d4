# SPDX-License-Identifier: Apache-2.0
"""An entry of a word list (Articles 4 and 15)."""

from __future__ import annotations

from typing import Literal

import msgspec

from guiju.terms import Severity

Boundary = Literal["auto", "word", "any"]
"""Where a term of a spaced script may stand: `word` only between word borders, `any` inside a longer word as well;
`auto` is `word` below six letters and `any` from six on."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One term of a word list.

    Attributes:
        id: stable hash of the folded term and the category, or the operator's own; what evidence names.
        term: the words as written.
        category: a risk id such as `A.1f`, or the operator's own class.
        severity: `block` refuses, `signal` is noted.
        owner, reason: who answers for it, and why it stands there.
        expires: last day on which it is in force, `YYYY-MM-DD`; `""` is never.
        boundary: where it may stand (`Boundary`).
        context: words of which one must stand close to the term (`nearby`); none means that it stands alone.
    """

    id: str
    term: str
    category: str
    severity: Severity
    owner: str = ""
    reason: str = ""
    expires: str = ""
    boundary: Boundary = "auto"
    context: tuple[str, ...] = ()
