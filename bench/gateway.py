# SPDX-License-Identifier: Apache-2.0
"""What the gateway costs, beside nobody and beside nginx in the same run.

`python bench/gateway.py --tools DIR [--quick] [--json FILE]`. DIR holds lg.c and mockup.c, a load generator and a fast
scripted upstream. How to read the figures: bench/README.md.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bars
import gateways
import material
import measures
import rig
import systems
from measures import Bench, Figures
from rich.console import Console
from rich.table import Table

ENTRIES = 10_000
POOL = 10_000  # more texts than the gateway remembers, so that each is looked at


def main() -> int:
    """Run; exit 1 when a bar is missed."""
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    told.add_argument("--tools", type=Path, required=True, help="folder with lg.c and mockup.c")
    told.add_argument("--quick", action="store_true", help="one round of short loads: does it work, not what it costs")
    told.add_argument("--rounds", type=int, default=0)
    told.add_argument("--seconds", type=float, default=0, help="length of one load")
    told.add_argument("--controls", choices=("people", "all"), help="CPU alone, with these controls and a known person")
    told.add_argument("--peers", action="store_true", help="CPU alone, beside the other gateways that are set up")
    told.add_argument("--sync", action="store_true", help="on disks that take longer and longer for a sync")
    told.add_argument("--only", default="", help="systems, with semicolons between, e.g. 'nginx; guiju pattern'")
    told.add_argument(
        "--door", action="append", default=[], choices=["all", *material.DOORS],
        help="CPU a request at this door instead of everything; may be given several times",
    )  # fmt: skip
    told.add_argument("--seed", type=int, default=0)
    told.add_argument("--work", type=Path, help="a folder on the disk that the ledger will lie on")
    told.add_argument("--json", type=Path, help="where to write all figures")
    said = told.parse_args()
    seed = said.seed or int(time.time())
    rounds, seconds = said.rounds or (1 if said.quick else 3), said.seconds or (2.0 if said.quick else 8.0)
    doors = list(material.DOORS) if "all" in said.door else said.door
    every = [systems.PATTERN, systems.SENTENCE] if doors else list(systems.ALL)
    if said.controls:
        every = [name for name, controls in systems.CONTROLS.items() if controls == said.controls]
    elif said.peers:
        every = [systems.BARE, systems.PATTERN, systems.SENTENCE, *filter(gateways.version, gateways.ALL)]
    elif said.sync:
        every = list(systems.SYNCS)
    names = [name.strip() for name in said.only.split(";")] if said.only else every
    console = Console(stderr=True)
    console.print(f"seed {seed}, {rounds} rounds, {seconds:g} s a load")
    run = Run(seed, rounds, seconds, names, doors, told="peers" if said.peers else "")
    report: dict[str, Any] = {"seed": seed, "rounds": rounds, "seconds": seconds, "quick": said.quick}

    def keep() -> None:
        if said.json:
            rows = [row.plain() for row in bars.rows(run.figures)]
            whole = report | {"failed": run.failed, "bars": rows, "figures": run.figures, "versions": run.versions}
            said.json.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")

    with tempfile.TemporaryDirectory(prefix="guiju-bench-", dir=said.work) as folder:
        work = Path(folder)
        report["machine"] = rig.machine(work)
        measure(rig.Rig.build(said.tools, work), run, console, keep)
    rows = [] if doors else bars.rows(run.figures)
    show(Console(width=None if sys.stdout.isatty() else 140), report, run.figures, rows)
    for number, name, message in run.failed:
        console.print(f"round {number}: {name} failed: {message}", style="red", markup=False)
    return 0 if all(row.holds for row in rows) and not run.failed else 1


@dataclass
class Run:
    """What is measured, and what came of it so far.

    Attributes:
        doors: paths of the doors that are compared; none for everything else.
        told: "peers" where gateways of others stand beside.
        figures: system → one table a round; an empty one where it failed.
        failed: round, system and the message of what failed.
        versions: of the peers.
    """

    seed: int
    rounds: int
    seconds: float
    names: list[str]
    doors: list[str]
    told: str = ""
    figures: dict[str, list[Figures]] = field(default_factory=dict)
    failed: list[tuple[int, str, str]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def measure(built: rig.Rig, run: Run, console: Console, keep: Callable[[], None]) -> None:
    """Measure all; the order within each round is shuffled.

    Args:
        built: the rig.
        run: what is measured; its figures are filled.
        console: where it is told how far it is.
        keep: called after each system, so that nothing is lost when a later one fails.
    """
    rng = random.Random(run.seed)
    lexicon = built.work / "words.csv"
    listed = material.lexicon(lexicon, ENTRIES, rng)
    pool = material.texts(POOL, rng)
    upstream = rig.port()
    run.figures |= {name: [] for name in (*run.names, "disk")}
    with built.running([built.mock, str(upstream)], built.load_core, "mockup") as child:
        rig.until(upstream, "/v1/models", time.perf_counter(), child)
        bench = Bench(built, upstream, pool, listed, run.seconds, rng)
        for number in range(run.rounds):
            run.figures["disk"].append(rig.sync_ms(built.work))
            for name in rng.sample(run.names, len(run.names)):
                console.print(f"round {number + 1}: {name}  (load average {os.getloadavg()[0]:.1f})")
                made: Figures = {}
                try:
                    one(bench, run, name, lexicon, f"{number}-{name.replace(' ', '-')}", made)
                except (SystemExit, OSError, subprocess.SubprocessError, http.client.HTTPException) as error:
                    run.failed.append((number + 1, name, str(error)[:500]))
                    console.print(f"  failed: {str(error)[:500]}", style="red", markup=False)
                run.figures[name].append(made)
                keep()


def one(bench: Bench, run: Run, name: str, lexicon: Path, tag: str, made: Figures) -> None:
    """Everything about one system in one round; what was measured before it failed stays in `made`."""
    if name in gateways.ALL:
        run.versions[gateways.peer(name)] = gateways.version(name)
        with gateways.started(bench.rig, name, bench.upstream, bench.listed) as system:
            measures.cpu(bench, system, made, ("whole", "burst"))
            made["mb_loaded"] = rig.resident_mb(system.pid)
        return
    with systems.started(bench.rig, name, bench.upstream, lexicon, tag) as system:
        if run.doors:
            made |= measures.doors(bench, system, run.doors)
        elif run.told == "peers":
            measures.cpu(bench, system, made, ("whole", "burst"))
        elif name in systems.SYNCS:
            measures.latency(bench, system, made, ("instant",))
            measures.cpu(bench, system, made, ("whole",))
        elif name in systems.CONTROLS:
            measures.cpu(bench, system, made)
        elif name == systems.WORKERS:
            measures.cpu(bench, replace(system, connections=2 * measures.CONNECTIONS), made)
        else:
            whole(bench, system, made)
        if system.pid:
            made.setdefault("mb_loaded", rig.resident_mb(system.pid))


def whole(bench: Bench, system: systems.System, made: Figures) -> None:
    """All that is measured with `--controls exact`."""
    if system.name.startswith("guiju"):
        made |= {"alive_s": system.alive_s, "ready_s": system.ready_s, "mb_started": rig.resident_mb(system.pid)}
    measures.latency(bench, system, made)
    measures.streams(bench, system, made)
    measures.cpu(bench, system, made)
    if system.name == systems.SENTENCE:
        made["mb_loaded"] = rig.resident_mb(system.pid)
        made |= measures.turns(bench, system, 10 if bench.seconds < 4 else 40)
        measures.hostile(bench, system, made)
        made |= measures.slow(bench, system)
        made["mb_after_hostile"] = rig.resident_mb(system.pid)


def show(console: Console, report: dict[str, Any], figures: dict[str, list[Figures]], rows: list[bars.Row]) -> None:
    """The report as a person reads it."""
    machine = report["machine"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, Linux {machine['kernel']}, "
        f"{machine['filesystem']}; load average at start {machine['load_average'][0]:.1f}"
    )
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    console.print(f"Python {machine['python']}, nginx {machine['nginx']}, {versions}; commit {machine['commit']}")
    console.print(f"seed {report['seed']}, {report['rounds']} rounds, {report['seconds']:g} s a load; median (range)")
    table = Table(title="Figures")
    table.add_column("measure")
    names = [name for name in figures if figures[name]]
    for name in names:
        table.add_column(name, justify="right")
    for measure in dict.fromkeys(key for rounds in figures.values() for one_ in rounds for key in one_):
        cells = [bars.spread([one_[measure] for one_ in figures[name] if measure in one_]) for name in names]
        table.add_row(measure, *cells)
    console.print(table)
    table = Table(title="Bars")
    for column in ("what", "measured", "bar", "holds"):
        table.add_column(column)
    for row in rows:
        table.add_row(row.what, row.measured, row.bar, "[green]yes[/]" if row.holds else "[red]NO[/]")
    console.print(table)
    if report["quick"]:
        console.print("A quick run: the figures show that the bench works, not what the gateway costs.")


if __name__ == "__main__":
    sys.exit(main())
