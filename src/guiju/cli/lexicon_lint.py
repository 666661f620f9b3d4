# SPDX-License-Identifier: Apache-2.0
"""`guiju lexicon lint`: a list beside what the standard says it should hold, and beside what it does to benign text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from guiju import composition
from guiju.cli.books import AsJson, Data, has_store, now, opened, settings_of, show, table
from guiju.cli.tongue import language, say
from guiju.config import Settings
from guiju.detect import benign as shipped_lines
from guiju.detect import lexicon, shipped
from guiju.detect.entry import Entry
from guiju.detect.forms import normal
from guiju.detect.landing import MOST, Trial, tried
from guiju.detect.table import fold
from guiju.detect.views import collapse
from guiju.errors import ConfigError, failed
from guiju.law import book, explained
from guiju.law.explained import Explanation
from guiju.records import hits, lexicons
from guiju.records.hits import Seen

EXPLAINED: Final = "explained.toml"
_TEN_THOUSAND: Final = 10_000
_SHOWN: Final = 10


class Row(msgspec.Struct, frozen=True):
    """One class of a list.

    Attributes:
        category: a risk id, or a class of the operator's own.
        name: its name.
        entries: how many there are; spellings that fold to one term are one.
        should: how many the standard asks for; 0 where it asks for none.
        blocked, signalled: hits on 10,000 benign lines.
        unmatched: entries that never matched on the days that were counted; none where nothing was counted.
        figure: the standard's figure, and the class, as explanations name it.
        state: `ok`, `short`, `explained`.
    """

    category: str
    name: str
    entries: int
    should: int
    blocked: float
    signalled: float
    unmatched: int | None
    figure: str = ""
    state: str = "ok"


Benign = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help=say("另加的无害文本，每行一条", "benign texts besides ours, one a line")),
]


def lint(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help=say("词表文件；缺省为使用中的全部", "a list; all in force by default")),
    ] = None,
    name: Annotated[str, typer.Option("--name", help=say("只看一个词表", "one list only"))] = "",
    benign: Benign = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help=say("为不足之处写一份待填的说明", "write drafts that explain what is short")),
    ] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Look over a list; exit 1 when it over-blocks, or is short and nobody has said why."""
    settings = settings_of(data)
    entries, seen = _entries(settings, data, file, name)
    pool = [*shipped_lines.pool(), *(line for path in benign or () for line in own_lines(path))]
    trial = tried(entries, pool)
    told = _explained(data)
    rows = _rows(entries, trial, seen, told)
    if explain:
        _explain(data, rows, told)
        told = _explained(data)
        rows = _rows(entries, trial, seen, told)
    worst = sorted(trial.hits.items(), key=lambda item: (-len(item[1]), item[0]))
    document = {
        "rows": msgspec.to_builtins(rows),
        "benign": {"lines": trial.lines, "blocked": trial.blocked, "signalled": trial.signalled, "most": MOST},
        "hits": [{"id": id, "lines": len(numbers)} for id, numbers in worst],
        "counted": {"days": seen.days, "exchanges": seen.exchanges} if seen else None,
        "unmatched": [e.id for e in entries if e.id not in seen.hits] if seen and seen.exchanges else [],
        "notes": [{"id": id, "what": what.within(language())} for id, what in lexicon.lint(entries)],
    }
    show(document, as_json, _text(rows, trial, seen, worst, entries, pool))
    if trial.overblocks or any(row.state == "short" for row in rows):
        raise typer.Exit(1)


def own_lines(path: Path) -> list[str]:
    """The benign lines of a file.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        return shipped_lines.lines(path.read_text("utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        what = failed(path, error) if isinstance(error, OSError) else f"{path}: {error}"
        raise ConfigError("not_found", what=what) from error


def _entries(settings: Settings, data: Path, file: Path | None, name: str) -> tuple[list[Entry], Seen | None]:
    """What is looked over, and what was counted of it; none where there is no store to count in."""
    if file is not None:
        try:
            return lexicon.read(file.read_bytes(), file.name), _seen(settings, data)
        except OSError as error:
            raise ConfigError("not_found", what=failed(file, error)) from error
    if name.startswith(shipped.SHELF):
        return shipped.entries([name.removeprefix(shipped.SHELF)], settings.detect.without), _seen(settings, data)
    if name:
        with opened(data) as (_, store):
            return _in_force(lexicons.entries_of(store, name)), hits.seen(store, now())
    own: list[Entry] = []
    if has_store(settings, data):
        with opened(data) as (_, store):
            own = lexicons.current(store)[1]
    return _in_force([*own, *shipped.entries(settings.detect.packs, settings.detect.without)]), _seen(settings, data)


def _seen(settings: Settings, data: Path) -> Seen | None:
    if not has_store(settings, data):
        return None
    with opened(data) as (_, store):
        return hits.seen(store, now())


def _in_force(entries: Sequence[Entry]) -> list[Entry]:
    """Entries that have not expired, each once."""
    today = composition.today().isoformat()
    return list({(e.id, e.term): e for e in entries if not e.expires or e.expires >= today}.values())


def _rows(entries: Sequence[Entry], trial: Trial, seen: Seen | None, told: Mapping[str, Explanation]) -> list[Row]:
    """A row for each risk that the standard counts, one for each other class that is there, and the whole."""
    by_class: dict[str, list[Entry]] = {}
    for entry in entries:
        by_class.setdefault(entry.category, []).append(entry)
    each = {one.applies: one for one in book.thresholds() if one.id.startswith("keywords.a")}
    whole = book.threshold("keywords.total")
    rows = []
    for risk in book.risks():
        figure = each.get(risk.id[:3])
        some = by_class.pop(risk.id, [])
        if figure or some:
            should = int(figure.value) if figure else 0
            mark = f"{figure.id}/{risk.id}" if figure else ""
            rows.append(_row((risk.id, say(risk.zh, risk.en)), some, trial, seen, (should, mark), told))
    rows += [_row((name, name), some, trial, seen, (0, ""), told) for name, some in sorted(by_class.items())]
    every = (say("合计", "all"), say("关键词库总量", "size of the library"))
    return [*rows, _row(every, entries, trial, seen, (int(whole.value), whole.id), told)]


def _row(
    named: tuple[str, str],
    some: Sequence[Entry],
    trial: Trial,
    seen: Seen | None,
    figure: tuple[int, str],
    told: Mapping[str, Explanation],
) -> Row:
    terms = {collapse(normal(fold(entry.term))) for entry in some}
    should, mark = figure
    state = "ok" if len(terms) >= should else "explained" if mark in told and told[mark].counts else "short"
    lines = {"block": set[int](), "signal": set[int]()}
    for entry in some:
        lines[entry.severity].update(trial.hits.get(entry.id, ()))
    per = _TEN_THOUSAND / max(trial.lines, 1)
    blocked, signalled = len(lines["block"]) * per, len(lines["signal"] - lines["block"]) * per
    unmatched = len({e.id for e in some if e.id not in seen.hits}) if seen and seen.exchanges else None
    return Row(*named, len(terms), should, round(blocked, 1), round(signalled, 1), unmatched, mark, state)


def _explained(data: Path) -> dict[str, Explanation]:
    path = data / EXPLAINED
    try:
        return explained.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("config_invalid", what=f"{path}: {error}") from error


def _explain(data: Path, rows: Sequence[Row], told: Mapping[str, Explanation]) -> None:
    """Add a draft for each figure that is missed; what stands in the file is left as it is."""
    missed = {row.figure: _draft(row) for row in rows if row.state == "short"}
    if text := explained.drafts(missed, told, composition.today()):
        data.mkdir(parents=True, exist_ok=True)
        with (data / EXPLAINED).open("a", encoding="utf-8") as file:
            file.write(text if not told else "\n" + text)


def _draft(row: Row) -> str:
    return say(
        f"{row.category}：现有 {row.entries} 条，宜有 {row.should} 条。未列出更多，是因为：",
        f"{row.category}: {row.entries} entries, {row.should} should be there. No more are listed because: ",
    )


def _text(
    rows: Sequence[Row],
    trial: Trial,
    seen: Seen | None,
    worst: Sequence[tuple[str, Sequence[int]]],
    entries: Sequence[Entry],
    pool: Sequence[str],
) -> str:
    """The table for a person, and below it what is worth a look."""
    states = {
        "ok": "",
        "short": say("不足，未说明", "short, not explained"),
        "explained": say("不足，已说明", "short, explained"),
    }
    head = [
        say("类别", "CLASS"),
        say("条目", "ENTRIES"),
        say("宜有", "SHOULD"),
        say("每万行误拦", "BLOCKED/10,000"),
        say("每万行误标", "SIGNALLED/10,000"),
        say("30 日未命中", "UNMATCHED, 30 DAYS"),
        "",
    ]
    lines = [
        [
            row.category,
            str(row.entries),
            str(row.should) if row.should else "-",
            f"{row.blocked:g}",
            f"{row.signalled:g}",
            "-" if row.unmatched is None else str(row.unmatched),
            states[row.state],
        ]
        for row in rows
    ]
    parts = [table(head, lines), _about(trial, seen)]
    by_id = {entry.id: entry for entry in entries}
    for id, numbers in worst[:_SHOWN]:
        parts.append(f"  {id}  {by_id[id].severity}  {len(numbers)}  {pool[numbers[0]][:60]}")
    if any(row.state == "short" for row in rows):
        parts.append(
            say(
                "“宜”不是“应”：数量不足可以说明理由。待填的说明：guiju lexicon lint --explain（DATA/explained.toml）",
                "“Should” is not “shall”: a short list may be explained. For drafts to fill in: "
                "guiju lexicon lint --explain (DATA/explained.toml)",
            )
        )
    return "\n".join(parts)


def _about(trial: Trial, seen: Seen | None) -> str:
    counted = (
        say(
            f"近 30 日中 {seen.days} 日有计数，共 {seen.exchanges} 次交互。",
            f"Counted on {seen.days} of the last 30 days, {seen.exchanges} exchanges.",
        )
        if seen and seen.exchanges
        else say("尚无命中计数。", "Nothing has been counted yet.")
    )
    return (
        say(
            f"无害文本 {trial.lines} 行：误拦 {trial.blocked}（{trial.share:.2%}，上限 {MOST:.1%}），"
            f"误标 {trial.signalled}。",
            f"{trial.lines} benign lines: {trial.blocked} blocked ({trial.share:.2%}, {MOST:.1%} at most), "
            f"{trial.signalled} signalled. ",
        )
        + counted
    )
