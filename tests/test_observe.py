# SPDX-License-Identifier: Apache-2.0
"""The dashboard, the alerts and their pages: each expression parses, and names only figures that there are."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from guiju.cli.main import NOUNS
from guiju.gateway.metrics import FIGURES

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import observe  # noqa: E402 # a script, not a package

LANGUAGES = ("zh", "en")
SERIES = {
    series
    for name, one in FIGURES.items()
    for series in ([f"{name}_{end}" for end in ("bucket", "count", "sum")] if one.kind == "histogram" else [name])
}


def expressions() -> Iterator[tuple[str, str]]:
    """Where each expression stands, and it itself, as it is shipped."""
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text("utf-8"))
    for rule in rules["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]
    for language in LANGUAGES:
        made = json.loads((ROOT / "deploy" / "grafana" / f"guiju-{language}.json").read_text("utf-8"))
        for panel in made["panels"]:
            for target in panel.get("targets", ()):
                yield f"{language} {panel['title']}", target["expr"].replace("$__rate_interval", "1m")


def selected(node: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The series that an expression reads, with the labels that it wants of them."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name, {one.name: one.value for one in node.matchers.matchers}
    for name in ("lhs", "rhs", "expr", "vector_selector", "param"):
        inner = getattr(node, name, None)
        if inner is not None and not isinstance(inner, str):
            yield from selected(inner)
    for inner in getattr(node, "args", ()) or ():
        yield from selected(inner)


def labels_of(series: str) -> set[str]:
    """The labels of a series."""
    name = re.sub(r"_(bucket|count|sum)$", "", series)
    figure = FIGURES.get(series) or FIGURES[name]
    return {*figure.labels, *(["le"] if series.endswith("_bucket") else [])}


def test_what_is_shipped_is_what_the_tables_say() -> None:
    for path, text in observe.files():
        assert path.read_text("utf-8") == text, f"{path}: run make law"


def test_every_expression_parses_and_reads_what_there_is() -> None:
    read: set[str] = set()
    for place, expr in expressions():
        found = list(selected(promql_parser.parse(expr)))
        assert found, place
        for series, wanted in found:
            assert series in SERIES, (place, series)
            assert wanted.keys() <= labels_of(series), (place, series)
            read.add(series)
    assert len(read) > 40


def test_the_look_at_expressions_finds_a_wrong_name() -> None:
    node = promql_parser.parse('sum by (le) (rate(guiju_nothing_bucket{a="b"}[5m])) / (1 - guiju_workers)')
    assert sorted(selected(node)) == [("guiju_nothing_bucket", {"a": "b"}), ("guiju_workers", {})]
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum(")


def test_grouping_and_legends_name_labels_that_there_are() -> None:
    for place, expr in expressions():
        known = {label for series, _ in selected(promql_parser.parse(expr)) for label in labels_of(series)}
        for group in re.findall(r"\bby \(([^)]*)\)", expr):
            assert {one.strip() for one in group.split(",")} <= known, (place, expr)
    for language in LANGUAGES:
        made = json.loads((ROOT / "deploy" / "grafana" / f"guiju-{language}.json").read_text("utf-8"))
        for panel in made["panels"]:
            for target in panel.get("targets", ()):
                expr = target["expr"].replace("$__rate_interval", "1m")
                known = {label for series, _ in selected(promql_parser.parse(expr)) for label in labels_of(series)}
                assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= known, panel["title"]


def test_every_figure_is_on_the_dashboard_or_behind_an_alert() -> None:
    read = {
        re.sub(r"_(bucket|count|sum)$", "", one)
        for _, e in expressions()
        for one, _ in selected(promql_parser.parse(e))
    }
    assert {
        name for name in FIGURES if name not in read and re.sub(r"_(bucket|count|sum)$", "", name) not in read
    } == set()


def test_the_dashboards_are_the_same_but_for_their_words() -> None:
    zh, en = (json.loads((ROOT / "deploy" / "grafana" / f"guiju-{one}.json").read_text("utf-8")) for one in LANGUAGES)
    ids = [panel["id"] for panel in zh["panels"]]
    assert len(ids) == len(set(ids))
    assert [one["gridPos"] for one in zh["panels"]] == [one["gridPos"] for one in en["panels"]]
    assert all(re.search("[一-鿿]", one["title"]) for one in zh["panels"])
    assert not any(re.search("[一-鿿]", one["title"]) for one in en["panels"])
    boxes = [one["gridPos"] for one in zh["panels"]]
    cells = [
        (x, y)
        for box in boxes
        for x in range(box["x"], box["x"] + box["w"])
        for y in range(box["y"], box["y"] + box["h"])
    ]
    assert len(cells) == len(set(cells)), "panels lie on one another"
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_alert_has_its_place_in_the_runbook(language: str) -> None:
    page = (ROOT / "docs" / language / "how-to" / "alerts.md").read_text("utf-8")
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
    anchors = re.findall(r"^## (\w+) \{ #(\w+) \}$", page, re.MULTILINE)
    assert [name for name, _ in anchors] == [rule["alert"] for rule in rules]
    for rule, (_, anchor) in zip(rules, anchors, strict=True):
        assert f"docs/{language}/how-to/alerts.md#{anchor}" in rule["annotations"]["runbook"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert re.fullmatch(r"\d+[mh]", rule["for"])
    for command in re.findall(r"`guiju (\w+)", page):
        assert command in NOUNS, command


def test_the_alerts_that_an_operator_cannot_do_without_are_there() -> None:
    rules = "\n".join(expr for place, expr in expressions() if place.startswith("Guiju"))
    for needed in (
        "guiju_stream_unscanned_chars_total", "guiju_cases_overdue", "guiju_witness_lost", "guiju_canary_ok",
        "guiju_canary_timestamp_seconds", "guiju_guard_down", "guiju_store_up", "guiju_expires_timestamp_seconds",
        "guiju_disk_free_bytes", "guiju_duties_red",
    ):  # fmt: skip
        assert needed in rules


def test_every_event_of_the_logs_is_told_of() -> None:
    events = {event for _, event, _, _ in observe.events()}
    assert {"canary_not_stopped", "ledger.write_failed", "exchange_failed"} <= events
    assert not [event for event in events if not re.fullmatch(r"[a-z_.]+", event)], "facts belong into extra"
    words = tomllib.loads((ROOT / "scripts" / "logs.toml").read_text("utf-8"))
    assert set(words) == events
