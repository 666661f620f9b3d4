# SPDX-License-Identifier: Apache-2.0
"""The record of Article 8: rules, training, sampling and quality of annotation, with every number from the store.

It goes to the authority with a filing and on inspection. Persons are counted in it and not named; no item is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from guiju.annotation.quality import Quality
from guiju.annotation.rulebook import KINDS, PARTS, Rulebook
from guiju.errors import Language
from guiju.law import calendar
from guiju.records.batches import Batch
from guiju.records.rulebooks import Published
from guiju.records.training import TOPICS, Sat, Taught
from guiju.terms import Figure

_TOPICS: Final = {
    "task": ("任务规则", "rules of the task"),
    "tool": ("标注工具", "the tool"),
    "quality": ("质量核验", "quality"),
    "data": ("数据安全", "security of data"),
    "law": ("守法意识", "awareness of the law"),
}
_STATES: Final = {
    "open": ("进行中", "open"),
    "accepted": ("接收", "accepted"),
    "rework": ("返工", "done anew"),
    "void": ("作废", "void"),
}


class Facts(msgspec.Struct, frozen=True):
    """What a record is made of.

    Attributes:
        provider: whose it is; `""` where the settings name nobody.
        now: Unix seconds.
        rules: published versions with their documents, newest first.
        lessons, exams: of all members.
        roles: batch id, member and role.
        batches: each with its quality.
    """

    provider: str
    now: int
    rules: Sequence[tuple[Published, Rulebook]]
    lessons: Sequence[Taught]
    exams: Sequence[Sat]
    roles: Sequence[tuple[str, str, str]]
    batches: Sequence[tuple[Batch, Quality]]


class Table(msgspec.Struct, frozen=True):
    """A table: its head, and rows of as many cells."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Section(msgspec.Struct, frozen=True):
    """A section: a title, paragraphs, tables."""

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()


def figures(facts: Facts, evidence: str) -> list[Figure]:
    """The numbers that other documents quote.

    Args:
        facts: of the record.
        evidence: where the ledger has the record.
    """
    settled = [(batch, quality.counted) for batch, quality in facts.batches if batch.state != "open"]
    seen, wrong = (sum(getattr(counted, name) for _, counted in settled) for name in ("seen", "wrong"))
    asked, right = (sum(getattr(counted, name) for _, counted in settled) for name in ("gold_asked", "gold_right"))
    counts: Mapping[str, tuple[float, int]] = {
        "annotation.rulebooks": (len({one.id for one, _ in facts.rules}), len(facts.rules)),
        "annotation.annotators": (_people(facts, "annotate"), len(facts.roles)),
        "annotation.reviewers": (_people(facts, "review"), len(facts.roles)),
        "annotation.qualified": (len(_qualified(facts)), len(facts.exams)),
        "annotation.items": (sum(batch.items for batch, _ in facts.batches), len(facts.batches)),
        "annotation.accepted": (sum(batch.state == "accepted" for batch, _ in settled), len(settled)),
        "annotation.error": (wrong / seen if seen else 0.0, seen),
        "annotation.gold": (right / asked if asked else 0.0, asked),
    }
    return [Figure(name, value, n, None, facts.now, evidence) for name, (value, n) in counts.items()]


def record(facts: Facts, language: Language) -> list[Section]:
    """The record in one language; Chinese is the text that counts."""
    words = _Words(language)
    return [
        _overview(facts, words),
        *_rules(facts, words),
        _people_(facts, words),
        _batches(facts, words),
        _means(words),
    ]


class _Words:
    """Chooses the language."""

    def __init__(self, language: Language) -> None:
        self._place = 0 if language == "zh" else 1

    def __call__(self, zh: str, en: str) -> str:
        return (zh, en)[self._place]

    def day(self, at: int) -> str:
        """A day (UTC+8)."""
        return calendar.day_of(at).isoformat()


def _overview(facts: Facts, say: _Words) -> Section:
    items = sum(batch.items for batch, _ in facts.batches)
    provider = facts.provider or say("本提供者", "The provider")
    return Section(
        say("一、概况", "1. Overview"),
        [
            say(
                f"{provider}在模型研发中采用人工标注，本记录依《办法》第八条编制，数字截至 {say.day(facts.now)}，"
                "均取自标注系统的存储，可由账本核对。",
                f"{provider} uses annotation by people. This record is made under Article 8; its numbers are of "
                f"{say.day(facts.now)}, come from the store of the annotation, and can be compared with the ledger.",
            ),
            say(
                f"已发布标注规则 {len(facts.rules)} 版；批次 {len(facts.batches)} 个，条目 {items} 条；"
                f"标注人员 {_people(facts, 'annotate')} 人，审核人员 {_people(facts, 'review')} 人。",
                f"Published rules: {len(facts.rules)} versions. Batches: {len(facts.batches)} with {items} items. "
                f"Annotators: {_people(facts, 'annotate')}; reviewers: {_people(facts, 'review')}.",
            ),
        ],
    )


def _rules(facts: Facts, say: _Words) -> list[Section]:
    head = [say("规则", "Rules"), say("类别", "Kind"), say("名称", "Title"), say("发布日期", "Published"), "SHA-256"]
    rows = [
        [one.name, say(*KINDS[one.kind]), one.title, say.day(one.published_at), one.hash[:16]] for one, _ in facts.rules
    ]
    asked = say(
        "功能性与安全性标注分别制定规则；每版规则由一人起草、另一人批准，发布后不得改动；"
        "安全性规则覆盖全部 31 类风险。",
        "Functional and safety annotation have rules of their own. Each version is written by one person and approved "
        "by another, and never changes once published. Safety rules cover all 31 risks.",
    )
    made = [Section(say("二、标注规则", "2. Rules"), [asked], [Table(head, rows)])]
    newest = {one.id: (one, book) for one, book in reversed(facts.rules)}
    for number, (one, book) in enumerate(newest.values(), 1):
        labels = Table(
            [say("标签", "Label"), say("名称", "Name"), say("定义", "Definition")],
            [[label.id, label.name, label.definition] for label in book.labels],
        )
        parts = [f"{say(*PARTS[name])}：{text.strip()}" for name, text in book.parts.items()]
        risks = Table([say("风险", "Risk"), say("标注方法", "Method")], [[risk.id, risk.method] for risk in book.risks])
        title = f"{say('二', '2')}.{number} {one.name} {one.title}"
        made.append(Section(title, parts, [labels, *([risks] if book.risks else [])]))
    return made


def _people_(facts: Facts, say: _Words) -> Section:
    taught = [
        [say(*_TOPICS[topic]), str(len({one.member for one in mine})), str(sum(one.minutes for one in mine))]
        for topic in TOPICS
        for mine in [[one for one in facts.lessons if one.topic == topic]]
    ]
    ended = [one for one in facts.exams if one.ended_at]
    passed = sum(one.passed for one in ended)
    return Section(
        say("三、标注人员", "3. People"),
        [
            say(
                "标注人员须在一年之内受过下列五项培训，并通过所用规则的考试（题目由规则示例随机抽取）；资格有期限，"
                "可随时暂停。同一批次中，标注与审核不由同一人担任。",
                "Annotators are taught the five topics below within a year and pass the exam on the rules that they "
                "work by (questions are drawn from the rules' examples). Qualifications end, and can be suspended at "
                "any time. Nobody both annotates and reviews in one batch.",
            ),
            say(
                f"考试 {len(ended)} 人次，通过 {passed} 人次；现有有效资格 {len(_qualified(facts))} 人。",
                f"Exams: {len(ended)}, of which {passed} were passed. Members with a valid qualification: "
                f"{len(_qualified(facts))}.",
            ),
        ],
        [Table([say("培训内容", "Topic"), say("人数", "Members"), say("分钟", "Minutes")], taught)],
    )


def _batches(facts: Facts, say: _Words) -> Section:
    head = [
        *(say("批次", "Batch"), say("规则", "Rules"), say("类别", "Kind"), say("条目", "Items")),
        *(say("抽检", "Sample"), say("差错", "Wrong"), say("接收数", "Allowed"), say("差错率（95%）", "Error (95 %)")),
        *(say("已知题", "Known items"), "α", say("分歧", "Splits"), say("结论", "Verdict")),
    ]
    return Section(
        say("四、抽样核验与质量评估", "4. Sampling and quality"),
        [
            say(
                "功能性批次按批量与接收质量限抽样核验，差错超过接收数的整批返工，发现违法不良内容的整批作废；"
                "安全性批次每条由两人各自标注，并逐条经另一人审核，数据单独存放。",
                "Of functional batches a sample by lot size and acceptance quality limit is looked at: a batch with "
                "more wrong than allowed is done anew, one with illegal content is void. Every item of a safety batch "
                "is annotated by two people apart, reviewed by a third, and kept apart.",
            )
        ],
        [Table(head, [_row(batch, quality, say) for batch, quality in facts.batches])],
    )


def _row(batch: Batch, quality: Quality, say: _Words) -> list[str]:
    counted, alpha = quality.counted, quality.agreement.alpha
    low, high = quality.error
    rate = f"{counted.wrong / counted.seen:.2%} [{low:.2%}, {high:.2%}]" if counted.seen else "–"
    return [
        batch.name,
        f"{batch.rulebook_id}@{batch.version}",
        say(*KINDS[batch.kind]),
        str(counted.items),
        f"{counted.seen} / {counted.plan.size}",
        str(counted.wrong),
        str(counted.plan.accept),
        rate,
        f"{counted.gold_right} / {counted.gold_asked}",
        f"{alpha.value:.3f}" if alpha else "–",
        str(counted.splits),
        say(*_STATES[batch.state]),
    ]


def _means(say: _Words) -> Section:
    return Section(
        say("五、方法与监督", "5. Method and supervision"),
        [
            say(
                "抽样方案：ISO 2859-1:1999（GB/T 2828.1-2012）正常检验一次抽样，一般检验水平 II；样本由批次种子决定，"
                "任何人可重新抽出同一样本。差错率区间为威尔逊区间。一致性为 Krippendorff α（名义量表）。",
                "Sampling: ISO 2859-1:1999 (GB/T 2828.1-2012), single plans for normal inspection, general level II. "
                "The sample follows from the batch's seed, so that anybody draws the same. Intervals of the error rate "
                "are Wilson's. Agreement is Krippendorff's alpha for names.",
            ),
            say(
                "标注人员意见不一的条目一律由审核人裁定。已知答案的题混入批次，标注人员不可见。用时、一致程度与已知题正确率"
                "出现异常的，提示负责人查看，不自动处罚，也不公开排名。",
                "Items on which annotators differ are settled by a reviewer. Items whose answer is known lie among the "
                "others, unseen. Where times, agreement or known items are out of the ordinary a lead is told; nobody "
                "is penalised automatically, and there is no public ranking.",
            ),
        ],
    )


def _people(facts: Facts, role: str) -> int:
    return len({member for _, member, held in facts.roles if held == role})


def _qualified(facts: Facts) -> set[str]:
    return {one.member for one in facts.exams if one.passed and one.until_at > facts.now}
