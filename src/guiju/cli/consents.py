# SPDX-License-Identifier: Apache-2.0
"""`guiju consents`: consents to work on a face or a voice (Article 4.5; deep synthesis provisions, 14)."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, day, now, opened, show, show_all, table
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.law import calendar
from guiju.records import accounts, consents
from guiju.records.changes import Terms
from guiju.records.consents import Kept, Wanted
from guiju.records.secrets import Secrets

app = noun(
    "登记、查看和撤回人脸、声音的单独同意。",
    "Record, list and withdraw consents to work on a face or a voice.",
)


@app.command(
    help=say(
        "登记一项同意；姓名只保留密钥散列，文件只保留散列。",
        "Record a consent; of the name a keyed hash is kept, of the document a hash.",
    )
)
def add(
    kind: Annotated[
        Literal["face", "voice"], typer.Option("--kind", help=say("face 人脸，voice 声音", "a face or a voice"))
    ],
    who: Annotated[str, typer.Option("--who", help=say("同意的人", "who consents"))],
    what: Annotated[str, typer.Option("--what", help=say("用于什么", "to what end"))],
    until: Annotated[str, typer.Option("--until", help=say("到哪一天为止，YYYY-MM-DD", "until which day, YYYY-MM-DD"))],
    proof: Annotated[Path, typer.Option("--proof", help=say("同意书文件", "the document"))],
    account: Annotated[
        str, typer.Option("--account", help=say("可依据它的账户", "the account that may rely on it"))
    ] = "default",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Record a consent."""
    try:
        document = proof.read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(proof, error)) from error
    secrets = Secrets.open(data / "keys")
    with opened(data, make=True) as (_, store):
        owner = accounts.find_account(store, account)
        if owner is None:
            raise ConfigError("not_found", what=account)
        wanted = Wanted(
            account=owner.id,
            kind=kind,
            giver=consents.giver_hash(secrets.person, who),
            purpose=what,
            proof=consents.proof_of(document),
            until_s=_end(until),
        )
        terms = Terms(False, by, now(), 0)
        made = consents.add(store, wanted, secrets.key_ids["person"], terms)
    told = say(
        f"{made.id}，到 {day(made.until_s)} 为止。请求以 x-guiju-consent: {made.id} 依据它。",
        f"{made.id}, until {day(made.until_s)}. Requests rely on it with x-guiju-consent: {made.id}.",
    )
    show(msgspec.to_builtins(made), as_json, told)


@app.command(name="list", help=say("列出同意，可只列一个人的。", "List the consents; with --who, those of one person."))
def list_(
    who: Annotated[str, typer.Option("--who", help=say("同意的人", "who consents"))] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """List the consents."""
    giver = consents.giver_hash(Secrets.open(data / "keys").person, who) if who else ""
    with opened(data) as (_, store):
        found = consents.history(store, giver)
    head = ["ID", say("对象", "KIND"), say("用途", "PURPOSE"), say("到期", "UNTIL"), say("状态", "STATE")]
    rows = [[one.id, one.kind, one.purpose, day(one.until_s), _state(one)] for one in found]
    empty = say("没有同意记录。", "No consents.")
    show_all(found, as_json, head, rows, empty)


@app.command(name="show", help=say("查看一项同意。", "Show one consent."))
def show_(
    consent: Annotated[str, typer.Argument(metavar="ID", help=say("编号", "its id"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Show a consent."""
    with opened(data) as (_, store):
        one = consents.show(store, consent)
    lines = [
        ["ID", one.id],
        [say("账户", "account"), one.account_id],
        [say("对象", "kind"), one.kind],
        [say("用途", "purpose"), one.purpose],
        [say("到期", "until"), day(one.until_s)],
        [say("文件 SHA-256", "document, SHA-256"), one.proof],
        [say("登记", "recorded"), f"{day(one.added_at)}  {one.added_by}"],
        [say("状态", "state"), _state(one)],
    ]
    show(msgspec.to_builtins(one), as_json, table(lines[0], lines[1:]))


@app.command(help=say("撤回一项同意，立即生效。", "Withdraw a consent; it acts at once."))
def withdraw(
    consent: Annotated[str, typer.Argument(metavar="ID", help=say("编号", "its id"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Withdraw a consent."""
    with opened(data) as (_, store):
        made = consents.withdraw(store, consent, Terms(False, by, now(), 0))
    show(msgspec.to_builtins(made), as_json, say("已撤回。", "Withdrawn."))


def _end(until: str) -> int:
    """The end of a day where the law is kept (UTC+8)."""
    try:
        at = datetime.datetime.strptime(until, "%Y-%m-%d").replace(tzinfo=calendar.ZONE)
    except ValueError as error:
        raise ConfigError("config_invalid", what=f"--until {until}", hint="YYYY-MM-DD") from error
    return int(at.timestamp()) + 86_400


def _state(one: Kept) -> str:
    if one.withdrawn_at:
        return say("已撤回", "withdrawn")
    return say("有效", "in force") if one.until_s > now() else say("已到期", "over")
