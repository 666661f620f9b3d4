# SPDX-License-Identifier: Apache-2.0
"""`guiju evaluate report`: the papers of an evaluation (Articles 6 and 17)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from guiju.cli.books import AsJson, By, Data, now, show
from guiju.cli.evaluate_opening import room
from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.evaluation import paper_books, papers, raters
from guiju.evaluation import report as reports
from guiju.evaluation.assessing import Room, kept
from guiju.records import assessments, runs
from guiju.records.assessments import Evaluation

REPORT = say(
    "写出报告：网页（点图与表）、工作簿、JSON、OpenTelemetry 事件；--annex 另写附件五格式的题目与回答。",
    "Write the report: a page with dot plots and tables, a workbook, JSON, events for OpenTelemetry; with --annex the "
    "questions and answers in the form of the filing's Annex 5.",
)


def report(
    id: Annotated[str, typer.Argument(metavar="RUN", help=say("测评编号", "the evaluation's id"))],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help=say("目录", "a folder"))],
    annex: Annotated[
        bool, typer.Option("--annex", help=say("附件五格式，含题目与回答", "Annex 5, with questions and answers"))
    ] = False,
    purpose: Annotated[str, typer.Option("--purpose", help=say("导出内容的用途", "why content is taken out"))] = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Report."""
    with room(data) as (_, one):
        made = assessments.of(one.store, id)
        if annex:
            assessments.noted(one.store, made.run_id, by, purpose, now())
        written = _written(one, made, out, annex=annex)
    show({"run": made.run_id, "written": written}, as_json, "\n".join(written))


def _written(one: Room, made: Evaluation, out: Path, *, annex: bool) -> list[str]:
    run = one.run(made)
    live = runs.progress(one.store, made.run_id).drawn > 0
    found = one.outcome(made) if live else kept(made)
    said = [*assessments.labels(one.store, made.run_id), *raters.said(one.store, made.run_id)]
    rows = assessments.rows(one.store, made.run_id)
    document = reports.document(made, run, found, raters.queue(one.store, made.run_id).agreed(), made.evidence)
    files = {
        "report.json": json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n",
        "report.html": papers.page(document).encode(),
        "figures.xlsx": paper_books.figures(document),
        "events.jsonl": _lines(reports.events(made, run, rows, said)),
    }
    if annex:
        files["annex-5.xlsx"] = paper_books.annex(rows, one.words(made), said)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(error.filename or out, error), hint="-o FOLDER") from error
    return [str(out / name) for name in files]


def _lines(events: Iterable[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in events)
