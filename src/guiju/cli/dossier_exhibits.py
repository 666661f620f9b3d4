# SPDX-License-Identifier: Apache-2.0
"""`guiju dossier exhibits`: pictures of the service's own pages, papers that prove something (Article 17)."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from guiju import composition
from guiju.cli.books import AsJson, Data, show_all
from guiju.cli.entering import entered
from guiju.cli.helping import noun
from guiju.cli.tongue import language, say
from guiju.dossier import exhibits
from guiju.dossier.sources import FOLDER, Exhibit
from guiju.errors import ConfigError, failed

app = noun("证据材料：页面截图与证明文件。", "Exhibits: pictures of pages, and papers.")
Text = Annotated[str, typer.Option(help=say("内容说明", "what it shows"))]


@app.command(help=say("登记一份证明文件，如营业执照、合同。", "Register a paper, such as a licence or a contract."))
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("文件", "the file"))],
    tag: Annotated[str, typer.Option("--tag", help=say("标签，如 licence、contract", "such as licence, contract"))],
    zh: Annotated[str, typer.Option("--zh", help=say("中文名称", "its name in Chinese"))],
    en: Annotated[str, typer.Option("--en", help=say("英文名称", "its name in English"))] = "",
    about: Annotated[
        str, typer.Option("--about", help=say("所涉主体、模型或产品", "the provider, model or product it is about"))
    ] = "",
    dated: Annotated[str, typer.Option("--dated", metavar="DATE", help=say("文件日期", "the date that it bears"))] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Register a paper."""
    try:
        content = file.read_bytes()
        day = datetime.date.fromisoformat(dated) if dated else composition.today()
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    except ValueError as error:
        raise ConfigError("config_invalid", what=f"--dated {dated}", hint="2026-12-31") from error
    one = Exhibit(id="", tag=tag, zh=zh, en=en or zh, path=file.name, sha256="", dated=day, about=about)
    _entered(data, [exhibits.add(data / FOLDER, one, content)], as_json)


@app.command(
    help=say(
        "按计划截取本服务的页面；页面须返回 200 并含指定文字。",
        "Take pictures of the service's own pages as planned; each must answer 200 and show its text.",
    )
)
def take(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help=say("截图计划（TOML）", "the plan (TOML)"))],
    data: Data = Path("data"),
    browser: Annotated[str, typer.Option("--browser", help=say("Chromium 的路径", "path of Chromium"))] = "",
    as_json: AsJson = False,
) -> None:
    """Take pictures."""
    _entered(data, exhibits.take(data / FOLDER, exhibits.plan(plan), composition.today(), browser), as_json)


@app.command(name="list", help=say("列出证据材料。", "List the exhibits."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List exhibits."""
    _shown(exhibits.register(data / FOLDER), as_json)


def _entered(data: Path, made: list[Exhibit], as_json: bool) -> None:
    for one in made:
        entered(data, "dossier_exhibit", {"id": one.id, "tag": one.tag, "sha256": one.sha256})
    _shown(made, as_json)


def _shown(made: list[Exhibit], as_json: bool) -> None:
    head = [say("编号", "ID"), say("标签", "TAG"), say("内容", "SHOWS"), say("日期", "DATED"), "SHA-256"]
    cells = [[o.id, o.tag, f"{o.named(language())} {o.about}".strip(), str(o.dated), o.sha256[:16]] for o in made]
    rows = [msgspec.to_builtins(one) for one in made]
    show_all(rows, as_json, head, cells, say("还没有证据材料。", "No exhibits yet."))
