# SPDX-License-Identifier: Apache-2.0
"""What the standard asks of a bank, and of what there is too little (TC260-003 and GB/T 45654-2025, on banks).

The figures are those of `law/texts/thresholds.toml`, each with its modality and with how it was read. Beside them stand
a few of our own (basis `own`): they keep a bank from meeting the numbers with one question in a hundred wordings.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from guiju.errors import Bilingual, Language
from guiju.evaluation.alike import opening
from guiju.evaluation.bank import LANGUAGES, Bank, Kind
from guiju.evaluation.bank_bounds import NARROW
from guiju.law import book, calendar
from guiju.law.book import Threshold

FIGURES: Final[Mapping[Kind, str]] = {"content": "bank.generated", "refuse": "bank.refuse", "answer": "bank.answer"}
"""What the figures of a kind of bank begin with; the standard has none for the others."""
REFUSED: Final = ("A.1", "A.2")
"""The classes whose risks must be refused: 17 (TC260-003)."""
OPENINGS: Final = 30
"""Distinct openings of a class, at least; of a class with fewer than 50 questions six for each ten."""
_SIZE: Final = 50
EVEN: Final = 3.0
"""How many times more or less than an even share a class may have."""
_NOON: Final = 12 * 3600


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """Something of which there is too little.

    Attributes:
        bank: its id.
        figure: id of the threshold, or `own.` and a name.
        category: the class it is about; `""` for the whole bank.
        have, want: numbers; `want` is the figure.
        modality: `shall`, `should`.
        basis: the text in which the figure stands; `own` for none.
        read: how that text was read.
        what: in words.
    """

    bank: str
    figure: str
    category: str = ""
    have: float
    want: float
    modality: str = "should"
    basis: str = "own"
    read: str = "official"
    what: Bilingual


class Clock(msgspec.Struct, frozen=True):
    """When a bank was last changed, and until when it may stay as it is. Unix seconds; 0 where nobody says."""

    updated: int
    due: int

    def is_late(self, now: int) -> bool:
        """Whether it should have been changed by now."""
        return now > self.due


def clock(bank: Bank) -> Clock:
    """The monthly clock of a bank: from its own date, else from its newest question."""
    day = bank.about.updated or max((item.added for item in bank.items), default="")
    if not day:
        return Clock(0, 0)
    begun = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) - 8 * 3600 + _NOON  # noon in China
    return Clock(begun, calendar.after_months(begun, _months(bank.kind)))


def asked(kind: Kind) -> tuple[str, ...]:
    """The classes that the standard asks a bank of a kind to have."""
    if kind == "answer":
        return tuple(one.id for one in book.aspects())
    if kind in FIGURES:
        return tuple(one.id for one in book.risks() if kind == "content" or one.family in REFUSED)
    return ()


def shortfalls(bank: Bank, now: int) -> Iterator[Shortfall]:
    """Of what a bank has too little.

    Args:
        bank: the bank.
        now: Unix seconds.
    """
    if bank.kind in FIGURES:
        yield from _by_standard(bank)
    yield from _age(bank, now)
    yield from _openings(bank)
    yield from _balance(bank)
    yield from _one_language(bank)


def _figures(kind: Kind) -> dict[str, Threshold]:
    """The figures of a kind of bank, by the last part of their ids."""
    head = FIGURES.get(kind, "?") + "."
    return {one.id.removeprefix(head): one for one in book.thresholds() if one.id.startswith(head)}


def _by_standard(bank: Bank) -> Iterator[Shortfall]:
    figures, counts = _figures(bank.kind), bank.classes()
    names = asked(bank.kind)
    total = figures["total"]
    if (have := len(bank.items)) < total.value:
        yield _short(
            bank,
            total,
            have,
            "",
            Bilingual(f"共 {have} 题，应有 {total.value:g} 题", f"{have} questions of {total.value:g}"),
        )
    covers = figures["aspects" if bank.kind == "answer" else "risks"]
    missing = [name for name in names if not counts.get(name)]
    if len(names) - len(missing) < covers.value:
        some = "、".join(missing), ", ".join(missing)
        what = Bilingual(f"未覆盖：{some[0]}", f"nothing asks about {some[1]}")
        yield _short(bank, covers, len(names) - len(missing), "", what)
    for name in names:
        figure = next(
            one for id, one in figures.items() if id == "each" or (one.applies and name.startswith(f"{one.applies}"))
        )
        if (have := counts.get(name, 0)) < figure.value:
            what = Bilingual(
                f"{name} 有 {have} 题，应有 {figure.value:g} 题", f"{name}: {have} of {figure.value:g} questions"
            )
            yield _short(bank, figure, have, name, what)


def _age(bank: Bank, now: int) -> Iterator[Shortfall]:
    if bank.kind not in FIGURES:
        return
    figure, known = _figures(bank.kind)["update"], clock(bank)
    if not known.updated:
        what = Bilingual("没有更新日期", "nobody says when it was last changed")
        yield _short(bank, figure, -1, "", what)
    elif known.is_late(now):
        due = time.strftime("%Y-%m-%d", time.gmtime(known.due + 8 * 3600))
        months = (now - known.updated) / (30.44 * 86_400)
        what = Bilingual(f"应于 {due} 前更新", f"it should have been changed by {due}")
        yield _short(bank, figure, round(months, 1), "", what)


def _months(kind: Kind) -> int:
    """How many months a bank may stay as it is; one of a kind for which the standard has no figure as the others."""
    return int(_figures(kind if kind in FIGURES else "content")["update"].value)


def openings(bank: Bank) -> dict[str, int]:
    """Class → distinct openings of its questions, in the language that has fewer of them."""
    made: dict[str, int] = {}
    for name in bank.classes():
        counts = [
            len(
                {
                    opening(text, language)
                    for item in bank.items
                    if item.category == name and (text := item.text(language))
                }
            )
            for language in _languages(bank)
        ]
        made[name] = min(counts, default=0)
    return made


def _openings(bank: Bank) -> Iterator[Shortfall]:
    counts = bank.classes()
    for name, have in openings(bank).items():
        want = min(OPENINGS, math.ceil(OPENINGS / _SIZE * _units(bank, name, counts[name])))
        if have < want:
            what = Bilingual(f"{name} 的题目只有 {have} 种开头", f"the questions of {name} begin in {have} ways only")
            yield Shortfall(bank=bank.id, figure="own.openings", category=name, have=have, want=want, what=what)


def _units(bank: Bank, name: str, questions: int) -> int:
    """How many questions of a class are asked, halves of pairs taken for one: they begin alike on purpose."""
    pairs = {item.pair for item in bank.items if item.category == name and item.pair}
    return questions - sum(1 for item in bank.items if item.category == name and item.pair) + len(pairs)


def _balance(bank: Bank) -> Iterator[Shortfall]:
    counts = {name: number for name, number in bank.classes().items() if name in asked(bank.kind)}
    even = sum(counts.values()) / len(counts) if counts else 0.0
    for name, number in counts.items():
        if not even / EVEN <= number <= even * EVEN:
            what = Bilingual(
                f"{name} 有 {number} 题，平均每类 {even:.0f} 题",
                f"{name}: {number} questions beside {even:.0f} on average",
            )
            yield Shortfall(
                bank=bank.id, figure="own.balance", category=name, have=number, want=round(even, 1), what=what
            )


def _languages(bank: Bank) -> list[Language]:
    """The languages in which a bank asks anything."""
    return [language for language in LANGUAGES if any(item.text(language) for item in bank.items)]


def _one_language(bank: Bank) -> Iterator[Shortfall]:
    """A bank of one language is whole by the standard; ours has both. Half-width marks in Chinese are counted here."""
    languages, all_of = _languages(bank), len(bank.items)
    if len(languages) == 1:
        what = Bilingual("只有一种语言", f"it is in {languages[0]} only")
        yield Shortfall(bank=bank.id, figure="own.twins", have=0, want=all_of, what=what)
    if narrow := sum(1 for item in bank.items if NARROW.search(item.zh)):
        what = Bilingual(f"{narrow} 题的中文用了半角标点", f"{narrow} Chinese questions have half-width punctuation")
        yield Shortfall(bank=bank.id, figure="own.punctuation", have=all_of - narrow, want=all_of, what=what)


def _short(bank: Bank, figure: Threshold, have: float, category: str, what: Bilingual) -> Shortfall:
    return Shortfall(
        bank=bank.id,
        figure=figure.id,
        category=category,
        have=have,
        want=figure.value,
        modality=figure.modality,
        basis=figure.basis,
        read=figure.read,
        what=what,
    )
