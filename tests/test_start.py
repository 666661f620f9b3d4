# SPDX-License-Identifier: Apache-2.0
"""What a server loads before anybody asks it for anything, and what is brought in by name (ADR 0012)."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "guiju"
LATER = {
    "guiju.console.pages": "the console, from its first visitor on",
    "openpyxl": "workbooks, which commands write and lists rarely are",
    "lxml": "comes with openpyxl and python-docx",
    "docx": "documents for the authority, which commands write",
    "typst": "the same, as PDF",
    "pypdf": "read in a child; labels of PDF files",
    "PIL": "pictures are looked at in children",
    "cv2": "the same",
    "onnxruntime": "the same",
    "c2pa": "content credentials, where settings sign them",
    "alembic": "migrations, which `guiju store upgrade` runs",
    "mako": "comes with alembic",
    "sqlalchemy.dialects.postgresql": "where there is such a store",
    "fido2": "passkeys, from the first sign-in on",
    "pyarrow": "corpora",
    "pydantic": "nothing of ours",
    "playwright": "exhibits",
    "scipy": "training",
    "pandas": "nothing of ours",
    "numpy.ma": "nothing of ours",
    "rich": "tables of commands",
    "psycopg": "a store that is no PostgreSQL",
    "unittest": "tests",
}
"""Package → when it is loaded."""


def loaded(what: str) -> set[str]:
    """The modules in a fresh interpreter after an import."""
    code = f"import sys, {what}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split())


@pytest.mark.slow
def test_a_server_loads_nothing_that_few_ask_for() -> None:
    there = loaded("guiju.cli.serve, guiju.server")
    assert "guiju.server" in there
    assert {name: why for name, why in LATER.items() if name in there} == {}


def test_what_children_read_by_is_not_in_whoever_asks_them() -> None:
    there = loaded("guiju.adapters.attachments, guiju.adapters.reading")
    assert not there & {"guiju.adapters.attachment_reader", "guiju.adapters.reader"}


def names(path: Path) -> list[str]:
    """What a file gives to `brought`, itself or through another function."""
    made: list[object] = []
    text = path.read_text("utf-8")
    for node in ast.walk(ast.parse(text)) if "brought" in text else ():
        if isinstance(node, ast.Call) and any(
            isinstance(one, ast.Name) and one.id == "brought" for one in (node.func, *node.args)
        ):
            made += [one.value if isinstance(one, ast.Constant) else "" for one in node.args if one is not node.func]
    return [one for one in made if isinstance(one, str) and one]


def floors() -> dict[str, int]:
    """Room → its floor, the lowest is the largest number."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["name"] == "floors")
    return {room.strip(): n for n, layer in enumerate(layers) for room in layer.replace("|", ":").split(":")}


def test_what_is_brought_in_is_there_and_lies_no_higher() -> None:
    floor, seen = floors(), []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in names(path):
            seen.append(name)
            top, _, rest = name.partition(".")
            assert find_spec(top) is not None, f"{path}: {name}"
            if top == "guiju":
                room = rest.split(".")[0]
                assert find_spec(name) is not None, f"{path}: {name}"
                assert room == own or floor[room] > floor[own], f"{path}: {name}"
    assert {"guiju.adapters.passkeys", "guiju.detect.sheet", "alembic.command"} <= set(seen)
