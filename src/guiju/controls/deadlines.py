# SPDX-License-Identifier: Apache-2.0
"""Whether people are answered in time (Article 13; PIPL, Article 50): what waits longer than a law or our own word
allows is a breach that the board shows and the ledger keeps."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from guiju.terms import PASS, Finding, Reach, Reason, Verdict

REQUEST = "personal"
"""The kind of case by which somebody asks for their personal data to be corrected, deleted or masked."""


class Waiting(msgspec.Struct, frozen=True):
    """What has waited longest at the desk, of one kind.

    Attributes:
        kind: of case.
        overdue: whether its clock has run out.
        soon: whether it does within a day.
    """

    kind: str
    overdue: bool
    soon: bool


class ComplaintsInTime:
    """Looks at complaints that wait (Article 13). That somebody reads them is the provider's own to see to."""

    id = "complaints"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("13.a",)
    reach: Reach = "whole"

    def decide(self, subject: Waiting, findings: Sequence[Finding]) -> Verdict:
        """Refuse what is overdue; note what is about to be."""
        return _weigh(subject) if subject.kind != REQUEST else PASS


class RequestsInTime:
    """Looks at requests about personal data that wait (Article 13; fifteen working days)."""

    id = "requests"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("13.b",)
    reach: Reach = "whole"

    def decide(self, subject: Waiting, findings: Sequence[Finding]) -> Verdict:
        """Refuse what is overdue; note what is about to be."""
        return _weigh(subject) if subject.kind == REQUEST else PASS


def _weigh(subject: Waiting) -> Verdict:
    if not subject.overdue and not subject.soon:
        return PASS
    return Verdict("refuse" if subject.overdue else "note", Reason("content_filter", "13", subject.kind))
