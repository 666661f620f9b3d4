# SPDX-License-Identifier: Apache-2.0
"""`guiju evaluate attack`: given seeds put in many ways, guarded and raw (Articles 4, 12, 15)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, now, show, table
from guiju.cli.entering import entered
from guiju.cli.evaluate_opening import (
    AsProof,
    AtOnce,
    GatewayOf,
    KeyEnv,
    ModelOf,
    Speaks,
    banks_of,
    proven,
    room,
    target_of,
)
from guiju.cli.progress import bar
from guiju.cli.tongue import say
from guiju.errors import ConfigError, Language, failed
from guiju.evaluation import attack as red
from guiju.evaluation import attack_files, attacking
from guiju.evaluation.assessing import Errand, Room
from guiju.evaluation.attack import Seed, Success
from guiju.probe.asking import Pace
from guiju.probe.targets import Target
from guiju.records.db import Store
from guiju.records.runs import Manner, Run

ATTACK = say(
    "红队：以给定的种子换写法与套路提问，按手法统计有无护栏时的攻破率；--read 读取 garak、promptfoo、Inspect 的结果。",
    "Red team: put given seeds in many ways and count what comes through, guarded and raw. --read reads files of "
    "garak, promptfoo and Inspect.",
)
_SEED_MOST = 2000


BankOf = Annotated[
    str, typer.Option("--bank", metavar="BANK", help=say("种子所在题库（编号或文件）", "bank of the seeds: id or file"))
]
SeedsOf = Annotated[
    Path | None, typer.Option("--seeds", metavar="FILE", help=say("种子文件，每行一条", "seeds, one a line, instead"))
]
Techniques = Annotated[
    list[str] | None,
    typer.Option("--technique", metavar="NAME", help=say("手法，可多次，可用 * 结尾", "repeatable; may end with *")),
]
Sample = Annotated[int, typer.Option("--sample", min=0, help=say("取几条种子；0 全部", "seeds; 0: all"))]
TargetOf = Annotated[str, typer.Option("--target", metavar="TARGET", help=say("有护栏的一方", "the guarded side"))]
AgainstOf = Annotated[
    str, typer.Option("--against", metavar="TARGET", help=say("对照的一方；空为不对照", "the other; empty: none"))
]
Spoken = Annotated[Language, typer.Option("--language", help=say("提问语言", "in which language"))]
SeedOf = Annotated[int, typer.Option("--seed", help=say("随机种子", "the same seed does the same"))]
PerMinute = Annotated[int, typer.Option("--per-minute", min=0, help=say("每分钟至多；0 不限", "a minute; 0: no limit"))]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help=say("每次回答上限", "of one answer"))]
Most = Annotated[
    float, typer.Option("--most", min=0, max=1, help=say("有护栏一方攻破率的上限", "the guarded side's rate at most"))
]
Read = Annotated[
    Path | None,
    typer.Option("--read", metavar="FILE", help=say("只读取其他工具的结果", "only read another tool's file")),
]
Names = Annotated[bool, typer.Option("--list", help=say("列出手法", "list the techniques"))]
Side = tuple[Target, Run, list[Success]]
"""Whom it was tried on, by which run, and what came of it."""


def attack(
    bank: BankOf = "injection",
    seeds: SeedsOf = None,
    technique: Techniques = None,
    sample: Sample = 10,
    target: TargetOf = "gateway",
    against: AgainstOf = "raw",
    model: ModelOf = "",
    gateway: GatewayOf = "",
    key_env: KeyEnv = "GUIJU_KEY",
    as_proof: AsProof = False,
    speaks: Speaks = "openai",
    language: Spoken = "zh",
    seed: SeedOf = 1,
    at_once: AtOnce = 4,
    per_minute: PerMinute = 0,
    max_tokens: MaxTokens = 256,
    most: Most = 1.0,
    read: Read = None,
    names: Names = False,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Attack; exit 1 when more comes through on the guarded side than --most."""
    if names:
        show(red.techniques(), as_json, "\n".join(red.techniques()))
        return
    if read is not None:
        form, found = attack_files.read(read)
        show({"form": form, "techniques": msgspec.to_builtins(found)}, as_json, _table([found], [form]))
        return
    pace = Pace(per_minute=per_minute, at_once=at_once)
    errand = Errand(by=by, manner=Manner(max_tokens=max_tokens), pace=pace)
    subject = seeds.name if seeds else bank
    with room(data, make=True) as (settings, one):
        store, boxes = one.store, one.boxes
        some = _seeds(one, bank, seeds, language, sample, seed)
        made = red.shots(some, technique or (), lambda name: random.Random(f"{seed}/{name}"), language)  # noqa: S311 - repeatable on purpose
        errand = msgspec.structs.replace(errand, limits=settings.limits)
        sides: list[Side] = []
        for named in (target, against) if against else (target,):
            whom = target_of(settings, named, model, gateway, key_env, speaks)[0]
            whom = proven(whom, data) if as_proof and whom.kind == "gateway" else whom
            run = attacking.begin(store, boxes, made, whom, errand, (subject, seed))
            with bar(len(made), whom.route, as_json) as told:
                doing = msgspec.structs.replace(errand, told=told)
                answers = asyncio.run(attacking.ask(store, boxes, run, whom, doing))
            sides.append((whom, run, red.counted(made, answers)))
        _keep(store, data, sides)
    routes = [whom.route for whom, *_ in sides]
    show(_document(subject, len(some), sides), as_json, _table([found for *_, found in sides], routes))
    if any(one.rate > most for one in sides[0][2] if not one.technique):
        raise typer.Exit(1)


def _seeds(own: Room, bank: str, file: Path | None, language: Language, sample: int, seed: int) -> list[Seed]:
    """The seeds: of a file, or of a bank; some of them, the same for the same seed.

    Raises:
        ConfigError: there is none.
    """
    if file is None:
        every = red.seeds_of(banks_of(own, [bank])[0], language)
    else:
        try:
            lines = file.read_text("utf-8").splitlines()
        except OSError as error:
            raise ConfigError("not_found", what=failed(file, error)) from error
        every = [Seed(f"{number + 1}", line.strip()[:_SEED_MOST]) for number, line in enumerate(lines) if line.strip()]
    if not every:
        raise ConfigError("config_invalid", what=say("没有种子", "no seeds"), hint="guiju evaluate attack --help")
    if sample and sample < len(every):
        every = random.Random(seed).sample(every, sample)  # noqa: S311 - repeatable on purpose
    return every


def _keep(store: Store, data: Path, sides: Sequence[Side]) -> None:
    """Enter into the ledger what came of it, ids and counts, and publish it."""
    body: dict[str, Any] = {
        "sides": [
            {
                "run": run.id,
                "route": one.route.partition(":")[0],
                "techniques": [[row.technique, row.shots, row.won, row.failed] for row in found],
            }
            for one, run, found in sides
        ]
    }
    receipt = entered(data, red.KIND, body)
    for one, _, found in sides:
        attacking.publish(store, one.kind, found, now(), receipt.where)


def _document(subject: str, seeds: int, sides: Sequence[Side]) -> dict[str, Any]:
    told = [
        {"route": one.route, "run": run.id, "techniques": [{**msgspec.to_builtins(row)} for row in found]}
        for one, run, found in sides
    ]
    return {"seeds": seeds, "from": subject, "sides": told}


def _table(sides: Sequence[Sequence[Success]], routes: Sequence[str]) -> str:
    """A row for each technique, those that come through most first, and a column for each side."""
    by = [{one.technique: one for one in found} for found in sides]
    order = sorted(by[0], key=lambda name: (not name, -by[0][name].rate, name))
    lines = []
    for name in order:
        cells = [name or say("合计（不含原样）", "all but plain")]
        for found in by:
            one = found.get(name)
            cells.append(f"{one.won}/{one.shots} {one.rate:.0%} ({one.low:.0%}–{one.high:.0%})" if one else "-")
        lines.append(cells)
    return table([say("手法", "TECHNIQUE"), *routes], lines)
