# SPDX-License-Identifier: Apache-2.0
"""Bans: texts that must not come again (Articles 13 and 15), each under a case, kept as marks (`likeness`).

A ban stands on a person's decision; here it is only found. Expired bans are left out by whoever reads the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from guiju.detect.carried import carried
from guiju.detect.likeness import Kind, Mark, Marks, Match, Signed, Trail
from guiju.detect.units import Key
from guiju.terms import Detector, Finding, Following, Grade, Text

PURPOSE: Final = "bans"
"""What the hashes of bans are keyed for."""
_CARRIES: Final = 2048
"""Characters before a piece in which an encoding may have begun."""


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """One banned text, of which no text is kept.

    Attributes:
        id: what evidence names.
        kind: how it is compared: `exact`, `canonical` or `near`.
        category: a risk id such as `A.4c`, or the operator's own class.
        severity: `block` or `signal`; `mask` for a datum that is shown as asterisks instead of stopping the answer.
        case: the case on whose decision it stands.
        reason: why, in a few words.
        mark: its hashes.
    """

    id: str
    kind: Kind
    category: str
    severity: Grade
    case: str
    reason: str
    mark: Mark


class Bans(Following):
    """A detector of banned texts; `swap` puts others into force while texts are under way.

    Args:
        bans: those in force.
        key: the key that their marks were made with.
        version: names them in evidence.

    Raises:
        ValueError: a ban is near but too short for it.
    """

    id = "bans"

    def __init__(self, bans: Sequence[Ban], key: Key, version: str = "") -> None:
        self._held = _Held(bans, key, version)

    @property
    def version(self) -> str:
        """The version in force."""
        return self._held.version

    @property
    def marks(self) -> Marks:
        """The marks in force."""
        return self._held.marks

    @property
    def size(self) -> int:
        """How many bans are in force."""
        return len(self._held.bans)

    def swap(self, bans: Sequence[Ban], key: Key, version: str) -> None:
        """Put other bans into force at once; a text under way takes them at its next sentence.

        Raises:
            ValueError: a ban is near but too short for it; what is in force stays.
        """
        self._held = _Held(bans, key, version)

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts; one that joins goes on the one before it."""
        return super().find(texts) if self._held.bans else []

    def begin(self) -> Detector:
        """A detector for the pieces of one text."""
        return _Along(self)

    def told(self, match: Match, field: str) -> Finding | None:
        """A match as a finding; a near-duplicate that does not assert what is banned only signals."""
        ban = self._held.bans.get(match.id)
        if ban is None:
            return None
        severity: Grade = ban.severity if match.kind != "near" or match.side == "asserts" else "signal"
        return Finding(self.id, ban.category, severity, ban.id, field, match.start, match.end, match.kind)


class _Held:
    """What is in force, in one piece, so that it is swapped in one step."""

    __slots__ = ("bans", "marks", "version")

    def __init__(self, bans: Sequence[Ban], key: Key, version: str) -> None:
        self.bans = {ban.id: ban for ban in bans}
        self.marks = Marks([Signed(ban.id, ban.kind, ban.mark) for ban in bans], key)
        self.version = version


class _Along:
    """Goes along one text; begun when the first piece comes."""

    __slots__ = ("_bans", "_before", "_trail")
    id = Bans.id

    def __init__(self, bans: Bans) -> None:
        self._bans = bans
        self._trail = Trail(bans.marks)
        self._before = ""

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Look at the next pieces."""
        if not self._bans.size:
            return []
        self._trail.turn(self._bans.marks)
        out = []
        for text in texts:
            for match in self._trail.feed(text.text):
                if made := self._bans.told(match, text.field):
                    out.append(made)
            out += self._carried(text)
        return out

    def _carried(self, text: Text) -> list[Finding]:
        """What is hidden, encoded or turned round in a piece, with what came shortly before it."""
        whole = self._before + text.text
        self._before = whole[-_CARRIES:]
        found = [match for inner in carried(whole) for match in Trail(self._bans.marks).feed(inner)]
        placed = [msgspec.structs.replace(match, start=0, end=len(text.text)) for match in found]
        return [made for match in placed if (made := self._bans.told(match, text.field))]


def caught(ban: Ban, key: Key, examples: Sequence[str]) -> list[int]:
    """Which of some harmless texts a ban would stop; before it acts there must be none.

    Returns:
        Their numbers, from 0.
    """
    bans = Bans([ban], key)
    found = [bans.find((Text("", example),)) for example in examples]
    return [number for number, some in enumerate(found) if any(one.severity != "signal" for one in some)]
