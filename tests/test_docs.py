# SPDX-License-Identifier: Apache-2.0
"""What the docs say is what the code says: generated pages, the table of commands, the reading path, links, README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from guiju.cli.main import NOUNS
from guiju.errors import CODES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COMMANDS = re.compile(r"^\| (?P<names>`guiju .+?) \| (?P<what>.+?) \| (?P<state>.+?) \|$", re.MULTILINE)


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, env=os.environ | env
    )


def test_generated_pages_are_what_the_sources_say() -> None:
    ran = run(sys.executable, "scripts/reference.py", "--check")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_error_has_its_anchor_and_both_languages() -> None:
    page = (DOCS / "reference" / "errors.md").read_text("utf-8")
    assert re.findall(r"^## (\w+) \{ #(\w+) \}$", page, re.MULTILINE) == [(name, name) for name in CODES]
    for code in CODES.values():
        assert all((code.zh, code.en, code.do_zh, code.do_en))


def test_the_table_of_commands_says_which_are_here() -> None:
    rows = list(COMMANDS.finditer((DOCS / "reference" / "commands.md").read_text("utf-8")))
    here = [row["names"].split()[1].rstrip("`") for row in rows if row["state"] == "**已有**"]
    assert here == list(NOUNS)
    assert all(row["state"] == "**已有**" or row["state"].startswith("*计划") for row in rows)
    assert len(rows) > len(here)


def test_the_docs_name_no_command_that_the_table_does_not() -> None:
    table = (DOCS / "reference" / "commands.md").read_text("utf-8")
    known = set(re.findall(r"`guiju ([a-z-]+)", table))
    pages = [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = {
        (page.name, noun)
        for page in pages
        for noun in re.findall(r"(?:`|\$ |bin/)guiju ([a-z][a-z-]*)", page.read_text("utf-8"))
    }
    assert {(page, noun) for page, noun in named if noun not in known} == set()
    assert len(named) > 20


def test_links_between_files_lead_somewhere() -> None:
    broken = []
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken


def test_the_reading_path_is_450_lines_that_exist() -> None:
    """CONTRIBUTING names files and line ranges; together they are what a newcomer reads first."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    steps = re.findall(r"^\d+\. `(src/guiju/[\w/]+\.py)` (\d+)–(\d+): [^`\n]*`(\w+)`", text, re.MULTILINE)
    lines = 0
    for name, first, last, noun in steps:
        source = (ROOT / name).read_text("utf-8").splitlines()
        assert 1 <= int(first) <= int(last) <= len(source), name
        shown = "\n".join(source[int(first) - 1 : int(last)])
        assert re.search(rf"(class|def) {noun}\b", shown), f"{name} {first}–{last} no longer shows {noun}"
        lines += int(last) - int(first) + 1
    assert len(steps) >= 5
    assert 400 <= lines <= 450


def test_the_readme_is_one_screen_and_begins_in_chinese() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 50
    chinese = next(n for n, line in enumerate(lines) if "生成式人工智能" in line)
    english = next(n for n, line in enumerate(lines) if line.startswith("**Everything"))
    assert chinese < english


def test_targets_that_the_docs_name_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    pages = [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = {t for page in pages for t in re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text("utf-8"))}
    assert named <= targets
    assert {"run", "test", "test-all", "law", "lock"} <= named


@pytest.mark.slow
def test_the_site_builds_without_a_warning() -> None:
    ran = run("scripts/docs_check.sh")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
def test_every_tracked_source_says_its_licence() -> None:
    ran = run(sys.executable, "scripts/spdx.py")
    assert ran.returncode == 0, ran.stdout
