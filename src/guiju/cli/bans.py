# SPDX-License-Identifier: Apache-2.0
"""`guiju bans`: what may not come again. Texts are banned by the desk; pictures here, too (Articles 13, 15)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from guiju.adapters import sights
from guiju.cli.books import AsJson, By, Data, day, now, opened, show, show_all, terms_of
from guiju.cli.helping import noun
from guiju.cli.registered import Level, key_of, removed
from guiju.cli.tongue import say
from guiju.detect.banned_pictures import PURPOSE, Sight
from guiju.errors import ConfigError, failed
from guiju.records import bans, recalls
from guiju.records.bans import PictureDecision
from guiju.records.ids import ExchangeIds
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of

app = noun("管理禁令：不得再次出现的内容。", "Manage bans: what may not come again.")


@app.command(
    help=say(
        "封禁一张图片：送来的、生成的相同或相似图片都不再放行；只保留散列，不保留图片。",
        "Ban a picture: what is sent or made and is it, or looks like it, does not pass; only hashes are kept.",
    )
)
def picture(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("图片文件", "the picture"))],
    case: Annotated[str, typer.Option("--case", help=say("据以封禁的案件", "the case by which it is banned"))],
    category: Annotated[str, typer.Option("--category", help=say("类别，如 A.1f", "its class, such as A.1f"))],
    reason: Annotated[str, typer.Option("--reason", help=say("理由", "why"))],
    exact: Annotated[
        bool,
        typer.Option("--exact", help=say("只禁这一张，不禁相似的", "only the very picture, none that looks like it")),
    ] = False,
    but: Annotated[
        list[Path] | None, typer.Option("--but", help=say("不应被拦的图片", "a picture that it must let pass"))
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="PRODUCEID", help=say("一并召回的应答", "an answer that is recalled with it")),
    ] = None,
    severity: Level = "block",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Ban a picture."""
    seen, passed = _sights([file, *(but or ())])[0], _sights(but or ())
    secrets = Secrets.open(data / "keys")
    with opened(data) as (settings, store):
        place, ids = place_of(settings, data), ExchangeIds(secrets.ids, "")
        found = [recalls.received(place, ids, one) for one in answers or ()]
        decision = PictureDecision(
            kind="picture.exact" if exact else "picture",
            category=category,
            severity=severity,
            case=case,
            reason=reason,
            sight=seen,
        )
        made = bans.enact_picture(store, decision, passed, key_of(data, PURPOSE), terms_of(settings, by), found)
    show({"id": made, "recalled": [one.produce_id for one in found]}, as_json, made)


def _sights(files: list[Path] | tuple[()]) -> list[Sight]:
    """What is told of pictures; a child reads them.

    Raises:
        ConfigError: `not_found`, or `config_invalid`: one can't be read.
    """
    if not sights.installed():
        raise ConfigError("config_invalid", what="pillow", hint="pip install 'guiju[media]'")
    made = []
    for file in files:
        try:
            seen = asyncio.run(sights.Looked().look(file.read_bytes()))
        except OSError as error:
            raise ConfigError("not_found", what=failed(file, error)) from error
        if seen is None:
            raise ConfigError("config_invalid", what=str(file), hint="PNG, JPEG, WebP, GIF, BMP, TIFF")
        made.append(seen)
    return made


@app.command(name="list", help=say("列出禁令。", "List the bans."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the bans."""
    with opened(data) as (_, store):
        found = bans.history(store)
    head = [
        "ID",
        say("种类", "KIND"),
        say("类别", "CLASS"),
        say("案件", "CASE"),
        say("决定人", "BY"),
        say("时间", "AT"),
    ]
    head += [say("状态", "STATE")]
    rows = [
        [one.id, one.kind, one.category, one.case_id, one.decided_by, day(one.decided_at), _state(one)] for one in found
    ]
    empty = say("没有禁令。", "No bans.")
    show_all(found, as_json, head, rows, empty)


def _state(one: bans.Kept) -> str:
    if one.lifted_at:
        return say("已解除", "lifted")
    return say("已到期", "over") if 0 < one.expires_at <= now() else say("有效", "in force")


@app.command(help=say("解除一项禁令；须等待后才生效。", "Lift a ban; it waits before it acts."))
def lift(
    ban: Annotated[str, typer.Argument(metavar="ID", help=say("禁令编号", "the ban's id"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Lift a ban."""
    removed(bans.lift, ban, (data, by), as_json, say("已解除。", "It is lifted."))
