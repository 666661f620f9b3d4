# SPDX-License-Identifier: Apache-2.0
"""The label (Article 16; deep synthesis, 16; Labelling Measures, 5; GB 45438-2025, 6.1): an answer without its implicit
label is not released."""

from __future__ import annotations

from collections.abc import Sequence

from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Verdict


class Labelled:
    """Refuses an answer whose label is missing or is not its own."""

    id = "label"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("16.a", "d.16.a", "l.4.4", "l.5.a")
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Pass when the label says generated, names a producer, and carries this exchange's id; or where no content is
        answered."""
        if not subject.content:
            return PASS
        label = subject.label
        right = label and label.kind == "1" and label.producer and label.produce_id == subject.id
        return PASS if right else Verdict("refuse", Reason("guard_unavailable", "16"))


class Agreed:
    """Nothing goes out without the label that people see or hear but to whoever has agreed to label it themselves
    (Labelling Measures, 9). The implicit label stays in any case."""

    id = "unlabelled"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("l.9.a",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse where it is asked for without the agreement in its present version."""
        bare = subject.unlabelled and not subject.agreed
        return Verdict("refuse", Reason("agreement_required", "16")) if bare else PASS
