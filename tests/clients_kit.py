# SPDX-License-Identifier: Apache-2.0
"""Clients that live in .venv-clients, and the page of the docs that says what their users see."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv-clients" / "bin"
PROGRAMS = Path(__file__).parent / "clients"
PAGES = {language: ROOT / "docs" / language / "reference" / "clients.md" for language in ("zh", "en")}


class Seen(NamedTuple):
    """What a client's user sees of one question; see tests/clients/seen.py."""

    cell: str
    why: str
    text: str
    all: str


def installed() -> None:
    """Skip, saying what installs the clients; in CI nothing is skipped."""
    if not any(BIN.glob("../.guiju-clients")):
        what = "the clients are missing: scripts/setup.sh clients"
        if os.environ.get("GUIJU_NO_SKIP") == "1":
            pytest.fail(what)
        pytest.skip(what)


def environment(home: Path) -> dict[str, str]:
    """What the clients may know of this machine. Nothing is fetched and nothing is reported."""
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LANGSMITH_TRACING": "false", "DO_NOT_TRACK": "1"}
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **quiet}


def ask(client: str, questions: Sequence[dict[str, Any]], home: Path) -> list[Seen]:
    """Ask questions through one client.

    Args:
        client: the client's name, such as `openai-python`.
        questions: see `Question` in tests/clients/seen.py.
        home: a folder that the client may write into.
    """
    name = client.removesuffix("-python").replace("-openai", "").replace("-", "_")
    ran = subprocess.run(
        [BIN / "python", PROGRAMS / f"ask_{name}.py"],
        input=json.dumps(list(questions)),
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return [Seen(**one) for one in json.loads(ran.stdout)]


def section(language: str, anchor: str) -> str:
    """One section of the page."""
    return PAGES[language].read_text("utf-8").split(f"{{ #{anchor} }}\n")[1].split("\n## ")[0]


def table(language: str, anchor: str, situations: Sequence[str]) -> dict[tuple[str, str], str]:
    """The table of one section: (door, situation) → what is seen; empty cells are left out.

    Args:
        language: the page's.
        anchor: the section's.
        situations: what its rows stand for, in their order.
    """
    lines = [line for line in section(language, anchor).splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert len(rows) == len(situations)
    doors = [cell.strip("`") for cell in head[1:]]
    return {
        (door, situation): cell
        for situation, row in zip(situations, rows, strict=True)
        for door, cell in zip(doors, row[1:], strict=True)
        if cell != "–"
    }
