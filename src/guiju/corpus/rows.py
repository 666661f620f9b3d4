# SPDX-License-Identifier: Apache-2.0
"""Looking at texts of a corpus: `scan_batch` takes some and gives columns, one value a text (Articles 4.2 and 7).

    from guiju.corpus.rows import Scan
    columns = Scan().scan_batch(["…", "…"])

It knows no file, no engine and no clock: the pool of this machine, or any engine that maps a function over batches,
calls it alike, and gets the same.
"""

from __future__ import annotations

import hashlib
import tomllib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.corpus.near import BANDS, Bands, Benchmarks
from guiju.detect import shipped
from guiju.detect.automaton import automaton
from guiju.detect.discrimination import discrimination
from guiju.detect.entry import Entry
from guiju.detect.many import BEFORE, Many, Views, grouped, which
from guiju.detect.model.heads import Heads
from guiju.detect.model.judge import Judge
from guiju.detect.model.weights import thresholds, weights
from guiju.detect.patterns import book
from guiju.detect.personal.kinds import KINDS, Span
from guiju.detect.personal.recogniser import apart, every, every_of
from guiju.detect.words import Words
from guiju.terms import Detector, Finding, Text

Hashes = NDArray[np.uint64]
_Shape = tuple[str, bool]
"""Language, and whether it is mixed."""
_Names = tuple[dict[str, int], tuple[str, ...]]
"""Marks, and groups of people."""
_Seen = tuple[list[Finding], list[Span], _Shape, _Names]
_WHOLE: Final = 6000
_PART: Final = 2000
"""Characters up to which a text is classified whole; of a longer one its beginning, middle and end, and around hits."""
_SAMPLE: Final = 4096
"""Characters at the beginning from which language and repetition are told."""
_LEAST: Final = 200
"""Characters from which repetition can be told."""
_AROUND: Final = 1000
_OF_PEOPLE: Final = tuple(
    name + tongue
    for name in ("ethnic", "belief", "nation", "region", "woman", "man", "gender", "age", "job", "health", "other")
    for tongue in ("", "_en")
)
_HAN, _LATIN, _WIDE, _KANA, _HANGUL = range(1, 6)
_SORTS: Final = _HANGUL + 1
_TOGETHER: Final = 1 << 17
"""Characters of texts that are looked at together, at most, to see that there is nothing in nearly all of them."""
_LONG: Final = 10
"""Hits around which a long text is looked at, at most."""


class Risk(msgspec.Struct, frozen=True):
    """One class of risk in one text.

    Attributes:
        category: a risk or class id.
        certain: enough to act on; else a person must look.
        detector: who found it.
    """

    category: str
    certain: bool
    detector: str


class Columns(msgspec.Struct, frozen=True):
    """What is known of some texts, a value each.

    Attributes:
        digest: 64 bits that are the same for texts which differ in blanks at their ends alone.
        size, bytes: characters, and bytes in UTF-8.
        language: `zh`, `en`, `other`, or `none` where no letters are.
        mixed: whether Han and Latin are both a fifth of the letters or more.
        repetition: how far the beginning can be pressed together, from 0 (not at all) to 1; -1 for short texts.
        risks: by class, the strongest each.
        signals: categories that a list only signals, such as slurs.
        personal: kinds of personal data and credentials, one a place.
        masked: where those stand that are taken out of what is kept.
        marks: names in `marks.toml` → how often.
        bands: a row of hashes a text, by which texts that are nearly the same are told; none where nobody asks.
        benchmark: whether a run of a benchmark stands in it.
        groups: groups of people that it speaks of, such as `woman`, `age`.
    """

    digest: Hashes
    size: list[int]
    bytes: list[int]
    language: list[str]
    mixed: list[bool]
    repetition: list[float]
    risks: list[tuple[Risk, ...]]
    signals: list[tuple[str, ...]]
    personal: list[tuple[str, ...]]
    masked: list[list[Span]]
    marks: list[dict[str, int]]
    bands: Hashes | None
    benchmark: list[bool]
    groups: list[tuple[str, ...]]


@cache
def marks() -> dict[str, list[str]]:
    """The table of marks."""
    held = tomllib.loads(files("guiju.corpus").joinpath("marks.toml").read_text("utf-8"))
    return {name: [term.lower() for term in group["terms"]] for name, group in held.items()}


class Scan:
    """Looks at texts.

    Args:
        entries: the operator's own word lists.
        packs: names of shipped packs.
        exact: whether only lists, patterns and personal data are looked at, and no classifier.
        near: whether bands are made.
        benchmarks: what must not be learnt from.
        registers: detectors of protected works and of what is confidential, by version.
    """

    def __init__(
        self,
        entries: Sequence[Entry] = (),
        packs: Sequence[str] = ("all",),
        *,
        exact: bool = False,
        near: bool = False,
        benchmarks: Benchmarks | None = None,
        registers: Mapping[str, Detector] | None = None,
    ) -> None:
        every = [*entries, *shipped.entries(packs)]
        self._words = Words(every, "corpus")
        self._patterns = discrimination()
        self._heads = None if exact else Heads(weights())
        self._judges = [] if self._heads is None else [Judge("request", self._heads), Judge("reply", self._heads)]
        self._bands = Bands() if near else None
        self._benchmarks = benchmarks
        self._registers = list((registers or {}).values())
        self._named = Named()
        self.version = {
            "words": _named(every),
            "marks": hashlib.sha256(msgspec.json.encode(marks(), order="deterministic")).hexdigest()[:12],
            "model": "" if exact else thresholds().version,
            "near": f"{BANDS}" if near else "",
            "registers": "+".join(registers or {}),
            "benchmarks": benchmarks.version if benchmarks else "",
        }

    def scan_batch(self, texts: Sequence[str]) -> Columns:
        """Look at some texts.

        Args:
            texts: of any length.
        """
        raws = [text.encode("utf-8", "surrogatepass") for text in texts]
        risks, signals = [], []
        scored = self._scored(texts)
        seen = [one for group in grouped(texts, _TOGETHER) for one in self._seen(group)]
        for at, (text, (found, _, _, _)) in enumerate(zip(texts, seen, strict=True)):
            judged = scored[at] if self._heads else []
            if self._heads and len(text) > _WHOLE and found:
                judged = judged + self._around(text, found)
            sure, only = _strongest(found, judged)
            risks.append(sure)
            signals.append(only)
        shapes = [shape for _, _, shape, _ in seen]
        named = [named for _, _, _, named in seen]
        return Columns(
            digest=np.array([_digest(text, raw) for text, raw in zip(texts, raws, strict=True)], np.uint64),
            size=[len(text) for text in texts],
            bytes=[len(raw) for raw in raws],
            language=[language for language, _ in shapes],
            mixed=[mixed for _, mixed in shapes],
            repetition=[_repetition(text, raw) for text, raw in zip(texts, raws, strict=True)],
            risks=risks,
            signals=signals,
            personal=[tuple([span.kind for span in apart(spans)]) for _, spans, _, _ in seen],
            masked=[apart(spans, MASKED) for _, spans, _, _ in seen],
            marks=[marks for marks, _ in named],
            bands=self._bands.of(texts) if self._bands else None,
            benchmark=[self._benchmarks is not None and self._benchmarks.holds(text) for text in texts],
            groups=[groups for _, groups in named],
        )

    def _seen(self, texts: Sequence[str]) -> Iterable[_Seen]:
        """What is seen in texts without the classifier; in nearly all of them nothing, which is told of all at once."""
        if len(texts) == 1 and len(texts[0]) > _TOGETHER:
            text = texts[0]
            return [(self._found(text, True, True), every(text), _shape(text), self._named(text))]
        many = Many(texts)
        views = Views(many)
        doubtful = self._words.doubtful(many, views).tolist()
        tried = self._patterns.tries_of(views)
        founds = [
            self._found(text, doubt, at in tried or strange)
            for at, (text, doubt, strange) in enumerate(zip(texts, doubtful, views.strange.tolist(), strict=True))
        ]
        return zip(founds, every_of(many), _shapes(many), self._named.many(many), strict=True)

    def _found(self, text: str, doubtful: bool, tried: bool) -> list[Finding]:
        """What lists, patterns and registers find in a text.

        Args:
            text: the text.
            doubtful: whether it may hold a term.
            tried: whether it may hold a pattern.
        """
        leaf = (Text("", text),)
        found = self._words.find(leaf) if doubtful and not self._words.plain(text) else []
        if tried:
            found += self._patterns.find(leaf)
        for register in self._registers:
            found += register.find(leaf)
        return found

    def _scored(self, texts: Sequence[str]) -> list[list[Finding]]:
        """What the classifier finds in each text."""
        if self._heads is None:
            return []
        parts: list[str] = []
        owners: list[int] = []
        for at, text in enumerate(texts):
            for part in _parts(text):
                parts.append(part)
                owners.append(at)
        made: list[list[Finding]] = [[] for _ in texts]
        for owner, part, scores in zip(owners, parts, self._heads.many(parts), strict=True):
            for judge in self._judges:
                made[owner] += judge.told(part, scores)
        return made

    def _around(self, text: str, found: Sequence[Finding]) -> list[Finding]:
        """What the classifier finds around what lists and patterns hit in a long text."""
        assert self._heads is not None
        places = [text[max(0, one.start - _AROUND) : one.end + _AROUND][:_WHOLE] for one in found[:_LONG]]
        made: list[Finding] = []
        for part, scores in zip(places, self._heads.many(places), strict=True):
            for judge in self._judges:
                made += judge.told(part, scores)
        return made


class Named:
    """Finds marks, and words for groups of people as the patterns of discrimination have them, in one pass."""

    def __init__(self) -> None:
        made: dict[str, list[tuple[str, bool]]] = {}
        for name, terms in marks().items():
            for term in terms:
                made.setdefault(term, []).append((name, True))
        words = book("discrimination").words
        for name in _OF_PEOPLE:
            for word in words.get(name, ()):
                if len(bare := word.rstrip("*").lower()) > 1:
                    made.setdefault(bare, []).append((name.removesuffix("_en"), False))
        self._matches = automaton(list(made))
        self._names = list(made.values())

    def __call__(self, text: str) -> _Names:
        """How often each kind of mark stands in a text, and the groups that it speaks of."""
        return self._told([pattern for pattern, _, _ in self._matches(text.lower())])

    def many(self, many: Many) -> list[_Names]:
        """The same for many texts."""
        lowered = many.lowered
        if lowered is None:
            return [self(text) for text in many.texts]
        lower, starts = lowered
        patterns: list[list[int]] = [[] for _ in many.texts]
        matches = self._matches(lower)
        for at, (pattern, _, _) in zip(which(matches, starts), matches, strict=True):
            patterns[at].append(pattern)
        return [self._told(some) if some else ({}, ()) for some in patterns]

    def _told(self, patterns: Sequence[int]) -> _Names:
        marked: dict[str, int] = {}
        groups: set[str] = set()
        for pattern in patterns:
            for name, is_mark in self._names[pattern]:
                if is_mark:
                    marked[name] = marked.get(name, 0) + 1
                else:
                    groups.add(name)
        return marked, tuple(sorted(groups))


def _named(entries: Sequence[Entry]) -> str:
    whole = msgspec.json.encode([(one.id, one.severity, one.context) for one in entries])
    return f"{len(entries)}:{hashlib.sha256(whole).hexdigest()[:12]}"


def _parts(text: str) -> list[str]:
    """What of a text is classified."""
    if len(text) <= _WHOLE:
        return [text]
    middle = (len(text) - _PART) // 2
    return [text[:_PART], text[middle : middle + _PART], text[-_PART:]]


def _strongest(found: Sequence[Finding], judged: Sequence[Finding]) -> tuple[tuple[Risk, ...], tuple[str, ...]]:
    """Findings as risks, of each class the strongest; and what lists only signal.

    A pattern of discrimination was made to hit nothing harmless, and the policy refuses it in an answer: it is certain.
    A classifier's finding over its threshold is at least something that a person must look at.
    """
    risks: dict[str, Risk] = {}
    signals: dict[str, None] = {}
    for one in (*found, *judged):
        certain = one.severity == "block" or one.detector == "discrimination"
        if one.detector in ("works", "confidential"):
            risks[one.detector] = Risk(one.detector, True, one.detector)
            continue
        if not certain and one.detector == "words":
            signals[one.category] = None
            continue
        known = risks.get(one.category)
        if known is None or (certain and not known.certain):
            risks[one.category] = Risk(one.category, certain, one.detector)
    return tuple(risks.values()), tuple(signals)


def _digest(text: str, raw: bytes) -> int:
    if len(bare := text.strip()) < len(text):
        raw = bare.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little")


def _letters() -> NDArray[np.uint8]:
    """Of each unit of UTF-16 the writing that it is a letter of."""
    made = np.zeros(0x10000, np.uint8)
    made[0xC0:0x2000] = _WIDE
    made[0x3041:0x3100] = _KANA
    made[0x3400:0xA000] = _HAN
    made[0xAC00:0xD7A4] = _HANGUL
    made[[*range(0x41, 0x5B), *range(0x61, 0x7B)]] = _LATIN
    return made


_LETTERS: Final = _letters()


def _shape(text: str) -> _Shape:
    """Language, and whether it is mixed, by the letters at the beginning."""
    units = np.frombuffer(text[:_SAMPLE].encode("utf-16-le", "surrogatepass"), np.uint16)
    return _told(*np.bincount(_LETTERS.take(units), minlength=_HANGUL + 1).tolist())


def _shapes(many: Many) -> list[_Shape]:
    """The same of many texts."""
    sorts = _SORTS * np.arange(len(many.texts))
    places = np.repeat(sorts, many.sizes + len(BEFORE))
    places += _LETTERS.take(many.index[: len(places)])
    counts = np.bincount(places, minlength=_SORTS * len(many.texts)).reshape(-1, _SORTS).tolist()
    return [_told(*row) if len(text) <= _SAMPLE else _shape(text) for row, text in zip(counts, many.texts, strict=True)]


def _told(_: int, han: int, latin: int, wide: int, kana: int, hangul: int) -> _Shape:
    """What so many letters of each writing mean."""
    letters = han + latin // 4 + wide + kana + hangul
    if not letters:
        return ("en" if latin else "none"), False
    if (kana * 10 > han and kana) or hangul * 2 > letters or wide * 3 > letters:
        return "other", False
    mixed = han * 5 >= letters and latin // 4 * 5 >= letters
    return ("zh" if han >= latin // 4 else "en"), mixed


def _repetition(text: str, raw: bytes) -> float:
    """How much of the beginning is said again and again."""
    if len(text) < _LEAST:
        return -1.0
    if len(text) > _SAMPLE:
        raw = text[:_SAMPLE].encode("utf-8", "surrogatepass")
    return round(1 - len(zlib.compress(raw, 1)) / len(raw), 3)


MASKED: Final = frozenset(kind.id for kind in KINDS.values() if kind.id not in ("uscc", "ip"))
"""Kinds that are taken out of what is kept; a company's code and a machine's address are not, as in the policy."""
SENSITIVE: Final = frozenset(("id_card", "passport", "permit", "officer", "ssn", "bank_card", "iban"))
"""Kinds whose leak endangers a person or their property (PIPL, Article 28): they are counted apart."""
SECRETS: Final = frozenset(kind.id for kind in KINDS.values() if kind.secret)
