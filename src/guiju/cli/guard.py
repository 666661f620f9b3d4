# SPDX-License-Identifier: Apache-2.0
"""`guiju guard`: a guard model of the house's own, which runs on this machine beside the gateway (Articles 4, 15)."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from guiju import logs
from guiju.adapters.guards.serving import GuardApp, server
from guiju.cli.books import AsJson
from guiju.cli.helping import noun
from guiju.cli.listening import listening
from guiju.cli.tongue import say
from guiju.detect.model.encoder import Encoder, encoder_thresholds
from guiju.errors import ConfigError, failed

app = noun("自己的护栏模型。", "A guard model of your own.")


@app.callback()
def _noun() -> None:
    """Verbs do the work."""


@app.command(
    help=say(
        '启动句向量护栏模型，直至 Ctrl-C；[[guard]] kind = "encoder" 询问它。需安装 guiju[encoder]。',
        'Serve the encoder until Ctrl-C, for [[guard]] kind = "encoder" to ask. It needs guiju[encoder].',
    )
)
def serve(
    host: Annotated[str, typer.Option(help=say("监听地址", "address to bind"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(help=say("端口；0 表示任取", "port; 0 takes any that is free"))] = 8091,
    key_file: Annotated[
        Path | None,
        typer.Option(help=say("文件，首行为询问者须出示的密钥", "file whose first line is the key that must be shown")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve until Ctrl-C."""
    key = _key(key_file) if key_file else ""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the gateway beside it keeps the other cores
    guard = GuardApp(Encoder(), encoder_thresholds(), key)
    listener, url = listening(host, port)
    typer.echo(json.dumps({"url": url}) if as_json else say(f"护栏模型：{url}", f"Guard model: {url}"))
    logs.to_stderr()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)  # the server ends on them, and raises them once more when it has ended
    server(guard).run(sockets=[listener])


def _key(path: Path) -> str:
    """The first line of a file.

    Raises:
        ConfigError: `config_invalid`: it can't be read, or holds none.
    """
    hint = say("请检查 --key-file 给出的路径。", "Look at the path given with --key-file.")
    try:
        lines = path.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        told = failed(path, error) if isinstance(error, OSError) else str(path)
        raise ConfigError("config_invalid", what=told, hint=hint) from error
    if not lines:
        raise ConfigError("config_invalid", what=str(path), hint=hint)
    return lines[0]
