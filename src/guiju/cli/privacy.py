# SPDX-License-Identifier: Apache-2.0
"""`guiju privacy`: how long what is kept, who else gets data, and requests of persons (Articles 11, 13)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from guiju.adapters import egress
from guiju.cli.books import (
    AsJson,
    By,
    Data,
    Days,
    Law,
    Scope,
    Second,
    day,
    now,
    opened,
    settings_of,
    show,
    show_all,
    table,
)
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.errors import ConfigError
from guiju.law import book
from guiju.records import crowd, exceptions, retention, rights
from guiju.records import figures as published
from guiju.records.exceptions import LawException

app = noun("留存期限、对外提供、个人的请求。", "Terms of retention, who else gets data, requests of persons.")


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
    show_all(rows, as_json, head, cells, empty)
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
    show_all(rows, as_json, head, cells, say("没有请求。", "No requests."))


@app.command(
    name="except",
    help=say(
        "登记一项例外：另有法律规定时，写明所涉义务、法律、范围和期限；须两人，并在 guiju check 中公示。",
        "Write an exception down: where another law asks for it, with the duty, the law, a scope and an end; two "
        "persons; `guiju check` shows it.",
    ),
)
def except_(
    duty: Annotated[str, typer.Option(help=say("所涉义务，如 11.b", "the duty that it touches, such as 11.b"))],
    law: Law,
    scope: Scope,
    days: Days,
    second: Second,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Write an exception down."""
    if duty not in book.known_ids():
        raise ConfigError("not_found", what=say(f"义务 {duty}", f"duty {duty}"))
    at = now()
    wanted = LawException(id="", duty=duty, law=law, scope=scope, made_by="", made_at=at, until_at=at + days * 86_400)
    with opened(data) as (_, store):
        made = exceptions.make(store, wanted, (by, second))
    show(msgspec.to_builtins(made), as_json, say(f"已登记例外 {made.id}。", f"Exception {made.id} is written down."))


@app.command(name="exceptions", help=say("登记过的例外，最新的在前。", "Exceptions, the newest first."))
def exceptions_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List exceptions."""
    with opened(data) as (_, store):
        rows = exceptions.every(store)
    empty = say("没有例外。", "No exceptions.")
    show([msgspec.to_builtins(one) for one in rows], as_json, excepted(rows) if rows else empty)


@app.command(name="unexcept", help=say("提前结束一项例外。", "End an exception before its time."))
def unexcept(
    exception: Annotated[str, typer.Argument(metavar="EXCEPTION", help=say("例外编号", "the exception's id"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """End an exception."""
    with opened(data) as (_, store):
        exceptions.end(store, exception, by, now())
    show({"ended": exception}, as_json, say(f"已结束例外 {exception}。", f"Ended {exception}."))


@app.command(
    help=say(
        f"关于使用者的统计；不足 {crowd.LEAST} 人的不显示。",
        f"Figures about persons; those of fewer than {crowd.LEAST} are not told.",
    )
)
def figures(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Tell figures about persons."""
    with opened(data) as (_, store):
        made = crowd.figures(store, now())
        published.publish(store, made.figures, room="persons")
    head = [say("名称", "NAME"), say("数值", "VALUE"), say("人数", "PERSONS")]
    cells = [[one.name, f"{one.value:g}", str(one.n)] for one in made.figures]
    told = table(head, cells) if cells else say("没有可显示的统计。", "No figure can be told.")
    if made.withheld:
        few = ", ".join(made.withheld)
        told += say(
            f"\n不足 {crowd.LEAST} 人，不显示：{few}", f"\nOf fewer than {crowd.LEAST} persons, not told: {few}"
        )
    document = {"figures": [msgspec.to_builtins(one) for one in made.figures], "withheld": list(made.withheld)}
    show(document, as_json, told)


def excepted(rows: list[LawException]) -> str:
    """Exceptions as a table."""
    head = [
        say("编号", "ID"),
        say("义务", "DUTY"),
        say("法律", "LAW"),
        say("范围", "SCOPE"),
        say("由谁", "BY"),
        say("至", "UNTIL"),
        say("结束", "ENDED"),
    ]
    cells = [[r.id, r.duty, r.law, r.scope, r.made_by, day(r.until_at), day(r.ended_at)] for r in rows]
    return table(head, cells)
