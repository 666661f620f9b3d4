# SPDX-License-Identifier: Apache-2.0
"""The ledger in PostgreSQL keeps the same promises as the one in files (DESIGN §7, §11; robustness F2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

import places
from evidence_kit import DAY, PUBLIC, SIGNING, Clock, exchange, fill, scribe, unheard
from guiju.errors import ConfigError, OutsideError
from guiju.records.chain_sql import SqlChain
from guiju.records.export import export
from guiju.records.ledger import Ledger
from guiju.records.prune import due
from guiju.records.scribe import Entry, Scribe
from guiju.records.source_sql import SqlSource
from guiju.records.sources import ExportSource, source_of
from guiju.records.verify import Report, verify
from guiju.records.writers import put_marker

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
SERVER = "postgresql://postgres@127.0.0.1:5432/"


@pytest.fixture
def url() -> Iterator[str]:
    """A database of this test's own."""
    with places.database() as address:
        yield address


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    """Do something to the database from outside."""
    with psycopg.connect(url, autocommit=True) as outside:
        cursor = outside.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


def examine(url: str, outside: list[bytes] | None = None) -> Report:
    """Verify the database with the test key."""
    source = SqlSource(url)
    try:
        return verify(source, [PUBLIC], outside or [])
    finally:
        source.close()


def test_months_restarts_and_exports(url: str, tmp_path: Path) -> None:
    clock = Clock()
    one, other = scribe(url, clock), scribe(url, clock)
    assert one.chain.writer != other.chain.writer
    fill(one, 5, clock)
    fill(other, 2, clock)
    clock.t += 31 * DAY
    fill(one, 3, clock)
    one.checkpoint()
    fill(one, 1, clock)
    one.chain.close()
    one = scribe(url, clock)
    assert one.chain.writer < other.chain.writer
    fill(one, 2, clock)
    one.checkpoint()
    report = examine(url)
    assert report.whole, report.first
    assert [writer.entries for writer in report.writers] == [25, 5]
    source = source_of(url)
    export(source, tmp_path / "export", [PUBLIC], SIGNING, clock.t)
    assert verify(ExportSource(tmp_path / "export"), [PUBLIC]).whole
    clock.t += 184 * DAY
    [marker] = due(source, [PUBLIC], 183, clock.t)
    ask(url, "DELETE FROM ledger_segment WHERE segment = '202611'")  # whoever lost that row loses no marker by it
    put_marker(url, marker)
    assert examine(url).writers[0].pruned == ["202611"]
    fill(one, 1, clock)
    one.chain.close()
    one = scribe(url, clock)
    fill(one, 1, clock)
    for open_place in (one.chain, other.chain, source):
        open_place.close()
    assert examine(url).whole


def test_what_is_done_to_rows_is_named(url: str) -> None:
    clock = Clock()
    one = scribe(url, clock)
    fill(one, 10, clock)
    one.checkpoint()
    one.chain.close()
    outside = [
        bytes(str(row[0]), "ascii") for row in ask(url, "SELECT convert_from(line, 'UTF8') FROM ledger_checkpoint")
    ]
    assert examine(url, outside).writers[0].outside == 1
    ask(url, "CREATE TABLE kept AS SELECT * FROM ledger_entry")
    for question, what, seq in (
        ("DELETE FROM ledger_entry WHERE seq = 4", "misplaced", 4),
        ("DELETE FROM ledger_entry WHERE seq > 17", "truncated", 18),
        ("UPDATE ledger_entry SET line = set_byte(line, 120, 90) WHERE seq = 6", "changed", 6),
        ("UPDATE ledger_entry SET line = line || '\\x20' WHERE seq = 6", "changed", 6),
        ("UPDATE ledger_entry SET seq = CASE seq WHEN 7 THEN 800 ELSE seq END", "misplaced", 7),
    ):
        ask(url, question)
        first = examine(url, outside).first
        assert first is not None, question
        assert (first.what, first.seq) == (what, seq), question
        ask(url, "TRUNCATE ledger_entry; INSERT INTO ledger_entry SELECT * FROM kept")
    assert examine(url, outside).whole
    ask(url, "UPDATE ledger_entry SET line = line || '\\x20' WHERE seq = 20")
    chain = SqlChain.take(url)
    with pytest.raises(ConfigError, match=r"evidence_broken: .*/202611 #20"):
        Scribe(chain, SIGNING, clock).open()
    chain.close()


def test_it_recovers_alone_when_the_server_cut_the_connection(url: str) -> None:
    async def run() -> None:
        chain = SqlChain.take(url)
        ledger = Ledger(chain, SIGNING)
        ledger.start(asyncio.get_running_loop())
        kept = [await ledger.durable(ledger.append("opened", {"n": 0}))]
        for number in range(1, 4):
            ended = ask(
                url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            assert ended
            with pytest.raises(OutsideError, match="guard_unavailable"):
                await ledger.durable(ledger.append("opened", {"n": -1}))
            since = time.monotonic()
            while ledger.refusing:  # noqa: ASYNC110  # it has no event: callers are refused, not kept waiting
                await asyncio.sleep(0.02)
            assert time.monotonic() - since < 10
            kept.append(await ledger.durable(ledger.append("opened", {"n": number})))
        await ledger.close()
        rows = {
            (row[0], row[1]): msgspec.json.decode(bytes(str(row[2]), "utf-8"), type=Entry)
            for row in ask(url, "SELECT segment, seq, convert_from(line, 'UTF8') FROM ledger_entry")
        }
        for number, receipt in enumerate(kept):
            assert rows[receipt.segment, receipt.seq].body == {"n": number}
        assert sum(entry.kind == "opened" for entry in rows.values()) == len(kept)
        assert sum(entry.body["failed"] for entry in rows.values() if entry.kind == "resumed") == 3

    asyncio.run(run())
    assert examine(url).whole


def test_a_commit_that_nobody_confirmed_is_taken_back_once(url: str) -> None:
    clock = Clock()
    chain = SqlChain.take(url)
    one = Scribe(chain, SIGNING, clock)
    one.write(exchange(1, clock.t), unheard)
    sent: list[bytes] = []
    real = chain.append
    # The batch arrives and is committed, and only then the connection is gone: the writer does not know.
    lines = [b"unconfirmed\n"]
    real("202611", 3, lines)
    chain._doubt = ("202611", 3, lines)
    sent += lines
    chain.rewind()
    assert ask(url, "SELECT count(*) FROM ledger_entry") == [(3,)]
    one.write(exchange(2, clock.t), unheard)
    # Entries of somebody else are never taken back.
    chain._doubt = ("202611", 3, [b"something else\n"])
    with pytest.raises(OSError, match="did not write"):
        chain.rewind()
    assert ask(url, "SELECT count(*) FROM ledger_entry") == [(5,)]
    chain.close()


def test_a_place_without_a_ledger_is_an_error_for_a_person(url: str) -> None:
    for place in (url, "/no/such/place"):
        with pytest.raises(ConfigError, match="not_found"):
            source_of(place)
    with pytest.raises(OutsideError, match="store_unavailable"):
        source_of(SERVER + "no_such_database")
    with pytest.raises(OSError, match="PostgreSQL"):
        SqlChain.take(SERVER + "no_such_database")
