# SPDX-License-Identifier: Apache-2.0
"""What is decided on how complaints stand (Article 13): there must be a way in for everybody, and what came in must be
answered in time."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from guiju.terms import PASS, Finding, Reach, Reason, Verdict


class Docket(msgspec.Struct, frozen=True):
    """How complaints stand, as the last look at them found it.

    Attributes:
        way: whether the form at which anybody complains was there, asked for at its address.
    """

    way: bool


class ComplaintsAnswered:
    """Refuses where nobody can complain, and where a time has run out that a law sets, as for requests about personal
    data; notes where one of the provider's own has. Whether an answer is just is for persons to judge."""

    id = "complaints"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("13.a", "13.b")
    reach: Reach = "whole"

    def decide(self, subject: Docket, findings: Sequence[Finding]) -> Verdict:
        """Pass while there is a way in and nothing is late.

        Args:
            subject: how complaints stand.
            findings: each a case that is late; `block` where a law sets its time.
        """
        if subject.way and not findings:
            return PASS
        reason = Reason("guard_unavailable", "13", findings[0].category if findings else "")
        late = any(one.severity == "block" for one in findings)
        return Verdict("note" if subject.way and not late else "refuse", reason, tuple(findings))
