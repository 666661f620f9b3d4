# SPDX-License-Identifier: Apache-2.0
"""`guiju try "text"`: what would be decided about a text, as asked and as answered; no model is called."""

from __future__ import annotations

import json
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from guiju.cli.books import AsJson, Config, Data
from guiju.cli.decided import policy_of
from guiju.cli.tongue import language, say
from guiju.detect.personal.kinds import CATEGORIES
from guiju.detect.personal.masking import Masker, Placeholders
from guiju.gateway.decided import decide
from guiju.gateway.live import Policy
from guiju.terms import Finding, Hearing, Stage

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=say(
        "对一段文字试作决定：作为提问、作为回答各看一遍，不调用模型，不留记录。",
        "Decide about a text, once as asked and once as answered. No model is called and nothing is kept.",
    )
)
def main(
    text: Annotated[str, typer.Argument(help=say("要试的文字", "the text to try"))],
    data: Data = Path("data"),
    lexicon: Annotated[
        list[Path] | None, typer.Option(help=say("词表文件，代替库中词表", "word list, instead of the store's"))
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Print the decision table; exit 1 when either reading is stopped."""
    policy = policy_of(data, lexicon or (), config)
    version = policy.lexicon
    rows = [_row(stage, policy, text) for stage in ("input", "output")]
    if as_json:
        typer.echo(json.dumps({"lexicon": version, "decisions": rows}, ensure_ascii=False))
    else:
        _print(rows, version)
    if any(row["action"] == "refuse" for row in rows):
        raise typer.Exit(1)


def _row(stage: Stage, policy: Policy, text: str) -> dict[str, Any]:
    """Hear one stage about the text."""
    decided = decide(policy, stage, text)
    hearing = decided.hearing
    reason = hearing.decisive.reason
    return {
        "stage": stage,
        "action": hearing.decisive.action,
        "control": hearing.control,
        "code": reason.code if reason else "",
        "article": reason.article if reason else "",
        "category": reason.category if reason else "",
        "category_name": policy.named(reason.category, language()) if reason else "",
        "controls": [[control, verdict.action] for control, verdict in hearing.verdicts],
        "findings": [_finding(finding) for finding in decided.findings],
        "sent": _sent(text, hearing),
        "ms": round(decided.ms, 3),
    }


def _sent(text: str, hearing: Hearing) -> str:
    """What a third party's model service would get instead of the text; "" where nothing is masked in it."""
    masked = [one for _, verdict in hearing.verdicts if verdict.action == "mask" for one in verdict.findings]
    kinds = {CATEGORIES[one.category].id for one in masked}
    if not kinds or hearing.stops:
        return ""
    return Masker(Placeholders(token_bytes(32), ""), kinds, [text]).text(text)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "category": finding.category,
        "severity": finding.severity,
        "view": finding.view,
        "field": finding.field,
        "start": finding.start,
        "end": finding.end,
    }


def _print(rows: list[dict[str, Any]], version: str) -> None:
    """The decision table as a person reads it."""
    console = Console()
    table = Table(title=say(f"决定表（词表 {version or '无'}）", f"Decisions (lists {version or 'none'})"))
    for name in (
        say("阶段", "stage"),
        say("决定", "action"),
        say("控制", "control"),
        say("条", "article"),
        say("类别", "category"),
        say("条目与位置", "entries and places"),
        say("毫秒", "ms"),
    ):
        table.add_column(name, overflow="fold")
    stages = {"input": say("提问", "asked"), "output": say("回答", "answered")}
    for row in rows:
        found = "\n".join(f"{one['rule']} [{one['start']}:{one['end']}] {one['view']}" for one in row["findings"][:5])
        sign = "✗" if row["action"] in ("refuse", "hold") else "✓"
        control = row["control"] if row["action"] != "pass" else ""
        table.add_row(
            stages[row["stage"]],
            f"{sign} {row['action']}",
            control,
            row["article"],
            row["category_name"],
            found,
            str(row["ms"]),
        )
    console.print(table)
    for row in rows:
        if row["sent"]:
            console.print(say("发往第三方时：", "To a third party: ") + row["sent"], markup=False, highlight=False)
