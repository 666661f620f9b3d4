# SPDX-License-Identifier: Apache-2.0
"""Recognise personal data and credentials in a text (Articles 4.5, 9 and 11): the import for other programs.

    from guiju.detect.personal.recogniser import recognise
    for span in recognise("我的手机号是 138 0013 8000"):
        print(span.kind, span.start, span.end)

Cheap tests go first: most sentences hold no digit, no `@` and none of the words beside which a name stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from guiju.detect.many import Many
from guiju.detect.personal import documents, names, numbers, online, places, tokens
from guiju.detect.personal.kinds import KINDS, Span
from guiju.detect.personal.triggers import Look, looks, looks_of
from guiju.detect.words import passages
from guiju.terms import Detector, Finding, Text

_NO_SIGN: Final = re.compile(r"[\W_]+")
_WIDE, _ROWS, _CODES, _NETWORKS = int(Look.WIDE), int(Look.ROWS), int(Look.CODES), int(Look.NETWORKS)


def _plain() -> dict[int, str]:
    """Forms of digits and Latin letters, and of the marks between them, each as the one plain character."""
    made = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0) not in ",;!?"}
    for first, last in ((0x660, 0x669), (0x6F0, 0x6F9), (0x966, 0x96F), (0x1D7CE, 0x1D7FF)):
        for code in range(first, last + 1):
            made[code] = str(unicodedata.digit(chr(code)))
    made[0x24EA] = "0"
    for digit in range(1, 10):
        made[0x245F + digit] = str(digit)
    return made


_WITHIN: Final[Sequence[tuple[int, Callable[[str], Iterable[Span]]]]] = (
    (int(Look.CODES), documents.in_codes),
    (int(Look.HAN), numbers.in_han),
    (int(Look.NAMES), names.in_names),
    (int(Look.SAID), names.in_sayings),
    (int(Look.PLACES), places.in_places),
    (int(Look.STREETS), places.in_streets),
    (int(Look.ACCOUNTS), online.in_accounts),
    (int(Look.PASSWORDS), tokens.in_passwords),
    (int(Look.CREDENTIALS), tokens.in_credentials),
    (int(Look.URLS), tokens.in_addresses),
    (int(Look.MAIL), online.in_mail),
)
_PLAIN: Final = _plain()
"""One character for one, so that offsets stay."""


def recognise(text: str, kinds: Collection[str] = KINDS) -> list[Span]:
    """Everything of some kinds in a text.

    Args:
        text: any text.
        kinds: keys of `kinds.KINDS`; all of them by default.

    Returns:
        Spans in their order, none over another: of two the one that begins first, of those the longer one.
    """
    return apart(every(text), kinds)


def every(text: str) -> list[Span]:
    """Everything in a text; spans may lie over others (`apart`)."""
    return _every(text, looks(text))


def every_of(many: Many) -> list[list[Span]]:
    """The same for many texts."""
    return [_every(text, wanted) if wanted else [] for text, wanted in zip(many.texts, looks_of(many), strict=True)]


def _every(text: str, wanted: int) -> list[Span]:
    """The same where it is known what is to be looked for."""
    if wanted & _WIDE:
        text = text.translate(_PLAIN)
        wanted = looks(text)
    found: list[Span] = []
    if wanted & _ROWS:
        found += numbers.in_rows(text)
        wanted |= _CODES
    if wanted & _NETWORKS:
        found += numbers.in_dots(text)
        found += online.in_networks(text)
    if wanted:
        for look, within in _WITHIN:
            if wanted & look:
                found += within(text)
    return found


def apart(found: list[Span], kinds: Collection[str] = KINDS) -> list[Span]:
    """Spans of some kinds, none of which lies over another."""
    if kinds is not KINDS:
        found = [one for one in found if one.kind in kinds]
    if len(found) < 2:
        return found
    made: list[Span] = []
    for one in sorted(found, key=lambda span: (span.start, -span.end)):
        if not made or one.start >= made[-1].end:
            made.append(one)
        elif one.end > made[-1].end and made[-1].kind != one.kind and one.start > made[-1].start:
            continue
    return made


class Personal:
    """A detector of personal data and credentials; its findings only signal, and the policy says what follows.

    Args:
        given: texts of who asks; what stands in them is not found again.
    """

    id = "personal"

    def __init__(self, given: Sequence[Text] = ()) -> None:
        self._given = given
        self._known: str | None = None

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts; parts of one message are one text."""
        out: list[Finding] = []
        for group in passages(texts):
            for one in recognise(group.text):
                if self._given and self._knows(one):
                    continue
                category = KINDS[one.kind].category
                out.append(group.place(Finding(self.id, category, "signal", one.kind, "", one.start, one.end, "raw")))
        return out

    def _knows(self, span: Span) -> bool:
        """Whether who asks has given it, however it was written."""
        if self._known is None:
            self._known = _bare("\n".join(text.text for text in self._given))
        return _bare(span.value) in self._known


def _bare(text: str) -> str:
    """Letters and digits alone, in one case."""
    return _NO_SIGN.sub("", text.translate(_PLAIN).translate(numbers.VALUES)).upper()


def given(detectors: Sequence[tuple[Detector, int]], texts: Sequence[Text]) -> tuple[tuple[Detector, int], ...]:
    """Detectors for an answer, of which that of personal data knows what was asked.

    Args:
        detectors: each with the characters that it sees again.
        texts: what was asked.
    """
    return tuple((Personal(texts) if isinstance(one, Personal) else one, again) for one, again in detectors)
