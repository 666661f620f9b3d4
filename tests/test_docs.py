# SPDX-License-Identifier: Apache-2.0
"""What the docs say is what the code says, in both languages: generated pages, the table of commands, links, README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from guiju.cli.main import NOUNS
from guiju.config import Limits
from guiju.errors import CODES, ConfigError, Language, Page
from guiju.gateway.closed import CLOSED
from guiju.gateway.metrics import Metrics
from guiju.gateway.wire.canonical import ChatRequest
from guiju.gateway.wire.chat import DROPPED

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LANGUAGES = ("zh", "en")
STATES = {"zh": ("**已有**", "*计划："), "en": ("**here**", "*planned: ")}
HEADING = re.compile(r"^(?P<level>#{1,6}) .+?(?: \{ #(?P<anchor>[\w-]+) \})?$")
COMMANDS = re.compile(r"^\| (?P<names>`guiju .+?) \| (?P<what>.+?) \| (?P<state>.+?) \|$", re.MULTILINE)


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, env=os.environ | env
    )


@pytest.mark.slow
def test_generated_pages_are_what_the_sources_say() -> None:
    ran = run(sys.executable, "scripts/reference.py", "--check")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def unfenced(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def headings(page: Path) -> list[tuple[str, str | None]]:
    """The level of each heading, and its anchor where it names one."""
    found = (HEADING.match(line) for line in unfenced(page).splitlines())
    return [(match["level"], match["anchor"]) for match in found if match]


def pages(language: str) -> list[Path]:
    """All pages of one language."""
    return sorted((DOCS / language).rglob("*.md"))


def test_both_languages_hold_the_same_pages() -> None:
    zh, en = ([page.relative_to(DOCS / language) for page in pages(language)] for language in LANGUAGES)
    assert zh == en
    assert len(zh) > 15


@pytest.mark.parametrize("page", pages("zh"), ids=lambda page: str(page.relative_to(DOCS / "zh")))
def test_a_page_says_as_much_in_both_languages(page: Path) -> None:
    """The same headings and anchors, as many rows of tables and blocks of code, and a way from each to the other."""
    other = DOCS / "en" / page.relative_to(DOCS / "zh")
    zh, en = page.read_text("utf-8"), other.read_text("utf-8")
    assert headings(page) == headings(other)
    assert len(headings(page)) >= 1
    for form in (r"^\|.*\|$", r"^ *```\w*$", r"^!!! "):
        assert len(re.findall(form, zh, re.MULTILINE)) == len(re.findall(form, en, re.MULTILINE)), form
    assert f"[English]({os.path.relpath(other, page.parent)})" == zh.splitlines()[2]
    assert f"[中文]({os.path.relpath(page, other.parent)})" == en.splitlines()[2]
    assert re.search(r"[\u4e00-\u9fff]{2}", unfenced(page))


def test_no_line_ends_inside_a_chinese_clause() -> None:
    """A line break shows as a space, which Chinese has only beside letters and figures."""
    broken = []
    for page in pages("zh"):
        lines = unfenced(page).splitlines()
        for before, after in pairwise(lines):
            if re.search(r"[\u4e00-\u9fff]$", before) and re.match(r" *[\u4e00-\u9fff“（]", after):
                broken.append(f"{page.relative_to(ROOT)}: {before[-20:]}")
    assert not broken


def test_the_navigation_holds_every_page() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]

    def listed(entry: Any) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values() if isinstance(entry, dict) else entry:
                yield from listed(inner)

    written = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page.name != "0000-template.md"]
    assert sorted(listed(nav)) == sorted(written)


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the tables under one heading, code marks taken off; the first row of a table is its head."""
    part = page.read_text("utf-8").split(f"{{ #{heading} }}\n")[1].split("\n## ")[0]
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in part.splitlines()
        if line.startswith("| ") and not line.startswith("|---")
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_gateway_says_what_the_gateway_does(language: str) -> None:
    page = DOCS / language / "reference" / "gateway.md"
    limits = {name: str(value) for name, value in msgspec.structs.asdict(Limits()).items()}
    assert dict(row[:2] for row in rows(page, "limits")[1:]) == limits
    forwarded, dropped = (set(re.findall(r"[a-z_]+", row[1])) for row in rows(page, "fields")[1:3])
    assert dropped == DROPPED
    assert forwarded == set(ChatRequest.__struct_fields__) - DROPPED
    named = {re.sub(r"\{.*", "", row[0]) for row in rows(page, "metrics")[1:]}
    exposed = re.findall(r"^# TYPE (\w+)", Metrics("1").page().decode(), re.MULTILINE)
    assert named == {name for name in exposed if not name.endswith("_created")}
    shown = set(re.findall(r"\b[45]\d\d `(\w+)`", page.read_text("utf-8")))
    assert len(shown) > 8
    for status, name in re.findall(r"\b([45]\d\d) `(\w+)`", page.read_text("utf-8")):
        assert str(CODES[name].status) == status or (name, status) == ("request_too_large", "431"), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_gateway_says_why_doors_are_closed(language: Language) -> None:
    page = (DOCS / language / "reference" / "gateway.md").read_text("utf-8")
    said = {}
    for paths, reason in re.findall(r"^\| ((?:`/v1/[\w/-]+`(?:, |、)?)+) \| (.+) \|$", page, re.MULTILINE):
        said |= dict.fromkeys(re.findall(r"`(.+?)`", paths), reason)
    assert {path: said.get(path) for path in CLOSED} == {path: why.within(language) for path, why in CLOSED.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_bench_has_the_bars(language: str) -> None:
    source = (ROOT / "bench" / "bars.py").read_text("utf-8")
    bars = {name: float(value) for name, value in re.findall(r"^([A-Z_]+) = ([\d.]+)$", source, re.MULTILINE)}
    said = rows(DOCS / language / "reference" / "bench.md", "bars")[1:]
    assert {row[0]: float(row[1].split()[0]) for row in said} == bars


def test_every_error_has_its_anchor_and_both_languages() -> None:
    for language in LANGUAGES:
        page = (DOCS / language / "reference" / "errors.md").read_text("utf-8")
        assert re.findall(r"^## (\w+) \{ #(\w+) \}$", page, re.MULTILINE) == [(name, name) for name in CODES]
    for code in CODES.values():
        assert all((code.zh, code.en, code.do_zh, code.do_en))


def test_a_page_that_an_error_names_is_there_in_the_reader_s_language() -> None:
    named = {
        path
        for source in (ROOT / "src").rglob("*.py")
        for path in re.findall(r'Page\("([^"]+)"\)', source.read_text("utf-8"))
    }
    assert len(named) > 3
    for path in named:
        error = ConfigError("config_invalid", what="x", hint=Page(path))
        told = [error.advice(language) for language in ("zh", "en")]
        assert told == [f"docs/zh/{path}", f"docs/en/{path}"]
        assert all((ROOT / one).is_file() for one in told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_commands_says_which_are_here(language: str) -> None:
    rows = list(COMMANDS.finditer((DOCS / language / "reference" / "commands.md").read_text("utf-8")))
    present, planned = STATES[language]
    here = [row["names"].split()[1].rstrip("`") for row in rows if row["state"] == present]
    assert here == list(NOUNS)
    assert all(row["state"] == present or row["state"].startswith(planned) for row in rows)
    assert len(rows) > len(here)


def test_the_tables_of_commands_are_one_table() -> None:
    tables = [(DOCS / language / "reference" / "commands.md").read_text("utf-8") for language in LANGUAGES]
    zh, en = ([row["names"].replace("、", ", ") for row in COMMANDS.finditer(table)] for table in tables)
    assert zh == en


def test_the_docs_name_no_command_that_the_table_does_not() -> None:
    table = (DOCS / "en" / "reference" / "commands.md").read_text("utf-8")
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
    """To a file that is there; an anchor is one that the page names itself, so that it is the same in both languages."""
    broken = []
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)", unfenced(page)):
            file = page.parent / target if target else page
            if not file.exists() or (anchor and anchor not in [name for _, name in headings(file)]):
                broken.append(f"{page.relative_to(ROOT)}: {target}#{anchor}")
    assert not broken


def test_tests_that_a_page_names_are_there() -> None:
    """Who reads what stands against an attack can look at what shows it."""
    named = {
        (page.name, name)
        for page in DOCS.rglob("*.md")
        for name in re.findall(r"tests/test_\w+\.py", page.read_text("utf-8"))
    }
    assert [(page, name) for page, name in sorted(named) if not (ROOT / name).is_file()] == []
    assert len(named) > 30


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
