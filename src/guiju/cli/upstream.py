# SPDX-License-Identifier: Apache-2.0
"""`guiju upstream`: a scripted model service that speaks OpenAI's protocol, for trying things out without a model."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from guiju.adapters.scripted import DIRECTIVES, ScriptedApp, server
from guiju.cli.listening import listening
from guiju.cli.tongue import say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=say(
        "启动脚本模型服务（OpenAI 接口），直至 Ctrl-C；应答由最后一条用户消息中的指令决定。",
        "Serve a scripted model until Ctrl-C; directives in the last user message steer it (see --directives).",
    )
)
def upstream(
    host: Annotated[str, typer.Option(help=say("监听地址", "address to bind"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(help=say("端口；0 表示任取", "port; 0 takes any that is free"))] = 9000,
    directives: Annotated[
        bool, typer.Option("--directives", help=say("列出可用的指令后退出", "list the directives and exit"))
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=say("以 JSON 输出", "print JSON"))] = False,
) -> None:
    """Serve until Ctrl-C."""
    if directives:
        rows = [{"directive": f"[[{form}]]", "does": say(zh, en)} for form, (zh, en) in DIRECTIVES.items()]
        typer.echo(json.dumps(rows, ensure_ascii=False) if as_json else "\n".join(_line(row) for row in rows))
        return
    listener, base = listening(host, port)
    url = f"{base}/v1"
    if as_json:
        typer.echo(json.dumps({"url": url, "scripted": True}))
    else:
        typer.echo(say(f"脚本模型服务（并非真实模型）：{url}", f"Scripted model service (not a model): {url}"))
    server(ScriptedApp(), host, port).run(sockets=[listener])


def _line(row: dict[str, str]) -> str:
    return f"{row['directive']:<24} {row['does']}"
