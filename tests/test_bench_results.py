# SPDX-License-Identifier: Apache-2.0
"""The bench keeps what it has when something fails, and its pages say what its book says and no more."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.extend((str(ROOT / "bench"), str(ROOT / "scripts")))

import all as bench  # noqa: E402 # scripts of bench and scripts, no packages
import bars  # noqa: E402 # as above
import parts  # noqa: E402 # as above

import dots  # noqa: E402 # as above
import results  # noqa: E402 # as above


def test_a_round_in_which_a_system_failed_leaves_the_others() -> None:
    mine, nginx = "guiju pattern", "nginx"
    figures = {
        mine: [{"cpu_ms_burst": 2.0}, {"cpu_ms_burst": 4.0}, {"cpu_ms_burst": 3.0}],
        nginx: [{"cpu_ms_burst": 1.0}, {}, {"cpu_ms_burst": 2.0}],
    }
    (row,) = [row for row in bars.rows(figures) if "beside nginx" in row.what]
    assert (row.low, row.high) == (1.5, 2.0)  # the round without nginx is not reckoned
    assert row.holds


def test_a_part_of_which_a_command_fails_is_kept_with_its_message(tmp_path: Path) -> None:
    report = {"figures": {"bare": [{"cpu_ms_whole": 1.0}], "nginx": [{}]}, "failed": [[1, "nginx", "no such file"]]}
    told = parts.gateway(json.dumps(report | {"versions": {}}))
    assert told.systems == {"bare": {"cpu_ms_whole": 1.0}}
    assert told.failed == {"nginx": "no such file"}
    path = tmp_path / "book.json"
    path.write_text('{"desk": {"kept": true}}', "utf-8")
    bench.kept(path, "gateway", bench.Record({"date": "today"}, [told.systems], failed=[(1, "nginx", "no such file")]))
    book = json.loads(path.read_text("utf-8"))
    assert list(book) == ["gateway", "desk"]
    assert book["desk"] == {"kept": True}
    assert book["gateway"]["failed"] == [[1, "nginx", "no such file"]]


@pytest.mark.parametrize(("value", "reached"), [(49.0, False), (50.0, True)])
def test_a_bar_may_be_a_least(value: float, reached: bool) -> None:
    (row,) = bars.row("what", "什么", "/s", [value], 50.0, least=True)
    assert (row.reached, row.holds) == (reached, reached)


def test_a_bar_of_a_ratio_takes_the_largest_of_the_others_that_are_there() -> None:
    bar: dict[str, Any] = {"system": "a", "measure": "m", "over": [["b", "m"], ["c", "m"], ["gone", "m"]]}
    assert bench.measured({"a": {"m": 6.0}, "b": {"m": 2.0}, "c": {"m": 3.0}}, bar) == 2.0
    assert bench.measured({"a": {"m": 6.0}}, bar) is None


def test_every_part_has_words_and_every_measure_shown_is_named() -> None:
    words = results.words()
    assert list(words["parts"]) == list(parts.PARTS)
    for about in words["parts"].values():
        for shown in (*about.get("charts", []), *about.get("tables", [])):
            assert set(shown["measures"]) <= set(words["measures"])


def test_the_axis_of_a_chart_holds_all_its_figures() -> None:
    for low, high, log in ((0.03, 455.0, True), (12.0, 98.0, False), (100.0, 100.0, False)):
        marks = dots.ticks(low, high, log)
        assert marks[0] <= low
        assert marks[-1] >= high
        assert len(marks) <= 8


def test_the_pages_are_what_the_book_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert results.main(["--check"]) == 0, capsys.readouterr().out
    book = json.loads(results.BOOK.read_text("utf-8"))
    first = next(iter(book.values()))
    changed = json.loads(json.dumps(book).replace(first["date"], "2001-01-01T00:00Z"))
    assert results.files(changed) != results.files(book)
