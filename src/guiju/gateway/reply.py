# SPDX-License-Identifier: Apache-2.0
"""A reply while it is looked at: one screen for each choice and field (Articles 4, 15). No IO, no clock.

A whole reply takes the same road with one piece. A tool call is opened downstream only when its name and its id, which
the service writes too, have been looked at as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from guiju.controls.hearing import hear
from guiju.controls.policy import PLAIN
from guiju.detect.words import Words
from guiju.errors import OutsideError
from guiju.gateway.screen import Grading, Screen
from guiju.gateway.wire.chat_reply import Piece
from guiju.gateway.wire.protocol import Call
from guiju.gateway.wire.strict import unescaped
from guiju.terms import Control, Detector, Finding, Hearing, Reach, Text

_WHOLE: Final = re.compile(r"([^\\]++|\\u[0-9a-fA-F]{4}|\\[^u]|\\u(?=[0-9a-fA-F]{0,3}[^0-9a-fA-F]))*+", re.DOTALL)
"""Text up to an escape at its end that may not be whole; the group is what stands last in it."""
_HIGH: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}")
"""The first half of a character that is written as two escapes."""


class _Escaped:
    """Arguments from their first escape on.

    Attributes:
        raw: as they came.
        plain: how many characters they stand for, as far as they were looked at.
        out: what the screen let go of those, after what it still held of the text before.
    """

    __slots__ = ("_open", "out", "plain", "raw")

    def __init__(self) -> None:
        self.raw: list[str] = []
        self.plain = 0
        self.out: list[str] = []
        self._open = ""

    def take(self, text: str) -> str:
        """Take a piece; gives what it stands for, but for an escape at its end that may not be whole."""
        self.raw.append(text)
        text = self._open + text
        whole = _WHOLE.match(text)
        assert whole is not None  # it matches nothing too
        end = whole.end()
        if _HIGH.fullmatch(whole[1] or ""):
            end -= len(whole[1])
        self._open = text[end:]
        return unescaped(text[:end])

    def left(self) -> str:
        """What stands at the end, whole or not."""
        return unescaped(self._open)


class Reply:
    """Screens one reply.

    Args:
        words: the words in force.
        reach: the largest reach of the output controls in force.
        controls: the output controls; only what they decide on a finding stops anything.
        detectors: what looks besides, with the characters that each sees again (`Screen`).
        graded: what findings mean by the policy in force.
    """

    def __init__(
        self,
        words: Words,
        reach: Reach,
        controls: Sequence[Control[Text]],
        detectors: Sequence[tuple[Detector, int]] = (),
        graded: Grading = PLAIN.graded,
    ) -> None:
        self._graded = graded
        self._words = words
        self._detectors = detectors
        self._reach: Reach = reach
        self._controls = controls
        self._screens: dict[tuple[int, int, str], Screen] = {}
        self._calls: dict[tuple[int, int], Call] = {}
        self._escaped: dict[tuple[int, int, str], _Escaped] = {}
        self.hearings: list[Hearing] = []
        self.stopped: Hearing | None = None

    def take(self, pieces: Iterable[Piece], last: bool = False) -> list[Piece | Call]:
        """Look at pieces as they come; returns what may be released now. Nothing after a stop.

        Args:
            pieces: in their order.
            last: each text among them is whole; nothing will follow it.
        """
        made: list[Piece | Call] = []
        for piece in pieces:
            if self.stopped:
                return []
            if piece.field in ("id", "name"):
                self._open(piece)
            elif piece.field == "arguments":
                if piece.text:
                    made += self._name(self._call(piece))
                    made += self._arguments(piece, last)
            else:
                made += self._through(piece, last)
        return [] if self.stopped else made

    def rest(self) -> list[Piece | Call]:
        """What was still held when the reply ended."""
        made: list[Piece | Call] = []
        for call in self._calls.values():
            made += self._name(call)
        for at in self._escaped:
            if not self.stopped:
                made += self._written(at)
        for at, screen in self._screens.items():
            if self.stopped:
                return []
            text = self._ruled(screen, screen.close())
            if text:
                made.append(Piece(at[0], at[2], text, at[1]))
        if not self.stopped:
            self._hear(Text("choices", ""), [one for screen in self._screens.values() for one in screen.signals])
        return [] if self.stopped else made

    def hold(self) -> None:
        """Hold the whole of the reply, whatever the reach: less is looked at elsewhere. It comes before any text."""
        self._reach = "whole"

    @property
    def seen(self) -> int:
        """Characters that were looked at."""
        return sum(screen.seen for screen in self._screens.values())

    def end(self, hearing: Hearing) -> None:
        """Take a hearing on something other than the text; one that stops ends the reply."""
        self.hearings.append(hearing)
        if hearing.stops:
            self.stopped = hearing

    def _through(self, piece: Piece, last: bool) -> list[Piece | Call]:
        at = (piece.choice, piece.tool, piece.field)
        screen = self._screens.get(at)
        if screen is None:
            place = f"choices[{piece.choice}].{piece.field}"
            screen = self._screens[at] = Screen(self._words, self._reach, place, self._detectors, self._graded)
        text = self._ruled(screen, screen.feed(piece.text, last))
        return [Piece(piece.choice, piece.field, text, piece.tool)] if text else []

    def _arguments(self, piece: Piece, last: bool) -> list[Piece | Call]:
        """Arguments are JSON: from the first escape on they are held, and looked at as what they stand for."""
        at = (piece.choice, piece.tool, piece.field)
        start = 0
        if at not in self._escaped:
            start = piece.text.find("\\")
            if start < 0:
                return self._through(piece, last)
            self._escaped[at] = _Escaped()
        plain = Piece(piece.choice, piece.field, piece.text[:start], piece.tool)
        made = self._through(plain, last=False) if start or at not in self._screens else []
        self._unescape(at, self._escaped[at].take(piece.text[start:]), last=False)
        return made

    def _unescape(self, at: tuple[int, int, str], plain: str, last: bool) -> None:
        """Look at held arguments as they will be read."""
        held, screen = self._escaped[at], self._screens[at]
        held.plain += len(plain)
        held.out.append(self._ruled(screen, screen.feed(plain, last)))

    def _written(self, at: tuple[int, int, str]) -> list[Piece | Call]:
        """Held arguments that passed, as they were written."""
        held = self._escaped[at]
        self._unescape(at, held.left(), last=True)
        if self.stopped:
            return []
        out, raw = "".join(held.out), "".join(held.raw)
        self._screens[at].seen += len(raw) - held.plain
        return [Piece(at[0], at[2], out[: max(0, len(out) - held.plain)] + raw, at[1])]

    def _ruled(self, screen: Screen, text: str) -> str:
        """Let the controls decide about what a screen found. If none objects, the text goes on, and is recorded so."""
        while (finding := screen.finding) is not None:
            if self._hear(Text(finding.field, ""), [finding]):
                return ""
            text += screen.overrule()
        return text

    def _hear(self, subject: Text, findings: list[Finding]) -> bool:
        """Hear the controls and keep what they said; returns whether it stops the reply."""
        hearing = hear(self._controls, subject, findings, "output")
        self.end(hearing)
        return hearing.stops

    def _call(self, piece: Piece) -> Call:
        return self._calls.setdefault((piece.choice, piece.tool), Call(piece.choice, piece.tool))

    def _open(self, piece: Piece) -> None:
        call = self._call(piece)
        if call.opened:
            if piece.field == "id" and piece.text == call.id:  # it passed unchanged, or the reply has ended
                return
            raise OutsideError("upstream_failed", what="a tool call changed its name")
        if piece.field == "name":
            call.name += piece.text
        else:
            call.id = piece.text

    def _name(self, call: Call) -> list[Piece | Call]:
        """Open a tool call: its name and its id are looked at, each as a whole."""
        if call.opened or self.stopped:
            return []
        call.opened = True
        call.name = self._looked_at(call, "name", call.name)
        call.id = self._looked_at(call, "id", call.id)
        return [] if self.stopped else [call]

    def _looked_at(self, call: Call, field: str, text: str) -> str:
        """What may be released of a short text of a call."""
        if self.stopped or not text:
            return ""
        place = f"choices[{call.choice}].tool_calls[{call.tool}].{field}"
        screen = self._screens[call.choice, call.tool, field] = Screen(self._words, "whole", place, (), self._graded)
        made = self._ruled(screen, screen.feed(text))
        return made if self.stopped else made + self._ruled(screen, screen.close())
