# SPDX-License-Identifier: Apache-2.0
"""Personal data and credentials: they do not go to somebody else as they are (Article 11), nor out of an answer to
somebody who did not give them (Article 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guiju.controls.content import by
from guiju.terms import PASS, Action, Exchange, Finding, Reach, Reason, Text, Verdict

_OURS: Final = frozenset({"personal"})


class PersonalInput:
    """Looks at what is asked (Article 11: no passing on of what users put in)."""

    id = "personal.input"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("11.d",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Mask what the policy wants masked where a request goes to somebody else; refuse what it refuses."""
        return _weigh(by(findings, _OURS), "11", masks=subject.outside)


class PersonalOutput:
    """Looks at what is answered for personal data that nobody gave (Article 4.5)."""

    id = "personal.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.5d",)
    reach: Reach = "sentence"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse what the policy refuses, and note the rest."""
        return _weigh(by(findings, _OURS), "4.5", masks=False)


def _weigh(found: Sequence[Finding], article: str, *, masks: bool) -> Verdict:
    """The first that refuses decides; else what is masked, and then carries only that; else a note."""
    if not found:
        return PASS
    masked = [one for one in found if one.severity == "mask"] if masks else []
    block = next((one for one in found if one.severity == "block"), None)
    said = block or (masked[0] if masked else found[0])
    action: Action = "refuse" if block else "mask" if masked else "note"
    return Verdict(
        action, Reason("content_filter", article, said.category), tuple(masked if action == "mask" else found)
    )
