# SPDX-License-Identifier: Apache-2.0
"""`guiju filing tell` and `told`: the register of what authorities and the public were told (Articles 6 and 17)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, now, opened, show, table
from guiju.cli.entering import entered
from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.law import calendar
from guiju.records import disclosures, snapshots
from guiju.records.disclosures import SCOPES, WHATS, Disclosure


def tell(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="answer | report | request")],
    to: Annotated[str, typer.Option("--to", help=say("主管部门", "the authority"))],
    paper: Annotated[
        Path, typer.Option("--paper", help=say("交出的文件，只记散列", "what was handed over; its hash is kept"))
    ],
    basis: Annotated[str, typer.Option("--basis", help=say("依据", "the law or the inquiry"))] = "",
    number: Annotated[str, typer.Option("--number", help=say("对方文号或回执号", "the authority's number"))] = "",
    scope: Annotated[
        str, typer.Option("--scope", help=say("依法调取的范围：", "of a request: ") + " | ".join(SCOPES))
    ] = "",
    about: Annotated[
        str, typer.Option("--about", help=say("该请求、案件、账户或问询的编号", "its id, or that of the inquiry"))
    ] = "",
    fields: Annotated[
        str, typer.Option("--fields", help=say("提供了哪些字段，只写名称", "which fields were given, by name"))
    ] = "",
    on: Annotated[
        str, typer.Option("--on", metavar="DAY", help=say("哪一天；默认今天", "the day; today by default"))
    ] = "",
    by: By = "",
    second: Annotated[
        str, typer.Option("--second", help=say("第二人；依法调取须有", "the second person; a request needs one"))
    ] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter what was told."""
    if what not in WHATS or what == "submission":
        raise ConfigError("config_invalid", what=f"WHAT {what[:16]}", hint="answer | report | request")
    wanted = Disclosure(
        what=what,
        to=to,
        basis=basis,
        number=number,
        scope=scope,
        about=about,
        fields=fields,
        day=on or calendar.day_of(now()).isoformat(),
        by=by,
        second=second,
        hash=_hash(paper),
        at=now(),
    )
    made = disclosures.checked(wanted, calendar.day_of(now()))
    with opened(data) as (_, store):
        made = msgspec.structs.replace(made, evidence=entered(data, "disclosed", disclosures.body(made)).where)
        disclosures.enter(store, made)
    show(msgspec.to_builtins(made), as_json, say(f"已登记 {made.id}。", f"Entered {made.id}."))


def told(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List what was told."""
    with opened(data) as (_, store):
        rows = disclosures.every(store)
        pages = snapshots.histories(store)
    head = [say("日期", "DAY"), say("事项", "WHAT"), say("向谁", "TO"), say("编号", "NUMBER")]
    head += [say("由谁", "BY"), "SHA-256"]
    cells = [[one.day, say(*WHATS[one.what]), one.to, one.number or "-", one.who, one.hash[:16]] for one in rows]
    public, service = say("公众", "the public"), say("服务", "the service")
    cells += [
        [calendar.day_of(one.at).isoformat(), f"/{one.page} {one.number}", public, "-", service, one.hash[:16]]
        for one in pages
    ]
    document: dict[str, Any] = {
        "authorities": [msgspec.to_builtins(one) for one in rows],
        "public": [msgspec.to_builtins(one) for one in pages],
    }
    show(document, as_json, table(head, cells) if cells else say("还没有对外提供过什么。", "Nothing was told yet."))


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
