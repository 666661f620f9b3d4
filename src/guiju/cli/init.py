# SPDX-License-Identifier: Apache-2.0
"""`guiju init`: write a commented guiju.toml from guiju.zh.toml or guiju.en.toml beside this file.

It asks nothing; what is not known yet stands there as a comment that says where it comes from.
"""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated, Final, Literal

import typer

from guiju.cli.tongue import language, say
from guiju.config import load
from guiju.errors import ConfigError, Language, failed

FILE: Final = "guiju.toml"
Route = Literal["own_model", "filed_model"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_ROUTES: Final = {
    "own_model": (
        "自有模型（自行训练或微调后对外提供）",
        "your own model, trained or tuned by you and offered to the public",
    ),
    "filed_model": ("调用已备案的模型，自己提供应用", "an app of yours over somebody else's filed model"),
}


def _upstream(url: str) -> str:
    """The section of the model service: as given, or as a comment that says what to do."""
    if url:
        return f'[[upstream]]\nname = "main"\nurl = {json.dumps(url)}'
    lines = ("[[upstream]]", 'name = "main"', 'url = "http://127.0.0.1:9000/v1"')
    return "\n".join(f"# {line}" for line in lines)


def text(route: Route, url: str, tongue: Language, upstreams: str = "") -> str:
    """The file's text.

    Args:
        route: which of the two routes of the filing practice is taken.
        url: base address of the model service, or `""` when it is not known yet.
        tongue: the language of the comments and of what callers are told.
        upstreams: whole sections `[[upstream]]`, in place of the one that a URL makes.
    """
    template = Template(files("guiju.cli").joinpath(f"guiju.{tongue}.toml").read_text("utf-8"))
    other = next(name for name in _ROUTES if name != route)
    words = _ROUTES[route][tongue == "en"]
    sections = upstreams or _upstream(url)
    return template.substitute(language=tongue, route=route, route_words=words, other=other, upstream=sections)


@app.command(
    help=say(
        "在当前目录写出带注释的 guiju.toml；不提问，不覆盖已有文件。",
        "Write a commented guiju.toml into this folder; asks nothing and overwrites nothing.",
    )
)
def init(
    route: Annotated[
        Literal["own_model", "filed_model"],
        typer.Option(help=say("自有模型，或调用已备案模型", "own model, or an app over a filed one")),
    ] = "own_model",
    upstream: Annotated[str, typer.Option(metavar="URL", help=say("模型服务地址", "the model service's address"))] = "",
    lang: Annotated[
        Literal["zh", "en"] | None,
        typer.Option(help=say("语言；默认随终端", "language; that of the terminal by default")),
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", help=say("写入的目录", "where to write"))] = Path(),
    force: Annotated[bool, typer.Option("--force", help=say("覆盖已有文件", "overwrite a file that is there"))] = False,
    as_json: Annotated[bool, typer.Option("--json", help=say("以 JSON 输出", "print JSON"))] = False,
) -> None:
    """Write guiju.toml."""
    path = folder / FILE
    raw = text(route, upstream, lang or language())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(raw)
    except FileExistsError as error:
        hint = say("要重写请加 --force。", "Use --force to write it anew.")
        raise ConfigError("config_invalid", what=say(f"{path} 已存在", f"{path} exists"), hint=hint) from error
    except OSError as error:
        hint = say("请用 --dir 换一个目录。", "Choose another folder with --dir.")
        raise ConfigError("config_invalid", what=failed(path, error), hint=hint) from error
    load(path, environ={})  # what was written can be read
    if as_json:
        typer.echo(json.dumps({"path": str(path), "route": route, "upstream": upstream}, ensure_ascii=False))
    else:
        typer.echo(
            say(f"已写出 {path}。下一步：guiju serve --data data", f"Wrote {path}. Next: guiju serve --data data")
        )
