# SPDX-License-Identifier: Apache-2.0
"""A planted case for each control, which it must refuse (DESIGN §2): what lets its case pass is not in force."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from guiju.controls import annotation, drills, evaluation, matters, telling, truth
from guiju.controls.complaints import Docket
from guiju.controls.corpus import Origin
from guiju.controls.regeneration import Replayed
from guiju.controls.upstream import SAID
from guiju.detect.distress import CATEGORY as DISTRESS
from guiju.detect.distress import Distress
from guiju.detect.leaving import CATEGORY as LEFT
from guiju.terms import Allowed, Exchange, Finding, Sitting, Standing, Text

CANARY_CATEGORY: Final = "guiju.canary"
"""The category of what the service asks itself."""


def planted() -> dict[str, tuple[Any, tuple[Finding, ...]]]:
    """Control id → a case that it must refuse. A control that lets its case pass is not in force, whatever it says."""
    text = Text("canary", "")
    bare = Exchange("", "", "", "canary", "canary", (text,))
    found = Finding("words", CANARY_CATEGORY, "block", "guiju-canary", "canary", 0, 1, "folded")
    whole = Finding("words", CANARY_CATEGORY, "block", "guiju-canary", "canary", 0, 1, "decoded")
    said = Finding(SAID, SAID, "block", "canary", "canary", 0, 0, "raw")
    judged = Finding("model.request", CANARY_CATEGORY, "block", "canary", "canary", 0, 1, "raw")
    guard = Finding("guard.canary", CANARY_CATEGORY, "block", "canary", "canary", 0, 1, "raw")
    unknown = Exchange("x", "a", "k", "canary", "canary", (text,), level="document", lexicon="1")
    sitting = Sitting(1, 9, 9, 2, False, Allowed(9, 9, 9, 9, 9, (0, 0)))
    tired = msgspec.structs.replace(unknown, sitting=sitting)
    leaving = msgspec.structs.replace(unknown, outside=True)
    unseen = msgspec.structs.replace(leaving, level="none", unseen=True)
    return {
        "policy": (bare, ()),
        "identity": (unknown, ()),
        "rest": (tired, ()),
        "standing": (msgspec.structs.replace(unknown, standing=Standing("suspend", "spam", 1, 2)), ()),
        "leaving": (unknown, (Finding("leaving", LEFT, "signal", "canary", "canary", 0, 1, "folded"),)),
        "crisis": (
            unknown,
            (Finding(Distress.id, DISTRESS, "signal", "canary", "canary", 0, 1, "folded"),),
        ),
        "stated": (msgspec.structs.replace(unknown, unstated=True), ()),
        "guidance": (msgspec.structs.replace(unknown, unread=("x",), awaited=True), ()),
        "words.input": (unknown, (found,)),
        "content.input": (unknown, (judged,)),
        "content.output": (text, (judged,)),
        "answerable": (bare, ()),
        "label": (unknown, ()),
        "unlabelled": (msgspec.structs.replace(unknown, unlabelled=True), ()),
        "words.output": (text, (found,)),
        "words.sentence": (text, (whole,)),
        "upstream": (text, (said,)),
        "bans.input": (unknown, (_planted("bans"),)),
        "bans.output": (text, (_planted("bans"),)),
        "works.output": (text, (_planted("works"),)),
        "rumours.input": (unknown, (_planted("rumours"),)),
        "rumours.output": (text, (_planted("rumours"),)),
        "personal.input": (unknown, (_planted("personal"),)),
        "personal.output": (text, (_planted("personal"),)),
        "confidential.input": (leaving, (_planted("confidential"),)),
        "confidential.output": (text, (_planted("confidential"),)),
        "uploads": (unseen, ()),
        "consent": (msgspec.structs.replace(unseen, unseen=False, likenesses=("face",)), ()),
        "guard.input": (unknown, (guard,)),
        "guard.output": (text, (guard,)),
        "corpus.source": (Origin(registered=False), ()),
        "corpus.content": (text, (judged,)),
        "corpus.personal": (text, (msgspec.structs.replace(_planted("personal"), category="personal.name"),)),
        **truth.planted(CANARY_CATEGORY),
        **annotation.PLANTED,
        **telling.PLANTED,
        **evaluation.PLANTED,
        **drills.PLANTED,
        **matters.PLANTED,
        "regeneration": (Replayed(whole=True, overdue=True), (_planted("bans"),)),
        "complaints": (Docket(way=False), ()),
    }


def _planted(detector: str) -> Finding:
    return Finding(detector, CANARY_CATEGORY, "block", "guiju-canary", "canary", 0, 1, "near")
