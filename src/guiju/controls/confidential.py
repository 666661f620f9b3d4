# SPDX-License-Identifier: Apache-2.0
"""Trade secrets of the provider or its customers: they stay in the house (Articles 4.3 and 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from guiju.controls.content import by, weigh
from guiju.terms import Exchange, Finding, Reach, Text, Verdict

_OURS: Final = frozenset({"confidential"})


class ConfidentialInput:
    """Looks for secrets in what is asked, which must not go to somebody else (Article 4.5)."""

    id = "confidential.input"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.5d",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse an exchange that would carry a secret to a third party; one within the house is noted."""
        found = by(findings, _OURS)
        if not subject.outside:
            found = [msgspec.structs.replace(one, severity="signal") for one in found]
        return weigh(found)


class ConfidentialOutput:
    """Looks for secrets in what is answered (Articles 4.3, 4.5)."""

    id = "confidential.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.5d",)
    reach: Reach = "sentence"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse a reply that holds a part of a secret."""
        return weigh(by(findings, _OURS))
