# SPDX-License-Identifier: Apache-2.0
"""Placeholders are taken out of an answer again, wherever it is cut while it streams (Article 11).

Models repeat a placeholder nearly always as it is. What they change at times is undone too: brackets of another form or
none, a backslash before a bracket or the underscore, another case, escapes within JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from json import dumps
from typing import Final

from guiju.detect.personal.kinds import KINDS
from guiju.detect.personal.masking import LENGTH

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


_BEGINS: Final = frozenset(
    form[:i]
    for label in _LABELS
    for form in (f"[{label.lower()}_", f"{label.lower()}_")
    for i in range(1, len(form) + 1)
)
_HEADS: Final = frozenset(form for label in _LABELS for form in (f"[{label.lower()}", label.lower()))


def _pattern(spelt: Callable[[str], str]) -> re.Pattern[str]:
    """A placeholder, in any form that is undone.

    Args:
        spelt: a character as it may be written, as a regular expression.
    """
    labels = "|".join("".join(map(spelt, label)) for label in _LABELS)
    opens, closes, under = ("|".join(map(spelt, some)) for some in (_OPEN, _CLOSE, _UNDER))
    core = rf"(?:{labels})\\{{0,2}}(?:{under})(?P<tag>[0-9a-z]{{{LENGTH},24}})"
    return re.compile(rf"(?:\\{{0,2}}(?P<open>{opens}))?{core}(?P<close>\\{{0,2}}(?:{closes}))?", re.I)


def _or_escaped(char: str) -> str:
    """A character, or its escape in JSON."""
    return rf"(?:{re.escape(char)}|\\u{ord(char):04x})"


_PLAIN: Final = _pattern(re.escape)
_ESCAPED: Final = _pattern(_or_escaped)


class Forms:
    """How the placeholders of one exchange may be written.

    Args:
        known: tag → the text that it stands for.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def restored(self, text: str) -> str:
        """A text with what its placeholders stand for."""
        return _PLAIN.sub(lambda found: self._meant(found, json=False), text)

    def in_json(self, text: str) -> str:
        """A piece of JSON with what its placeholders stand for, escaped as JSON wants it."""
        return _ESCAPED.sub(lambda found: self._meant(found, json=True), text)

    def _meant(self, found: re.Match[str], *, json: bool) -> str:
        """What a placeholder stands for; letters and digits after a tag are the text's own."""
        run = found["tag"].lower()
        tag = next((run[:size] for size in range(len(run), LENGTH - 1, -1) if run[:size] in self._known), "")
        if not tag:
            return found[0]
        meant = dumps(self._known[tag], ensure_ascii=False)[1:-1] if json else self._known[tag]
        after = found["tag"][len(tag) :]
        closed = found["open"] is not None and not after
        return meant + after + ("" if closed else found["close"] or "")

    def begun(self, text: str) -> int:
        """How many characters at a text's end may be the beginning of a placeholder."""
        start = max(0, len(text) - _MOST)
        for found in _FIRST.finditer(text, start):
            rest = text[found.start() :].translate(_ALIKE).lower()
            if not rest or rest in _BEGINS or self._tagged(rest):
                return len(text) - found.start()
        return 0

    def _tagged(self, rest: str) -> bool:
        """Whether a label is followed by what may be a tag that is not over."""
        head, _, tag = rest.partition("_")
        return head in _HEADS and any(one.startswith(tag) for one in self._known)


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
