# SPDX-License-Identifier: Apache-2.0
"""`guiju lexicon attack`: a list against disguises of its own terms and against benign text, word by word."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track

from guiju.cli.books import AsJson, show, table
from guiju.cli.lexicon_lint import Benign, own_lines
from guiju.cli.tongue import say
from guiju.detect import benign as shipped_lines
from guiju.detect import lexicon
from guiju.detect.attack import Attacked, Count, attacked
from guiju.detect.disguises import Tier
from guiju.detect.landing import MOST, Trial, tried
from guiju.detect.words import Words
from guiju.errors import ConfigError, failed

LEAST: Final = 0.99
"""Share of the promised disguises that a list must catch."""
_SHOWN: Final = 20


def attack(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("词表文件", "the list"))],
    benign: Benign = None,
    seed: Annotated[int, typer.Option(min=0, help=say("种子；0 为随机", "the seed; 0 is any"))] = 0,
    rounds: Annotated[int, typer.Option(min=1, help=say("每种伪装作几次", "how often each disguise is made"))] = 1,
    sample: Annotated[
        int, typer.Option(min=0, help=say("只伪装这么多条；0 为全部", "disguise so many entries; 0 is all"))
    ] = 200,
    as_json: AsJson = False,
) -> None:
    """Attack a list; exit 1 when it over-blocks, or lets promised disguises pass."""
    try:
        entries = lexicon.read(file.read_bytes(), file.name)
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    seed = seed or random.SystemRandom().randrange(1, 1 << 32)
    chosen = entries
    if sample and len(entries) > sample:
        chosen = random.Random(seed).sample(entries, sample)  # noqa: S311 - repeatable on purpose
    pool = [*shipped_lines.pool(), *(line for path in benign or () for line in own_lines(path))]
    trial, words = tried(entries, pool), Words(entries, "")
    console = Console(stderr=True)
    made = track(
        attacked(chosen, words, lambda id: random.Random(f"{seed}/{id}"), rounds),  # noqa: S311 - repeatable on purpose
        say("伪装", "disguising"),
        total=len(chosen),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    rows = sorted(made, key=lambda row: (-len(trial.hits.get(row.entry.id, ())), row.must.share, row.entry.id))
    by = _by_disguise(rows)
    whole = {tier: _sum([one for (_, of), one in by.items() if of == tier]) for tier in ("must", "should")}
    document = {
        "seed": seed,
        "entries": len(entries),
        "attacked": len(chosen),
        **{tier: _told(count) for tier, count in whole.items()},
        "benign": {"lines": trial.lines, "blocked": trial.blocked, "signalled": trial.signalled, "most": MOST},
        "rows": [_row(row, trial) for row in rows],
        "disguises": [{"disguise": name, "tier": tier, **_told(count)} for (name, tier), count in sorted(by.items())],
        "unattacked": [{"id": id, "benign": len(n)} for id, n in sorted(trial.hits.items()) if not _in(id, chosen)],
    }
    show(document, as_json, _text(rows, trial, by, whole, seed, pool))
    if trial.overblocks or whole["must"].share < LEAST:
        raise typer.Exit(1)


def _in(id: str, entries: Sequence[lexicon.Entry]) -> bool:
    return any(entry.id == id for entry in entries)


def _by_disguise(rows: Sequence[Attacked]) -> dict[tuple[str, Tier], Count]:
    made: dict[tuple[str, Tier], list[Count]] = {}
    for row in rows:
        for key, count in row.by.items():
            made.setdefault(key, []).append(count)
    return {key: _sum(counts) for key, counts in made.items()}


def _sum(counts: Sequence[Count]) -> Count:
    return Count(sum(one.made for one in counts), sum(one.found for one in counts))


def _told(count: Count) -> dict[str, float]:
    return {"made": count.made, "found": count.found, "share": round(count.share, 4)}


def _row(row: Attacked, trial: Trial) -> dict[str, Any]:
    return {
        "id": row.entry.id,
        "term": row.entry.term,
        "severity": row.entry.severity,
        "must": _told(row.must),
        "should": _told(row.should),
        "missed": row.missed,
        "benign": len(trial.hits.get(row.entry.id, ())),
    }


def _text(
    rows: Sequence[Attacked],
    trial: Trial,
    by: Mapping[tuple[str, Tier], Count],
    whole: Mapping[str, Count],
    seed: int,
    pool: Sequence[str],
) -> str:
    """The tables for a person: words, the worst first; disguises that got through; what was hit in error."""
    head = [say("词", "TERM"), "ID", say("级别", "SEVERITY"), say("无害行", "BENIGN LINES")]
    head += [say("应识破", "MUST"), say("或可识破", "SHOULD"), say("漏过", "MISSED")]
    lines = [
        [
            row.entry.term,
            row.entry.id,
            row.entry.severity,
            str(len(trial.hits.get(row.entry.id, ()))),
            f"{row.must.share:.1%}",
            f"{row.should.share:.1%}",
            ", ".join(row.missed[:3]) + (" …" if len(row.missed) > 3 else ""),
        ]
        for row in rows[:_SHOWN]
    ]
    parts = [table(head, lines)]
    if len(rows) > _SHOWN:
        parts.append(say(f"另有 {len(rows) - _SHOWN} 条，见 --json。", f"{len(rows) - _SHOWN} more: --json."))
    low = [
        (key, count)
        for key, count in sorted(by.items())
        if count.found < count.made and (key[1] == "must" or ">" not in key[0])
    ]
    if low:
        names = [say("伪装", "DISGUISE"), say("承诺", "PROMISE"), say("识破", "FOUND"), ""]
        body = [[name, tier, f"{count.share:.1%}", f"{count.found}/{count.made}"] for (name, tier), count in low]
        parts.append(table(names, body))
    for id, numbers in sorted(trial.hits.items(), key=lambda item: -len(item[1]))[:_SHOWN]:
        parts.append(f"  {id}  {len(numbers)}  {pool[numbers[0]][:60]}")
    parts.append(
        say(
            f"应识破 {whole['must'].share:.2%}（下限 {LEAST:.0%}），或可识破 {whole['should'].share:.1%}；"
            f"无害文本 {trial.lines} 行，误拦 {trial.blocked}（{trial.share:.2%}，上限 {MOST:.1%}），"
            f"误标 {trial.signalled}。种子 {seed}。",
            f"Must: {whole['must'].share:.2%} ({LEAST:.0%} at least); should: {whole['should'].share:.1%}; of "
            f"{trial.lines} benign lines {trial.blocked} blocked ({trial.share:.2%}, {MOST:.1%} at most), "
            f"{trial.signalled} signalled. Seed {seed}.",
        )
    )
    return "\n".join(parts)
