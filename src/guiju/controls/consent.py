# SPDX-License-Identifier: Apache-2.0
"""A person's face or voice is worked on with that person's separate consent alone (Article 4.5; deep synthesis
provisions, 14). *That* there is a face is found, *who* it is nobody asks; the caller names the consents."""

from __future__ import annotations

from collections.abc import Sequence

from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Verdict


class Consented:
    """Refuses to work on a face or a voice that no recorded consent covers."""

    id = "consent"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.5b", "d.14.b")
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Pass when each kind of likeness that is asked for is covered."""
        bare = set(subject.likenesses) - set(subject.consented)
        return Verdict("refuse", Reason("consent_required", "4.5")) if bare else PASS
