# SPDX-License-Identifier: Apache-2.0
"""`guiju reload`: ask the running server to read its settings again (DESIGN §10), and say what came of it.

The server names itself in DATA/guiju.pid; on SIGHUP it parses, checks and swaps, or keeps the old settings, and writes
the outcome to DATA/reload.json: `{"ok": bool, "at": unix ms, "what": text}`, and `zh` where the text is a reason. A
service of one part alone (`serve --only`) has files of its own; all that run on the data are told.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.workers import outcome_file, pid_file

_STEP_S: Final = 0.05

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=say(
        "令运行中的服务重新读取配置；有误则沿用原配置并说明原因。",
        "Have the running server read its settings again; where they are wrong it keeps the old ones and says why.",
    )
)
def reload(
    data: Annotated[Path, typer.Option(help=say("数据目录", "data directory"))] = Path("data"),
    timeout: Annotated[float, typer.Option(help=say("最多等待秒数", "seconds to wait at most"))] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help=say("以 JSON 输出", "print JSON"))] = False,
) -> None:
    """Send the signal and wait for the outcome; exit 1 when the server kept its old settings."""
    parts = [part for part in ("", "gateway", "pages") if (data / pid_file(part)).exists()]
    if not parts:
        raise _not_running(data)
    told = [_told(data, part) for part in parts]
    outcomes = [_wait(path, before, time.monotonic() + timeout) for path, before in told]
    outcome = next((one for one in outcomes if not one.get("ok")), outcomes[0])
    if as_json:
        typer.echo(json.dumps(outcome, ensure_ascii=False))
    elif outcome.get("ok"):
        typer.echo(say("已换用新配置。", "The new settings are in force."))
    else:
        what = outcome.get("what", "")
        typer.echo(say(f"沿用原配置：{outcome.get('zh', what)}", f"The old settings stay: {what}"))
    if not outcome.get("ok"):
        raise typer.Exit(1)


def _told(data: Path, part: str) -> tuple[Path, tuple[int, int]]:
    """Send the signal; returns where the outcome will be, and what stands there before."""
    process, path = _process(data, part), data / outcome_file(part)
    before = _stamp(path)
    try:
        os.kill(process, signal.SIGHUP)
    except ProcessLookupError as error:
        raise _not_running(data) from error
    except PermissionError as error:
        hint = say("请以运行服务的用户执行。", "Run this as the user who runs the server.")
        raise ConfigError("config_invalid", what=failed(f"PID {process}", error), hint=hint) from error
    return path, before


def _process(data: Path, part: str) -> int:
    try:
        number = int((data / pid_file(part)).read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError) as error:
        raise _not_running(data) from error
    if number <= 1:  # 0 and -1 would signal groups of processes, 1 is not ours
        raise _not_running(data)
    return number


def _not_running(data: Path) -> ConfigError:
    return ConfigError("not_found", what=say(f"在 {data} 上运行的服务", f"server running on {data}"))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_ino)


def _wait(path: Path, before: tuple[int, int], deadline: float) -> dict[str, Any]:
    """Wait until the outcome file is another one than before and whole."""
    while time.monotonic() < deadline:
        if _stamp(path) != before:
            try:
                outcome = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                outcome = None  # it is being written
            if isinstance(outcome, dict):
                return outcome
        time.sleep(_STEP_S)
    hint = say("请查看服务的日志。", "Look at the server's log.")
    what = say("服务没有在限时内回应重新读取的请求", "the server did not answer the request to reload in time")
    raise ConfigError("config_invalid", what=what, hint=hint)
