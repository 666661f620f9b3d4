# SPDX-License-Identifier: Apache-2.0
"""The faults of scripts/faults.toml at full length, one after the other: `python scripts/chaos.py [--only R1,F2]
[--minutes 30] [--quick] [--json FILE]`. One row a fault: what came of it, how long it took, its seeds."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[1]
FULL: Final = {
    "GUIJU_BYTES": "2",
    "GUIJU_CUTS": "10000",
    "GUIJU_DISKS": "10",
    "GUIJU_EXAMPLES": "20000",
    "GUIJU_KILLS": "1000",
    "GUIJU_MALFORMED": "10000",
    "GUIJU_OUTAGES": "20",
    "GUIJU_READERS": "500",
    "GUIJU_SPEED": "1",
    "GUIJU_STREAMS_OPEN": "200",
}
"""How often, where it is not for the fast suite; what is set already stays."""
_SAID: Final = re.compile(r"^\W*F?((?:seed )?\d+ .*|seed \d+.*)$", re.MULTILINE)


def command(tests: list[str], minutes: float, folder: Path) -> list[str]:
    """What runs the tests of a fault."""
    if tests == ["soak"]:
        return [sys.executable, str(_ROOT / "bench/soak.py"), "--minutes", f"{minutes:g}"]
    names = ["::".join([f"tests/{file}.py", *test]) for file, *test in (one.split() for one in tests)]
    options = ["-q", "-n0", "-s", "-p", "no:randomly", f"--basetemp={folder}", "-o", f"timeout={minutes * 60:g}"]
    return [sys.executable, "-m", "pytest", *options, *names]


def run(fault: str, tests: list[str], minutes: float, environ: dict[str, str]) -> dict[str, Any]:
    """Make one fault; no longer than it may take."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"guiju-chaos-{fault}-") as folder, tempfile.TemporaryFile("w+") as out:
        child = subprocess.Popen(
            command(tests, minutes, Path(folder) / "made"), cwd=_ROOT, env=environ, stdout=out, stderr=out
        )
        try:
            outcome = "held" if child.wait(minutes * 60 + 120) == 0 else "BROKEN"
        except subprocess.TimeoutExpired:
            child.terminate()
            child.wait(60)
            outcome = "CUT OFF"
        out.seek(0)
        told = out.read()
    said = [one.strip() for one in _SAID.findall(told)]
    row = {"fault": fault, "outcome": outcome, "seconds": round(time.monotonic() - began), "said": said}
    return row if outcome == "held" else {**row, "output": told[-6000:]}


def main() -> int:
    """Run; exit 1 when a fault broke something."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", default="", help="faults, with commas between, such as R1,F2")
    parser.add_argument("--minutes", type=float, default=30.0, help="for one fault, at most; the soak takes all of it")
    parser.add_argument("--quick", action="store_true", help="as often as the whole suite makes them")
    parser.add_argument("--json", type=Path, help="where to write all rows")
    said = parser.parse_args()
    faults: dict[str, list[str]] = tomllib.loads((_ROOT / "scripts/faults.toml").read_text("utf-8"))
    names = said.only.split(",") if said.only else list(faults)
    environ = {**({} if said.quick else FULL), **os.environ}
    rows = []
    for name in names:
        row = run(name, faults[name], said.minutes, environ)
        rows.append(row)
        print(f"{name:4} {row['outcome']:8} {row['seconds']:6} s  {'; '.join(row['said'])}", flush=True)
        if "output" in row:
            print(row["output"])
    if said.json:
        said.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0 if all(row["outcome"] == "held" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
