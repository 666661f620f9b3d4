# SPDX-License-Identifier: Apache-2.0
"""`guiju serve`: the gateway in front of a model service, by flags alone or by guiju.toml."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from guiju import handover, logs
from guiju.cli.books import AsJson, Config, Data, settings_file
from guiju.cli.tongue import say
from guiju.composition import Setting
from guiju.config import DEVELOPMENT_CODE, Upstream, load
from guiju.errors import Bilingual, ConfigError, failed
from guiju.house import House, Options, Part, prepare
from guiju.records import members
from guiju.server import bind, serve
from guiju.workers import MOST, Crew, Seat

_LOCAL: Final = ("127.0.0.1", "localhost", "0.0.0.0")  # noqa: S104 # compared, not bound
_LOOK_AT_KEYS: Final = Bilingual("请检查 --key-file 给出的路径。", "Look at the path given with --key-file.")

Only = Annotated[
    str,
    typer.Option(
        help=say(
            "只提供一部分：gateway（接口）或 pages（页面与控制台）；默认全部",
            "serve a part: gateway (the doors) or pages (pages and console); all by default",
        )
    ),
]
TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help=say(
            "接过同一数据目录上正在运行的服务的监听端口；就绪后旧进程收尾退出",
            "take the listening socket of the service that runs on the same data; it ends once this one is ready",
        ),
    ),
]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=say(
        "启动网关。--upstream、--lexicon、--key 三项即可运行，无需写任何文件。",
        "Start the gateway. --upstream, --lexicon and --key are all that one model service needs; no file is written.",
    )
)
def main(
    data: Data = Path("data"),
    config: Config = None,
    host: Annotated[str | None, typer.Option(help=say("监听地址", "address to bind"))] = None,
    port: Annotated[int | None, typer.Option(help=say("监听端口", "port to bind"))] = None,
    upstream: Annotated[str | None, typer.Option(help=say("模型服务地址，至 /v1", "model service, up to /v1"))] = None,
    lexicon: Annotated[
        list[Path] | None, typer.Option(help=say("词表文件，按原样载入", "word list, loaded as written"))
    ] = None,
    key: Annotated[list[str] | None, typer.Option(help=say("运营者自用密钥", "a key of the operator's own"))] = None,
    key_file: Annotated[Path | None, typer.Option(help=say("每行一个密钥的文件", "file with a key a line"))] = None,
    reach: Annotated[
        str | None, typer.Option(help=say("pattern、sentence 或 whole", "pattern, sentence or whole"))
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help=say("工作进程数，共用一个监听端口", "processes that share the one listening socket")),
    ] = None,
    only: Only = "",
    take_over: TakeOver = False,
    controls: Annotated[str, typer.Option(help=say("exact、people 或 all", "exact, people or all"))] = "all",
    as_json: AsJson = False,
) -> None:
    """Serve until a signal says stop."""
    options = Options(
        data=data,
        config=settings_file(data, config),
        lists=tuple(lexicon or ()),
        keys=_keys(key or [], key_file),
        setting=_setting(controls),
        overlay=_overlay(host, port, upstream, reach, workers),
        seat=Seat.taken(),
        only=_part(only),
    )
    if options.setting != "all" and load(options.config).mode == "production":
        raise ConfigError("not_ready_for_production", what=f"--controls {controls}")
    logs.to_stderr()
    if options.seat is None and take_over:
        options = replace(options, taken=handover.take(options.data, options.only))
    if options.seat is None and options.settings().serve.workers != 1:
        raise typer.Exit(_crew(options))
    raise typer.Exit(uvloop.run(_serve(options, as_json)))


def _crew(options: Options) -> int:
    """Let workers serve, each with the same command line."""
    settings = prepare(options)
    if not 1 <= settings.serve.workers <= MOST:
        raise ConfigError("config_invalid", what=f"serve.workers {settings.serve.workers}", hint=f"1 … {MOST}")
    taken = options.taken
    with taken.listening if taken else bind(settings) as listening:
        return Crew(options.data, settings.serve.workers, listening, sys.argv[1:], options.only, taken).serve()


async def _serve(options: Options, as_json: bool) -> int:
    house = House.open(options)

    return await serve(house, lambda house, _: announce(house, as_json) if house.first else None)


def announce(house: House, as_json: bool) -> None:
    """Say where it listens, what is off, and which facts are still missing, each with what fixes it."""
    settings = house.settings
    scheme = "https" if settings.serve.tls_cert else "http"
    address = f"{scheme}://{settings.serve.host}:{settings.serve.port}{settings.serve.base_path}/v1"
    rows = missing(house)
    begin = first_link(house)
    if as_json:
        facts = {
            "address": address,
            "console": begin,
            "profile": settings.profile,
            "mode": settings.mode,
            "off": house.off,
            "missing": [{"what": say(zh, en), "fix": fix} for zh, en, fix in rows],
        }
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    typer.echo(f"Guiju  {address}  ({settings.profile}, {settings.mode})")
    if begin:
        typer.echo(
            say(
                f"  控制台：第一位管理员请在本机打开（十五分钟内，一次有效）\n  {begin}",
                f"  Console: the first administrator opens this on this machine (once, within 15 minutes)\n  {begin}",
            )
        )
    for control in house.off:
        typer.secho(
            say(f"  ! 控制“{control}”已按启动参数关闭", f"  ! control “{control}” is off, as the flags say"),
            fg="yellow",
        )
    for zh, en, fix in rows:
        typer.secho(f"  ! {say(zh, en)}  →  {fix}", fg="yellow")


def first_link(house: House) -> str:
    """The link for the first administrator, while there is nobody yet and the console serves this machine alone; else
    nothing. At another address `guiju member add` makes one: a passkey is bound to the host at which it is made."""
    settings = house.settings
    local = not settings.console.url and not settings.serve.behind_proxy and settings.serve.host in _LOCAL
    if not settings.console.page or not local or members.anybody(house.store):
        return ""
    secret = members.invite(house.store, "", "first start", int(time.time()), members.FIRST_S)
    scheme = "https" if settings.serve.tls_cert else "http"
    return f"{scheme}://localhost:{settings.serve.port}{settings.serve.base_path}/console/begin?link={secret}"


def missing(house: House) -> list[tuple[str, str, str]]:
    """Facts that are not there yet: what, in zh and en, and the command or place that fixes it."""
    settings, live = house.settings, house.live
    lists = "guiju lexicon apply FILE --name main"
    people = "gateway.identity, [[issuer]] in guiju.toml"
    code = "provider.code in guiju.toml"
    rows = [
        (not settings.upstream, "未配置模型服务", "no model service", "[[upstream]] in guiju.toml"),
        (not live.policy.lexicon, "未载入词表，因此一律拒绝", "no word list, so everything is refused", lists),
        (not house.options.keys and not live.keyring.count, "尚无密钥", "no key yet", "guiju keys create NAME"),
        (
            settings.provider.code == DEVELOPMENT_CODE,
            "未填服务提供者编码，标识中写作 DEVELOPMENT",
            "no provider code; labels say DEVELOPMENT",
            code,
        ),
        (
            settings.gateway.identity == "none",
            "未要求真实身份（第九条）",
            "real identity is not asked for (Article 9)",
            people,
        ),
        (
            not settings.provider.redress_url,
            "未填申诉地址",
            "no place to contest a decision",
            "provider.redress_url in guiju.toml",
        ),
        (
            not settings.evidence.witness,
            "证据无外部见证",
            "evidence has no witness outside",
            "[[evidence.witness]] in guiju.toml",
        ),
    ]
    return [(zh, en, fix) for lacks, zh, en, fix in rows if lacks]


def _keys(given: list[str], path: Path | None) -> tuple[str, ...]:
    if path is not None:
        try:
            given = given + [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
        except OSError as error:
            raise ConfigError("config_invalid", what=failed(path, error), hint=_LOOK_AT_KEYS) from error
        except UnicodeDecodeError as error:
            what = Bilingual(f"{path}：不是 UTF-8 文本", f"{path}: not UTF-8 text")
            raise ConfigError("config_invalid", what=what, hint=_LOOK_AT_KEYS) from error
    return tuple(given)


def _part(said: str) -> Part:
    if said in ("", "gateway", "pages"):
        return said  # type: ignore[return-value] # narrowed by the line above, which mypy does not see
    raise ConfigError("config_invalid", what=f"--only {said}", hint="gateway | pages")


def _setting(said: str) -> Setting:
    if said in ("exact", "people", "all"):
        return said  # type: ignore[return-value] # narrowed by the line above, which mypy does not see
    raise ConfigError("config_invalid", what=f"--controls {said}", hint="exact | people | all")


def _overlay(
    host: str | None, port: int | None, upstream: str | None, reach: str | None, workers: int | None
) -> tuple[tuple[str, object], ...]:
    made: list[tuple[str, object]] = []
    if host is not None:
        made.append(("serve.host", host))
    if port is not None:
        made.append(("serve.port", port))
    if workers is not None:
        made.append(("serve.workers", workers))
    if upstream is not None:
        if not upstream.startswith(("http://", "https://")):
            raise ConfigError("config_invalid", what=f"--upstream {upstream}", hint="http://…/v1")
        made.append(("upstream", (Upstream(name="default", url=upstream, key_env="GUIJU_UPSTREAM_KEY"),)))
    if reach is not None:
        if reach not in ("pattern", "sentence", "whole"):
            raise ConfigError("config_invalid", what=f"--reach {reach}", hint="pattern | sentence | whole")
        made.append(("gateway.reach", reach))
    return tuple(made)
