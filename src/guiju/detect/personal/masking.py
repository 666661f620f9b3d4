# SPDX-License-Identifier: Apache-2.0
"""Placeholders for personal data, put in before somebody else sees a text, taken out of what they answer (Article 11).

A placeholder is made of the value, the account and the provider's key, so it is the same in every turn of a
conversation and nothing has to be kept; without the key nobody tells what it stands for. What it stands for is known
within one exchange alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Final

from guiju.detect.automaton import automaton
from guiju.detect.personal.kinds import KINDS, Kind, Span
from guiju.detect.personal.recogniser import recognise

_SIGNS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH: Final = 6
"""Signs of a tag, at least."""
_HAN: Final = re.compile("[\u3400-\u9fff]")
_FEW: Final = 16
_EDGE: Final = re.compile("[0-9A-Za-z]")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|-?[0-9][0-9.eE+-]*', re.DOTALL)
"""A string or a number of JSON."""


class Placeholders:
    """The placeholders of one exchange.

    Args:
        key: the provider's key for them, 16 to 64 bytes.
        account: whose exchange it is: the same value has another placeholder in another account.

    Attributes:
        known: tag → the text that it stands for, as it was first written.
        counts: kind → how many different values of it were masked.
    """

    def __init__(self, key: bytes, account: str) -> None:
        self._key = key
        self._account = account.encode()
        self._tags: dict[tuple[str, str], str] = {}
        self.known: dict[str, str] = {}
        self.counts: Counter[str] = Counter()

    def of(self, kind: Kind, value: str, written: str, *, han: bool = True, bare: bool = False) -> str:
        """The placeholder of a value.

        Args:
            kind: its kind.
            value: its plain form.
            written: as it is written here.
            han: whether it is to stand among Han characters.
            bare: whether it is to be a part of an identifier, which may hold letters, digits and `_` alone.
        """
        tag = self._tags.get((kind.id, value))
        if tag is None:
            tag = self._tags[kind.id, value] = self._tag(kind, value)
            self.known[tag] = written
            self.counts[kind.id] += 1
        if bare:
            return f"{kind.mark}_{tag}"
        return f"[{kind.zh if han else kind.mark}_{tag}]"

    def _tag(self, kind: Kind, value: str) -> str:
        """Six signs; more of them should two values of one exchange meet."""
        raw = b"\0".join((self._account, kind.id.encode(), value.encode("utf-8", "surrogatepass")))
        number = int.from_bytes(hashlib.blake2b(raw, key=self._key, digest_size=16, person=b"guiju mask").digest())
        signs = "".join(_SIGNS[number >> 5 * i & 31] for i in range(24))
        size = LENGTH
        while signs[:size] in self.known:
            size += 1
        return signs[:size]


class Masker:
    """Masks the texts of one request.

    Args:
        placeholders: of the exchange.
        kinds: what is masked.
        texts: all that the request says, joined where a reader sees one text: a value that is found in one place is
            masked wherever it stands, also where nothing beside it tells what it is.
        known: what was found in some of them already, of these kinds.
    """

    def __init__(
        self,
        placeholders: Placeholders,
        kinds: Collection[str],
        texts: Sequence[str],
        known: Mapping[str, Sequence[Span]] | None = None,
    ) -> None:
        self._placeholders = placeholders
        self._kinds = kinds
        self._said: dict[str, Span] = {}
        known = known or {}
        self._found = {text: known[text] if text in known else recognise(text, kinds) for text in texts}
        for text, spans in self._found.items():
            for span in spans:
                self._said.setdefault(text[span.start : span.end], span)
        self._written = list(self._said)
        self._everywhere = automaton(self._written) if len(self._written) > _FEW else self._few

    def text(self, text: str, *, bare: bool = False) -> str:
        """A text with placeholders.

        Args:
            text: the text.
            bare: whether it is an identifier.
        """
        return self.parts((text,), bare=bare)[0]

    def arguments(self, text: str) -> str:
        """The arguments of a tool call with placeholders: JSON stays JSON, and what is not touched stays as it is."""
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)
        return _TOKEN.sub(self._token, text)

    def _token(self, found: re.Match[str]) -> str:
        """One string or number of JSON; a number that is masked becomes a string."""
        token = found[0]
        said = json.loads(token) if token[0] == '"' else token
        masked = self.text(said)
        return token if masked == said else json.dumps(masked, ensure_ascii=False)

    def parts(self, texts: Sequence[str], *, bare: bool = False) -> list[str]:
        """Texts that a reader sees as one, with placeholders: what goes over a border has its in the first of them."""
        whole = "".join(texts)
        spans = self._spans(whole)
        if not spans:
            return list(texts)
        han = _HAN.search(whole) is not None
        ends = list(accumulate(map(len, texts)))
        made = [""] * len(texts)
        at, part = 0, 0

        def copy(stop: int) -> None:
            """Take over what stands before a place, each piece to its own part."""
            nonlocal at, part
            while at < stop:
                while at >= ends[part]:
                    part += 1
                upto = min(stop, ends[part])
                made[part] += whole[at:upto]
                at = upto

        for span in spans:
            copy(span.start)
            while span.start >= ends[part]:
                part += 1
            written = whole[span.start : span.end]
            made[part] += self._placeholders.of(KINDS[span.kind], span.value, written, han=han, bare=bare)
            at = span.end
        copy(len(whole))
        return made

    def _spans(self, text: str) -> list[Span]:
        """What is found in a text, and what was found elsewhere and stands in it as well."""
        known = self._found.get(text)
        found = recognise(text, self._kinds) if known is None else list(known)
        for number, start, end in self._everywhere(text):
            if self._bounded(text, start, end):
                said = self._said[self._written[number]]
                found.append(Span(said.kind, start, end, said.value))
        made: list[Span] = []
        for span in sorted(found, key=lambda one: (one.start, -one.end)):
            if not made or span.start >= made[-1].end:
                made.append(span)
        return made

    def _few(self, text: str) -> list[tuple[int, int, int]]:
        """Where values stand in a text, as the automaton says it, whose making takes longer than looking for a few."""
        made = []
        for number, value in enumerate(self._written):
            at = text.find(value)
            while at >= 0:
                made.append((number, at, at + len(value)))
                at = text.find(value, at + 1)
        return made

    @staticmethod
    def _bounded(text: str, start: int, end: int) -> bool:
        """Whether it is no part of a longer word or number."""
        left = start and _EDGE.match(text[start]) and _EDGE.match(text[start - 1])
        right = end < len(text) and _EDGE.match(text[end - 1]) and _EDGE.match(text[end])
        return not (left or right)


def hidden(text: str) -> tuple[str, list[tuple[int, int, int]]]:
    """A text whose personal data nobody needs back, for somebody who only judges it.

    Returns:
        The text with the kinds' names instead; and for each name where it stands there, and by how much the text of
        which it stands was longer.
    """
    out: list[str] = []
    moved: list[tuple[int, int, int]] = []
    at = size = 0
    han = _HAN.search(text) is not None
    for span in recognise(text):
        kind = KINDS[span.kind]
        name = f"[{kind.zh if han else kind.mark}]"
        out += [text[at : span.start], name]
        size += span.start - at + len(name)
        moved.append((size - len(name), size, span.end - span.start - len(name)))
        at = span.end
    return "".join([*out, text[at:]]), moved


def unhidden(moved: Sequence[tuple[int, int, int]], start: int, end: int) -> tuple[int, int]:
    """A place in a hidden text as a place in the text that it was made of; one within a name becomes all of it."""
    before = after = 0
    for first, last, longer in moved:
        if last <= start:
            before += longer
        elif first < start:
            start = first
        if last <= end:
            after += longer
        elif first < end:
            end, after = last, after + longer
    return start + before, end + after
