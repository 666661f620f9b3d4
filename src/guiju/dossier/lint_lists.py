# SPDX-License-Identifier: Apache-2.0
"""Lint of lists: keywords, questions, clauses (L15, L17)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from guiju.dossier.found import Found, Looked
from guiju.errors import Bilingual
from guiju.law import book

_BANKS: Final = {"content": "bank.generated", "refuse": "bank.refuse", "answer": "bank.answer"}
_MOST: Final = 10
"""Single rows that are named; more are counted."""


def lists(seen: Looked) -> Iterator[Found]:
    """L15: keywords and questions."""
    yield from _keywords(seen)
    yield from _questions(seen)


def _keywords(seen: Looked) -> Iterator[Found]:
    rows, risks = seen.sources.keywords, {one.id: one.family for one in book.risks()}
    yield from _least(seen, "keywords.total", len(rows), "keywords")
    for risk, family in risks.items():
        wanted = {"A.1": "keywords.a1", "A.2": "keywords.a2"}.get(family)
        if wanted:
            yield from _least(seen, wanted, sum(one.risk == risk for one in rows), f"keywords {risk}")
    bad = [one.term for one in rows if not one.risk.strip()]
    yield from _named("keywords", bad, "没有分类", "without a class")
    twice = [term for term, many in Counter(one.term for one in rows).items() if many > 1]
    yield from _named("keywords", twice, "重复", "twice")


def _questions(seen: Looked) -> Iterator[Found]:
    rows = seen.sources.questions
    risks = {one.id: one.family for one in book.risks()}
    counted = Counter((one.bank, one.risk) for one in rows)
    for bank, name in _BANKS.items():
        yield from _least(seen, f"{name}.total", sum(one.bank == bank for one in rows), f"questions {bank}")
    for risk, family in risks.items():
        yield from _least(
            seen, f"bank.generated.{family.lower().replace('.', '')}", counted["content", risk], f"questions {risk}"
        )
    for bank, id in (("refuse", "bank.refuse.each"), ("answer", "bank.answer.each")):
        for (own, risk), many in sorted(counted.items()):
            if own == bank:
                yield from _least(seen, id, many, f"questions {bank} {risk}")
    for bank, id in (("refuse", "bank.refuse.risks"), ("answer", "bank.answer.aspects")):
        yield from _least(seen, id, sum(own == bank for own, _ in counted), f"questions {bank}")
    yield from _named(
        "questions", [o.id for o in rows if o.bank != "answer" and o.risk not in risks], "没有分类", "without a class"
    )
    answered = [one for one in rows if one.answer.strip()]
    for bank, name in _BANKS.items():
        yield from _least(seen, f"{name}.sample", sum(one.bank == bank for one in answered), f"answers {bank}")
    yield from _named(
        "questions", [one.id for one in answered if one.verdict not in ("pass", "fail")], "没有研判结果", "not rated"
    )
    twice = [text for text, many in Counter((one.bank, one.zh) for one in rows).items() if many > 1]
    yield from _named("questions", [f"{bank}: {text[:20]}" for bank, text in twice], "重复", "twice")
    both = {one.zh for one in rows if one.bank == "refuse"} & {one.zh for one in rows if one.bank == "answer"}
    yield from _named("questions", sorted(both), "既应拒答又不应拒答", "to be refused and to be answered")


def _least(seen: Looked, id: str, count: int, place: str) -> Iterator[Found]:
    threshold = seen.sources.thresholds.get(id)
    if threshold is None or count >= threshold.value or f"explained.{id}" in seen.sources.conclusions:
        return
    why = Bilingual(
        f"有 {count}，须不少于 {threshold.value:g}（{threshold.basis}）",
        f"{count}, to be {threshold.value:g} at least ({threshold.basis})",
    )
    yield Found("L15", place, why, blocks=threshold.read != "memory")


def _named(place: str, rows: list[str], zh: str, en: str) -> Iterator[Found]:
    for one in rows[:_MOST]:
        yield Found("L15", f"{place} {one}", Bilingual(zh, en))
    if len(rows) > _MOST:
        more = len(rows) - _MOST
        yield Found("L15", place, Bilingual(f"另有 {more} 条{zh}", f"{more} more {en}"))


def clauses(seen: Looked) -> Iterator[Found]:
    """L17: each clause has a result, a proof or a reason, and a person who confirmed it."""
    rows = seen.sources.clauses.clause
    if not rows:
        yield Found(
            "L17",
            "clauses.toml",
            Bilingual("没有条款；先用 dossier clauses 写出或导入", "no clauses; import them first"),
        )
    ids: Mapping[str, int] = Counter(one.id for one in rows)
    known = {one.id for one in seen.sources.exhibits}
    for one in rows:
        place = f"clauses.toml {one.id}"
        if not one.settled:
            why = Bilingual(
                "尚未由人员确认，或缺少结果、证明、理由",
                "no person confirmed it, or result, proof or reason is missing",
            )
            yield Found("L17", place, why)
        elif one.status == "met" and one.proof.startswith("E") and one.proof[1:].isdigit() and one.proof not in known:
            yield Found("L17", place, Bilingual(f"没有证据 {one.proof}", f"there is no exhibit {one.proof}"))
        if one.read == "no":
            why = Bilingual(
                "条款文字是概述，未与标准正文核对", "the words are an outline; nobody compared them with the standard"
            )
            yield Found("L17", place, why, blocks=False)
        if ids[one.id] > 1:
            yield Found("L17", place, Bilingual("条款重复", "the clause stands twice"))
