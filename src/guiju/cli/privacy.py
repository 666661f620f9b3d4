# SPDX-License-Identifier: Apache-2.0
"""`guiju privacy`: how long what is kept, who else gets data, and requests of persons (Articles 11, 13)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer

from guiju.adapters import egress
from guiju.cli.books import AsJson, Data, day, opened, settings_of, show, table
from guiju.cli.tongue import say
from guiju.records import retention, rights

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=say("留存期限、对外提供、个人的请求。", "Terms of retention, who else gets data, requests of persons."),
)


@app.command(name="retention", help=say("各类数据留存多久，依据为何。", "How long what is kept, and why."))
def retention_(as_json: AsJson = False) -> None:
    """List the classes of data."""
    rows = retention.classes()
    head = [say("类别", "CLASS"), say("天数", "DAYS"), say("起算", "FROM"), say("内容", "WHAT"), say("依据", "SOURCE")]
    cells = [[r.id, str(r.max_days), say(r.start.zh, r.start.en), say(r.zh, r.en), r.source] for r in rows]
    show([msgspec.to_builtins(one) for one in rows], as_json, table(head, cells))


@app.command(
    name="egress",
    help=say(
        "数据提供给谁，目的与合同；有缺项时退出码为 1。",
        "Who else gets data, why, and on what terms; exit 1 where that is missing.",
    ),
)
def egress_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List who else gets data."""
    rows = egress.register(settings_of(data))
    head = [
        say("去向", "TO"),
        say("种类", "KIND"),
        say("由谁掌握", "PARTY"),
        say("目的", "PURPOSE"),
        say("合同", "CONTRACT"),
    ]
    cells = [[r.name, r.kind, r.party, r.purpose or "-", r.contract or "-"] for r in rows]
    empty = say("没有第三方。", "No third party.")
    show([msgspec.to_builtins(one) for one in rows], as_json, table(head, cells) if rows else empty)
    if not all(one.whole for one in rows):
        raise typer.Exit(1)


@app.command(help=say("个人的请求，最急的在前。", "Requests of persons, the most urgent first."))
def requests(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List requests."""
    with opened(data) as (_, store):
        rows = rights.requests(store)
    head = [
        say("回执", "RECEIPT"),
        say("请求", "ASKED"),
        say("受理", "RECEIVED"),
        say("期限", "DUE"),
        say("结果", "OUTCOME"),
    ]
    cells = [[r.id, r.asked, day(r.received_at), day(r.due_at), r.outcome] for r in rows]
    show(
        [msgspec.to_builtins(one) for one in rows],
        as_json,
        table(head, cells) if rows else say("没有请求。", "No requests."),
    )
