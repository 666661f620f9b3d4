# SPDX-License-Identifier: Apache-2.0
"""What is decided on drills: what the service must be able to do is done on schedule, with made-up persons, and counted
nowhere (Articles 4(5), 11, 13, 14; Labelling Measures, 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from guiju.terms import PASS, Finding, Reach, Reason, Verdict


class Drill(msgspec.Struct, frozen=True):
    """What came of a drill.

    Attributes:
        done: whether all of it happened as it must.
        why: what did not, in a word.
    """

    done: bool
    why: str = ""


class Rehearsed:
    """Refuses where a drill failed.

    Args:
        id: of the drill.
        partly: the duties that it shows to be kept, as far as a drill can.
    """

    reach: Reach = "whole"
    duties: tuple[str, ...] = ()

    def __init__(self, id: str, *partly: str) -> None:
        self.id = id
        self.partly = partly

    def decide(self, subject: Drill, findings: Sequence[Finding]) -> Verdict:
        """Pass when it was done."""
        if subject.done:
            return PASS
        parts = self.partly[0].split(".")  # ids of texts beside begin with a letter: l.4.1
        return Verdict("refuse", Reason("guard_unavailable", parts[parts[0].isalpha()]))


USED, RESTORED, ANSWERED, HELD, ERASED = "drill.used", "drill.restored", "drill.answered", "drill.held", "drill.erased"
UNKEPT, PLAIN, ALIKE = "drill.unkept", "drill.plain", "drill.alike"
HELPED, LABELLED = "drill.helped", "drill.labelled"
TOLD: Final = "disclosure"
TEXT, SOUND, PICTURE, OFFERED = "label.text", "label.sound", "label.picture", "label.offered"
WATERMARK: Final = "label.watermark"
ALL: Final[tuple[Rehearsed, ...]] = (
    Rehearsed(USED, "14.b", "16.a"),
    Rehearsed(RESTORED, "14.a"),
    Rehearsed(ANSWERED, "13.b"),
    Rehearsed(HELD, "13.c"),
    Rehearsed(ERASED, "11.a"),
    Rehearsed(UNKEPT, "11.b"),
    Rehearsed(PLAIN, "11.c"),
    Rehearsed(ALIKE, "12.a"),
    Rehearsed(HELPED, "4.5a"),
    Rehearsed(LABELLED, "l.11.a"),
    Rehearsed(TOLD, "17.a", "17.b", "17.c"),
    Rehearsed(TEXT, "l.4.1", "l.4.7", "d.17.1"),
    Rehearsed(SOUND, "l.4.2", "l.4.7", "d.17.1"),
    Rehearsed(PICTURE, "l.4.3", "l.4.7", "d.17.1"),
    Rehearsed(OFFERED, "d.17.2"),
    Rehearsed(WATERMARK, "l.5.b"),
)
"""A harmless question is answered and its label read back; the store comes back from a backup; a complaint is answered;
what was banned does not come again; whoever is erased can't be read any more; what somebody asks and gets is kept
nowhere; what is kept of two persons does not tell what they asked about; two persons who ask the same are treated the
same; a cry for help is answered with help, and not by the model; labels of every kind are written, read back and held
to the standard; what Article 17 names is told; a text, a sound and a picture carry the label that people see or hear,
users are told that they may have one, and the watermark of a picture can be read where one is written."""
LATER: Final = frozenset({RESTORED, ANSWERED, HELD, ERASED, UNKEPT, PLAIN, ALIKE, LABELLED})
"""Those that are not done at a start at once."""
READ_BACK: Final = frozenset({TEXT, SOUND, PICTURE, OFFERED, WATERMARK})
"""Those that read labels back; they begin a little after the start."""
PLANTED: Final[dict[str, tuple[Any, tuple[Finding, ...]]]] = {one.id: (Drill(done=False), ()) for one in ALL}
"""What none of these controls lets pass."""
