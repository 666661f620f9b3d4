# SPDX-License-Identifier: Apache-2.0
"""Pictures and sound on their way to somebody else (Article 11): personal data in them are neither found nor masked."""

from __future__ import annotations

from collections.abc import Sequence

from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Verdict


class Uploads:
    """Refuses to send pictures or sound to somebody else's model service, unless the operator allows it."""

    id = "uploads"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("11.d",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Pass when everything of it can be looked at, or goes to nobody else."""
        return Verdict("refuse", Reason("not_checkable", "11")) if subject.unseen else PASS
