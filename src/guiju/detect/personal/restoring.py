# SPDX-License-Identifier: Apache-2.0
"""Placeholders are taken out of an answer again, wherever it is cut while it streams (Article 11).

Models repeat a placeholder nearly always as it is. What they change at times is undone too: brackets of another form or
none, a backslash before a bracket or the underscore, another case, escapes within JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from guiju.detect.personal.kinds import KINDS

_OPEN: Final = "[【［"
_CLOSE: Final = "]】］"
_UNDER: Final = "_＿"
_MOST: Final = 64
"""Characters of a placeholder at most, however it is written."""
_LABELS: Final = tuple(label for kind in KINDS.values() for label in (kind.zh, kind.mark))
_FIRST: Final = re.compile(
    "["
    + re.escape(_OPEN)
    + "\\\\"
    + re.escape("".join(sorted({c for label in _LABELS for c in label[0] + label[0].lower()})))
    + "]"
)
_ALIKE: Final = str.maketrans(
    {**dict.fromkeys(_OPEN, "["), **dict.fromkeys(_CLOSE, "]"), **dict.fromkeys(_UNDER, "_"), "\\": None}
)


class Forms:
    """How the placeholders of one exchange may be written.

    Args:
        known: tag → the text that it stands for.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = {tag.lower(): text for tag, text in known.items()}
        tags = sorted(self._known, key=len, reverse=True)
        self._plain = _pattern(tags, re.escape)
        self._escaped = _pattern(tags, _or_escaped)
        self._begins = {
            form[:i]
            for tag in tags
            for label in _LABELS
            for form in _both(f"{label.lower()}_{tag}")
            for i in range(1, len(form))
        }

    def restored(self, text: str) -> str:
        """A text with what its placeholders stand for."""
        return self._plain.sub(lambda found: self._known[found["tag"].lower()], text)

    def in_json(self, text: str) -> str:
        """A piece of JSON with what its placeholders stand for, escaped as JSON wants it."""
        return self._escaped.sub(
            lambda found: json.dumps(self._known[found["tag"].lower()], ensure_ascii=False)[1:-1], text
        )

    def begun(self, text: str) -> int:
        """How many characters at a text's end may be the beginning of a placeholder."""
        start = max(0, len(text) - _MOST)
        for found in _FIRST.finditer(text, start):
            rest = text[found.start() :].translate(_ALIKE).lower()
            if not rest or rest in self._begins:
                return len(text) - found.start()
        return 0


def _both(core: str) -> tuple[str, str]:
    return f"[{core}]", core + "]"


def _pattern(tags: list[str], spelt: object) -> re.Pattern[str]:
    spell = spelt if callable(spelt) else re.escape
    labels = "|".join("".join(spell(c) for c in label) for label in _LABELS)
    under = f"(?:{'|'.join(spell(c) for c in _UNDER)})"
    core = rf"(?:{labels})\\{{0,2}}{under}(?P<tag>{'|'.join(tags)})"
    opens, closes = ("|".join(spell(c) for c in some) for some in (_OPEN, _CLOSE))
    return re.compile(rf"(?:\\{{0,2}}(?P<open>{opens}))?{core}(?(open)(?:\\{{0,2}}(?:{closes}))?)", re.I)


def _or_escaped(char: str) -> str:
    """A character, or its escape in JSON."""
    return rf"(?:{re.escape(char)}|\\u{ord(char):04x})"


class Restorer:
    """Restores one text while it streams.

    Args:
        forms: of the exchange.
        arguments: whether the text is JSON; from the first escape on it is then held to its end, as it is looked at
            only then.
    """

    __slots__ = ("_arguments", "_escaped", "_forms", "_held")

    def __init__(self, forms: Forms, *, arguments: bool = False) -> None:
        self._forms = forms
        self._arguments = arguments
        self._escaped = False
        self._held = ""

    def feed(self, piece: str, *, last: bool = False) -> str:
        """Take a piece; gives what can be told by now.

        Args:
            piece: what follows what came before.
            last: nothing follows.
        """
        text = self._held + piece
        if self._arguments and not self._escaped:
            self._escaped = "\\" in piece
        keep = 0 if last else len(text) if self._escaped else self._forms.begun(text)
        self._held = text[len(text) - keep :]
        out = text[: len(text) - keep]
        return self._forms.in_json(out) if self._arguments else self._forms.restored(out)
