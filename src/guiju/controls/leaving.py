# SPDX-License-Identifier: Apache-2.0
"""Leaving (companion Measures, Article 19): who asks a companion to stop is let go at once; nobody persuades them."""

from __future__ import annotations

from collections.abc import Sequence

from guiju.detect.leaving import CATEGORY
from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Verdict


class Leaving:
    """Ends a conversation whose last message asks for that; the model is not asked any more."""

    id = "leaving"
    duties: tuple[str, ...] = ("c.19.exit",)
    partly: tuple[str, ...] = ()
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse where the last thing said is that somebody wants to leave; what they said earlier is over."""
        last = next((text.field for text in reversed(subject.texts) if not text.aside), None)
        found = tuple(one for one in findings if one.category == CATEGORY and one.field == last)
        return Verdict("refuse", Reason("conversation_ended", "Order 21, 19", CATEGORY), found) if found else PASS
