# SPDX-License-Identifier: Apache-2.0
"""`guiju member`: who works with the console, in which role; and the links by which they begin (robustness, A1)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, day, now, opened, show, show_all
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.config import Settings
from guiju.errors import ConfigError
from guiju.records import members
from guiju.records.members import Member, Role

app = noun("管理使用控制台的人员。", "Manage who works with the console.")
Name = Annotated[str, typer.Argument(metavar="NAME", help=say("姓名", "their name"))]


@app.command(
    help=say(
        "登记一个人员，并给出其开始使用的链接（二十四小时，一次有效）。",
        "Enter a member, and print the link by which they begin (24 hours, once).",
    )
)
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help=say("角色", "their role"))],
    login: Annotated[str, typer.Option(help=say("统一身份认证中的登录名", "as the identity provider knows them"))] = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter a member."""
    with opened(data, make=True) as (settings, store):
        made = members.add(store, name, role, by, now(), login)
        link = _link(settings, members.invite(store, made.id, by, now()))
    show(
        {**_facts(made), "link": link},
        as_json,
        say(
            f"已登记“{name}”（{role}）。请把此链接交给本人，二十四小时内有效，只能用一次：\n{link}",
            f"Entered “{name}” ({role}). Hand them this link; it holds for 24 hours and works once:\n{link}",
        ),
    )


@app.command(
    help=say(
        "为已登记的人员另发一个链接，用于新设备或遗失的通行密钥。",
        "Another link for a member: for a new device, or when a passkey was lost.",
    )
)
def link(name: Name, by: By = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Make another link."""
    with opened(data) as (settings, store):
        found = members.found(store, name)
        if found is None or found.left_at:
            raise ConfigError("not_found", what=say(f"人员“{name}”", f"member “{name}”"))
        made = _link(settings, members.invite(store, found.id, by, now()))
    show({**_facts(found), "link": made}, as_json, made)


@app.command(name="list", help=say("列出人员。", "List the members."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the members."""
    with opened(data) as (_, store):
        every = members.everybody(store)
    head = [
        say("姓名", "NAME"),
        say("角色", "ROLE"),
        say("登录名", "LOGIN"),
        say("登记于", "SINCE"),
        say("离开于", "LEFT"),
    ]
    rows = [[one.name, one.role, one.login or "-", day(one.created_at), day(one.left_at)] for one in every]
    none = say("还没有人员：guiju member add NAME --role admin", "Nobody yet: guiju member add NAME --role admin")
    show_all([_facts(one) for one in every], as_json, head, rows, none)


@app.command(
    help=say(
        "移出一个人员：其登录、链接与通行密钥立即失效，所做之事仍可查。",
        "Remove a member: sessions, links and passkeys end at once; what they did stays in the books.",
    )
)
def remove(name: Name, by: By = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Remove a member."""
    with opened(data) as (_, store):
        found = members.found(store, name)
        if found is None or found.left_at:
            raise ConfigError("not_found", what=say(f"人员“{name}”", f"member “{name}”"))
        gone = members.remove(store, found.id, by, now())
    show(_facts(gone), as_json, say(f"已移出“{found.name}”。", f"Removed “{found.name}”."))


def _link(settings: Settings, secret: str) -> str:
    """The address at which a link's secret is taken up."""
    scheme = "https" if settings.serve.tls_cert else "http"
    base = settings.console.url.rstrip("/") or f"{scheme}://localhost:{settings.serve.port}"
    return f"{base}{settings.serve.base_path}/console/begin?{urlencode({'link': secret})}"


def _facts(one: Member) -> dict[str, Any]:
    return msgspec.structs.asdict(one)
