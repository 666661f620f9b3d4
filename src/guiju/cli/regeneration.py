# SPDX-License-Identifier: Apache-2.0
"""`guiju regeneration`: what was banned and must not come again, how it stands, and the proof of it (Article 15)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from guiju import composition, replaying
from guiju.cli.books import AsJson, By, Data, now, opened, show, table
from guiju.cli.helping import noun
from guiju.cli.progress import bar
from guiju.cli.tongue import language, say
from guiju.config import Settings
from guiju.desk import contrast, curve
from guiju.desk.cases import Desk
from guiju.desk.certificate import body
from guiju.desk.looking import keys
from guiju.desk.paraphrases import Matter
from guiju.desk.regeneration import Errand, Facts, Registry, Standing, State, Why
from guiju.detect.banned_pictures import PictureMark
from guiju.errors import ConfigError, failed
from guiju.law.calendar import ZONE
from guiju.probe.asking import Pace
from guiju.probe.targets import Target, painters
from guiju.records import bans, certificates, regeneration, writers
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.regeneration import Item, Round
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of

app = noun("不再生成：复测、曲线、训练样本、证明。", "What must not come again: replays, curve, training pairs, proof.")
Id = Annotated[str, typer.Argument(metavar="ITEM", help=say("编号", "its id"))]
_STATES: Final[dict[State, tuple[str, str]]] = {
    "green": ("绿", "green"),
    "yellow": ("黄", "yellow"),
    "red": ("红", "red"),
}
_WHY: Final[dict[Why, tuple[str, str]]] = {
    "clean": ("未再生成", "clean"),
    "untested": ("尚未测过原始模型", "the raw model was not asked yet"),
    "no_painter": (
        "原始模型未测：未配置图像模型或未安装 guiju[media]",
        "the raw model was not asked: no model that makes pictures is named, or guiju[media] is not installed",
    ),
    "incomplete": ("复测不完整", "the replay was not complete"),
    "comes_back": ("原始模型仍会生成", "the raw model still generates it"),
    "through": ("经网关再次生成", "it came through the gateway"),
    "ended": ("已解除", "ended"),
}
_DAY_S: Final = 86_400


@contextmanager
def _registry(data: Path) -> Iterator[tuple[Settings, Store, Registry]]:
    """The items of an installation, opened by a command."""
    with opened(data) as (settings, store):
        secrets = Secrets.open(data / "keys")
        boxes = Boxes(store, DayKeys(data / "keys"), secrets)
        controls = composition.controls(settings.gateway.identity).replayed
        painted = bool(painters(settings.upstream, settings.regeneration.picture_models))
        yield settings, store, Registry(store, boxes, keys(secrets), controls, painted=painted)


@app.command("list", help=say("列出各项及其状态，期限近者在前。", "List all items and how they stand, nearest first."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List; exit 1 when one is red."""
    with _registry(data) as (_, _, registry):
        found = registry.standings()
    head = say(
        "编号 案件 类别 期限 剩余天数 状态 说明 连续未再生成", "ITEM CASE CATEGORY DEADLINE DAYS STATE WHY CLEAN"
    )
    rows = [_line(item, standing) for item, standing in found]
    text = table(head.split(" "), rows) if rows else say("没有条目。", "No items.")
    show([_document(item, standing) for item, standing in found], as_json, text)
    if any(standing.state == "red" for _, standing in found):
        raise typer.Exit(1)


@app.command("show", help=say("显示一项的状态与历次复测。", "Show how one item stands, and all its replays."))
def show_(
    id: Id,
    svg: Annotated[Path | None, typer.Option("--svg", help=say("把曲线写成图", "write the curve as a picture"))] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Show; exit 1 when it is red."""
    with _registry(data) as (_, store, registry):
        item = regeneration.of(store, id)
        standing, points = registry.standing(item), registry.curve(item)
    if svg:
        _write(svg, curve.svg(points, item.due_at, language()).encode())
    head, rows = curve.table(points, language())
    lines = [*_told(item, standing), table(head, rows) if rows else say("还没有完成的复测。", "No replay yet.")]
    show({**_document(item, standing), "curve": msgspec.to_builtins(points)}, as_json, "\n".join(lines))
    if standing.state == "red":
        raise typer.Exit(1)


@app.command(help=say("为一项封禁登记复测；服务运行时随即开始。", "Enter a ban, so that it is asked for again."))
def add(
    case: Annotated[str, typer.Option("--case", help=say("据以封禁的案件", "the case by which it is banned"))],
    ban: Annotated[str, typer.Option("--ban", help=say("封禁编号", "the ban's id"))],
    about: Annotated[
        str, typer.Option("--about", help=say("内容关于什么，几个词", "what it is about, in a few words"))
    ],
    text: Annotated[
        Path | None,
        typer.Option(
            "--text", help=say("被封禁文本（UTF-8）；封禁图片的不填", "the banned text, UTF-8; not for a picture")
        ),
    ] = None,
    about_en: Annotated[str, typer.Option("--about-en", help=say("同上，英文", "the same in English"))] = "",
    seeds: Annotated[
        Path | None, typer.Option("--seeds", help=say("曾引出该内容的提问，一行一条", "what brought it, one a line"))
    ] = None,
    found: Annotated[str, typer.Option("--found", help=say("发现日期", "day of discovery"), metavar="DATE")] = "",
    reported: Annotated[str, typer.Option("--reported", help=say("接报日期", "day of report"), metavar="DATE")] = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter an item."""
    asked = tuple(line for line in _read(seeds).splitlines() if line.strip()) if seeds else ()
    with _registry(data) as (settings, store, registry):
        kept = _ban(store, ban)
        picture = _picture(store, data, ban)
        if (picture is None) == (text is None):
            raise ConfigError("config_invalid", what="--text", hint="guiju regeneration add --help")
        banned = _read(text) if text else ""
        matter = Matter(text=banned, about=about, about_en=about_en, seeds=asked, pictured=picture is not None)
        facts = Facts(
            case=case,
            ban=ban,
            category=kept.category,
            kind=kept.kind,
            discovered=_day(found),
            reported=_day(reported),
            account=kept.account_id,
        )
        item = registry.open(facts, matter, by, settings.regeneration.disguises, picture)
        standing = registry.standing(item)
    show(_document(item, standing), as_json, "\n".join(_told(item, standing)))


@app.command(help=say("立即复测一项或全部。", "Replay one item now, or all of them."))
def run(
    id: Annotated[str, typer.Argument(metavar="[ITEM]", help=say("编号", "its id"), show_default=False)] = "",
    gateway: Annotated[str, typer.Option("--gateway", help=say("网关地址", "the gateway's address"))] = "",
    key_env: Annotated[
        str, typer.Option("--key-env", help=say("存放网关密钥的环境变量", "the variable that holds the gateway's key"))
    ] = "GUIJU_KEY",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Replay; exit 1 when one is red."""
    with _registry(data) as (settings, store, registry):
        items = [regeneration.of(store, id)] if id else regeneration.items(store, open_only=True)
        base = gateway or f"http://127.0.0.1:{settings.serve.port}"
        own = Target(kind="gateway", url=f"{base.rstrip('/')}/v1", model="", key_env=key_env)
        routes = {item.id: replaying.whom(settings, own, item) for item in items}
        if items and not any(routes.values()):
            raise ConfigError("config_invalid", what="upstream, regeneration.models", hint="guiju.toml [regeneration]")
        pace = Pace(per_minute=settings.regeneration.per_minute, at_once=settings.regeneration.at_once)
        total = sum(item.size * len(routes[item.id]) for item in items)
        with bar(total, say("复测", "replaying"), as_json) as told:
            errand = Errand(
                reason="asked",
                versions="asked",
                by=by,
                pace=pace,
                limits=settings.limits,
                told=told,
            )
            asked = [item for item in items if routes[item.id]]
            done = [
                (item, one) for item in asked for one in asyncio.run(registry.replay(item, routes[item.id], errand))
            ]
        _entered(place_of(settings, data), Secrets.open(data / "keys"), done)
        found = [(item, registry.standing(item)) for item in items]
    lines = [line for item, standing in found for line in _told(item, standing)]
    text = "\n".join(lines) or say("没有条目。", "No items.")
    show([_document(item, standing) for item, standing in found], as_json, text)
    if any(standing.state == "red" for _, standing in found):
        raise typer.Exit(1)


@app.command(help=say("导出复测题或对照训练样本（含内容，须写明目的）。", "Export prompts or contrast training pairs."))
def export(
    id: Id,
    purpose: Annotated[str, typer.Option("--purpose", help=say("用途", "what for"))],
    prompts: Annotated[
        Path | None, typer.Option("--prompts", help=say("复测题，JSONL", "all prompts, as JSON Lines"))
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", help=say("训练样本，JSONL", "training pairs, as JSON Lines"))
    ] = None,
    near: Annotated[
        Path | None, typer.Option("--near", help=say("自写的近似问答，JSONL", "near misses of your own, JSON Lines"))
    ] = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Export."""
    if not prompts and not pairs:
        raise ConfigError("config_invalid", what="--prompts, --pairs", hint="guiju regeneration export --help")
    more = contrast.read(_read(near).encode()) if near else []
    with _registry(data) as (_, store, registry):
        item = regeneration.of(store, id)
        regeneration.noted(store, item.id, by, purpose, now())
        if pairs and item.pictured:
            raise ConfigError(
                "config_invalid", what=f"--pairs: {item.kind}", hint="guiju regeneration export --prompts"
            )
        found, about = registry.prompts(item)
    written: dict[str, int] = {}
    if prompts:
        _write(prompts, b"".join(msgspec.json.encode(one) + b"\n" for one in found))
        written[str(prompts)] = len(found)
    if pairs:
        made = contrast.pairs(found, about, more)
        _write(pairs, contrast.lines(made))
        written[str(pairs)] = len(made)
    text = "\n".join(say(f"已写入 {name}：{count} 条", f"{name}: {count} written") for name, count in written.items())
    show({"item": item.id, "written": written}, as_json, text)


@app.command(help=say("为投诉人出具可独立核验的证明。", "Write a certificate that anybody can check."))
def certify(
    id: Id,
    out: Annotated[Path, typer.Argument(metavar="FILE", help=say("写入该文件", "the file to write"))],
    deliver: Annotated[
        bool,
        typer.Option("--deliver", help=say("同时放到投诉人的查询页", "put it on the complainant's page, too")),
    ] = False,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Certify."""
    secrets = Secrets.open(data / "keys")
    with _registry(data) as (settings, store, registry):
        item = regeneration.of(store, id)
        rounds: list[Round] = regeneration.rounds(store, item.id).get(item.id, [])
        banned = [one.decided_at for one in bans.history(store) if one.id == item.ban_id]
        since = banned[0] if banned else item.opened_at
        said = body(item, registry.standing(item), rounds, since, settings.provider, now())
        made = certificates.issue(said, place_of(settings, data), secrets.signing, lambda: now() * 1000)
        if deliver:
            desk = Desk(store, DayKeys(data / "keys"), secrets, lambda number: None)
            desk.hand_in(item.case_id, f"{said.id}.json", "application/json", certificates.written(made), by)
    _write(out, certificates.written(made))
    public = secrets.signing.public_key().public_bytes_raw().hex()
    show(
        {"certificate": said.id, "file": str(out), "key": public, "state": said.state},
        as_json,
        say(
            f"证明 {said.id} 已写入 {out}。\n核验：guiju evidence verify --certificate {out} --key {public}",
            f"Certificate {said.id}: {out}.\nVerify: guiju evidence verify --certificate {out} --key {public}",
        ),
    )


@app.command(
    help=say("解除封禁与复测：两人决定，或模型已保持足够久。", "End a ban and its item: two persons, or a clean model.")
)
def lift(
    id: Id,
    by: Annotated[str, typer.Option("--by", help=say("由谁决定", "who decides"))],
    second: Annotated[str, typer.Option("--second", help=say("第二人", "the second person"))] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Lift."""
    with _registry(data) as (settings, store, registry):
        ended = registry.lift(regeneration.of(store, id), (by, second), settings.regeneration.clean_runs)
        standing = registry.standing(ended)
    show({**_document(ended, standing), "ground": ended.ground}, as_json, "\n".join(_told(ended, standing)))


def _entered(place: str, secrets: Secrets, done: list[tuple[Item, Round]]) -> None:
    """Write what came of replays into a ledger."""
    if not done:
        return
    clock = lambda: now() * 1000  # noqa: E731 # handed on once
    with writers.told(place, "ledger"), writers.writing(writers.take(place), secrets.signing, clock) as scribe:
        for item, one in done:
            scribe.enter("replayed", replaying.facts(item, one))
        scribe.checkpoint()


def _document(item: Item, standing: Standing) -> dict[str, object]:
    """An item for a program: no mark, no prompt."""
    names = ("id", "case_id", "ban_id", "category", "kind", "size", "set_hash", "found_at", "due_at", "closed_at")
    return {**{name: getattr(item, name) for name in names}, **msgspec.to_builtins(standing)}


def _line(item: Item, standing: Standing) -> list[str]:
    left = max(0, -(-(item.due_at - now()) // _DAY_S))
    state, why = say(*_STATES[standing.state]), say(*_WHY[standing.why])
    return [item.id, item.case_id, item.category, _last(item), str(left), state, why, str(standing.clean)]


def _told(item: Item, standing: Standing) -> list[str]:
    """An item for a person."""
    state, why = say(*_STATES[standing.state]), say(*_WHY[standing.why])
    return [
        say(f"{item.id}：{state}（{why}）", f"{item.id}: {state} ({why})"),
        say(
            f"案件 {item.case_id}，封禁 {item.ban_id}，{item.size} 种问法；原始模型的期限：{_last(item)}",
            f"case {item.case_id}, ban {item.ban_id}, {item.size} ways to ask; the raw model's deadline: {_last(item)}",
        ),
    ]


def _last(item: Item) -> str:
    """The last day of the deadline."""
    return datetime.fromtimestamp(item.due_at - 1, ZONE).strftime("%Y-%m-%d")


def _day(text: str) -> int:
    """A day (UTC+8) as Unix seconds of its noon; 0 for none, and at most now."""
    if not text:
        return 0
    try:
        noon = datetime.fromisoformat(text).replace(hour=12, tzinfo=ZONE)
    except ValueError as error:
        raise ConfigError("config_invalid", what=text, hint="YYYY-MM-DD") from error
    return min(int(noon.timestamp()), now())


def _ban(store: Store, id: str) -> bans.Kept:
    for one in bans.history(store):
        if one.id == id and not one.lifted_at:
            return one
    raise ConfigError("not_found", what=id)


def _picture(store: Store, data: Path, id: str) -> PictureMark | None:
    """What is kept of a banned picture; none where a text is banned."""
    found = bans.pictures(store, keys(Secrets.open(data / "keys")).id, now())[1]
    return next((one.mark for one in found if one.id == id), None)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("not_found", what=str(path)) from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(path, error), hint="guiju regeneration --help") from error
