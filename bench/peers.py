# SPDX-License-Identifier: Apache-2.0
"""What looking for words finds and costs, beside other systems that do. `python bench/peers.py --litellm PYTHON …`

Each peer runs under the interpreter of an environment that holds it, one after another on the same core: LiteLLM's
content filter, LLM Guard's BanSubstrings, a Presidio recogniser with a deny list, and `re` (one alternation over
lower-case text). All get the same terms: those of the shipped packs that may block, for what is found; 10,000 random
ones, for what it costs. Context words, which say when a term is harmless, only Guiju can take.

Found: texts that hold one of the terms, as it stands and in disguise (`guiju.detect.disguises`; `must` is what we
promise ourselves). False hits: the shipped benign lines. Times are CPU time of one text of 90 characters.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from detect import cpu, entries, texts

from guiju.detect import benign, shipped
from guiju.detect.attack import disguised

PEER: Final = Path(__file__).with_name("peer.py")
PEERS: Final = ("litellm", "llm-guard", "presidio")
SIZE: Final = 90
"""Characters of a text that is timed."""
LONGEST_S: Final = 1800


def asked(seed: int, terms: int, per_term: int, lines: int) -> tuple[dict[str, Any], list[str]]:
    """What every system is asked, and what each of its texts is: `plain`, `must`, `should` or `benign`."""
    rng = random.Random(seed)
    packs = [one for one in shipped.entries(["all"]) if one.severity == "block"]
    chosen: list[tuple[str, str]] = []
    for entry in rng.sample(packs, min(terms, len(packs))):
        beside = f"{entry.context[0]}{' ' if entry.term.isascii() else '，'}" if entry.context else ""
        chosen.append(("plain", f"{beside}{entry.term}"))
        made = list(disguised(entry, random.Random(f"{seed}:{entry.id}")))
        chosen += [(tier, text) for _, tier, text in rng.sample(made, min(per_term, len(made)))]
    pool = benign.pool()
    chosen += [("benign", line) for line in rng.sample(pool, min(lines, len(pool)))]
    question = {
        "terms": msgspec.to_builtins(packs),
        "texts": [text for _, text in chosen],
        "many": msgspec.to_builtins(entries(10_000, rng)),
        "timed": [text[205 : 205 + SIZE] for text in texts(20, rng)],
    }
    return question, [kind for kind, _ in chosen]


def run(name: str, python: str, question: dict[str, Any], core: int) -> dict[str, Any]:
    """Ask one system; what failed is told in its own last line."""
    command = ["taskset", "-c", str(core), python, str(PEER), name]
    try:
        done = subprocess.run(
            command, input=json.dumps(question), capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"failed": str(error)[-200:]}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][-200:]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def counted(answer: dict[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    """The figures of one system."""
    if "failed" in answer:
        return answer
    made = {key: answer[key] for key in ("version", "us", "build_s", "mib")}
    for kind in ("plain", "must", "should", "benign"):
        hits = [hit for hit, one in zip(answer["hits"], kinds, strict=True) if one == kind]
        made[kind] = sum(hits) / len(hits)
        made[f"n_{kind}"] = len(hits)
    return made


def table(figures: dict[str, dict[str, Any]]) -> str:
    """The figures, a row a system."""
    ours = figures["guiju"]
    rows = [
        "| system | as it stands | disguised (must) | (should) | false hits | µs a text | times ours | build s | MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in figures.items():
        if "failed" in one:
            rows.append(f"| {name} | failed: {one['failed']} |" + " |" * 7)
            continue
        shares = " | ".join(f"{one[kind]:.1%}" for kind in ("plain", "must", "should", "benign"))
        costs = f"{one['us']:.0f} | {one['us'] / ours['us']:.1f} | {one['build_s']:.2f} | {one['mib']:.0f}"
        rows.append(f"| {name} {one['version']} | {shares} | {costs} |")
    return "\n".join(rows)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for peer in PEERS:
        options.add_argument(f"--{peer}", metavar="PYTHON", help=f"the interpreter of an environment that holds {peer}")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--terms", type=int, default=60, help="terms that are tried")
    options.add_argument("--disguises", type=int, default=12, help="disguises of each")
    options.add_argument("--lines", type=int, default=400, help="benign lines")
    options.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    question, kinds = asked(chosen.seed, chosen.terms, chosen.disguises, chosen.lines)
    pythons = {"guiju": sys.executable, "re": sys.executable}
    pythons |= {peer: given for peer in PEERS if (given := getattr(chosen, peer.replace("-", "_")))}
    figures = {}
    for name, python in pythons.items():
        print(f"{name} …", file=sys.stderr, flush=True)
        figures[name] = counted(run(name, python, question, chosen.core), kinds)
    print(f"{cpu()}, core {chosen.core}, load {os.getloadavg()[0]:.1f}, seed {chosen.seed}")
    print({kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}, f"{len(question['terms'])} terms of packs")
    print(table(figures))
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
