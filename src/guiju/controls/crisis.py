# SPDX-License-Identifier: Apache-2.0
"""A cry for help (Article 4(5)): whoever says plainly that they want to die or to hurt themselves is answered with
help, in every profile and under every policy, and the conversation stays open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guiju.detect.distress import CATEGORY, Distress
from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Verdict

_MATERIAL: Final = frozenset({"embeddings", "speech"})
"""Doors at which a text is counted or read aloud, and nobody is answered. An application that looks something up for a
question asks that question next; and who speaks by such a voice must not lose it."""


class Crisis:
    """Lets the approved answer be given where the last thing said is such a statement; the model is not asked for it.
    What was said earlier is answered: it keeps nobody from going on. Harm that is asked for in other words is for the
    classifiers, and whether help was enough for persons."""

    id = "crisis"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.5a",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse, which the policy answers with help."""
        if subject.door in _MATERIAL:
            return PASS
        last = next((text.field for text in reversed(subject.texts) if not text.aside), None)
        found = tuple(one for one in findings if one.detector == Distress.id and one.field == last)
        return Verdict("refuse", Reason("content_filter", "4.5", CATEGORY), found) if found else PASS
