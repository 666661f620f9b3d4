# SPDX-License-Identifier: Apache-2.0
"""Set up the peers of the bench. `python bench/setup_peers.py [--only litellm,portkey] [--minutes 5]`

Each of `bench/peers.toml` gets an environment of its own in .venv-peers. One that does not install is no failure of
this command: what it said is kept beside its environment, and the results name it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
HOME: Final = ROOT / ".venv-peers"
FAILED: Final = "failed"
"""Name of the file with the message of what did not install."""


@cache
def peers() -> dict[str, dict[str, Any]]:
    """What `bench/peers.toml` says: name → packages and distribution."""
    return tomllib.loads(Path(__file__).with_name("peers.toml").read_text("utf-8"))


def python(name: str) -> Path:
    """The interpreter of a peer's environment, whether or not it is there."""
    return HOME / name / "bin" / "python"


def state(name: str) -> str:
    """Why a peer can't be measured; empty where it can."""
    folder = HOME / name
    if (folder / FAILED).is_file():
        return (folder / FAILED).read_text("utf-8").strip()
    if not (folder / "whole").is_file():
        return "not set up: make setup-peers"
    return ""


def last(text: str) -> str:
    """The line of a program's words that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if re.match(r"(error|npm err|[\w.]*(Error|Exception)\b)", line, re.IGNORECASE)]
    return (wrong or lines or ["no message"])[-1][-300:]


def installed(name: str, seconds: float) -> str:
    """Install one.

    Args:
        name: of the peer.
        seconds: after which it is given up.

    Returns:
        What it said where it failed, else nothing.
    """
    told, folder = peers()[name], HOME / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    steps: list[Sequence[str | Path]] = []
    if "npm" in told:
        steps.append(["npm", "install", "--no-fund", "--no-audit", "--prefix", folder, *told["npm"]])
    else:
        pip = [python(name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
        steps += [[sys.executable, "-m", "venv", folder], [*pip, *told["pip"]]]
        if "alone" in told:
            steps.append([*pip, "--no-deps", *told["alone"]])
    try:
        for step in steps:
            ran = subprocess.run(step, capture_output=True, text=True, timeout=seconds, check=False)
            if ran.returncode:
                return last(ran.stderr or ran.stdout)
    except subprocess.TimeoutExpired:
        return f"not installed within {seconds / 60:g} minutes"
    except OSError as error:
        return str(error)
    return ""


def version(name: str) -> str:
    """The version of a peer that is installed; empty where it can't be read."""
    told = peers()[name]
    if "npm" in told:
        at = HOME / name / "node_modules" / told["distribution"] / "package.json"
        return str(json.loads(at.read_text("utf-8"))["version"]) if at.is_file() else ""
    asked = f"from importlib.metadata import version; print(version({told['distribution']!r}))"
    ran = subprocess.run([python(name), "-c", asked], capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def main() -> int:
    """Set up; always 0, as a peer that fails is a result."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="names with commas between")
    options.add_argument("--minutes", type=float, default=5, help="after which one is given up")
    chosen = options.parse_args()
    names = [name.strip() for name in chosen.only.split(",") if name.strip()] or list(peers())
    for name in names:
        if not chosen.only and not state(name):
            print(f"{name}: there already")
            continue
        print(f"{name} …", flush=True)
        failed = installed(name, chosen.minutes * 60)
        (HOME / name / (FAILED if failed else "whole")).write_text(failed + "\n", "utf-8")
        print(f"  {failed or version(name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
