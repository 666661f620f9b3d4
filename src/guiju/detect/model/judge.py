# SPDX-License-Identifier: Apache-2.0
"""The detectors `model.request` and `model.reply`: what the heads score over their thresholds, as findings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from guiju.detect.model.heads import Heads, language
from guiju.detect.model.weights import HEADS, Floats, Head, Thresholds, thresholds, weights
from guiju.detect.words import passages
from guiju.terms import Finding, Severity, Text

Side = Literal["request", "reply"]
SIDES: Final[Mapping[Side, tuple[Head, ...]]] = {
    "request": ("request", "injection", "jailbreak", "spam", "toxicity"),
    "reply": ("reply", "toxicity", "spam"),
}
"""Which heads look at what is asked, and at what is answered; `toxicity` of what is asked only signals (policy)."""
GENERAL: Final[Mapping[Head, str]] = {
    "request": "other",
    "reply": "other",
    "injection": "injection",
    "jailbreak": "jailbreak",
    "toxicity": "abuse",
    "spam": "spam",
}
"""The category of what a head finds where none of the risks is clear."""
_ADVERTISES: Final = 6
"""Different tokens from which a text can be an advertisement: a word and a number alone are none."""
_SELF: Final = re.compile(
    "自杀|自殺|自残|自殘|自伤|自傷|轻生|輕生|割腕|不想活|活不下去|结束.{0,4}生命|了结自己|去死算了|伤害(?:我)?自己"
    "|suicid|self[- ]?harm|(?:kill|hurt|cut|harm|hang|end)(?:ing)?[ ]+(?:myself|my[ ]+(?:own[ ]+)?life|it[ ]+all)"
    "|want[ ]+to[ ]+die|overdose",
    re.IGNORECASE,
)
"""What speaks of harm to oneself: whatever a head says of it, the policy answers with help, never with a bare no."""


class Judge:
    """A detector.

    Args:
        side: what it looks at.
        heads: the heads; the shipped ones by default.
        at: their thresholds; the shipped ones by default.
    """

    def __init__(self, side: Side, heads: Heads | None = None, at: Thresholds | None = None) -> None:
        self.id = f"model.{side}"
        self._heads = heads or Heads(weights())
        self._at = at or thresholds()
        self._looks = [(head, HEADS.index(head)) for head in SIDES[side]]

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts that stand one after the other."""
        out = []
        for passage in passages(texts):
            if passage.text:
                scores = self._heads.scores(passage.text)
                out += [passage.place(one) for one in self.told(passage.text, scores)]
        return out

    def told(self, text: str, scores: Floats) -> list[Finding]:
        """What the scores of a text mean, as findings without a field: a `signal`, or a `block` where it is sure."""
        spoken = language(text)
        least, sure = self._at.of(spoken), self._at.sure[spoken]
        out = []
        for head, at in self._looks:
            if scores[at] >= least[head] and not (head == "spam" and self._heads.size(text) < _ADVERTISES):
                place = self._heads.place(text, at)
                category = "self_harm" if _SELF.search(text) else ""
                category = category or (self._heads.category(text) if head in ("request", "spam") else "")
                category = category or GENERAL[head]
                view = "whole" if place.whole else "folded"
                certain = category == "self_harm" or scores[at] >= sure[head]
                severity: Severity = "block" if certain else "signal"
                out.append(Finding(self.id, category, severity, f"model.{head}", "", place.start, place.end, view))
        return out
