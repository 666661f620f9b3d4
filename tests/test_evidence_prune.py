# SPDX-License-Identifier: Apache-2.0
"""What is past its term goes by rule, from files and from PostgreSQL alike, and the rest still verifies (DESIGN §7)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from evidence_kit import (
    DAY,
    PUBLIC,
    SIGNING,
    START,
    Clock,
    address,
    exchange,
    fill,
    scribe,
    settings_for,
    small,
    unheard,
)
from guiju.cli.main import main
from guiju.errors import ConfigError
from guiju.records import retention, writers
from guiju.records.export import export
from guiju.records.prune import due, prune
from guiju.records.scribe import Marker
from guiju.records.secrets import Secrets
from guiju.records.sources import ExportSource, source_of
from guiju.records.verify import Report, verify
from places import BOTH, Place, place


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for ledgers of either kind."""
    with place(request.param, tmp_path / "data") as made:
        yield made


def examine(here: Place, key: bytes = PUBLIC, days: int | None = None) -> Report:
    """Verify the ledgers there."""
    with closing(source_of(address(here))) as source:
        return verify(source, [key], retention_days=days)


def past(here: Place, now: int, key: bytes = PUBLIC) -> list[Marker]:
    """What is past 183 days."""
    with closing(source_of(address(here))) as source:
        return due(source, [key], 183, now)


def held(here: Place, segment: str = "202611") -> tuple[bytes | None, int]:
    """The marker of a segment of the one writer, and how many entries stand there."""
    with closing(source_of(address(here))) as source:
        [writer] = source.writers()
        return source.marker(writer, segment), sum(1 for _ in source.lines(writer, segment))


def outside(here: Place, statement: str, *values: object) -> None:
    """Do something to the database from outside."""
    with psycopg.connect(here.url, autocommit=True) as server:
        server.execute(statement.encode(), values or None)


def put_raw(here: Place, marker: bytes | None) -> None:
    """Put other bytes where the marker of the first segment stands, or take it away."""
    if here.url != "sqlite":
        outside(here, "UPDATE ledger_segment SET pruned = %s WHERE segment = '202611'", marker)
        outside(here, "DELETE FROM ledger_segment WHERE segment = '202611' AND pruned IS NULL")
        return
    path = next((here.data / "ledger").glob("*/202611.pruned"))
    if marker is None:
        path.unlink()
    else:
        path.write_bytes(marker)


def test_a_segment_goes_by_rule_and_only_then(here: Place, tmp_path: Path) -> None:
    small(address(here))
    assert past(here, START + 183 * DAY) == []
    now = START + 184 * DAY
    markers = past(here, now)
    assert [marker.segment for marker in markers] == ["202611"]  # the other one is not sealed
    told: list[dict[str, object]] = []
    prune(markers, lambda kind, body: told.append({"kind": kind, **body}), partial(writers.put_marker, address(here)))
    assert told[0]["kind"] == "pruned"
    assert told[0]["entries"] == 20
    good, entries = held(here)
    assert (good is not None, entries) == (True, 0)
    assert past(here, now) == []
    report = examine(here, days=183)
    assert (report.whole, report.writers[0].pruned, report.writers[0].segments) == (True, ["202611"], 1)
    early = examine(here, days=365).first
    assert early is not None
    assert (early.segment, early.what) == ("202611", "marker")
    out = tmp_path / "export.jsonl"
    with closing(source_of(address(here))) as source:
        export(source, out, [PUBLIC], SIGNING, now)
    assert verify(ExportSource(out), [PUBLIC]).writers[0].pruned == ["202611"]
    put_raw(here, None)
    lost = examine(here).first
    assert lost is not None
    assert lost.what == "lost_segment"


@pytest.mark.slow
def test_no_byte_of_a_marker_can_be_changed(here: Place) -> None:
    """The date of pruning and the term are the marker's own word; all the rest is signed or linked."""
    small(address(here))
    prune(past(here, START + 184 * DAY), lambda *_: None, partial(writers.put_marker, address(here)))
    good, _ = held(here)
    assert good is not None
    assert examine(here).whole
    for at in range(0, good.index(b'"pruned_at"'), 1 if here.url == "sqlite" else 40):
        changed = bytearray(good)
        changed[at] ^= 1
        put_raw(here, bytes(changed))
        assert not examine(here).whole, good[max(0, at - 20) : at + 5]


def test_a_segment_that_does_not_match_its_checkpoint_does_not_go(here: Place) -> None:
    small(address(here))
    if here.url == "sqlite":
        log = next((here.data / "ledger").glob("*/202611.log"))
        log.write_bytes(log.read_bytes().replace(b'"chars_in":3', b'"chars_in":4'))
    else:
        other = "convert_to(replace(convert_from(line, 'UTF8'), %s, %s), 'UTF8')"
        outside(here, f"UPDATE ledger_entry SET line = {other}", '"chars_in":3', '"chars_in":4')  # noqa: S608  # ours
    with pytest.raises(ConfigError, match="evidence_broken"):
        past(here, START + 200 * DAY)
    assert held(here) == (None, 20)


def test_a_pruned_ledger_goes_on(here: Place) -> None:
    clock = Clock()
    one = scribe(address(here), clock)
    fill(one, 3, clock)
    one.seal()
    one.chain.close()
    clock.t += 200 * DAY
    prune(past(here, clock.t), lambda *_: None, partial(writers.put_marker, address(here)))
    again = scribe(address(here), clock)
    assert again.checkpoint() is None
    fill(again, 2, clock)
    again.checkpoint()
    again.chain.close()
    report = examine(here)
    assert report.whole, report.first
    assert report.writers[0].pruned == ["202611"]


def test_pruning_beside_a_writer_and_somebody_who_verifies(here: Place) -> None:
    """Another process owns the ledger, and a reader began before; neither sees half a segment."""
    clock = Clock()
    one = scribe(address(here), clock)
    fill(one, 50, clock)
    one.seal()
    fill(one, 5, clock)
    one.checkpoint()
    with closing(source_of(address(here))) as reader:
        [writer] = reader.writers()
        lines = reader.lines(writer, "202611")
        next(lines)
        with writers.writing(writers.take(address(here)), SIGNING, Clock(START + 200 * DAY)) as other:
            assert other.chain.writer != writer
            prune(past(here, START + 200 * DAY), other.enter, partial(writers.put_marker, address(here)))
            other.checkpoint()
        assert sum(1 for _ in lines) == 101
        assert verify(reader, [PUBLIC]).whole
    fill(one, 5, clock)
    one.checkpoint()
    one.chain.close()
    report = examine(here)
    assert report.whole, report.first
    assert [(row.pruned, row.kinds.get("pruned")) for row in report.writers] == [(["202611"], None), ([], 1)]


@pytest.fixture
def old(here: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A closed ledger of an hour ago with a sealed segment, in an installation whose term is over at once."""
    settings_for(here)
    monkeypatch.setenv("GUIJU_EVIDENCE__RETENTION_DAYS", "0")
    clock = Clock(time.time_ns() // 1_000_000 - 3_600_000)
    one = scribe(address(here), clock, Secrets.open(here.data / "keys").signing)
    fill(one, 9, clock)
    one.seal()
    one.write(exchange(9, clock.t), unheard)
    one.checkpoint()
    one.chain.close()
    return here


def pruned_by_command(here: Place, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """Run `guiju evidence prune`; its exit status and what it printed."""
    try:
        status = main(("evidence", "prune", "--data", str(here.data), "--json"))
    except SystemExit as left:
        status = int(left.code or 0)
    return status, json.loads(capsys.readouterr().out)


def oldest(here: Place) -> str:
    """The first segment's name: the month of the test."""
    with closing(source_of(address(here))) as source:
        return source.segments(source.writers()[0])[0]


def whole(here: Place) -> Report:
    """The report with the installation's key, which must be good."""
    report = examine(here, Secrets.open(here.data / "keys").signing.public_key().public_bytes_raw(), 0)
    assert report.whole, report.first
    return report


MOMENTS = {
    "before it is recorded": "BEFORE INSERT ON ledger_entry",
    "before the marker": "BEFORE INSERT ON ledger_segment FOR EACH ROW WHEN (NEW.pruned IS NOT NULL)",
    "after the marker": "AFTER UPDATE ON ledger_segment FOR EACH ROW WHEN (NEW.pruned IS NOT NULL)",
    "before the entries go": "BEFORE DELETE ON ledger_entry",
    "between two entries": "BEFORE DELETE ON ledger_entry FOR EACH ROW WHEN (OLD.seq = 9)",
    "after the entries went": "AFTER DELETE ON ledger_entry",
    "after the checkpoints went": "AFTER DELETE ON ledger_checkpoint",
    "at the commit": "AFTER UPDATE ON ledger_segment DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW WHEN (NEW.pruned IS NOT NULL)",
    "before the last checkpoint": "BEFORE INSERT ON ledger_checkpoint",
}
"""When the server ends the connection of the one who prunes, as a trigger says it."""


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("here", ["postgresql"], indirect=True)
def test_a_connection_that_ends_while_a_segment_goes(
    old: Place, moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outside(
        old,
        "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'",
    )
    kind = "CONSTRAINT TRIGGER" if "DEFERRABLE" in MOMENTS[moment] else "TRIGGER"
    outside(old, f"CREATE {kind} leaves {MOMENTS[moment]} EXECUTE FUNCTION leave()")
    status, said = pruned_by_command(old, capsys)
    assert (status, said["error"]["code"]) == (2, "store_unavailable")
    marker, entries = held(old, oldest(old))
    gone = moment == "before the last checkpoint"
    assert (marker is not None, entries) == ((True, 0) if gone else (False, 20))
    assert whole(old).writers[0].pruned == ([oldest(old)] if gone else [])
    outside(old, "DROP FUNCTION leave() CASCADE")
    assert pruned_by_command(old, capsys)[0] == 0
    assert whole(old).writers[0].pruned == [oldest(old)]
    assert held(old, oldest(old))[1] == 0


@pytest.mark.parametrize(
    "left", [("pruned.new",), ("log", "state", "checkpoints"), ("state", "checkpoints"), ("state",)]
)
@pytest.mark.parametrize("here", ["sqlite"], indirect=True)
def test_a_crash_while_the_files_of_a_segment_go(
    old: Place, left: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The marker is durable before the first file goes, in the order of `put_marker`."""
    folder = next((old.data / "ledger").iterdir())
    segment = oldest(old)
    files = {suffix: folder / f"{segment}.{suffix}" for suffix in ("log", "state", "checkpoints", "pruned")}
    before = {suffix: path.read_bytes() for suffix, path in files.items() if path.exists()}
    assert pruned_by_command(old, capsys)[0] == 0
    if left == ("pruned.new",):  # not even the marker had its name
        files["pruned"].rename(folder / f"{segment}.pruned.new")
        left = ("log", "state", "checkpoints")
    for suffix in left:
        files[suffix].write_bytes(before[suffix])
    whole(old)
    assert pruned_by_command(old, capsys)[0] == 0
    assert whole(old).writers[0].pruned == [segment]
    assert held(old, segment)[1] == 0


def test_production_keeps_what_the_law_asks_for(old: Place, capsys: pytest.CaptureFixture[str]) -> None:
    text = (old.data / "guiju.toml").read_text("utf-8") if (old.data / "guiju.toml").exists() else ""
    (old.data / "guiju.toml").write_text('mode = "production"\n' + text, "utf-8")
    assert pruned_by_command(old, capsys)[1]["days"] == retention.evidence_days() == 183
    assert held(old, oldest(old))[1] == 20
