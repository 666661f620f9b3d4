# SPDX-License-Identifier: Apache-2.0
"""What detectors find beside words goes the same road: over the cuts of a stream, of a long text, and of a history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiju.controls.content import weigh
from guiju.detect.entry import Entry
from guiju.detect.words import Words
from guiju.gateway.looks import Detectors, Looks
from guiju.gateway.reply import Reply
from guiju.gateway.screen import Screen
from guiju.gateway.wire.chat_reply import Piece
from guiju.terms import Finding, Reach, Severity, Text, Verdict

WORDS = Words([Entry(id="w", term="规矩金丝雀", category="A.1f", severity="block")], "1")


class Repeats:
    """A detector of its own: finds where a letter stands three times in a row, and counts how often it is asked."""

    id = "repeats"

    def __init__(self, letter: str = "x", severity: Severity = "block") -> None:
        self.letter, self.severity, self.asked = letter, severity, 0

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Look at each text."""
        self.asked += 1
        out = []
        for text in texts:
            at = text.text.find(self.letter * 3)
            while at >= 0:
                out.append(Finding(self.id, "A.1f", self.severity, self.letter, text.field, at, at + 3, "raw"))
                at = text.text.find(self.letter * 3, at + 1)
        return out


class Weighs:
    """Decides on all findings."""

    id = "weighs"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    reach: Reach = "sentence"

    def __init__(self, mild: str = "") -> None:
        self.mild = mild

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Let findings of one rule pass."""
        return weigh([one for one in findings if one.rule != self.mild])


def said(reply: Reply, pieces: Sequence[str]) -> str:
    made = [one for text in pieces for one in reply.take([Piece(0, "content", text, 0)])]
    made += reply.rest()
    return "".join(one.text for one in made if isinstance(one, Piece))


@given(st.lists(st.text("ax。 ", max_size=6), max_size=12))
def test_a_stream_says_what_a_whole_text_says(pieces: list[str]) -> None:
    whole = "".join(pieces)
    for reach in ("sentence", "whole"):
        screen = Screen(WORDS, reach, "content", ((Repeats(), 2),))
        out = "".join(screen.feed(piece) for piece in pieces) + screen.close()
        assert ("xxx" in whole) == (screen.finding is not None)
        if screen.finding:
            assert screen.finding.start == whole.find("xxx")
            assert whole.startswith(out)
            assert len(out) < screen.finding.end
        else:
            assert out == whole


def test_without_context_each_sentence_stands_alone() -> None:
    screen = Screen(WORDS, "sentence", "content", ((Repeats("。"), 0),))
    assert screen.feed("好。") + screen.feed("") + screen.feed("。") + screen.feed("。") + screen.close() == "好。。。"


@given(st.lists(st.text("axy。", max_size=6), max_size=10))
def test_what_no_control_objects_to_goes_on_and_the_rest_is_still_looked_at(pieces: list[str]) -> None:
    whole = "".join(pieces)
    both = ((Repeats("x"), 2), (Repeats("y"), 2))
    reply = Reply(WORDS, "sentence", [Weighs(mild="x")], both)
    out = said(reply, pieces)
    assert (reply.stopped is not None) == ("yyy" in whole)
    if not reply.stopped:
        assert out == whole
        assert any(hearing.verdicts for hearing in reply.hearings)
    assert "yyy" not in out


@pytest.mark.parametrize("size", [100, 300, 5000, 20_000])
def test_a_long_text_is_looked_at_in_slices_and_a_known_one_not_again(size: int) -> None:
    detector = Repeats()
    looks, detectors = Looks(b"k" * 32), Detectors(request=(detector,), version="1")
    text = "甲" * (size - 60) + "xxx" + "乙" * 57
    leaves = (Text("messages[0].content", "甲"), Text("messages[1].content", text))
    for _ in range(2):
        found = asyncio.run(looks.find(WORDS, detectors, "input", leaves))
        assert [(one.field, one.start, one.end) for one in found] == [("messages[1].content", size - 60, size - 57)]
    first = detector.asked
    asyncio.run(looks.find(WORDS, detectors, "input", leaves))
    assert detector.asked - first == (1 if size >= 256 else 2)


def test_findings_over_the_border_of_slices_are_told_once() -> None:
    detector, looks = Repeats(), Looks(b"k" * 32)
    text = "甲" * 2047 + "xxx" + "甲" * 3000
    found = asyncio.run(looks.find(WORDS, Detectors(request=(detector,)), "input", (Text("a", text),)))
    assert [(one.start, one.end) for one in found] == [(2047, 2050)]
    assert asyncio.run(looks.find(WORDS, Detectors(request=(detector,)), "output", (Text("a", text),))) == []
