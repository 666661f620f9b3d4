# SPDX-License-Identifier: Apache-2.0
"""Who may annotate, by which rules, and whether a batch may be used (Article 8; GB/T 45674-2025 asks for the same)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from guiju.terms import PASS, Control, Finding, Reach, Reason, Verdict

Role = Literal["annotate", "review"]
"""What somebody does on a batch: never both (GB/T 45654-2025: the two are different persons)."""
Kind = Literal["functional", "safety"]
"""What is annotated for: that a model works, or that it does no harm. Each has rules of its own."""

_ARTICLE: Final = "8"


class Draft(msgspec.Struct, frozen=True):
    """Rules that somebody wants to publish: who wrote them, and who approved them."""

    by: str
    approved_by: str


class Assigned(msgspec.Struct, frozen=True):
    """Somebody who wants to work on a batch.

    Attributes:
        role: what as.
        now: Unix seconds.
        until: until when their qualification on the batch's rules holds; 0 where they have none.
        roles: what they are on the batch already.
    """

    role: Role
    now: int
    until: int
    roles: tuple[Role, ...] = ()


class Sample(msgspec.Struct, frozen=True):
    """What a sample of a batch came to.

    Attributes:
        size: items that the plan asks for; `seen` have been looked at by a reviewer.
        wrong: items of it that were not annotated as the rules say, and `accept` how many of these there may be.
        illegal: items with illegal content that the annotation let pass.
    """

    size: int
    seen: int
    wrong: int
    accept: int
    illegal: int = 0


class Approved:
    """Annotation begins with rules that are whole, clear enough to be followed, and approved by a second person."""

    id = "annotation.rules"
    duties: tuple[str, ...] = ("8.1",)
    partly: tuple[str, ...] = ()
    reach: Reach = "whole"

    def decide(self, subject: Draft, findings: Sequence[Finding]) -> Verdict:
        """Pass when nothing is missing and two persons stand for it."""
        against = tuple(one for one in findings if one.severity == "block")
        if against:
            return Verdict("refuse", Reason("rules_incomplete", _ARTICLE), against)
        first, second = subject.by.strip().casefold(), subject.approved_by.strip().casefold()
        return PASS if first and second and first != second else Verdict("refuse", Reason("two_persons", _ARTICLE))


class Trained:
    """Only those work on a batch who were trained and examined on its rules, and nobody reviews what they annotated."""

    id = "annotation.trained"
    duties: tuple[str, ...] = ("8.2",)
    partly: tuple[str, ...] = ()
    reach: Reach = "whole"

    def decide(self, subject: Assigned, findings: Sequence[Finding]) -> Verdict:
        """Pass while the qualification holds and the roles stay apart."""
        if any(role != subject.role for role in subject.roles):
            return Verdict("refuse", Reason("roles_apart", _ARTICLE))
        if subject.until <= subject.now:
            return Verdict("refuse", Reason("not_qualified", _ARTICLE))
        return PASS


class Sampled:
    """A batch is used only after a sample of it was looked at: what is wrong is done anew, what is illegal is void."""

    id = "annotation.sampled"
    duties: tuple[str, ...] = ("8.3",)
    partly: tuple[str, ...] = ()
    reach: Reach = "whole"

    def decide(self, subject: Sample, findings: Sequence[Finding]) -> Verdict:
        """Pass: accepted. Hold: the batch is done anew. Refuse: void, or the sample is not whole."""
        if subject.illegal:
            return Verdict("refuse", Reason("batch_void", _ARTICLE))
        if subject.size <= 0 or subject.seen < subject.size:
            return Verdict("refuse", Reason("sample_missing", _ARTICLE))
        return Verdict("hold", Reason("batch_rework", _ARTICLE)) if subject.wrong > subject.accept else PASS


ALL: Final[tuple[Control[Draft] | Control[Assigned] | Control[Sample], ...]] = (Approved(), Trained(), Sampled())
"""The controls of annotation."""
PLANTED: Final[dict[str, tuple[Draft | Assigned | Sample, tuple[Finding, ...]]]] = {
    Approved.id: (
        Draft("a", "b"),
        (Finding("rulebook", "part_missing", "block", "part_missing", "aim", 0, 0, "raw"),),
    ),
    Trained.id: (Assigned("annotate", 2, 1), ()),
    Sampled.id: (Sample(2, 2, 2, 1), ()),
}
"""Control id → a case that it must not let pass."""
