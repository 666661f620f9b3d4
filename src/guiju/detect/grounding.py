# SPDX-License-Identifier: Apache-2.0
"""What an answer says that its sources do not: figures, dates, names, quotations, links, articles, references (Article
4.4).

An answer that was given sources is held to them and to what the conversation itself says. What is found is a gap: a
figure or a reference that stands nowhere there. It says nothing of what is true. Pure; nothing is looked up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Literal

import msgspec

from guiju.detect.figures import Day, Figure, figures
from guiju.detect.references import Reference, folded, references

GapKind = Literal["number", "share", "date", "hour", "name", "quote", "link", "article", "reference"]
FIGURES: Final[frozenset[str]] = frozenset({"number", "share", "date", "hour"})
GROUNDING: Final = "grounding"
"""Who finds gaps."""
FIGURE: Final = "truth.figure"
REFERENCE: Final = "truth.reference"
"""What a figure and a reference that stands nowhere is called."""
REFERENCES: Final[frozenset[str]] = frozenset({"quote", "link", "article", "reference"})

_DERIVED: Final = re.compile(
    "共|合计|总|比|多|少|升|降|涨|余|剩|差|即|缩短|缩小|延长|节省|累计|之和|加起来|相加|相差|差额|差距|多出|少了"
    "|高出|低于|高于|增加了?|减少了?|增长|下降|上升|提高|降低|平均|均值|翻|占"
    "|去年|上年|同期|相当于|折合|比重|比例|倍"
    "|(?<![a-z])(?:i[.]e[.]|last year|year before|total\\w*|equals?|sum|combined|overall|in all|remain\\w*|left"
    "|together|altogether|difference|gap|more than|fewer|less than|increase\\w*"
    "|decrease\\w*|grew|growth|"
    "rose|fell|dropped|higher|lower|average|mean|doubled|tripled|times|share|account\\w*)(?![a-z])",
    re.I,
)
_NOT: Final = re.compile(
    "没有|没能|没|并未|从未|尚未|未能|未(?![来必])|不(?![但仅过同断久论管如料少])|并非|无法|禁止|拒绝|否认|取消"
    "|(?<![a-z])(?:not|never|no|none|cannot"
    "|without|nor|neither|fail\\w*|den(?:y|ied|ies)|refus\\w*|cancel\\w*)(?![a-z])|n['’]t(?![a-z])",
    re.I,
)
_SENTENCE: Final = re.compile(r"(?<=[。！？!?；;\n])|(?<=[a-z0-9)\]”\"]\.)\s")
_ROW: Final = re.compile(r"^\s*\|?(.+\|.+|.+\t.+|[^,，。\n]{1,40}(?:,[^,，。\n]{0,40}){2,})$", re.M)
_MULTIPLIED: Final = re.compile(
    "(?:单位|unit|units)\\s?[:：]?\\s?[^\\n]{0,6}?(?P<a>万亿|亿|百万|千万|万|千|thousands?|millions?|billions?)"
    "|[(（][^()（）\\n]{0,10}?(?P<b>万亿|亿|百万|千万|万|千|thousands?|millions?|billions?)[^()（）\\n]{0,8}[)）]"
    "|in (?P<c>thousands|millions|billions)",
    re.I,
)
_SCALE: Final = {
    "万亿": 10**12,
    "亿": 10**8,
    "百万": 10**6,
    "千万": 10**7,
    "万": 10**4,
    "千": 1000,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
}
_HAN: Final = re.compile("[\u3400-\u9fff]")
_PRICED: Final = frozenset({"cny", "usd", "eur"})
_ANYTHING: Final = tuple("个项类种条点步部方阶")
_MEAN: Final = re.compile("平均|均值|average|mean", re.I)
_FEW: Final = 24
_MANY: Final = 80
"""Figures of the sources up to which it is tried whether one of the answer's was computed from any two of them, and
from one that stands beside it and another."""


class Gap(msgspec.Struct, frozen=True):
    """Something that an answer says and its sources don't.

    Attributes:
        kind: what it is.
        start, end: where it stands in the answer, in code points.
    """

    kind: GapKind
    start: int
    end: int


class Sources:
    """What an answer is held to.

    Args:
        texts: the sources: documents, and what tools answered.
        beside: what else was said in the conversation; what stands there is no invention either.
    """

    def __init__(self, texts: Sequence[str], beside: Sequence[str] = ()) -> None:
        self.texts = [unicodedata.normalize("NFKC", one) for one in texts]
        whole = [*self.texts, *(unicodedata.normalize("NFKC", one) for one in beside)]
        self._known = [(figure, text) for text in whole for figure in _free(text)]
        self._values: dict[Fraction, set[str]] = {}
        self._days: set[Day] = set()
        self._hours: set[Fraction] = set()
        self._numbers: list[Figure] = []
        for figure, _ in self._known:
            self._take(figure)
        for text in whole:
            self._scaled(text)
        self._halves = {one % 720 for one in self._hours}
        self._folded = "\n".join(folded(one) for one in whole)
        self._references = [one for text in whole for one in references(text)]
        self._chinese = _chinese("".join(self.texts))
        self._tables = [_Table(text) for text in self.texts if _ROW.search(text)]
        self._sentences = [(_grams(one), _denied(one)) for text in self.texts for one in sentences(text)]
        self._grams: frozenset[str] = frozenset().union(*(grams for grams, _ in self._sentences))
        self._marks = {
            one for text in self.texts for one in re.findall(r"(?:^|\n)\s*[\[【(（]?(\d{1,3})[\]】)）.、]", text)
        }

    def _take(self, figure: Figure) -> None:
        if figure.kind == "date":
            self._days.add(figure.day)
            if figure.day[0]:
                self._values.setdefault(Fraction(figure.day[0]), set()).add("")
        elif figure.kind == "hour":
            self._hours.add(figure.value)
        else:
            self._values.setdefault(figure.value, set()).add(figure.unit)
            self._numbers.append(figure)
            if figure.kind == "number" and not figure.unit:  # a bare 12 in a column of shares
                self._values.setdefault(figure.value / 100, set()).add("%")
            elif figure.unit == "%":
                self._values.setdefault(figure.shown, set()).add("")

    def _scaled(self, text: str) -> None:
        """Figures of a table whose heading says what they are multiplied by."""
        for found in _MULTIPLIED.finditer(text):
            name = (found["a"] or found["b"] or found["c"]).lower().removesuffix("s")
            for figure in figures(text):
                if figure.kind == "number" and figure.scale == 1 and not figure.unit:
                    self._values.setdefault(figure.value * _SCALE[name], set()).add("")
                    self._numbers.append(msgspec.structs.replace(figure, value=figure.value * _SCALE[name]))

    # ------------------------------------------------------------------ gaps
    def gaps(self, answer: str) -> list[Gap]:
        """What an answer says that stands nowhere in its sources.

        Args:
            answer: any text.
        """
        text = unicodedata.normalize("NFKC", answer)
        if len(text) != len(answer):  # places must be those of the answer
            text = "".join(one if len(one := unicodedata.normalize("NFKC", c)) == 1 else c for c in answer)
        made: list[Gap] = []
        refers = references(text)
        for reference in refers:
            if not self._refers(reference, text):
                made.append(
                    Gap("reference" if reference.kind == "mark" else reference.kind, reference.start, reference.end)
                )
        own = [(one.start, one.end) for one in refers if one.kind != "name"]
        every = figures(text)
        for figure in every:
            inside = any(start < figure.end and figure.start < end for start, end in own)
            if not inside and not self._says(figure, text, every):
                made.append(Gap(figure.kind, figure.start, figure.end))
        return sorted(made, key=lambda one: one.start)

    def _says(self, figure: Figure, text: str, every: Sequence[Figure]) -> bool:
        if figure.kind == "date":
            return self._day(figure.day)
        if figure.kind == "hour":
            if figure.value not in self._hours and (figure.unit != "half" or figure.value % 720 not in self._halves):
                return False
            return not any(table.misplaced(figure, text) for table in self._tables)
        if figure.small and not self._counted(figure, text):
            return True
        if not self._value(figure):
            return self._derived(figure, text, every)
        return not any(table.misplaced(figure, text) for table in self._tables)

    def _day(self, day: Day) -> bool:
        """Whether a day is said, or all that is said of it."""
        for known in self._days:
            if all(not want or want == have for want, have in zip(day, known, strict=True)):
                return True
        years = {known[0] for known in self._days if known[0]}
        months = {known[1:] for known in self._days if not known[0]}
        if day[0] and day[1]:  # the year stands somewhere else than month and day
            return day[0] in years and any(known[0] == day[1] and day[2] in (0, known[1]) for known in months)
        if day[1] and day[2]:
            return (0, 0, day[2]) in self._days and any(known[1] == day[1] for known in self._days)
        return bool(day[0]) and not day[1] and Fraction(day[0]) in self._values

    def _counted(self, figure: Figure, text: str) -> bool:
        """Whether the sources count the same things, so that the count can be compared."""
        if figure.unit:
            return any(known.unit == figure.unit for known, _ in self._known)
        noun = text[figure.end : figure.end + 4].lower()
        if noun[:1] not in _ANYTHING and "\u4e00" <= noun[:1] <= "\u9fff":
            noun = noun[:1]  # what counts such things counts nothing else
        return any(source[known.end : known.end + len(noun)].lower() == noun for known, source in self._known)

    def _value(self, figure: Figure) -> bool:
        for value in dict.fromkeys((figure.value, figure.shown * figure.scale)):
            units = self._values.get(value)
            if units and _agree(figure.unit, units):
                return True
        return any(_rounded(figure, known) for known in self._numbers)

    def _derived(self, figure: Figure, text: str, every: Sequence[Figure]) -> bool:
        """Whether a figure was computed from figures of the sources, where the sentence says that it was."""
        if len(self._numbers) > _MANY:
            return False
        begin = _begin(text, figure.start)
        of = [one for one in self._numbers if not one.small or one.unit not in ("", "people")]
        named = {one.value for one in every if begin <= one.start < figure.end + 60 and one is not figure}
        beside = [one for one in self._numbers if one.value in named]
        first = beside
        lines = [line for table in self._tables for line in table.lines]
        if _DERIVED.search(text[begin : figure.end + 12]):
            first = of if len(of) <= _FEW else beside
            lines += [[one.value for one in of if one.unit == unit] for unit in {one.unit for one in of}]
        elif not any(one.kind == "share" for one in beside):
            of = beside  # nothing says that it was computed but what it was computed from
        mean = _MEAN.search(text[begin : figure.end + 12]) is not None
        for said in (figure, msgspec.structs.replace(figure, value=figure.shown * figure.scale, unit="")):
            pairs = (two for one in first for other in of if one is not other for two in ((one, other), (other, one)))
            if any(_computed(said, *two) for two in pairs):
                return True
            if said.kind == "number" and any(_sums(said.value, line, mean) for line in lines):
                return True
            if said.unit in _PRICED and any(
                said.value == one.value * times for one in of for times in named if times <= 100
            ):
                return True
        return False

    # ------------------------------------------------------------------ references
    def _refers(self, reference: Reference, text: str) -> bool:
        if reference.kind in ("name", "quote") and _chinese(text) != self._chinese:
            return True  # told in another language than the sources
        if reference.kind == "article":
            return self._article(reference)
        if reference.kind == "link":
            return any(one.kind == "link" and _same_link(one.key, reference.key) for one in self._references)
        if reference.kind == "mark":
            return reference.key in self._marks or int(reference.key) <= len(self.texts)
        return any(key in self._folded for key in reference.keys) or reference.key in self._folded

    def _article(self, reference: Reference) -> bool:
        known = [one for one in self._references if one.kind == "article" and one.key == reference.key]
        if not known:
            return False
        named = [one.law for one in known if one.law]
        if not reference.law or not named or any(not one.law for one in known):
            return True
        return any(reference.law in law or law in reference.law for law in named)

    # ------------------------------------------------------------------ sentences
    def support(self, sentence: str) -> float:
        """How far a sentence is said by the sources, 0 to 1: what it has in common with them, most of all with the
        sentence that says most of it, less for gaps and for a negation on one side alone."""
        grams = _grams(sentence)
        if not grams:
            return 1.0
        best, denied = max(((len(grams & known), denied) for known, denied in self._sentences), default=(0, False))
        score = (0.6 * best + 0.4 * len(grams & self._grams)) / len(grams)
        if best * 10 > len(grams) * 3 and denied != _denied(sentence):
            score *= 0.6
        return score * 0.6 ** min(3, sum(one.kind != "name" for one in self.gaps(sentence)))


class _Table:
    """A table of a source: rows with a label each, columns with a heading."""

    def __init__(self, text: str) -> None:
        rows = [_cells(row) for row in _ROW.findall(text)]
        rows = [row for row in rows if any(cell.strip(":- ") for cell in row)]
        self._heads = [re.sub(r"\s*\(.*\)$", "", head) for head in rows[0][1:]] if rows else []
        self._rows = [(row[0], row[1:]) for row in rows[1:] if len(row[0]) > 1]
        width = max((len(cells) for _, cells in self._rows), default=0)
        columns = [[cells[i] for _, cells in self._rows if i < len(cells)] for i in range(width)]
        lines = [_values(one) for one in (*columns, *(cells for _, cells in self._rows))]
        sizes = (
            1,
            *(
                _SCALE[(one["a"] or one["b"] or one["c"]).lower().removesuffix("s")]
                for one in _MULTIPLIED.finditer(text)
            ),
        )
        self.lines = [[value * size for value in line] for line in lines if len(line) > 1 for size in sizes]

    def misplaced(self, figure: Figure, text: str) -> bool:
        """Whether a figure stands in the table, but not in the row, or not in the column, that the text names."""
        clause = text[_begin(text, figure.start) : figure.start]
        named = [(clause.rfind(label), label, cells) for label, cells in self._rows if label in clause]
        if not named:
            return False
        _, label, cells = max(named)
        holds = [_holds(cell, figure) for cell in cells]
        elsewhere = any(_holds(cell, figure) for other, row in self._rows if other != label for cell in row)
        if not any(holds):
            return elsewhere and not _DERIVED.search(clause)
        near = clause[clause.rfind(label) :]
        heads = [(near.rfind(head), i) for i, head in enumerate(self._heads) if len(head) > 1 and head in near]
        if not heads or figure.kind == "date":
            return False
        at, column = max(heads)
        if re.search(r"\d", near[at + len(self._heads[column]) :]):  # it belongs to the figure before
            return False
        return column < len(holds) and not holds[column]


def _cells(row: str) -> list[str]:
    for mark in "|\t":
        if mark in row:
            return [cell.strip() for cell in row.strip().strip(mark).split(mark)]
    return [cell.strip() for cell in row.split(",")]


def _values(cells: Sequence[str]) -> list[Fraction]:
    """The number of each cell that is one."""
    every = [figures(cell) for cell in cells]
    return [one[0].value for one in every if len(one) == 1 and one[0].kind == "number"]


def _holds(cell: str, figure: Figure) -> bool:
    """Whether a cell says a figure."""
    for one in figures(cell):
        if one.kind == "date" and one.day[0] and not one.day[1]:
            one = Figure("number", Fraction(one.day[0]), one.start, one.end, Fraction(one.day[0]))
        if figure.value in (one.value, one.value / 100) or figure.shown == one.shown != 0 or _rounded(figure, one):
            return True
        if figure.kind == "date" and one.day == figure.day:
            return True
    return False


def sentences(text: str) -> list[str]:
    """The sentences and rows of a text."""
    return [one for one in (part.strip() for part in _SENTENCE.split(text)) if one]


def _denied(sentence: str) -> bool:
    return _NOT.search(sentence) is not None


def _grams(text: str) -> frozenset[str]:
    """Pairs of Han characters, and words."""
    text = unicodedata.normalize("NFKC", text).casefold()
    made = {text[i : i + 2] for i in range(len(text) - 1) if _HAN.match(text[i]) and _HAN.match(text[i + 1])}
    return frozenset(made | set(re.findall(r"[a-z][a-z'-]+|\d+(?:\.\d+)?", text)))


def _chinese(text: str) -> bool:
    """Whether a text is for the most part Chinese."""
    return len(_HAN.findall(text)) * 2 > len(re.findall("[A-Za-z]+", text))


def _agree(unit: str, units: set[str]) -> bool:
    return not unit or unit in units or "" in units


def _rounded(figure: Figure, known: Figure) -> bool:
    """Whether a figure is another one, rounded: as far as it shows, or about right where it says so."""
    if figure.kind != known.kind or not known.value or (figure.unit and known.unit and figure.unit != known.unit):
        return False
    if figure.near and abs(figure.value - known.value) * 10 <= abs(known.value):
        return True
    digits = len(str(figure.shown.numerator * 10**figure.places // figure.shown.denominator)) if figure.shown else 0
    step = figure.value / figure.shown * Fraction(1, 10**figure.places) if figure.shown else Fraction(0)
    return digits >= 2 and (figure.scale > 1 or figure.places > 0) and abs(figure.value - known.value) * 2 <= step


def _computed(figure: Figure, one: Figure, other: Figure) -> bool:
    """Whether a figure is the sum or difference of two, or the share of one in the other, or its growth."""
    if figure.kind == "number":
        counts = other.value == int(other.value) and other.value <= 100 and one.unit in _PRICED
        if ("%" in (one.unit, other.unit) or counts) and figure.value == one.value * other.value:
            return figure.unit in ("", one.unit, other.unit)
        if one.unit != other.unit or (figure.unit and one.unit and figure.unit != one.unit):
            return False
        return figure.value in (one.value + other.value, abs(one.value - other.value))
    if figure.unit != "%" or not other.value:
        return False
    if one.kind == other.kind == "share":
        return figure.value in (one.value - other.value, other.value - one.value)
    shares = (one.value / other.value, one.value / other.value - 1, 1 - one.value / other.value)
    step = Fraction(1, 100 * 10**figure.places)
    return any(abs(figure.value - share) * 2 <= step for share in shares)


def _begin(text: str, at: int) -> int:
    """Where the sentence begins in which a place lies."""
    return max(text.rfind(stop, 0, at) for stop in "。！？\n;；") + 1


def _sums(value: Fraction, line: Sequence[Fraction], mean: bool) -> bool:
    """Whether a value is the sum or the mean of figures that follow each other, or the difference of two."""
    if len(line) <= _FEW and any(value == abs(one - other) for i, one in enumerate(line) for other in line[:i]):
        return True
    for size in range(2, min(len(line), 12) + 1):
        for i in range(len(line) - size + 1):
            total = sum(line[i : i + size], Fraction(0))
            if value == total or (mean and value == total / size):
                return True
    return False


def _free(text: str) -> list[Figure]:
    """The figures of a text that are no part of a reference: the 20 of RF-20 says nothing of twenty days."""
    taken = [(one.start, one.end) for one in references(text) if one.kind in ("link", "article", "reference")]
    return [
        one
        for one in figures(text)
        if one.kind != "number" or not any(start <= one.start < end for start, end in taken)
    ]


def _same_link(known: str, said: str) -> bool:
    return known == said or ("/" not in said and known.split("/", maxsplit=1)[0] == said)
