# SPDX-License-Identifier: Apache-2.0
"""`guiju label given`: who got content without its explicit label (Labelling Measures, 9)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from guiju.cli.books import AsJson, Data, day, now, opened, show, table
from guiju.cli.tongue import say
from guiju.records import accounts, deliveries
from guiju.records.secrets import Secrets

_DAY_S = 86_400


def given(
    number: Annotated[
        str,
        typer.Option("--id", metavar="PRODUCEID", help=say("内容编号：谁取得了它", "a content's number: who got it")),
    ] = "",
    days: Annotated[int, typer.Option(min=1, help=say("最近多少天", "how many days back"))] = 184,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """List deliveries without an explicit label."""
    key = Secrets.open(data / "keys").digest
    with opened(data) as (_, store):
        of = deliveries.content(key, number) if number else ""
        found = deliveries.listed(store, of, now() - days * _DAY_S)
        names = {one.id: one.name for one in accounts.list_accounts(store)}
    head = [
        say("时间", "WHEN"),
        say("账户", "ACCOUNT"),
        say("接收者（散列）", "RECIPIENT (HASH)"),
        say("接口", "DOOR"),
        say("协议版本", "AGREEMENT"),
    ]
    rows = [
        [day(one.at), names.get(one.account_id, one.account_id), one.recipient[:16], one.door, one.agreement]
        for one in found
    ]
    none = say("没有记录。", "None.")
    show([msgspec.to_builtins(one) for one in found], as_json, table(head, rows) if rows else none)
