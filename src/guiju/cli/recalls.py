# SPDX-License-Identifier: Apache-2.0
"""`guiju recalls`: tell the accounts that received an answer which is banned since (Article 13)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from guiju.adapters import webhooks
from guiju.cli.books import AsJson, By, Data, day, now, opened, show, show_all
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.errors import ConfigError
from guiju.records import accounts, recalls
from guiju.records.changes import Terms
from guiju.records.ids import ExchangeIds
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of

app = noun("召回已发出的应答，告知收到它的账户。", "Recall answers, and tell the accounts that received them.")


@app.command(
    help=say(
        "设定一个账户的 webhook 地址；密钥只显示这一次，再设即换新。",
        "Set an account's webhook; its secret is shown this once, and setting it again makes a new one.",
    )
)
def address(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help=say("账户名", "the account's name"))],
    url: Annotated[str, typer.Argument(metavar="URL", help=say("https 地址", "an https address"))],
    private: Annotated[
        bool,
        typer.Option("--private", help=say("允许内网地址与 http", "allow addresses of your own network, and http")),
    ] = False,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Set an address."""
    plain = webhooks.check(url, private)
    secrets = Secrets.open(data / "keys")
    with opened(data) as (_, store):
        owner = accounts.find_account(store, account)
        if owner is None:
            raise ConfigError("not_found", what=account)
        terms = Terms(False, by, now(), 0)
        made = recalls.set_address(store, owner.id, plain, terms, private=private)
    secret = recalls.shown(recalls.secret_of(secrets.digest, made))
    told = say(f"{plain}\n密钥：{secret}", f"{plain}\nsecret: {secret}")
    show({**msgspec.to_builtins(made), "secret": secret}, as_json, told)


@app.command(
    help=say(
        "召回应答：以标识中的 ProduceID 指明，从账本查出收到它的账户。",
        "Recall answers by the ProduceID of their labels; the ledger says which account received each.",
    )
)
def add(
    produce_ids: Annotated[list[str], typer.Argument(metavar="PRODUCEID…", help=say("编号", "their ids"))],
    case: Annotated[str, typer.Option("--case", help=say("据以封禁的案件", "the case by which it was banned"))],
    category: Annotated[str, typer.Option("--category", help=say("公开类别", "the public category"))] = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Recall answers."""
    secrets = Secrets.open(data / "keys")
    with opened(data) as (settings, store):
        place, ids = place_of(settings, data), ExchangeIds(secrets.ids, "")
        found = [recalls.received(place, ids, one) for one in produce_ids]
        terms = Terms(False, by, now(), 0)
        made = [recalls.add(store, one, (category, case), terms) for one in found]
    rows = [f"{one.id}  {one.produce_id}  {one.state}" for one in made]
    show([msgspec.to_builtins(one) for one in made], as_json, "\n".join(rows))


@app.command(name="list", help=say("列出召回与回执。", "List recalls and their receipts."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the recalls."""
    with opened(data) as (_, store):
        found = recalls.history(store)
        known = {one.account_id for one in recalls.addresses(store)}
    head = ["ID", "PRODUCEID", say("账户", "ACCOUNT"), say("状态", "STATE"), say("次数", "TRIES")]
    head += [say("回答", "ANSWER"), say("告知", "TOLD")]
    rows = [
        [one.id, one.produce_id, one.account_id, _state(one, known), str(one.attempts), one.answer, day(one.told_at)]
        for one in found
    ]
    empty = say("没有召回。", "No recalls.")
    show_all(found, as_json, head, rows, empty)


@app.command(help=say("对放弃了的召回重新告知。", "Tell once more what was given up."))
def again(
    recall: Annotated[str, typer.Argument(metavar="ID", help=say("召回编号", "the recall's id"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Tell again."""
    with opened(data) as (_, store):
        made = recalls.again(store, recall, now())
    show(msgspec.to_builtins(made), as_json, say("将重新告知。", "It will be told again."))


def _state(one: recalls.Recall, known: set[str]) -> str:
    if one.state == "told":
        return say("已收到", "received")
    if one.state == "failed":
        return say("已放弃，须由人处理", "given up; a person must look")
    return say("等待中", "waiting") if one.account_id in known else say("没有地址", "no address")
