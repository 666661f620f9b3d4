# SPDX-License-Identifier: Apache-2.0
"""All of the bench, or parts of it, one after the other: what `make bench` runs.

    python bench/all.py --tools DIR [--only gateway,words] [--rounds 3] [--quick]

In each round the parts stand in a shuffled order. What was measured goes to bench/results/results.json after each part,
in place of what stood there of that part alone; so a run in several goes is one book, in which each part has its own
date, commit, machine and load. `scripts/results.py` makes the pages of it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import bars
import rig
import setup_peers
from parts import PARTS, Part, Systems, Told, gateway
from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "bench" / "results" / "results.json"
WORDS: Final = Path(__file__).with_name("results.toml")
LONGEST_S: Final = 2400
"""After which one command is given up."""


@dataclass
class Record:
    """What came of one part so far.

    Attributes:
        about: date, commit, machine, seed and whether it was a quick run.
        rounds: figures of each round; a system that failed has none.
        load: load average before and after each round.
        took_s: seconds of each round.
        failed: round, system and message.
        peers: name → version, or why it was not measured.
    """

    about: dict[str, Any]
    rounds: list[Systems] = field(default_factory=list)
    load: list[tuple[float, float]] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    failed: list[tuple[int, str, str]] = field(default_factory=list)
    peers: dict[str, dict[str, str]] = field(default_factory=dict)

    def plain(self, part: str) -> dict[str, Any]:
        """For JSON."""
        return {
            **self.about,
            "load": self.load,
            "took_s": self.took_s,
            "peers": self.peers,
            "failed": self.failed,
            "bars": [row.plain() for row in held(part, self.rounds)],
            "rounds": [
                {name: {key: short(one) for key, one in table.items()} for name, table in systems.items()}
                for systems in self.rounds
            ],
        }


def short(value: float) -> float:
    """Five digits: more says nothing."""
    return float(f"{value:.5g}")


def held(part: str, rounds: list[Systems]) -> list[bars.Row]:
    """The bars of a part: the gateway's from bars.py, all others from results.toml."""
    names = dict.fromkeys(name for systems in rounds for name in systems)
    made = (
        bars.rows({name: [systems.get(name, {}) for systems in rounds] for name in names}) if part == "gateway" else []
    )
    told = tomllib.loads(WORDS.read_text("utf-8"))
    for bar in told["parts"][part].get("bars", []):
        values = [value for systems in rounds if (value := measured(systems, bar)) is not None]
        must, least = bar.get("must", True), bar.get("least", False)
        made += bars.row(bar["en"], bar["zh"], bar["unit"], values, bar["limit"], must=must, least=least)
    return made


def measured(systems: Systems, bar: dict[str, Any]) -> float | None:
    """What a bar bounds, in one round: a figure, or its ratio to the largest of others; none where one is missing."""
    value = systems.get(bar["system"], {}).get(bar["measure"])
    if value is None or "over" not in bar:
        return value
    others = [systems[name][key] for name, key in bar["over"] if key in systems.get(name, {})]
    return value / max(others) if others else None


def ran(words: list[str], folder: Path) -> tuple[int, str, str]:
    """Run a command whose progress is shown as it comes; its status (124: it took too long), output and errors."""
    limit = ["timeout", "--signal=INT", "--kill-after=60", str(LONGEST_S)]
    errors: list[str] = []
    with (folder / "printed").open("w+", encoding="utf-8") as printed:
        with subprocess.Popen([*limit, *words], cwd=ROOT, stdout=printed, stderr=subprocess.PIPE, text=True) as child:
            for line in child.stderr or ():
                errors.append(line)
                sys.stderr.write(f"    {line}")
        printed.seek(0)
        return child.returncode, printed.read(), "".join(errors)


def run(part: Part, said: argparse.Namespace, seed: int) -> Told:
    """One round of a part; what fails is told by its message."""
    told = Told()
    core = sorted(os.sched_getaffinity(0))[-1]
    given = [f"--{name}={setup_peers.python(name)}" for name in part.peers if not setup_peers.state(name)]
    with tempfile.TemporaryDirectory(prefix="guiju-bench-", dir=said.work) as folder:
        for number, command in enumerate(part.commands):
            out = Path(folder) / f"{number}.json"
            filled = [word.format(tools=said.tools, seed=seed, out=out) for word in command]
            words = [sys.executable, *filled, *(part.quick if said.quick else ()), *given]
            if said.seconds and part.read is gateway:
                words += ["--seconds", str(said.seconds)]
            pinned = ["taskset", "-c", str(core)] if part.pinned else []
            status, printed, errors = ran([*pinned, *words], Path(folder))
            try:
                made = part.read(out.read_text("utf-8") if "{out}" in command else printed)
            except (OSError, ValueError, KeyError, IndexError):
                late = f"not done within {LONGEST_S} s" if status == 124 else ""
                told.failed[filled[0]] = late or setup_peers.last(errors)
                continue
            told.systems |= made.systems
            told.failed |= made.failed
            told.versions |= made.versions
    return told


def about(said: argparse.Namespace, seed: int, work: Path) -> dict[str, Any]:
    """What a part is kept with."""
    changed = subprocess.run(
        ["git", "status", "--porcelain", "src"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return {
        "date": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()),
        "quick": said.quick,
        "seed": seed,
        "seconds": said.seconds,
        "changed": bool(changed.stdout.strip()),
        "machine": rig.machine(work),
    }


def absent(part: str) -> dict[str, dict[str, str]]:
    """The peers of a part that can't be measured, each with why."""
    names = ("litellm", "portkey", "nemo") if part == "gateways" else PARTS[part].peers
    return {name: {"failed": why} for name in names if (why := setup_peers.state(name))}


def kept(path: Path, part: str, record: Record) -> None:
    """Put a part into the book; the others stay as they are."""
    book = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    book[part] = record.plain(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    ordered = {name: book[name] for name in PARTS if name in book}
    beside.write_text(json.dumps(ordered, ensure_ascii=False, indent=1) + "\n", "utf-8")
    beside.replace(path)


def show(console: Console, records: dict[str, Record]) -> bool:
    """The bars, and what failed; whether all bars hold."""
    table = Table(title="Bars")
    for column in ("part", "what", "measured", "bar", "holds"):
        table.add_column(column)
    every = [(part, row) for part, record in records.items() for row in held(part, record.rounds)]
    for part, row in every:
        table.add_row(part, row.what, row.measured, row.bar, "[green]yes[/]" if row.holds else "[red]NO[/]")
    console.print(table)
    for part, record in records.items():
        for number, name, message in record.failed:
            console.print(f"{part}, round {number}: {name}: {message}", style="red", markup=False)
    return all(row.holds for _, row in every)


def main() -> int:
    """Run; exit 1 when a bar is missed or a part has no figure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--tools", type=Path, default=ROOT.parent / "shared" / "tools", help="folder of lg.c, mockup.c"
    )
    options.add_argument("--only", default="", help=f"parts with commas between: {', '.join(PARTS)}")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seed", type=int, default=0, help="of order and texts; a new one when none is given")
    options.add_argument("--seconds", type=float, default=0, help="length of one load of the gateway's parts (8)")
    options.add_argument("--quick", action="store_true", help="short loads: does it work, not what it costs")
    options.add_argument("--work", type=Path, help="a folder on the disk that is measured")
    options.add_argument("--results", type=Path, default=RESULTS)
    said = options.parse_args()
    said.tools = said.tools.resolve()
    names = [name.strip() for name in said.only.split(",") if name.strip()] or list(PARTS)
    if unknown := set(names) - set(PARTS):
        options.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    seed = said.seed or int(time.time())
    rng = random.Random(seed)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 140)
    console.print(f"seed {seed}, {said.rounds} rounds of {', '.join(names)}")
    records: dict[str, Record] = {}
    for number in range(1, said.rounds + 1):
        for place, name in enumerate(rng.sample(names, len(names)), 1):
            began, load = time.monotonic(), os.getloadavg()[0]
            console.print(f"round {number}/{said.rounds}, part {place}/{len(names)}: {name} (load {load:.1f}) …")
            record = records.setdefault(name, Record(about(said, seed, said.work or Path(tempfile.gettempdir()))))
            told = run(PARTS[name], said, seed + number)
            record.rounds.append(told.systems)
            record.load.append((load, os.getloadavg()[0]))
            record.took_s.append(round(time.monotonic() - began, 1))
            record.failed += [(number, system, message) for system, message in told.failed.items()]
            record.peers |= {system: {"version": version} for system, version in told.versions.items() if version}
            record.peers |= absent(name)
            if any(record.rounds):
                kept(said.results, name, record)
            console.print(f"  {record.took_s[-1]:.0f} s", *told.failed.items(), sep="\n  ", markup=False)
    holds = show(console, records)
    return 0 if holds and all(any(record.rounds) for record in records.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
