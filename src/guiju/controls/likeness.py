# SPDX-License-Identifier: Apache-2.0
"""What likeness finds: banned texts (Articles 13, 15), passages of protected works (4.3, 4.5), known rumours (4.1).

Each control decides only on what its own detector found.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from guiju.controls.content import by, weigh
from guiju.detect.bans import Bans
from guiju.detect.rumours import Rumours
from guiju.detect.works import Works
from guiju.terms import Exchange, Finding, Reach, Text, Verdict


def _of(detector: str, findings: Sequence[Finding]) -> Verdict:
    return weigh(by(findings, frozenset((detector,))))


class BansInput:
    """Looks for banned texts in what is asked: who puts one there wants it back (Article 15)."""

    id = "bans.input"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("15.a",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse an exchange whose request holds a banned text."""
        return _of(Bans.id, findings)


class BansOutput:
    """Looks for banned texts in what is answered, under way too (Articles 13, 15)."""

    id = "bans.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("13.c", "13.d", "15.a")
    reach: Reach = "sentence"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse a reply that holds a banned text, or a masked datum that could not be masked; a text that rebuts it is
        only noted."""
        bare = [replace(one, severity="block") if one.severity == "mask" else one for one in findings]
        return _of(Bans.id, bare)


class WorksOutput:
    """Looks for passages of protected works in what is answered (Articles 4.3, 4.5)."""

    id = "works.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.3a", "4.5c")
    reach: Reach = "sentence"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse, or note, a reply with a long passage of a work that is no attributed quotation."""
        return _of(Works.id, findings)


class RumoursInput:
    """Looks for known rumours in what is asked, so that the answer can carry the correction (Article 4.1)."""

    id = "rumours.input"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.1c",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Note a rumour; refuse where the list says so."""
        return _of(Rumours.id, findings)


class RumoursOutput:
    """Looks for known rumours in what is answered (Article 4.1)."""

    id = "rumours.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.1c",)
    reach: Reach = "sentence"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Note a rumour that is told as true; refuse where the list says so."""
        return _of(Rumours.id, findings)
