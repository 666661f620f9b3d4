# SPDX-License-Identifier: Apache-2.0
"""`guiju scope`: whether and how the law applies to the service, decided and signed by a person (Article 2)."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli.books import AsJson, Data, day, has_store, now, opened, settings_of, show, show_all
from guiju.cli.entering import entered
from guiju.cli.tongue import language, say
from guiju.dossier import scope as deciding
from guiju.dossier.scope import ROUTES, Question, Result
from guiju.errors import Bilingual, ConfigError, failed
from guiju.records import scoping
from guiju.records.scoping import Decision

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=say(
        "判定服务是否适用《办法》、走何种途径、哪些义务不发生。不带 --answers 时：终端中逐项提问，否则显示现行判定。"
        "--sign 签署后成为新版判定，guiju check 随之；若有原先成立的义务因此不再成立，须另一人用 --second 同签。",
        "Decide whether the Measures apply, by which route, and which duties do not arise. Without --answers it asks "
        "one by one in a terminal, and elsewhere shows the decision in force. --sign makes it the new decision, which "
        "guiju check goes by; where a duty falls away that stood until now, a second person signs with --second.",
    )
)
def scope(
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help=say("回答（TOML）", "the answers (TOML)"))
    ] = None,
    sign: Annotated[str, typer.Option("--sign", metavar="NAME", help=say("签署人", "who signs"))] = "",
    second: Annotated[str, typer.Option("--second", metavar="NAME", help=say("同签人", "who signs too"))] = "",
    template: Annotated[
        bool, typer.Option("--template", help=say("输出供填写的回答文件", "print a file of answers to fill in"))
    ] = False,
    history: Annotated[bool, typer.Option("--history", help=say("列出历次判定", "list all decisions"))] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Decide on scope."""
    if template:
        typer.echo(deciding.template())
    elif history:
        _history(data, as_json)
    elif answers is not None or (sys.stdin.isatty() and not as_json):
        said = deciding.checked(_read(answers) if answers else {one.id: _ask(one) for one in deciding.questions()})
        _decided(said, (sign, second), data, as_json)
    else:
        _standing(data, as_json)


def _decided(answers: dict[str, Any], by: tuple[str, str], data: Path, as_json: bool) -> None:
    """What follows, and where somebody signs, the new decision."""
    result = deciding.decide(answers)
    document: dict[str, Any] = msgspec.to_builtins(result)
    made: Decision | None = None
    if by[0]:
        with opened(data, make=True) as (_, store):
            made = scoping.sign(store, answers, document, by, now())
        entered(data, "scope_decision", {"version": made.version, "hash": made.hash, "away": len(result.away)})
    told = _told(result)
    if made:
        told += say(f"\n已签署第 {made.version} 版。", f"\nSigned as decision {made.version}.")
    else:
        told += say("\n未签署：加 --sign 姓名。", "\nNot signed: add --sign NAME.")
    show({"version": made.version if made else 0, **document}, as_json, told)


def _standing(data: Path, as_json: bool) -> None:
    """The decision in force; exit 1 where there is none."""
    made: Decision | None = None
    if has_store(settings_of(data), data):
        with opened(data) as (_, store):
            made = scoping.latest(store)
    if made is None:
        show({}, as_json, say("尚无判定：guiju scope --template", "Nobody has decided: guiju scope --template"))
        raise typer.Exit(1)
    result = msgspec.convert(json.loads(made.result), Result)
    show({**_row(made), **json.loads(made.result)}, as_json, f"{_told(result)}\n{_signed(made)}")


def _history(data: Path, as_json: bool) -> None:
    with opened(data) as (_, store):
        rows = scoping.history(store)
    head = [say("版本", "VERSION"), say("签署", "SIGNED"), say("由谁", "BY"), say("途径", "ROUTE")]
    cells = [
        [
            str(r.version),
            day(r.signed_at),
            " + ".join(filter(None, (r.signed_by, r.second))),
            json.loads(r.result)["route"],
        ]
        for r in rows
    ]
    empty = say("尚无判定。", "Nobody has decided.")
    show_all([_row(one) for one in rows], as_json, head, cells, empty)


def _row(made: Decision) -> dict[str, Any]:
    names = ("version", "hash", "signed_by", "second", "signed_at")
    return {name: getattr(made, name) for name in names} | {"answers": json.loads(made.answers)}


def _signed(made: Decision) -> str:
    by = " + ".join(filter(None, (made.signed_by, made.second)))
    return say(
        f"第 {made.version} 版，{by} 于 {day(made.signed_at)} 签署。",
        f"Decision {made.version}, signed by {by}, {day(made.signed_at)}.",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        what = Bilingual(f"{path.name} 不是有效的 TOML（{error}）", f"{path.name} is not TOML ({error})")
        raise ConfigError("config_invalid", what=what, hint="guiju scope --template") from error


def _ask(one: Question) -> str | list[str]:
    """Ask a person one question, until it is answered."""
    tongue = language()
    typer.echo("\n" + one.of(tongue))
    for number, answer in enumerate(one.answers, 1):
        typer.echo(f"  {number}  {answer.of(tongue)}")
    ids = {str(number): answer.id for number, answer in enumerate(one.answers, 1)}
    hint = (
        say("编号，可多个，以逗号分隔，可空", "numbers parted by commas, or none")
        if one.many
        else say("编号", "number")
    )
    while True:
        typed = str(typer.prompt(hint, default="" if one.many else None, show_default=False)).replace("，", ",")
        chosen = [ids.get(part.strip(), "") for part in typed.split(",") if part.strip()]
        if all(chosen) and (one.many or len(chosen) == 1):
            return chosen if one.many else chosen[0]


def _told(result: Result) -> str:
    tongue = language()
    lines = [
        say("适用《办法》", "The Measures apply")
        if result.in_scope
        else say("不适用《办法》", "The Measures do not apply"),
        *(f"  {why.of(tongue)}" for why in result.why),
        say("途径：", "Route: ") + ROUTES[result.route].of(tongue),
        say("算法备案：", "Algorithm filing: ") + (say("须办理", "yes") if result.algorithm else say("否", "no")),
        say("安全评估（2018）：", "Security assessment (2018): ")
        + (say("须开展", "yes") if result.security else say("否", "no")),
    ]
    if result.profiles:
        lines.append(say("法律文本：", "Text of the law: ") + ", ".join(result.profiles))
    lines += [f"! {note.of(tongue)}" for note in result.notes]
    if result.away:
        lines.append(say(f"不发生的义务 {len(result.away)} 项：", f"{len(result.away)} duties do not arise:"))
        reasons: dict[str, list[str]] = {}
        for id, why in result.away.items():
            reasons.setdefault(why.zh if tongue == "zh" else why.en, []).append(id)
        lines += [
            f"  {why}: {' '.join(ids)}" if tongue == "en" else f"  {why}：{' '.join(ids)}"
            for why, ids in reasons.items()
        ]
    return "\n".join(lines)
