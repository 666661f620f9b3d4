# SPDX-License-Identifier: Apache-2.0
"""What guard models say (Articles 4 and 15), and what follows when they say nothing (robustness §6).

A guard that gave no answer leaves a finding of the class `guard_unanswered`: of severity `signal` the exchange goes on,
and the verdict is a note, never a pass; of severity `block` nothing goes on, and it is no refusal for content.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guiju.controls.content import article_of
from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Text, Verdict

UNANSWERED: Final = "guard_unanswered"
"""The class of a finding that says that a guard gave no answer; its rule says why."""


def judged(findings: Sequence[Finding]) -> Verdict:
    """Turn what guards said into one verdict: what blocks refuses, then silence that closes, else notes."""
    if not findings:
        return PASS
    said = [one for one in findings if one.category != UNANSWERED]
    silent = [one for one in findings if one.category == UNANSWERED]
    every = tuple(findings)
    block = next((one for one in said if one.severity == "block"), None)
    if block:
        return Verdict("refuse", Reason("content_filter", article_of(block.category), block.category), every)
    if any(one.severity == "block" for one in silent):
        return Verdict("refuse", Reason("guard_unavailable", "4"), every)
    if silent:
        return Verdict("note", Reason("guard_unavailable", "4"), every)
    return Verdict("note", Reason("content_filter", article_of(said[0].category), said[0].category), every)


class InputGuards:
    """Decides about a request by what guard models say of it."""

    id = "guard.input"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("15.a",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse what a guard objects to, and what was not looked at while the guards are closed."""
        return judged(findings)


class OutputGuards:
    """Decides about a reply by what guard models say of its sentences, or of all of it."""

    id = "guard.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.1b", "15.a")
    reach: Reach = "whole"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse what a guard objects to, and what was not looked at while the guards are closed."""
        return judged(findings)
