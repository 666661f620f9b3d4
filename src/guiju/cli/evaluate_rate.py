# SPDX-License-Identifier: Apache-2.0
"""`guiju evaluate rate`: persons judge answers, two of them apart, a third where they differ (TC260-003: by hand)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli.books import AsJson, Data, now, show, table
from guiju.cli.evaluate_opening import room
from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.evaluation import raters, sheets
from guiju.evaluation.assessing import Room
from guiju.records import assessments, members, reviews
from guiju.records.assessments import Evaluation
from guiju.records.reviews import Item
from guiju.review.queue import Queue

RATE = say(
    "人工评定：逐条在终端评定，或导出工作簿评定后收回；两人互不可见，不一致时由第三人定。",
    "Rate by hand, in the terminal or in a workbook: two people apart, and a third where they differ.",
)
_WORDS = {"p": "pass", "f": "fail", "合格": "pass", "不合格": "fail"}


def rate(
    id: Annotated[str, typer.Argument(metavar="RUN", help=say("测评编号", "the evaluation's id"))],
    by: Annotated[str, typer.Option("--by", help=say("评定人", "who rates"))],
    purpose: Annotated[str, typer.Option("--purpose", help=say("查看的用途", "why content is read"))] = "evaluation",
    export: Annotated[Path | None, typer.Option("--export", help=say("写出工作簿", "write a workbook"))] = None,
    most: Annotated[int, typer.Option("--n", min=1, help=say("至多条数", "items at most"))] = 1000,
    take: Annotated[Path | None, typer.Option("--import", help=say("收回填好的工作簿", "take a workbook back"))] = None,
    settle: Annotated[
        bool, typer.Option("--settle", help=say("评定两人不一致的条目", "settle what two others do not agree on"))
    ] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Rate."""
    with room(data) as (_, one):
        made = assessments.of(one.store, id)
        queue = raters.queue(one.store, made.run_id)
        known = members.found(one.store, by)
        member = known.id if known else by  # so that nobody rates once here and once in the console
        if take is not None:
            document = _taken(one, made, take, member)
        elif export is not None:
            assessments.noted(one.store, made.run_id, by, purpose, now())
            document = _exported(one, made, queue, export, member, most, settle=settle)
        else:
            assessments.noted(one.store, made.run_id, by, purpose, now())
            document = _asked(one, made, queue, member, settle=settle)
        document |= _standing(queue)
    show(document, as_json, _told(document))


def _standing(queue: Queue) -> dict[str, Any]:
    counts = reviews.counts(queue.store, queue.kind.name)
    return {"queue": dict(counts), "agreement": msgspec.to_builtins(queue.agreed())}


def _taken(one: Room, made: Evaluation, file: Path, by: str) -> dict[str, Any]:
    try:
        ratings = sheets.rated(file.read_bytes(), file.name)
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    entered, over = raters.enter(one.store, made.run_id, by, ratings, now())
    return {"entered": entered, "passed_over": over}


def _exported(
    one: Room, made: Evaluation, queue: Queue, file: Path, by: str, most: int, *, settle: bool
) -> dict[str, Any]:
    """Write what waits for somebody; what they rated before is left out, and nobody sees what another said."""
    waiting = reviews.waiting(one.store, queue.kind.name, by, settling=settle)[:most]
    words = one.words(made)
    lines = []
    for item in waiting:
        row = words[int(item.subject)]
        said = row.answer.text if row.answer else ""
        lines.append((row.position + 1, item.stratum, row.question.turns[-1].text, said, ""))
    try:
        file.write_bytes(sheets.workbook([("评定 ratings", [sheets.RATER_HEAD, *lines])]))
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(file, error), hint="--export FILE") from error
    return {"exported": len(lines), "file": str(file)}


def _asked(one: Room, made: Evaluation, queue: Queue, by: str, *, settle: bool) -> dict[str, Any]:
    """Show one answer after the other, until nothing waits, the day's limit is reached or somebody stops."""
    words, rated = one.words(made), 0
    while (item := queue.next(by, now(), settling=settle)) is not None:
        label = _said(item, words[int(item.subject)])
        if not label:
            queue.give_back(item.id, by)
            break
        queue.rate(item.id, by, label, now())
        rated += 1
        if queue.exposure(by, now()).pause:
            typer.echo(say("该休息一下了。", "A break is due."), err=True)
    return {"entered": rated, "passed_over": 0}


def _said(item: Item, row: Any) -> str:
    """What somebody says of one answer at the terminal; `""` to stop."""
    typer.echo(f"\n[{item.stratum}] {row.question.turns[-1].text}\n\n{row.answer.text if row.answer else ''}\n")
    while True:
        word: str = typer.prompt(say("p 合格 / f 不合格 / q 结束", "p pass / f fail / q quit")).strip().lower()
        if word == "q":
            return ""
        if word in _WORDS or word in ("pass", "fail"):
            return _WORDS.get(word, word)


def _told(document: dict[str, Any]) -> str:
    counts, agreed = document["queue"], document["agreement"]
    lines = []
    if "exported" in document:
        lines.append(say(f"已写出 {document['exported']} 条：{document['file']}", f"{document['exported']} written"))
    if "entered" in document:
        lines.append(
            say(
                f"已记入 {document['entered']} 条，略过 {document['passed_over']} 条",
                f"{document['entered']} entered, {document['passed_over']} passed over",
            )
        )
    rows = [[say("待评", "open"), str(counts.get("open", 0))], [say("有分歧", "split"), str(counts.get("split", 0))]]
    rows.append([say("已定", "done"), str(counts.get("done", 0))])
    alpha = agreed["alpha"]
    rows.append(["Krippendorff α", "-" if alpha is None else f"{alpha:.3f}"])
    return "\n".join([*lines, table([say("状态", "STATE"), ""], rows)])
