# SPDX-License-Identifier: Apache-2.0
"""`guiju check`: the duty board in the terminal, for scripts and for CI (DESIGN §2; all articles).

It reads what the running service left in the data directory and a person's notes.toml, proves each duty and says how
it stands. Exit 1 with `--strict` when a duty that was read is a gap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from guiju import composition, duties
from guiju.cli.books import AsJson, Data, day, has_store, now, opened, settings_of
from guiju.cli.tongue import language, say
from guiju.duties import Gathered
from guiju.errors import ConfigError, failed
from guiju.law import badge, book, page, proof
from guiju.law.book import Duty, LawText, Threshold
from guiju.law.proof import BoardState, DutyState, Mode
from guiju.records import duty_days, exceptions
from guiju.records.exceptions import LawException

_COLOURS: Final[Mapping[BoardState, str]] = {
    "met": "green",
    "by_hand": "cyan",
    "partly": "yellow",
    "gap": "bold red",
    "not_applicable": "dim",
}

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=say(
        "逐项核对法定义务：由哪项控制措施落实、有无测试、证据是否在时限之内。",
        "Go through the duties of the law: which control keeps each, its test, and the age of its evidence.",
    )
)
def check(
    profile: Annotated[
        str, typer.Option(help=say("法律文本：", "text of the law: ") + ", ".join((*book.PROFILES, *book.BESIDE)))
    ] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
    form: Annotated[
        str, typer.Option("--format", help=say("table、junit、sarif 或 badge", "table, junit, sarif or badge"))
    ] = "table",
    strict: Annotated[
        bool, typer.Option("--strict", help=say("有缺口时以 1 退出", "exit 1 when there are gaps"))
    ] = False,
    unread: Annotated[
        bool, typer.Option("--unread", help=say("列出未核对原文的条目", "list what nobody has read yet"))
    ] = False,
    law_page: Annotated[
        Path | None, typer.Option(help=say("写出 LAW.md 后退出", "write LAW.md to this file and stop"))
    ] = None,
) -> None:
    """Prove every duty of one text and print how it stands."""
    if form not in ("table", "junit", "sarif", "badge"):
        raise ConfigError("config_invalid", what=f"--format {form}", hint="table | junit | sarif | badge")
    settings = settings_of(data)
    text = book.load(profile or settings.profile)
    if unread:
        typer.echo(_unread(text, as_json))
        return
    if law_page is not None:
        _write_page(law_page, text, as_json)
        return
    _, states = duties.board(settings, data, text.id)
    _answer(text, states, settings.mode, "json" if as_json else form, excepted(data), owned(data))
    if strict and strict_gaps(text, states):
        raise typer.Exit(1)


def gathered(data: Path) -> Gathered:
    """The controls as this installation sets them, the tests of duties, and the newest proofs of the controls."""
    return duties.gathered(settings_of(data), data)


def excepted(data: Path) -> list[LawException]:
    """The exceptions in force (Article 11); none where there is no store yet."""
    if not has_store(settings_of(data), data):
        return []
    with opened(data) as (_, store):
        return exceptions.every(store, in_force_at=now())


def owned(data: Path) -> dict[str, str]:
    """Duty id → who answers for it; none where there is no store yet."""
    if not has_store(settings_of(data), data):
        return {}
    with opened(data) as (_, store):
        return {duty: one.owner for duty, one in duty_days.owners(store).items()}


def strict_gaps(text: LawText, states: Sequence[DutyState]) -> list[DutyState]:
    """The gaps that `--strict` counts: all but rows that nobody has read."""
    recalled = {duty.id for duty in text.duties if duty.read == "memory"}
    return [state for state in states if state.state == "gap" and state.id not in recalled]


def board(text: LawText, states: Sequence[DutyState], owners: Mapping[str, str] | None = None) -> Table:
    """The duty board, grouped by article: state as sign, word and colour."""
    owners = owners or {}
    rows = {duty.id: duty for duty in text.duties}
    lang = language()
    table = Table(title=text.title.of(lang), caption=text.status.of(lang), title_justify="left", show_lines=False)
    table.add_column(say("条", "article"), no_wrap=True)
    table.add_column(say("义务", "duty"), no_wrap=True)
    table.add_column(say("内容", "what it asks"), ratio=3, overflow="fold")
    table.add_column(say("状态", "state"), no_wrap=True)
    table.add_column(say("控制措施", "control"))
    table.add_column(say("说明", "why"), ratio=2, overflow="fold")
    for article, group in page.by_article(text, states):
        for number, state in enumerate(group):
            duty = rows[state.id]
            word = f"{page.SIGNS[state.state]} {page.STATE_WORDS[state.state].of(lang)}"
            why = state.why.of(lang)
            if duty.read == "memory":
                why += say("（未核对原文）", " (not read yet)")
            if owner := owners.get(duty.id):
                why += say(f"（{owner}）", f" ({owner})")
            table.add_row(
                article if number == 0 else "",
                duty.id,
                Text(duty.said(lang)),
                Text(word, style=_COLOURS[state.state]),
                state.control or "–",
                Text(why),
            )
        table.add_section()
    return table


def summary(states: Sequence[DutyState], mode: Mode) -> str:
    """The counts in one line, and what they mean for a start in production."""
    lang = language()
    tally = page.counts(states)
    line = say("，", ", ").join(f"{page.STATE_WORDS[state].of(lang)} {n}" for state, n in tally.items())
    if mode == "development":
        return line + say("\n开发模式：可带缺口运行。", "\nDevelopment mode serves with gaps.")
    stops = [state.id for state in proof.blocking(states)]
    if not stops:
        return line + say("\n生产模式：可以启动。", "\nProduction mode: nothing stops the start.")
    listed = " ".join(stops)
    return line + say(f"\n生产模式：下列义务阻止启动：{listed}", f"\nProduction mode can't start because of: {listed}")


def _answer(
    text: LawText,
    states: Sequence[DutyState],
    mode: Mode,
    form: str,
    excepts: Sequence[LawException],
    owners: Mapping[str, str],
) -> None:
    if form == "json":
        made = page.as_json(text, states, language(), owners)
        typer.echo(_dump({**made, "exceptions": msgspec.to_builtins(excepts)}))
    elif form == "badge":
        typer.echo(badge.badge(text, states, language()), nl=False)
    elif form == "junit":
        typer.echo(page.junit(text, states, language()), nl=False)
    elif form == "sarif":
        sources = composition.control_sources()
        typer.echo(_dump(page.sarif(text, states, sources, installed_version("guiju"))))
    else:
        console = Console()
        console.print(board(text, states, owners))
        console.print(Text(summary(states, mode)))
        for one in excepts:
            console.print(Text(_said(one)))


def _said(one: LawException) -> str:
    """An exception in a line."""
    return say(
        f"例外（11.e）：{one.duty}，依据{one.law}，范围：{one.scope}，至 {day(one.until_at)}，登记人 {one.made_by}。",
        f"Exception (11.e): {one.duty}, under {one.law}, for {one.scope}, until {day(one.until_at)}, by {one.made_by}.",
    )


def _unread(text: LawText, as_json: bool) -> str:
    rows = book.unread(text)
    if as_json:
        return _dump({"profile": text.id, "unread": [_recalled(row) for row in rows]})
    head = say(
        f"{text.title.zh}：{len(rows)} 项凭记忆补记、未核对原文，均不阻止任何操作。",
        f"{text.title.en}: {len(rows)} rows are recalled, not read; they block nothing.",
    )
    return "\n".join([head, *(f"  {row.id}  {say(row.zh, row.en)}" for row in rows)])


def _recalled(row: Duty | Threshold) -> dict[str, Any]:
    kind: Literal["duty", "threshold"] = "duty" if isinstance(row, Duty) else "threshold"
    return {"id": row.id, "kind": kind, "zh": row.zh, "en": row.en}


def _write_page(path: Path, text: LawText, as_json: bool) -> None:
    """Write LAW.md from the source tree alone: no settings, no data directory, so that everybody gets the same."""
    states = page.tree_states(text, composition.ALL_CONTROLS, book.tests())
    try:
        path.write_text(page.render(text, states, composition.control_sources()), "utf-8")
    except OSError as error:
        hint = say("请换一个可写的路径。", "Choose a path that can be written.")
        raise ConfigError("config_invalid", what=failed(path, error), hint=hint) from error
    if as_json:
        typer.echo(_dump({"profile": text.id, "written": str(path)}))
    else:
        typer.echo(say(f"已写出 {path}。", f"Wrote {path}."))


def _dump(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)
