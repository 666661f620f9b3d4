# SPDX-License-Identifier: Apache-2.0
"""The report of an evaluation as a page with charts, made from its document (Articles 6 and 17). Nothing in it is a
script; the workbooks stand in `paper_books`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from guiju.evaluation import gap_plot
from guiju.evaluation.bank import Kind
from guiju.evaluation.report import KINDS, RATES

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
