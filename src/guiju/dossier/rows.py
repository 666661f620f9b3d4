# SPDX-License-Identifier: Apache-2.0
"""Tables made from the books: risks, thresholds, sources, rules, clauses, duties, exhibits (Articles 6 to 8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from guiju.dossier import wording
from guiju.dossier.filling import Filling, Known, catalogue
from guiju.dossier.model import Spans, Table, plain
from guiju.dossier.sources import Sources
from guiju.dossier.template import BlockText
from guiju.dossier.wording import choose
from guiju.law import book, calendar
from guiju.law.book import Threshold
from guiju.records import retention
from guiju.records.corpora import PROOF_NAMES
from guiju.review.intervals import wilson
from guiju.terms import Figure

_STATUS: Final = {
    "met": ("符合", "met"),
    "not_met": ("不符合", "not met"),
    "not_applicable": ("不适用", "not applicable"),
}
_KINDS: Final = {
    "open": ("开源", "open source"),
    "collected": ("自采", "collected"),
    "commercial": ("商业", "commercial"),
    "user": ("使用者输入", "input of users"),
}
_ORIGINS: Final = {"domestic": ("境内", "domestic"), "foreign": ("境外", "foreign")}
_PARTS: Final = {
    "aim": ("标注目标", "aim"),
    "format": ("数据格式", "data format"),
    "method": ("标注方法", "method"),
    "quality": ("质量指标", "quality index"),
}
_LIST: Final = "questions:content"
BANKS: Final = {
    "content": ("生成内容测试题库", "generated content"),
    "refuse": ("应拒答测试题库", "should refuse"),
    "answer": ("非拒答测试题库", "should not refuse"),
}


def met(figure: Figure, threshold: Threshold) -> bool:
    """Whether a figure reaches a threshold."""
    return figure.value >= threshold.value if threshold.bound == "min" else figure.value <= threshold.value


def table(fill: Filling, block: BlockText) -> Table:
    """The table that a block asks for.

    Raises:
        KeyError: there is no such table; a test holds the templates to those that are.
    """
    return TABLES[block.rows](fill, block)


def explained(sources: Sources, block: BlockText) -> list[str]:
    """The conclusions by which persons explain what a table shows not to be met; they stand below it."""
    begins = {
        "thresholds": tuple(one.threshold for one in catalogue().values() if one.name in block.of.split()),
        "keywords": ("keywords.",),
        "banks": ("bank.refuse.", "bank.answer.", "bank.generated.total"),
        "questions": ("bank.generated.a",),
    }.get(block.rows, ())
    said = (id.removeprefix("explained.") for id in sources.conclusions if id.startswith("explained."))
    return [f"explained.{id}" for id in sorted(said) if any(begin and id.startswith(begin) for begin in begins)]


def _head(fill: Filling, *cells: tuple[str, str]) -> tuple[Spans, ...]:
    return tuple(plain(choose(fill.language, *cell)) for cell in cells)


def _two(fill: Filling, names: Mapping[str, tuple[str, str]], id: str) -> Spans:
    return plain(choose(fill.language, *names.get(id, (id, id))))


def _thresholds(fill: Filling, block: BlockText) -> Table:
    """Figures against their thresholds, of all whose id begins so."""
    rows = []
    wanted = block.of.split()
    for known in catalogue().values():
        if known.threshold and known.name in wanted:
            rows.append(_held(fill, known))
    head = _head(
        fill, ("项目", "Item"), ("要求", "Asked"), ("结果", "Found"), ("样本量", "n"), ("95%置信区间", "95% interval")
    )
    return Table(tuple(rows), (*head, *_head(fill, ("判定", "Result"))), (0.26, 0.17, 0.14, 0.11, 0.2, 0.12))


def _held(fill: Filling, known: Known) -> tuple[Spans, ...]:
    figure = fill.sources.figures.get(known.name)
    threshold = fill.sources.thresholds.get(known.threshold)
    name = plain(choose(fill.language, known.zh, known.en))
    asked = (fill.threshold(known.threshold),)
    found = (fill.figure(known.name),)
    if figure is None or threshold is None:
        return name, asked, found, plain("—"), plain("—"), plain("—")
    source = f"figure:{known.name}"
    between = plain(wording.interval(figure.interval, known.unit), source)
    return name, asked, found, plain(wording.number(figure.n), source), between, _result(fill, met(figure, threshold))


def _result(fill: Filling, fine: bool) -> Spans:
    return plain(choose(fill.language, *_STATUS["met" if fine else "not_met"]))


def _figures(fill: Filling, block: BlockText) -> Table:
    """Figures by name, with n, interval and date."""
    rows = []
    for name in block.of.split():
        known, figure = catalogue()[name], fill.sources.figures.get(name)
        if figure is None and known.optional:
            continue
        source = f"figure:{name}"
        rest = (plain("—"), plain("—"))
        if figure is not None:
            day = wording.date(calendar.day_of(figure.at), fill.language)
            rest = (plain(wording.number(figure.n), source), plain(day, source))
        rows.append((plain(choose(fill.language, known.zh, known.en)), (fill.figure(name),), *rest))
    head = _head(fill, ("项目", "Item"), ("数值", "Value"), ("样本或基数", "n"), ("日期", "Date"))
    return Table(tuple(rows), head, (0.4, 0.2, 0.18, 0.22))


def _risks(fill: Filling, block: BlockText) -> Table:
    """One row for each of the 31 risks, reckoned from the rated questions that the package holds as its own list."""
    asked = fill.sources.thresholds[block.of]
    rows: list[tuple[Spans, ...]] = []
    for risk in book.risks():
        label = (plain(risk.id), plain(choose(fill.language, risk.zh, risk.en)))
        rated = [one for one in fill.sources.questions if (one.bank, one.risk) == ("content", risk.id) and one.verdict]
        if not rated:
            name = f"content.{risk.id}"
            rows.append((*label, plain("—"), (fill.missing("questions", name),), plain("—"), plain("—")))
            continue
        passed = sum(one.verdict == "pass" for one in rated)
        between = plain(wording.interval(wilson(passed, len(rated)), "share"), _LIST)
        found = plain(wording.share(passed / len(rated)), _LIST)
        fine = passed / len(rated) >= asked.value
        rows.append((*label, plain(wording.number(len(rated)), _LIST), found, between, _result(fill, fine)))
    head = _head(
        fill, ("编号", "Id"), ("风险", "Risk"), ("题数", "n"), ("合格率", "Passed"), ("95%置信区间", "95% interval")
    )
    return Table(tuple(rows), (*head, *_head(fill, ("判定", "Result"))), (0.09, 0.33, 0.1, 0.14, 0.22, 0.12))


def _rows_fact(fill: Filling, block: BlockText) -> Table:
    """A fact that is a list of rows."""
    rows = tuple(tuple(_field(fill, block.of, row, key) for key in block.keys) for row in fill.sources.rows(block.of))
    if not rows:
        rows = (((fill.missing("fact", block.of),), *(plain("—") for _ in block.keys[1:])),)
    return Table(rows, _head(fill, *((zh, en) for zh, en in block.head)), block.widths)


def _field(fill: Filling, fact: str, row: Mapping[str, Any], key: str) -> Spans:
    said = row.get(key)
    text = "" if said in (None, "", [], ()) else wording.value(said, fill.language)
    return plain(text or "—", f"fact:{fact}.{key}")


def _ticked(fill: Filling, block: BlockText) -> Table:
    """All choices of a fact, and which of them it is."""
    said = fill.sources.words(block.of)
    rows: list[tuple[Spans, ...]] = [
        (
            plain(choose(fill.language, *names), f"fact:{block.of}" if id in said else ""),
            plain("√" if id in said else "—"),
        )
        for id, names in fill.sources.choices.get(block.of, {}).items()
    ]
    if not said:
        rows = [((fill.missing("fact", block.of),), plain("—"))]
    return Table(tuple(rows), _head(fill, ("情形", "Case"), ("属于", "It is this")), (0.84, 0.16))


def _corpora(fill: Filling, block: BlockText) -> Table:
    """The register of the sources that the model learns from."""
    rows: list[tuple[Spans, ...]] = [
        (
            plain(one.id, f"corpus:{one.id}"),
            plain(one.title, f"corpus:{one.id}"),
            _two(fill, _KINDS, one.kind),
            _two(fill, _ORIGINS, one.origin),
            plain(one.licence or "—", f"corpus:{one.id}"),
            plain(wording.number(one.items), f"corpus:{one.id}"),
            plain(_proofs(fill, one.proofs), f"corpus:{one.id}"),
        )
        for one in fill.sources.corpora
    ]
    if not rows:
        rows = [((fill.missing("register", "corpora"),), *(plain("—") for _ in range(6)))]
    head = _head(fill, ("编号", "Id"), ("名称", "Title"), ("类型", "Kind"), ("境内外", "Origin"))
    more = _head(fill, ("许可", "Licence"), ("条数", "Items"), ("证明材料", "Proofs"))
    return Table(tuple(rows), (*head, *more), (0.14, 0.2, 0.1, 0.1, 0.14, 0.12, 0.2))


def _proofs(fill: Filling, kinds: Sequence[str]) -> str:
    named = (choose(fill.language, *PROOF_NAMES.get(one, (one, one))) for one in kinds)
    return choose(fill.language, "；", "; ").join(named) or "—"


def _rules(fill: Filling, block: BlockText) -> Table:
    """The published rules of annotation."""
    kinds = {"functional": ("功能性", "functional"), "safety": ("安全性", "safety")}
    rows: list[tuple[Spans, ...]] = [
        (
            plain(one.name, "rules"),
            plain(one.title, "rules"),
            _two(fill, kinds, one.kind),
            plain(wording.date(one.on, fill.language), "rules"),
            plain(one.hash[:16], "rules"),
        )
        for one in fill.sources.rules
    ]
    if not rows:
        rows = [((fill.missing("register", "rules"),), *(plain("—") for _ in range(4)))]
    head = _head(
        fill, ("规则", "Rules"), ("名称", "Title"), ("类别", "Kind"), ("发布日期", "Published"), ("SHA-256", "SHA-256")
    )
    return Table(tuple(rows), head, (0.2, 0.28, 0.12, 0.2, 0.2))


def _clauses(fill: Filling, block: BlockText) -> Table:
    """Every clause with its result, and the proof or the reason."""
    rows: list[tuple[Spans, ...]] = []
    for one in fill.sources.clauses.clause:
        source = f"clause:{one.id}"
        found = _two(fill, _STATUS, one.status) if one.status else (fill.missing("clause", one.id),)
        confirmed = f"{one.confirmed_by} {one.confirmed_on}" if one.settled else ""
        who = plain(confirmed, source) if confirmed else (fill.missing("clause", one.id),)
        words = choose(fill.language, one.zh, one.en or one.zh)
        rows.append((plain(one.id, source), plain(words, source), found, plain(one.proof or "—", source), who))
    if not rows:
        rows = [((fill.missing("register", "clauses"),), *(plain("—") for _ in range(4)))]
    head = _head(
        fill,
        ("条款", "Clause"),
        ("要求（概述）", "What it asks"),
        ("结果", "Result"),
        ("证明或理由", "Proof or reason"),
    )
    return Table(tuple(rows), (*head, *_head(fill, ("确认", "Confirmed"))), (0.1, 0.4, 0.1, 0.24, 0.16))


def _duties(fill: Filling, block: BlockText) -> Table:
    """Every duty that is owed, or those of some articles of the draft, and by which controls it is kept."""
    kept: dict[str, list[str]] = {}
    for id, control in fill.sources.controls:
        kept.setdefault(id, []).append(control)
    by = {"software": ("技术措施", "technical"), "person": ("管理措施", "by persons"), "none": ("—", "—")}
    rows = []
    for duty in fill.sources.law.duties:
        if not duty.owed or (block.of and _article(duty.id) not in block.of.split()):
            continue
        controls = ", ".join(sorted(set(kept.get(duty.id, ()))))
        measure = choose(fill.language, *by[duty.by])
        measure += choose(fill.language, f"（{controls}）", f" ({controls})") if controls else ""
        rows.append((plain(duty.article), plain(duty.id), plain(duty.said(fill.language)), plain(measure)))
    head = _head(fill, ("条", "Article"), ("义务", "Duty"), ("内容", "What it asks"), ("措施", "Measure"))
    return Table(tuple(rows), head, (0.1, 0.17, 0.5, 0.23))


def _article(duty: str) -> str:
    """The article of the draft that a duty belongs to: `8` for `8.1` and for `i.8.quality`; `l` for labels."""
    first, _, rest = duty.partition(".")
    return rest.partition(".")[0] if first == "i" else first[:1] if first[:1].isalpha() else first


def _exhibits(fill: Filling, block: BlockText) -> Table:
    """The register of exhibits."""
    rows: list[tuple[Spans, ...]] = [
        (
            plain(one.id, f"exhibit:{one.id}"),
            plain(one.named(fill.language) + (f" {one.about}" if one.about else ""), f"exhibit:{one.id}"),
            plain(wording.date(one.dated, fill.language), f"exhibit:{one.id}"),
            plain(one.sha256, f"exhibit:{one.id}"),
        )
        for one in fill.sources.exhibits
    ]
    if not rows:
        rows = [((fill.missing("register", "exhibits"),), *(plain("—") for _ in range(3)))]
    head = _head(fill, ("编号", "Id"), ("内容", "Shows"), ("日期", "Date"), ("SHA-256", "SHA-256"))
    return Table(tuple(rows), head, (0.12, 0.33, 0.17, 0.38))


def _counts(fill: Filling, counted: Counter[str], asked: Callable[[str], Threshold | None], source: str) -> Table:
    rows = []
    for risk in book.risks():
        threshold = asked(risk.family)
        n = counted[risk.id]
        want = plain("—")
        result = plain("—")
        if threshold is not None:
            want = (fill.threshold(threshold.id),)
            result = _result(fill, n >= threshold.value)
        label = plain(choose(fill.language, risk.zh, risk.en))
        rows.append((plain(risk.id), label, want, plain(wording.number(n), source), result))
    head = _head(fill, ("编号", "Id"), ("类别", "Class"), ("要求", "Asked"), ("数量", "Count"), ("判定", "Result"))
    return Table(tuple(rows), head, (0.1, 0.42, 0.2, 0.14, 0.14))


def _keyword_counts(fill: Filling, block: BlockText) -> Table:
    """Keywords by class against what each class asks."""
    counted = Counter(one.risk for one in fill.sources.keywords)
    names = {"A.1": "keywords.a1", "A.2": "keywords.a2"}
    return _counts(fill, counted, lambda family: fill.sources.thresholds.get(names.get(family, "")), "keywords")


def _question_counts(fill: Filling, block: BlockText) -> Table:
    """Questions on generated content by class against what each class asks."""
    counted = Counter(one.risk for one in fill.sources.questions if one.bank == block.of)
    names = {one.applies: one for one in fill.sources.thresholds.values() if one.id.startswith("bank.generated.a")}
    return _counts(fill, counted, lambda family: names.get(family), f"questions:{block.of}")


def _banks(fill: Filling, block: BlockText) -> Table:
    """How many questions each bank has, against what is asked of all of it."""
    asked = {"content": "bank.generated.total", "refuse": "bank.refuse.total", "answer": "bank.answer.total"}
    counted = Counter(one.bank for one in fill.sources.questions)
    rows = tuple(
        (
            _two(fill, BANKS, bank),
            (fill.threshold(id),),
            plain(wording.number(counted[bank]), f"questions:{bank}"),
            _result(fill, counted[bank] >= fill.sources.thresholds[id].value),
        )
        for bank, id in asked.items()
    )
    head = _head(fill, ("题库", "Bank"), ("要求", "Asked"), ("题数", "Questions"), ("判定", "Result"))
    return Table(rows, head, (0.4, 0.24, 0.2, 0.16))


def _rule_parts(fill: Filling, block: BlockText) -> Table:
    """The published rules of annotation, part by part."""
    rows = tuple(
        (plain(one.name, "rules"), _two(fill, _PARTS, name), plain(text.strip(), "rules"))
        for one in fill.sources.rules
        for name, text in one.parts.items()
    )
    return Table(rows, _head(fill, ("规则", "Rules"), ("部分", "Part"), ("内容", "Text")), (0.17, 0.15, 0.68))


def _rule_labels(fill: Filling, block: BlockText) -> Table:
    """The labels of the published rules."""
    rows = tuple(
        (plain(one.name, "rules"), plain(f"{id} {name}", "rules"), plain(definition, "rules"))
        for one in fill.sources.rules
        for id, name, definition in one.labels
    )
    return Table(rows, _head(fill, ("规则", "Rules"), ("标签", "Label"), ("定义", "Definition")), (0.17, 0.25, 0.58))


def _retention(fill: Filling, block: BlockText) -> Table:
    """How long what is kept about persons, and why."""
    rows = tuple(
        (
            plain(choose(fill.language, one.zh, one.en)),
            plain(wording.quantity(one.max_days, "days", fill.language)),
            plain(one.start.of(fill.language)),
        )
        for one in retention.classes()
    )
    return Table(rows, _head(fill, ("数据", "Data"), ("保存期限", "Kept for"), ("起算", "From")), (0.5, 0.18, 0.32))


def _penalties(fill: Filling, block: BlockText) -> Table:
    """What the law threatens."""
    rows = tuple(
        (plain(duty.article), plain(duty.id), plain(duty.said(fill.language)))
        for duty in fill.sources.law.duties
        if duty.in_force and duty.kind == "penalty"
    )
    return Table(rows, _head(fill, ("条", "Article"), ("编号", "Id"), ("内容", "What it says")), (0.12, 0.12, 0.76))


TABLES: Final[dict[str, Callable[[Filling, BlockText], Table]]] = {
    "thresholds": _thresholds,
    "figures": _figures,
    "risks": _risks,
    "fact": _rows_fact,
    "ticked": _ticked,
    "corpora": _corpora,
    "rules": _rules,
    "clauses": _clauses,
    "duties": _duties,
    "exhibits": _exhibits,
    "keywords": _keyword_counts,
    "questions": _question_counts,
    "banks": _banks,
    "rule-parts": _rule_parts,
    "rule-labels": _rule_labels,
    "retention": _retention,
    "penalties": _penalties,
}
