# SPDX-License-Identifier: Apache-2.0
"""A release, made once for all tests that look at one, and a shell that types what a page of the docs says."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from browser_kit import missing

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".venv-deploy" / "bin"
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
WHEEL = f"guiju-{VERSION}-py3-none-any.whl"
ALONE = ("unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$@"', "alone")
"""What runs a command on a machine whose only network is itself."""


def tool(name: str) -> str:
    """A program of `.venv-deploy`."""
    if not (TOOLS / name).exists():
        missing("no tools: scripts/setup.sh deploy")
    return str(TOOLS / name)


def program(name: str, package: str) -> str:
    """A program of the system."""
    found = shutil.which(name)
    if found is None:
        missing(f"no {name}: sudo apt-get install {package}")
    return str(found)


def alone() -> tuple[str, ...]:
    """What takes the network away; the test skips where the system does not let it."""
    program("ip", "iproute2")
    if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        missing("this system lets nobody make a network of their own: unshare --net")
    return ALONE


def released(temporary: pytest.TempPathFactory) -> Path:
    """The folder of a release; workers of one run share it."""
    tool("twine")
    base = temporary.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / "release", shared / "release.done"
    with (shared / "release.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            command = [str(ROOT / "scripts" / "release.sh"), str(folder)]
            ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
            assert ran.returncode == 0, ran.stdout + ran.stderr
            done.touch()
    return folder


class Typed(NamedTuple):
    """A command of a page, and what the page says that it answers; `…` stands for anything."""

    command: str
    answer: tuple[str, ...]


def typed(block: str) -> list[Typed]:
    """The commands of one block of console. A line that ends in a backslash, and a document, go on in the next lines."""
    made: list[tuple[list[str], list[str]]] = []
    end = ""
    for line in block.splitlines():
        if line.startswith("$ ") and not end:
            made.append(([line[2:]], []))
            found = re.search(r"<<'?(\w+)'?$", line)
            end = found[1] if found else ""
        elif end or made[-1][0][-1].endswith("\\"):
            made[-1][0].append(line)
            end = "" if line == end else end
        else:
            made[-1][1].append(line)
    return [Typed("\n".join(command), tuple(answer)) for command, answer in made]


def answers(said: str, wanted: tuple[str, ...]) -> str:
    """The first wanted line that an answer does not hold, in their order; `""` when it holds all."""
    at = 0
    for line in wanted:
        pattern = "^" + ".*?".join(re.escape(part) for part in line.split("…")) + "$"
        found = re.compile(pattern, re.MULTILINE).search(said, at)
        if found is None:
            return line
        at = found.end()
    return ""


def session(steps: list[Typed], folder: Path, environment: dict[str, str], before: tuple[str, ...] = ()) -> list[str]:
    """Type commands one after another into one shell; what each of them answered. Ends at the first that fails."""
    mark = "-- typed --"
    lines = ["trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for step in steps:
        lines += [f"echo '{mark}'", step.command, 'said=$?; [ "$said" = 0 ] || { echo "exit $said"; exit "$said"; }']
    script = folder / "typed.sh"
    script.write_text("\n".join(lines) + "\n", "utf-8")
    ran = subprocess.run(
        [*before, "bash", "--norc", str(script)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    said = [part.removeprefix("\n") for part in ran.stdout.split(mark)[1:]]
    assert ran.returncode == 0, f"{steps[len(said) - 1].command}\n{said[-1] if said else ran.stdout}"
    return said
