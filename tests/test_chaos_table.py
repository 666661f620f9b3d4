# SPDX-License-Identifier: Apache-2.0
"""The table of faults names tests that there are, and the page of the docs has a row for each fault, in both languages."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAULTS: dict[str, list[str]] = tomllib.loads((ROOT / "scripts/faults.toml").read_text("utf-8"))


def test_every_test_of_the_table_exists() -> None:
    for words in FAULTS.values():
        for file, *test in (one.split() for one in words):
            if file == "soak":
                assert (ROOT / "bench/soak.py").is_file()
                continue
            tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text("utf-8"))
            there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert set(test) <= there, (file, test)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_has_a_row_for_each_fault(language: str) -> None:
    page = (ROOT / "docs" / language / "reference" / "faults.md").read_text("utf-8")
    faults = page.partition("{ #faults }")[2].partition("{ #figures }")[0]
    rows = re.findall(r"^\| ([RTFHS]\d+) \|", faults, re.MULTILINE)
    assert [one for one in rows if one in FAULTS] == list(FAULTS)
    assert set(rows) - set(FAULTS) == {"F7"}, "what is not tested is said"
