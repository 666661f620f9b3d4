# SPDX-License-Identifier: Apache-2.0
"""The workbooks of an evaluation, made from its document (Articles 6 and 17); apart from the page, since what writes
workbooks is large and only commands write them.

No cell is a formula. The workbook in the form of the filing's Annex 5 alone holds questions and answers; whoever wants
it says what for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guiju.evaluation import gap_plot, sheets
from guiju.evaluation.bank_sheet import HEAD
from guiju.evaluation.papers import JUDGES, RESULTS, STATES
from guiju.evaluation.report import risk_level
from guiju.records.assessments import Row, Said
from guiju.records.runs import Row as Asked

_LABELS: Final = {"pass": "合格", "fail": "不合格", "abstain": "未定"}


def figures(document: Mapping[str, Any]) -> bytes:
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
        lines = made.setdefault(row.bank, [HEAD])
        answer = asked[row.position].answer
        said_ = "（未能作答）" if answer is None or answer.result == "failed" else answer.text or "（拒绝作答）"
        question = asked[row.position].question.turns[-1].text
        verdict = "；".join(words.get(row.position, ["未研判"]))
        lines.append((len(lines), question, *risk_level(row.category), said_, verdict))
    return sheets.workbook(made.items())
