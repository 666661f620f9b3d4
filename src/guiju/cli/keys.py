# SPDX-License-Identifier: Apache-2.0
"""`guiju keys`: make, list and revoke API keys (Articles 9 and 16 hang on what a key asks for)."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from guiju.cli.books import AsJson, Data, account_id, day, now, opened, show, table
from guiju.cli.helping import noun
from guiju.cli.keys_rotate import HELP, rotate
from guiju.cli.tongue import say
from guiju.errors import ConfigError
from guiju.records import accounts, usage
from guiju.records.accounts import KeyRecord, OnBlock
from guiju.records.secrets import Secrets
from guiju.records.use import day_of
from guiju.terms import Audience, IdentityLevel

app = noun("管理接口密钥，轮换各种密钥。", "Manage API keys, and rotate every kind of key.")
app.command(help=HELP)(rotate)


Place = Literal["envelope", "start", "end", "both"]


@app.command(help=say("新建密钥；密钥只显示这一次。", "Make a key; it is shown this once."))
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("密钥名称", "a name for the key"))],
    account: Annotated[
        str, typer.Option(help=say("所属账户；没有则新建", "the account that owns it; made if there is none"))
    ] = "default",
    real_name: Annotated[
        IdentityLevel,
        typer.Option(help=say("要求的最低实名等级（第九条）", "the least real identity that it asks for (Art. 9)")),
    ] = "none",
    label: Annotated[
        Place | None,
        typer.Option(
            help=say("文本标识的位置；默认依配置", "where the text label goes; as the settings say by default")
        ),
    ] = None,
    on_block: Annotated[
        OnBlock, typer.Option(help=say("流式输出中途被拦截时的告知方式", "how a block in mid-stream is told"))
    ] = "finish",
    rpm: Annotated[
        int, typer.Option(min=0, help=say("每分钟请求数上限；0 表示依配置", "requests a minute; 0 as the settings say"))
    ] = 0,
    tokens_per_day: Annotated[
        int,
        typer.Option(
            min=-1,
            help=say("每天的 token 数上限；0 表示依配置，-1 表示不限", "tokens a day; 0 as the settings say, -1 none"),
        ),
    ] = 0,
    audience: Annotated[
        Audience,
        typer.Option(help=say("服务对象：all 或 minors（未成年人）", "whom it serves: all, or minors")),
    ] = "all",
    expires: Annotated[
        int, typer.Option(min=0, help=say("多少天后失效；0 表示不失效", "days until it expires; 0 means never"))
    ] = 0,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Make a key."""
    at = now()
    with opened(data, make=True) as (_, store):
        owner = accounts.find_account(store, account) or accounts.create_account(store, account, at)
        wanted = KeyRecord(
            id="",
            account=owner.id,
            prefix="",
            name=name,
            identity=real_name,
            label=label or "",
            on_block=on_block,
            requests_per_minute=rpm,
            tokens_per_day=tokens_per_day,
            audience=audience,
            created_at=at,
            expires_at=at + expires * 86_400 if expires else 0,
        )
        secret, made = accounts.create_key(store, Secrets.open(data / "keys"), wanted, getpass.getuser())
    show({"key": secret, **_facts(made, owner.name)}, as_json, _made(secret, made, owner.name))


@app.command(name="list", help=say("列出密钥（不含密钥本身）。", "List the keys; never the keys themselves."))
def list_(
    account: Annotated[str, typer.Option(help=say("只列出该账户的密钥", "only the keys of this account"))] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """List the keys."""
    at = now()
    with opened(data) as (_, store):
        names = {one.id: one.name for one in accounts.list_accounts(store)}
        keys = accounts.list_keys(store, account_id(store, account) if account else "")
        with store.read() as connection:
            today = usage.of_day(connection, day_of(at))
    used = {key.id: today.get(key.id, usage.Used(key.account)) for key in keys}
    head = [
        say("编号", "ID"),
        say("前缀", "PREFIX"),
        say("名称", "NAME"),
        say("账户", "ACCOUNT"),
        say("实名", "REAL NAME"),
        say("今日 token", "TOKENS TODAY"),
        say("到期", "EXPIRES"),
        say("状态", "STATE"),
    ]
    rows = [
        [
            k.id,
            f"{k.prefix}…",
            k.name,
            names[k.account],
            k.identity,
            _spent(k, used[k.id]),
            day(k.expires_at),
            _state(k, at),
        ]
        for k in keys
    ]
    text = (
        table(head, rows) if rows else say("还没有密钥：guiju keys create NAME", "No keys yet: guiju keys create NAME")
    )
    facts = [
        {
            **_facts(one, names[one.account]),
            "active": one.good(at),
            "tokens_today": used[one.id].tokens,
            "tokens_today_estimated": used[one.id].estimated,
        }
        for one in keys
    ]
    show(facts, as_json, text)


@app.command(
    help=say("停用密钥；各进程几秒内生效。", "Revoke a key; every process knows within seconds."),
)
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help=say("编号或前缀", "its id or prefix"))],
    account: Annotated[str, typer.Option(help=say("只在该账户中查找", "look only in this account"))] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Revoke a key."""
    with opened(data) as (_, store):
        keys = accounts.list_keys(store, account_id(store, account) if account else "")
        found = [one for one in keys if key in (one.id, one.prefix) or (len(key) >= 8 and one.id.startswith(key))]
        if len(found) != 1:
            raise ConfigError(
                "not_found",
                what=say(f"唯一的密钥“{key}”（符合的有 {len(found)} 个）", f"single key “{key}” ({len(found)} match)"),
            )
        accounts.revoke_key(store, found[0].account, found[0].id, now(), getpass.getuser())
    show(
        {"revoked": found[0].id},
        as_json,
        say(f"已停用密钥“{found[0].name}”（{found[0].id}）。", f"Revoked the key “{found[0].name}” ({found[0].id})."),
    )


def _made(secret: str, made: KeyRecord, account: str) -> str:
    return say(
        f"{secret}\n密钥“{made.name}”（账户“{account}”）只显示这一次，请妥善保存。编号：{made.id}",
        f"{secret}\nThe key “{made.name}” of account “{account}” is shown this once; keep it safe. Id: {made.id}",
    )


def _facts(record: KeyRecord, account: str) -> dict[str, Any]:
    return {**msgspec.structs.asdict(record), "account": account, "account_id": record.account}


def _spent(record: KeyRecord, used: usage.Used) -> str:
    """What was used today, `~` where some of it is an estimate, and of how many."""
    said = f"{'~' if used.estimated else ''}{used.tokens}"
    return f"{said}/{record.tokens_per_day}" if record.tokens_per_day > 0 else said


def _state(record: KeyRecord, at: int) -> str:
    if record.revoked_at:
        return say("已停用", "revoked")
    return say("有效", "active") if record.good(at) else say("已到期", "expired")
