# SPDX-License-Identifier: Apache-2.0
"""What is wrong with banks, and of what the standard asks for more: `guiju bank lint` (Articles 4 and 12; TC260-003).

A fault is something nobody can want: a row that can't be read, a question that stands twice, one that the model has
learnt, one that should be both refused and answered, one that the bounds forbid. A shortfall is what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from guiju.errors import Bilingual, Language
from guiju.evaluation.alike import Sought, bare, near
from guiju.evaluation.bank import LANGUAGES, Bank, Both, Fault, Item, Kind, Reading
from guiju.evaluation.bank_bounds import LONGEST, Bounds
from guiju.evaluation.standard import Shortfall, clock, openings, shortfalls

MOST_NEAR: Final = 0.05
"""Share of a bank's questions that may be nearly the same as an earlier one."""
_APART: Final[Mapping[Kind, tuple[Kind, ...]]] = {"refuse": ("answer", "over")}
"""What must be refused can't stand where it must be answered."""
_SHOWN: Final = 5


class Near(msgspec.Struct, frozen=True):
    """Two questions of a bank that are nearly the same."""

    id: str
    like: str
    language: Language
    likeness: float


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One bank that was looked over.

    Attributes:
        questions: how many could be read.
        classes: class → questions.
        modalities, forms: what they are given with and how they are put → questions.
        openings: class → distinct openings.
        near: questions that are nearly the same as an earlier one; `near_share` of all.
        updated, due: of the monthly clock, in Unix seconds; 0 where nobody says.
        note: what an operator must add.
    """

    id: str
    kind: Kind
    version: int
    owner: str
    questions: int
    classes: dict[str, int]
    modalities: dict[str, int]
    forms: dict[str, int]
    openings: dict[str, int]
    near: list[Near]
    near_share: float
    updated: int
    due: int
    note: Both


class Report(msgspec.Struct, frozen=True):
    """All that was found.

    Attributes:
        untold: questions that are too short to be looked for in training data.
    """

    banks: list[Looked]
    faults: list[Fault]
    shortfalls: list[Shortfall]
    untold: int = 0


def lint(readings: Sequence[Reading], now: int, training: Iterable[str] = (), longest: int = LONGEST) -> Report:
    """Look over banks, each by itself and against one another.

    Args:
        readings: the banks as they were read.
        now: Unix seconds, for the monthly clock.
        training: texts that the model has learnt from or will.
        longest: characters of a question, at most.
    """
    bounds = Bounds(longest)
    banks, faults, short = list[Looked](), list[Fault](), list[Shortfall]()
    for reading in readings:
        bank = reading.bank
        close = _near(bank)
        faults += [*reading.faults, *_single(bank, bounds), *_pairs(bank), *_same(bank), *_too_alike(bank, close)]
        banks.append(_looked(bank, close))
        short += shortfalls(bank, now)
    faults += _overlaps([one.bank for one in readings])
    learnt, untold = _learnt([one.bank for one in readings], training)
    return Report(banks, [*faults, *learnt], short, untold)


def _looked(bank: Bank, close: list[Near]) -> Looked:
    known = clock(bank)
    return Looked(
        id=bank.id,
        kind=bank.kind,
        version=bank.version,
        owner=bank.about.owner,
        questions=len(bank.items),
        classes=bank.classes(),
        modalities=dict(Counter(item.modality for item in bank.items)),
        forms=dict(Counter(item.form for item in bank.items)),
        openings=openings(bank),
        near=close,
        near_share=_share(bank, close),
        updated=known.updated,
        due=known.due,
        note=bank.about.note,
    )


def _single(bank: Bank, bounds: Bounds) -> Iterator[Fault]:
    """What is wrong with questions by themselves; twins are asked for where some question has both."""
    twins = any(item.zh and item.en for item in bank.items)
    for item in bank.items:
        for code, language, what in bounds.look(item, twins=twins):
            yield Fault(code, bank.id, f"{item.id} {language}", what)


def _pairs(bank: Bank) -> Iterator[Fault]:
    """Pairs of which a half is missing, or a side stands twice; questions of truth without an answer."""
    sides: dict[str, list[Item]] = {}
    for item in bank.items:
        if item.pair:
            sides.setdefault(item.pair, []).append(item)
        elif bank.kind in ("fairness", "self"):
            yield Fault("no_pair", bank.id, item.id, Bilingual("不属于任何一对", "it is half of no pair"))
        if bank.kind == "truth" and not _is_answered(item):
            yield Fault("no_reference", bank.id, item.id, Bilingual("没有参考答案", "it has no reference answer"))
        if bank.kind == "injection" and not item.goal:
            yield Fault("no_goal", bank.id, item.id, Bilingual("没有写明注入的目标词", "it names no goal"))
    for id, halves in sides.items():
        if len(halves) < 2 or len({one.side for one in halves}) < len(halves):
            what = Bilingual("缺一半，或同一侧出现两次", "a half is missing, or a side stands twice")
            yield Fault("bad_pair", bank.id, id, what)


def _is_answered(item: Item) -> bool:
    known = item.reference
    return known is not None and all(
        (answers := known.of(language)) is not None and any(map(str.strip, answers.accept))
        for language in LANGUAGES
        if item.text(language)
    )


def _near(bank: Bank) -> list[Near]:
    """Questions that are nearly the same as an earlier one of the bank; the halves of one pair are so on purpose."""
    items, made = bank.items, []

    def may(place: int, like: int) -> bool:
        return not items[place].pair or items[place].pair != items[like].pair

    for language in LANGUAGES:
        for pair in near([item.text(language) for item in items], language, may=may):
            made.append(Near(items[pair.place].id, items[pair.like].id, language, pair.likeness))
    return made


def _same(bank: Bank) -> Iterator[Fault]:
    """Questions that stand twice."""
    for language in LANGUAGES:
        seen: dict[str, Item] = {}
        for item in bank.items:
            if not (text := item.text(language)):
                continue
            first = seen.setdefault(bare(text), item)
            if first is not item:
                what = Bilingual(f"与 {first.id} 相同", f"it is the same as {first.id}")
                yield Fault("duplicate", bank.id, f"{item.id} {language}", what)


def _share(bank: Bank, close: Sequence[Near]) -> float:
    """The share of questions that are nearly the same as an earlier one, in the language that has more of them."""
    counts = [len({one.id for one in close if one.language == language}) for language in LANGUAGES]
    return round(max(counts) / len(bank.items), 4) if bank.items else 0.0


def _too_alike(bank: Bank, close: Sequence[Near]) -> Iterator[Fault]:
    share = _share(bank, close)
    if share > MOST_NEAR:
        some = ", ".join(dict.fromkeys(f"{one.id} ~ {one.like}" for one in close[:_SHOWN]))
        zh = f"{share:.1%} 的题目与前面的题目近似，至多 {MOST_NEAR:.0%}：{some}"
        en = f"{share:.1%} of the questions are nearly the same as an earlier one, {MOST_NEAR:.0%} may be: {some}"
        yield Fault("near_duplicates", bank.id, close[0].id, Bilingual(zh, en))


def _overlaps(banks: Sequence[Bank]) -> Iterator[Fault]:
    """What stands, the same or nearly, in a bank to be refused and in one to be answered."""
    for bank in banks:
        for other in banks:
            if other.kind not in _APART.get(bank.kind, ()):
                continue
            for language in LANGUAGES:
                yield from _overlap(bank, other, language)


def _overlap(bank: Bank, other: Bank, language: Language) -> Iterator[Fault]:
    first = len(other.items)
    both = [*other.items, *bank.items]
    texts = [item.text(language) for item in both]
    for pair in near(texts, language, may=lambda place, like: like < first <= place):
        id, like = both[pair.place].id, both[pair.like].id
        zh, en = f"又见于应答题库 {other.id}（{like}）", f"it stands in {other.id} as well, to be answered: {like}"
        yield Fault("overlap", bank.id, f"{id} {language}", Bilingual(zh, en))


def _learnt(banks: Sequence[Bank], training: Iterable[str]) -> tuple[list[Fault], int]:
    """Questions that stand in what the model learns from; and how many are too short to tell."""
    places = [(bank, item, language) for bank in banks for item in bank.items for language in LANGUAGES]
    places = [one for one in places if one[1].text(one[2])]
    sought: Sought | None = None
    found: dict[int, float] = {}
    for text in training:
        sought = sought or Sought([item.text(language) for _, item, language in places])
        for held in sought.within(text):
            found[held.place] = max(found.get(held.place, 0.0), held.share)
    faults = []
    for place, share in sorted(found.items()):
        bank, item, language = places[place]
        zh, en = f"训练数据中有此题（{share:.0%}）", f"it stands in the training data ({share:.0%} of it)"
        faults.append(Fault("contaminated", bank.id, f"{item.id} {language}", Bilingual(zh, en)))
    return faults, sought.short if sought else 0
