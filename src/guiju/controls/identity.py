# SPDX-License-Identifier: Apache-2.0
"""Real identity (Article 9; Cybersecurity Law, Article 26): no service below the level that the key asks for."""

from __future__ import annotations

from collections.abc import Sequence

from guiju.terms import PASS, Exchange, Finding, IdentityLevel, Reach, Reason, Verdict, at_least


class RealName:
    """Refuses an exchange whose person is not known well enough.

    Args:
        least: the least level that every key asks for. Only with a level above `none` is Article 9 kept in full;
            below that it is left to each key, and the duty board says so.
    """

    id = "identity"
    reach: Reach = "whole"

    def __init__(self, least: IdentityLevel) -> None:
        self.duties: tuple[str, ...] = ("9.a",) if least != "none" else ()
        self.partly: tuple[str, ...] = () if least != "none" else ("9.a",)

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Pass when the exchange's identity reaches the exchange's level, and no assertion came that does not hold."""
        level = subject.identity.level if subject.identity else "none"
        known = at_least(level, subject.level) and not subject.doubted
        return PASS if known else Verdict("refuse", Reason("real_name_required", "9"))
