# SPDX-License-Identifier: Apache-2.0
"""What going over a corpus costs, beside other systems. `python bench/corpus_peers.py --datatrove PYTHON …`

Each peer runs under the interpreter of an environment that holds it and `ahocorasick_rs`, one process, on the documents
of `bench/corpus.py`. CPU time of the whole command is taken for a small and a large corpus: from the difference follows
what a megabyte costs beyond the start. OPERATORS is what all of them do; Guiju's `exact` chain does more, and is run as
it is. For personal data alone, Presidio's pattern recognisers stand beside all of Guiju's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from corpus import run, words, write

OPERATORS: Final = (
    "read JSONL",
    "drop texts of less than 20 characters",
    "drop texts that hold one of 10,000 terms",
    "drop exact duplicates",
    "replace e-mail and IP addresses",
    "write JSONL",
)
PEER: Final = Path(__file__).with_name("corpus_peer.py")
LISTED: Final = ("datatrove", "data-juicer")
PERSONAL: Final = ("presidio", "guiju-personal")
LONGEST_S: Final = 900


def asked(name: str, python: str, corpus: Path, folder: Path) -> dict[str, Any]:
    """One run of a peer: seconds of the processor, memory, and what it said; what failed is told in its last line."""
    out = folder / f"{name}-{corpus.stem}"
    command = [python, str(PEER), name, str(corpus), str(folder / "words.csv"), str(out)]
    with (folder / "said").open("w+") as said, (folder / "failed").open("w+") as failed:
        child = subprocess.Popen(["timeout", str(LONGEST_S), *command], stdout=said, stderr=failed)
        _, status, used = os.wait4(child.pid, 0)
        said.seek(0)
        failed.seek(0)
        if status:
            return {"failed": (failed.read().strip().splitlines() or [f"exit {status}"])[-1][-200:]}
        told: dict[str, Any] = json.loads(said.read().splitlines()[-1])
    return {**told, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss // 1024}


def slope(sizes: tuple[float, float], few: dict[str, Any], many: dict[str, Any]) -> dict[str, Any]:
    """What a megabyte costs beyond the start."""
    if failed := few.get("failed") or many.get("failed"):
        return {"failed": failed}
    seconds = many["cpu_s"] - few["cpu_s"]
    return {
        "version": many.get("version", ""),
        "rows": many["rows"],
        "start_s": round(few["cpu_s"], 1),
        "cpu_s": round(many["cpu_s"], 1),
        "mb_per_cpu_s": round((sizes[1] - sizes[0]) / seconds, 2),
        "peak_mb": many["peak_mb"],
    }


def main() -> None:
    """Print a line of JSON a system."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for peer in (*LISTED, "presidio"):
        options.add_argument(f"--{peer}", metavar="PYTHON", help=f"the interpreter of an environment that holds {peer}")
    options.add_argument("--mb", type=float, default=10)
    given = options.parse_args()
    guiju = Path(sys.executable).with_name("guiju")
    print(json.dumps({"operators": OPERATORS}))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words(folder / "words.csv")
        apply = [guiju, "lexicon", "apply", folder / "words.csv", "--data", folder / "data", "--json"]
        subprocess.run(apply, check=True, stdout=subprocess.DEVNULL)
        few, many = folder / "few.jsonl", folder / "many.jsonl"
        write(few, given.mb / 10, 1000, 1)
        write(many, given.mb, 1000, 1)
        sizes = given.mb / 10, given.mb
        ours = [run(folder, path, "--exact") for path in (few, many)]
        print(json.dumps({"system": "guiju exact", **slope(sizes, *ours)}), flush=True)
        for peer in (*LISTED, *PERSONAL):
            python = sys.executable if peer == "guiju-personal" else getattr(given, peer.replace("-", "_"))
            if python:
                made = [asked(peer, python, path, folder) for path in (few, many)]
                print(json.dumps({"system": peer, **slope(sizes, *made)}), flush=True)


if __name__ == "__main__":
    main()
