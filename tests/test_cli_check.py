# SPDX-License-Identifier: Apache-2.0
"""`guiju check` as a person, a script and CI use it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from guiju import composition
from guiju.cli import check
from guiju.errors import ConfigError
from guiju.law import book, page, proof
from guiju.law.proof import DutyState, Mode

TODAY = date(2026, 11, 24)
TEXT = book.load("interim-2023")
NOTE = '["6.b"]\nperson = "Li Hua"\nproof = "receipt 17"\ndate = 2026-10-01\nexpires = 2999-10-01\n'


def run(data: Path, *arguments: str, language: str = "en") -> Result:
    """Run the command on a data directory."""
    environment = {"GUIJU_LANG": language, "COLUMNS": "200", "NO_COLOR": "1"}
    return CliRunner().invoke(check.app, ["--data", str(data), *arguments], env=environment)


def states(mode: Mode = "development") -> list[DutyState]:
    found = check.gathered(Path("there-is-no-such-folder"))
    return proof.prove(TEXT, found.controls, found.tests, {}, {}, TODAY, mode)


def test_json_is_one_document_with_every_duty_of_the_profile(tmp_path: Path) -> None:
    for profile in book.PROFILES:
        result = run(tmp_path, "--json", "--profile", profile)
        made = json.loads(result.stdout)
        assert result.exit_code == 0
        assert made["profile"] == profile
        assert [row["id"] for row in made["duties"]] == [duty.id for duty in book.load(profile).duties]


@pytest.mark.slow
def test_without_a_running_service_nothing_is_met(tmp_path: Path) -> None:
    made = json.loads(run(tmp_path, "--json").stdout)
    assert "met" not in {row["state"] for row in made["duties"]}
    controlled = {id for control in composition.ALL_CONTROLS for id in (*control.duties, *control.partly)}
    owed = {duty.id for duty in TEXT.duties if duty.owed and duty.by == "software"}
    assert {row["id"] for row in made["duties"] if row["state"] == "partly"} == controlled & owed


def test_the_controls_are_those_of_the_installation(tmp_path: Path) -> None:
    def keeps_identity() -> bool:
        return any("9.a" in control.duties for control in check.gathered(tmp_path).controls)

    assert not keeps_identity(), "by default no identity is asked for, so 9.a is kept in part only"
    (tmp_path / "guiju.toml").write_text('gateway = { identity = "phone" }\n', "utf-8")
    assert keeps_identity()


@pytest.mark.slow
def test_strict_exits_1_on_gaps_and_the_default_0(tmp_path: Path) -> None:
    gaps = check.strict_gaps(TEXT, states())
    assert run(tmp_path).exit_code == 0
    assert run(tmp_path, "--strict").exit_code == (1 if gaps else 0)
    assert check.strict_gaps(TEXT, [row for row in states() if row.state != "gap"]) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_board_says_state_by_sign_and_word_not_by_colour_alone(tmp_path: Path, language: str) -> None:
    shown = run(tmp_path, language=language).stdout
    assert "\x1b" not in shown
    for row in states():
        word = page.STATE_WORDS[row.state].of("zh" if language == "zh" else "en")
        assert f"{page.SIGNS[row.state]} {word}" in shown
    for duty in TEXT.duties:
        assert f" {duty.id} " in shown


@pytest.mark.slow
def test_colour_comes_on_top_on_a_terminal() -> None:
    console = Console(force_terminal=True, width=200, no_color=False, color_system="standard")
    with console.capture() as capture:
        console.print(check.board(TEXT, states()))
    assert "\x1b[" in capture.get()


@pytest.mark.slow
def test_junit_and_sarif_parse(tmp_path: Path) -> None:
    root = ElementTree.fromstring(run(tmp_path, "--format", "junit").stdout)  # noqa: S314  # our own output
    assert len(root.findall("testsuite/testcase")) == len(TEXT.duties)
    made = json.loads(run(tmp_path, "--format", "sarif").stdout)
    sources = set(composition.control_sources().values())
    for result in made["runs"][0]["results"]:
        place = result["locations"][0]["physicalLocation"]
        if region := place.get("region"):
            assert f"{place['artifactLocation']['uri']}:{region['startLine']}" in sources
    assert isinstance(run(tmp_path, "--format", "pdf").exception, ConfigError)


@pytest.mark.slow
def test_unread_lists_memory_rows(tmp_path: Path) -> None:
    made = json.loads(run(tmp_path, "--unread", "--json").stdout)
    assert [row["id"] for row in made["unread"]] == [row.id for row in book.unread(TEXT)]
    shown = run(tmp_path, "--unread", language="zh").stdout
    assert all(row.id in shown for row in book.unread(TEXT))


@pytest.mark.slow
def test_a_note_in_the_data_directory_counts_by_hand(tmp_path: Path) -> None:
    (tmp_path / "notes.toml").write_text(NOTE, "utf-8")
    made = {row["id"]: row["state"] for row in json.loads(run(tmp_path, "--json").stdout)["duties"]}
    assert made["6.b"] == "by_hand"
    assert made["6.c"] == "gap"
    (tmp_path / "notes.toml").write_text(NOTE.replace("6.b", "66.b"), "utf-8")
    assert isinstance(run(tmp_path, "--json").exception, ConfigError)
    (tmp_path / "notes.toml").write_bytes(b"\xff\xfe")
    assert isinstance(run(tmp_path, "--json").exception, ConfigError)


@pytest.mark.slow
def test_profile_and_mode_come_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "guiju.toml").write_text('profile = "draft-2023"\nmode = "production"\n', "utf-8")
    assert json.loads(run(tmp_path, "--json").stdout)["profile"] == "draft-2023"
    assert json.loads(run(tmp_path, "--json", "--profile", "interim-2023").stdout)["profile"] == "interim-2023"
    assert "Production mode can't start because of:" in run(tmp_path).stdout
    assert isinstance(run(tmp_path, "--profile", "none-2023").exception, ConfigError)


def test_the_summary_names_what_stops_a_start() -> None:
    stops = [row.id for row in proof.blocking(states("production"))]
    assert check.summary(states("production"), "production").endswith(" ".join(stops))
    quiet = [row for row in states("production") if not row.blocks]
    assert "nothing stops the start" in check.summary(quiet, "production")
    assert "Development mode" in check.summary(states(), "development")


@pytest.mark.slow
def test_law_page_is_written_and_always_the_same(tmp_path: Path) -> None:
    one, two = tmp_path / "one.md", tmp_path / "two.md"
    assert run(tmp_path, "--law-page", str(one)).exit_code == 0
    (tmp_path / "notes.toml").write_text(NOTE, "utf-8")
    assert json.loads(run(tmp_path, "--law-page", str(two), "--json").stdout)["written"] == str(two)
    assert one.read_bytes() == two.read_bytes()
    missing = run(tmp_path, "--law-page", str(tmp_path / "no" / "folder.md"))
    assert isinstance(missing.exception, ConfigError)


def test_the_controls_of_the_house_name_only_duties_that_exist() -> None:
    assert proof.strangers(composition.ALL_CONTROLS, book.known_ids()) == []
    assert set(composition.control_sources()) == {control.id for control in composition.ALL_CONTROLS}
