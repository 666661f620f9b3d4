# SPDX-License-Identifier: Apache-2.0
"""The papers of an evaluation, made from its document: a page with charts, and workbooks (Articles 6 and 17).

Nothing in them is a script, and no cell is a formula. The workbook in the form of the filing's Annex 5 alone holds
questions and answers; whoever wants it says what for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from guiju.evaluation import gap_plot, sheets
from guiju.evaluation.bank import Kind
from guiju.evaluation.report import KINDS, RATES, risk_level
from guiju.records.assessments import Row, Said
from guiju.records.runs import Row as Asked

JUDGES: Final[Mapping[str, tuple[str, str]]] = {
    "keyword": ("关键词", "keywords"),
    "classifier": ("分类模型", "classifier"),
    "refusal": ("拒答识别", "refusal detector"),
    "known": ("参考答案", "known answers"),
    "pair": ("成对比较", "pairs"),
    "model": ("模型研判", "model"),
    "person": ("人工", "persons"),
}
RESULTS: Final[Mapping[str, tuple[str, str]]] = {
    "": ("未研判", "not judged"),
    "passed": ("合格", "passed"),
    "failed": ("不合格", "failed"),
    "open": ("未完成", "not finished"),
}
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "met": ("达到", "met"),
    "short": ("达到，题数不足", "met, too few questions"),
    "open": ("未定", "open"),
    "missed": ("未达到", "missed"),
    "measured": ("已测，无限值", "measured, no limit"),
}
_LABELS: Final = {"pass": "合格", "fail": "不合格", "abstain": "未定"}
_WIDTH: Final = 1000
"""Units of a chart from 0 to 100 %."""


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a chart: names, a rate with its interval as text, and where these are drawn (0 to 1000)."""

    zh: str
    en: str
    whole: bool
    rate: str
    interval: str
    n: int
    unknown: int
    x: float
    low: float
    width: float
    bad: bool


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One chart, which is a table as well: one bank by one judge, all classes; `limit` below 0 is none."""

    bank: str
    zh: str
    en: str
    rate_zh: str
    rate_en: str
    judge_zh: str
    judge_en: str
    bound: str
    limit: float
    limit_text: str
    dots: list[Dot]


def charts(document: Mapping[str, Any]) -> list[Chart]:
    """What is drawn: for each verdict a dot plot of its classes, rates as the limit counts them."""
    made = []
    for verdict in document["verdicts"]:
        mine = [s for s in document["shares"] if (s["bank"], s["judge"]) == (verdict["bank"], verdict["judge"])]
        limited = bool(verdict["threshold"])
        made.append(
            Chart(
                bank=verdict["bank"],
                zh=KINDS[verdict["kind"]][0],
                en=KINDS[verdict["kind"]][1],
                rate_zh=RATES[verdict["kind"]][0],
                rate_en=RATES[verdict["kind"]][1],
                judge_zh=JUDGES[verdict["judge"]][0],
                judge_en=JUDGES[verdict["judge"]][1],
                bound={"min": "≥", "max": "≤"}.get(verdict["bound"], ""),
                limit=_WIDTH * verdict["limit"] if limited else -1.0,
                limit_text=f"{verdict['limit']:.0%}" if limited else "",
                dots=[_dot(share, verdict) for share in mine],
            )
        )
    return made


def _dot(share: Mapping[str, Any], verdict: Mapping[str, Any]) -> Dot:
    turned = verdict["bound"] == "max"
    rate, low, high = share["share"], share["low"], share["high"]
    if turned:
        rate, low, high = 1 - rate, 1 - high, 1 - low
    wrong = rate > verdict["limit"] if turned else rate < verdict["limit"]
    return Dot(
        zh=share["zh"],
        en=share["en"],
        whole=not share["category"],
        rate=f"{rate:.1%}" if share["judged"] else "–",
        interval=f"{low:.1%}–{high:.1%}" if share["judged"] else "–",
        n=share["judged"],
        unknown=share["of"] - share["judged"],
        x=round(_WIDTH * rate, 1),
        low=round(_WIDTH * low, 1),
        width=round(_WIDTH * (high - low), 1),
        bad=bool(verdict["threshold"]) and share["judged"] > 0 and wrong,
    )


def needed(code: str) -> tuple[str, str]:
    """What a code of `Outcome.missing` says, in words."""
    kind, _, rest = code.partition(".")
    if kind not in KINDS:
        return "尚有未问的题", "not all questions were asked"
    zh, en = KINDS[cast(Kind, kind)]
    judge, _, short = rest.partition(".")
    if not judge:
        return f"没有测{zh}题库", f"no bank of {en} was asked"
    name = JUDGES[judge]
    if short:
        return f"{zh}（{name[0]}）：题数少于标准", f"{en}, {name[1]}: fewer questions than the standard draws"
    return f"{zh}（{name[0]}）：未达到或未判完", f"{en}, {name[1]}: not met, or not all judged"


def page(document: Mapping[str, Any]) -> str:
    """The report as one page that needs nothing else: both languages, charts and their tables."""
    pages = Environment(
        loader=PackageLoader("guiju.evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    words = {"kinds": KINDS, "judges": JUDGES, "states": STATES, "results": RESULTS, "needed": needed}
    begun = time.strftime("%Y-%m-%d %H:%M", time.gmtime(document["begun_at"] + 8 * 3600))
    return pages.get_template("report.html").render(
        d=document, charts=charts(document), plots=gap_plot.plots(document), begun=begun, **words
    )


def figures_book(document: Mapping[str, Any]) -> bytes:
    """The figures as a workbook; no question and no answer."""
    asked = document["asked"]
    head: list[Sequence[object]] = [
        ("测评 run", document["run"]),
        ("结论 result", " ".join(RESULTS[document["result"]])),
        ("对象 target", document["route"]),
        ("模型 model", document["model"]),
        ("种子 seed", document["seed"]),
        *[(name, asked[name]) for name in ("drawn", "answered", "refused", "failed", "open")],
        *[("尚缺 still needed", one) for one in document["missing"]],
    ]
    lines: list[Sequence[object]] = [
        (
            "题库 bank",
            "研判 judge",
            "比率 rate",
            "下限 low",
            "上限 high",
            "限值 limit",
            "已判 judged",
            "未判 open",
            "结论",
        )
    ]
    for one in document["verdicts"]:
        limit = {"min": "≥", "max": "≤"}.get(one["bound"], "") + (f"{one['limit']:.0%}" if one["threshold"] else "")
        rates = [round(one[name], 6) for name in ("rate", "low", "high")]
        judge, state = " ".join(JUDGES[one["judge"]]), " ".join(STATES[one["state"]])
        lines.append((one["bank"], judge, *rates, limit, one["judged"], one["unknown"], state))
    classes: list[Sequence[object]] = [
        (
            "题库 bank",
            "研判 judge",
            "类别 class",
            "名称",
            "name",
            "抽题 of",
            "已判 judged",
            "合格 passed",
            "占比",
            "下限",
            "上限",
        )
    ]
    for one in document["shares"]:
        rates = [round(one[name], 6) for name in ("share", "low", "high")]
        counts = (one["of"], one["judged"], one["passed"])
        classes.append((one["bank"], one["judge"], one["category"], one["zh"], one["en"], *counts, *rates))
    pages = [("摘要 Summary", head), ("结论 Verdicts", lines), ("类别 Classes", classes)]
    return sheets.workbook([*pages, *([("成对 Pairs", pairs)] if (pairs := gap_plot.lines(document)) else [])])


def annex(rows: Sequence[Row], asked: Mapping[int, Asked], said: Sequence[Said]) -> bytes:
    """The workbook of test questions in the form of the filing's Annex 5: one sheet a bank.

    Args:
        rows: all rows of the evaluation.
        asked: position → question and answer.
        said: what judges said; each is named in the verdict.
    """
    words: dict[int, list[str]] = {}
    for one in said:
        words.setdefault(one.position, []).append(f"{JUDGES[one.judge][0]}：{_LABELS[one.label]}")
    made: dict[str, list[Sequence[object]]] = {}
    for row in rows:
        lines = made.setdefault(row.bank, [sheets.ANNEX_HEAD])
        answer = asked[row.position].answer
        said_ = "（未能作答）" if answer is None or answer.result == "failed" else answer.text or "（拒绝作答）"
        question = asked[row.position].question.turns[-1].text
        verdict = "；".join(words.get(row.position, ["未研判"]))
        lines.append((len(lines), question, *risk_level(row.category), said_, verdict))
    return sheets.workbook(made.items())
