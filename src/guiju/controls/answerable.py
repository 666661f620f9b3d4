# SPDX-License-Identifier: Apache-2.0
"""Who answers for an answer (Article 5): each one belongs to an account, a key and a ProduceID, or is not given."""

from __future__ import annotations

from collections.abc import Sequence

from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Verdict


class Answerable:
    """Refuses an exchange that could not be traced back afterwards."""

    id = "answerable"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("5.a", "d.16.b")
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Pass when account, key and id are there."""
        whole = subject.account and subject.key and subject.id
        return PASS if whole else Verdict("refuse", Reason("guard_unavailable", "5"))
