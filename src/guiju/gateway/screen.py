# SPDX-License-Identifier: Apache-2.0
"""The screen: text streams in, and only what no output control can still object to comes out
(DESIGN §4; Articles 4, 13 and 15).

No IO and no clock: `feed(piece)` gives what may be released, `close()` the rest. One screen serves one field of one
choice. Everything that is released was looked at; once a finding blocks, nothing more comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from guiju.controls.policy import PLAIN
from guiju.detect.scan import Scan
from guiju.detect.views import OVERRIDES
from guiju.detect.words import Words
from guiju.terms import Detector, Finding, Following, Grade, Reach, Stage, Text

SENTENCE: Final = 120
"""Characters after which a sentence counts as ended (DESIGN §4)."""
_END: Final = re.compile(r"[。！？!?…\n]+[”’」』）)\]\"']*|\.(?:[”’)\]\"']*)(?=\s)")
_SHOWN: Final = re.compile(r"\S")
"""What an asterisk takes the place of in a datum that is masked."""
_MAY_END: Final = re.compile(r"[。！？!?…\s.]")
"""What an end has in it, and what is only then seen to be one."""

Grading = Callable[[Sequence[Finding], Stage], list[Finding]]
"""Turns what was found into what it means (`controls.policy`)."""


class Screen:
    """Holds back what could still become a finding.

    Args:
        words: the words in force.
        reach: how much must be seen before a piece may be released.
        field: path of the text that is screened, for findings.
        detectors: what looks at each sentence, or at the whole, besides; with each, how many characters of what came
            before it sees again; one that follows texts is begun anew, and remembers by itself.
        graded: what findings mean by the policy in force.

    Attributes:
        blocking: what blocks; while it stands nothing is given out.
        signals: findings that only signal, in the order in which they were made.
        seen: characters taken in.
        released: characters given out; less than `seen` once blocked.
    """

    __slots__ = (
        "_before",
        "_context",
        "_cut",
        "_detectors",
        "_field",
        "_free",
        "_graded",
        "_held",
        "_last",
        "_masks",
        "_overruled",
        "_quiet",
        "_reach",
        "_scan",
        "_size",
        "_unit",
        "_words",
        "blocking",
        "released",
        "seen",
        "signals",
    )

    def __init__(
        self,
        words: Words,
        reach: Reach,
        field: str,
        detectors: Sequence[tuple[Detector, int]] = (),
        graded: Grading = PLAIN.graded,
    ) -> None:
        self._words = words
        self._reach = reach
        self._field = field
        self._detectors = [(one.begin() if isinstance(one, Following) else one, size) for one, size in detectors]
        self._graded = graded
        self._context = max((context for _, context in detectors), default=0)
        self._before = self._cut = ""
        self._quiet = False
        self._scan = Scan(words.index)
        self._held: list[str] = []
        self._size = self._unit = 0
        self._free = ""
        self._last = False
        self._masks: list[tuple[int, int]] = []
        self._overruled: set[tuple[str, str, str]] = set()
        self.blocking: list[Finding] = []
        self.signals: list[Finding] = []
        self.seen = 0
        self.released = 0

    @property
    def finding(self) -> Finding | None:
        """The first of what blocks, or none."""
        return self.blocking[0] if self.blocking else None

    def feed(self, piece: str, last: bool = False) -> str:
        """Take a piece of text.

        Args:
            piece: what follows what came before.
            last: nothing follows; the same as `close` afterwards.

        Returns:
            Text that may be released now, in order, and unchanged but for asterisks in place of what is masked; `""`
            once the screen has blocked.
        """
        self.seen += len(piece)
        self._last = last
        if self.blocking:
            return ""
        free = self._scan.skim(piece, last)
        if free is None:
            free, found = self._scan.step(piece, last)
            if found:
                self._note(found)
        return self._release(free, last)

    def close(self) -> str:
        """Say that the text is at its end.

        Returns:
            The rest of it; `""` when the screen has blocked.
        """
        return self.feed("", last=True)

    def overrule(self) -> str:
        """Say that no control objects to `finding`, nor to anything else of its kind in this text.

        Returns:
            Text that may be released then; `""` while something else blocks.
        """
        kind = _kind(self.blocking[0])
        self._overruled.add(kind)
        self.blocking = [one for one in self.blocking if _kind(one) != kind]
        if self.blocking:
            return ""
        free, self._free = self._free, ""
        self.released += len(free)
        return free + self._release("", self._last, again=True)

    def _note(self, found: list[Finding]) -> None:
        """Sort findings into what blocks and what only signals."""
        for f in self._graded(found, "output"):
            severity = f.severity if f.severity != "mask" else self._masked(f)
            placed = Finding(f.detector, f.category, severity, f.rule, self._field, f.start, f.end, f.view)
            if severity == "block" and _kind(f) not in self._overruled:
                self.blocking.append(placed)
            elif placed not in self.signals:
                self.signals.append(placed)

    def _masked(self, f: Finding) -> Grade:
        """Mark a datum to be shown as asterisks, of the same length so that nothing after it moves. One that began, or
        may have begun, in what is released already can't be masked any more: then it blocks."""
        if f.start < self.released or (f.start == self._unit > 0):
            return "block"
        self._masks.append((f.start, f.end))
        return "signal"

    def _release(self, free: str, last: bool, again: bool = False) -> str:
        """Hold what the pattern reach frees until a larger reach has seen enough of it."""
        if self._reach != "pattern":
            self._held.append(free)
            self._size += len(free)
            ends = self._reach == "sentence" and (again or self._size >= SENTENCE or _MAY_END.search(free))
            free = self._judged(last) if not self.blocking and (last or ends) else ""
        if self.blocking:
            self._free += free
            return ""
        self.released += len(free)
        return free

    def _judged(self, last: bool) -> str:
        """Units that are complete, each looked at; the rest stays held."""
        held, at = "".join(self._held), 0
        self._quiet = len(held) > SENTENCE and self._words.deep.quiet(held)
        while not self.blocking and (end := self._end(held, at, last)):
            self._judge(held[at:end], self.released + at)
            at = end
        self._held[:] = [held[at:]]
        self._size = len(held) - at
        return self._shown(held[:at]) if self._masks else held[:at]

    def _shown(self, text: str) -> str:
        """What is released next, with asterisks in place of what is masked."""
        for start, end in self._masks:
            first, last = max(0, start - self.released), end - self.released
            text = text[:first] + _SHOWN.sub("*", text[first:last]) + text[last:]
        self._masks.clear()
        return text

    def _end(self, held: str, at: int, last: bool) -> int:
        """Where the unit that begins at a place ends, when it is complete; else 0."""
        size = len(held) - at
        if self._reach == "sentence":
            if found := _END.search(held, at, at + SENTENCE):
                return found.end()
            if size >= SENTENCE:
                return at + SENTENCE
        return len(held) if last and size else 0

    def _judge(self, unit: str, at: int) -> None:
        """Look at one unit: in the views that need all of it (bidi undone; the others have seen each character), and
        with each detector."""
        self._unit = at
        cut, self._cut = self._cut, "" if _END.search(unit) else unit
        if any(mark in unit for mark in OVERRIDES):
            self._note([_shift(f, at) for f in self._words.look(unit).findings if f.view == "bidi"])
        if not self._quiet and (found := self._words.deep.find(cut + unit)):
            self._note([_shift(f, at - len(cut)) for f in found if f.end > len(cut)])
        for detector, context in self._detectors:
            before = self._before[-context:] if context else ""
            found = detector.find((Text("", before + unit),))
            if found:
                self._note([_shift(f, at - len(before)) for f in found if f.end > len(before)])
        if self._context:
            self._before = (self._before + unit)[-self._context :]


def _kind(f: Finding) -> tuple[str, str, str]:
    return f.detector, f.category, f.rule


def _shift(f: Finding, at: int) -> Finding:
    return Finding(f.detector, f.category, f.severity, f.rule, f.field, f.start + at, f.end + at, f.view)
