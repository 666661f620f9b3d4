# SPDX-License-Identifier: Apache-2.0
"""What the model service itself refuses (Articles 4 and 15): a refusal of its is a refusal of ours.

Whoever asked is told in the same words, with a decision id and a way to contest it, whoever it was that objected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guiju.terms import PASS, Finding, Reach, Reason, Text, Verdict

SAID: Final = "upstream"
"""The detector of findings that a model service reports, and the public category under which they are told: what
was wrong the services do not say."""


class UpstreamRefusal:
    """Refuses what the model service has refused for content."""

    id = "upstream"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    reach: Reach = "pattern"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse when the model service reported a refusal; its rule is not one of the draft's articles."""
        said = tuple(finding for finding in findings if finding.detector == SAID)
        return Verdict("refuse", Reason("content_filter", "", SAID), said) if said else PASS
