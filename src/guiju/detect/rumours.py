# SPDX-License-Identifier: Apache-2.0
"""Rumours (Article 4.1, "true and accurate"): claims known to be false, found by likeness, each with its correction.

A text that denies or rebuts a claim, or carries its correction, needs none. One that asserts it or asks about it is
found, so that the answer can be given the correction and its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from guiju.detect.likeness import Kind, Marks, Match, Signed, Trail, mark
from guiju.detect.units import Key
from guiju.terms import Detector, Finding, Following, Severity, Text

PURPOSE: Final = "rumours"
CATEGORY: Final = "rumour"

Falsity = Literal["false", "misleading", "unproven", "outdated"]
VERDICTS: Final[tuple[Falsity, ...]] = ("false", "misleading", "unproven", "outdated")
_CORRECTED: Final = "\0corrected"


class Rumour(msgspec.Struct, frozen=True, kw_only=True):
    """One claim and what is known of it.

    Attributes:
        id: what evidence names.
        claim: the claim, in one sentence.
        verdict: what is wrong with it.
        correction: what is right, in a sentence that can be shown to users.
        source: who says so, with its address.
        date: the day on which the source said so, `YYYY-MM-DD`.
        expires: last day on which it is in force, `YYYY-MM-DD`; `""` is never.
        language: `zh` or `en`.
        owner: who answers for it.
        severity: `signal` adds the correction; `block` refuses the answer.
    """

    id: str
    claim: str
    verdict: Falsity
    correction: str
    source: str
    date: str
    expires: str = ""
    language: Literal["zh", "en"] = "zh"
    owner: str = ""
    severity: Severity = "signal"


class Rumours(Following):
    """A detector of claims that are known to be false.

    Args:
        rumours: those in force; expired ones are left out by whoever reads the clock.
        key: any key.

    Raises:
        ValueError: a claim has less than 4 canonical units.
    """

    id = "rumours"

    def __init__(self, rumours: Sequence[Rumour], key: Key) -> None:
        self.rumours = {one.id: one for one in rumours}
        signed = []
        for one in rumours:
            made = mark(one.claim, key)
            signed.append(Signed(one.id, _kind(made.near), made))
            right = mark(one.correction, key)
            signed.append(Signed(one.id + _CORRECTED, _kind(right.near), right))
        self.marks = Marks(signed, key)

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts; one that joins goes on the one before it."""
        return super().find(texts) if self.rumours else []

    def begin(self) -> Detector:
        """A detector for the pieces of one text."""
        return _Along(self)

    def told(self, match: Match, field: str) -> Finding:
        """A match as a finding."""
        one = self.rumours[match.id]
        severity: Severity = "signal" if match.side == "asks" else one.severity
        return Finding(self.id, CATEGORY, severity, one.id, field, match.start, match.end, match.kind)


def notice(rumour: Rumour) -> dict[str, str]:
    """What a reader is told of a claim: what is right, who says so, and since when."""
    return {
        "kind": "correction",
        "rumour": rumour.id,
        "verdict": rumour.verdict,
        "text": rumour.correction,
        "source": rumour.source,
        "date": rumour.date,
        "language": rumour.language,
    }


def sentence(notice: Mapping[str, str]) -> str:
    """A notice as a paragraph under an answer."""
    if notice["language"] == "zh":
        return f"【更正】{notice['text']}（来源：{notice['source']}，{notice['date']}）"
    return f"[Correction] {notice['text']} (Source: {notice['source']}, {notice['date']})"


def _kind(near: bool) -> Kind:
    return "near" if near else "canonical"


class _Along:
    """Goes along one text; a claim whose correction was met needs none."""

    __slots__ = ("_corrected", "_rumours", "_trail")
    id = Rumours.id

    def __init__(self, rumours: Rumours) -> None:
        self._rumours = rumours
        self._trail = Trail(rumours.marks)
        self._corrected: set[str] = set()

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Look at the next pieces."""
        out = []
        for text in texts:
            matches = self._trail.feed(text.text)
            self._corrected.update(m.id.removesuffix(_CORRECTED) for m in matches if m.id.endswith(_CORRECTED))
            out += [
                self._rumours.told(match, text.field)
                for match in matches
                if match.side in ("asserts", "asks") and match.id in self._rumours.rumours
            ]
        return [one for one in out if one.rule not in self._corrected]
