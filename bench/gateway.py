# SPDX-License-Identifier: Apache-2.0
"""What the gateway costs, beside nobody and beside nginx in the same run.

`python bench/gateway.py --tools DIR [--quick] [--json FILE]`. DIR holds lg.c and mockup.c, a load generator and a fast
scripted upstream. How to read the figures: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bars
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
    names = [name.strip() for name in said.only.split(";")] if said.only else every
    console = Console(stderr=True)
    console.print(f"seed {seed}, {rounds} rounds, {seconds:g} s a load")
    with tempfile.TemporaryDirectory(prefix="guiju-bench-", dir=said.work) as folder:
        work = Path(folder)
        machine = rig.machine(work)
        figures = measured(rig.Rig.build(said.tools, work), names, (seed, rounds, seconds), console, doors)
    rows = [] if doors else bars.rows(figures)
    report = {"seed": seed, "rounds": rounds, "seconds": seconds, "quick": said.quick, "machine": machine}
    if said.json:
        whole = report | {"bars": [row.plain() for row in rows], "figures": figures}
        said.json.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")
    show(Console(width=None if sys.stdout.isatty() else 140), report, figures, rows)
    return 0 if all(row.holds for row in rows) else 1


def measured(
    built: rig.Rig, names: list[str], run: tuple[int, int, float], console: Console, doors: list[str]
) -> dict[str, list[Figures]]:
    """All figures: system → one table a round. The order within each round is shuffled.

    Args:
        built: the rig.
        names: of the systems.
        run: seed, rounds, and seconds of a load.
        console: where it is told how far it is.
        doors: paths of the doors that are compared; none for everything else.
    """
    seed, rounds, seconds = run
    rng = random.Random(seed)
    lexicon = built.work / "words.csv"
    listed = material.lexicon(lexicon, ENTRIES, rng)
    pool = material.texts(POOL, rng)
    upstream = rig.port()
    figures: dict[str, list[Figures]] = {name: [] for name in (*names, "disk")}
    with built.running([built.mock, str(upstream)], built.load_core, "mockup") as child:
        rig.until(upstream, "/v1/models", time.perf_counter(), child)
        bench = Bench(built, upstream, pool, listed, seconds, rng)
        for number in range(rounds):
            figures["disk"].append(rig.sync_ms(built.work))
            for name in rng.sample(names, len(names)):
                console.print(f"round {number + 1}: {name}  (load average {os.getloadavg()[0]:.1f})")
                tag = f"{number}-{name.replace(' ', '-')}"
                with systems.started(built, name, upstream, lexicon, tag) as system:
                    figures[name].append(measures.doors(bench, system, doors) if doors else one(bench, system))
    return figures


def one(bench: Bench, system: systems.System) -> Figures:
    """Everything about one system in one round."""
    made: Figures = {}
    if system.name in systems.CONTROLS:
        return measures.cpu(bench, system) | {"mb_loaded": rig.resident_mb(system.pid)}
    if system.name == systems.WORKERS:
        return measures.cpu(bench, system, 2 * measures.CONNECTIONS)
    if system.name.startswith("guiju"):
        made |= {"alive_s": system.alive_s, "ready_s": system.ready_s, "mb_started": rig.resident_mb(system.pid)}
    made |= measures.latency(bench, system)
    made |= measures.streams(bench, system)
    made |= measures.cpu(bench, system)
    if system.pid:
        made["mb_loaded"] = rig.resident_mb(system.pid)
    if system.name == systems.SENTENCE:
        made |= measures.turns(bench, system, 10 if bench.seconds < 4 else 40)
        made |= measures.hostile(bench, system)
        made |= measures.slow(bench, system)
        made["mb_after_hostile"] = rig.resident_mb(system.pid)
    return made


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
