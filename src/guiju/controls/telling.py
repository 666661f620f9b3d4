# SPDX-License-Identifier: Apache-2.0
"""Whether what the authority is told is whole (Articles 6 and 17): a package with a gap is no answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from guiju.terms import PASS, Control, Finding, Reach, Reason, Verdict

_ARTICLE: Final = "17"


class Pack(msgspec.Struct, frozen=True):
    """A package of documents that somebody wants to build: its kind, and how many of its documents say something."""

    kind: str
    documents: int


class Told:
    """The authority is told of training data, annotation and the algorithm by a package in which nothing is missing."""

    id = "dossier.told"
    # Partly: it sees that no package goes out with a gap, which a planted case proves each minute. Whether anybody was
    # told anything it can't know.
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("17.a", "17.b", "17.c")
    reach: Reach = "whole"

    def decide(self, subject: Pack, findings: Sequence[Finding]) -> Verdict:
        """Pass when there is something to tell and lint found nothing that blocks."""
        against = tuple(one for one in findings if one.severity == "block")
        if against or subject.documents <= 0:
            return Verdict("refuse", Reason("dossier_incomplete", _ARTICLE), against)
        return PASS


ALL: Final[tuple[Control[Pack], ...]] = (Told(),)
"""The controls of telling."""
PLANTED: Final[dict[str, tuple[Pack, tuple[Finding, ...]]]] = {
    Told.id: (Pack("inspection", 3), (Finding("dossier", "dossier", "block", "L18", "fact:org.name", 0, 0, "raw"),)),
}
"""Control id → a case that it must not let pass."""
