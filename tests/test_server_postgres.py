# SPDX-License-Identifier: Apache-2.0
"""The whole gateway on PostgreSQL: store, keys, lists and the ledger in one database, files or chain by choice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CANARIES, Start
from guiju.config import EvidenceSettings
from guiju.detect import lexicon
from guiju.records import accounts, lexicons
from guiju.records.sources import source_of
from guiju.records.verify import verify
from places import Place, place
from test_server import NOW, until

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Place]:
    """A schema of its own."""
    with place("postgresql", tmp_path / "pg") as one:
        yield one


@pytest.mark.slow
def test_one_request_through_all_of_it(start: Start, database: Place) -> None:
    evidence = EvidenceSettings(ledger="store")
    gateway = start(lexicon="", data=database.data, overlay=(("store.url", database.url), ("evidence", evidence)))
    house = gateway.house
    lexicons.apply(house.store, "main", lexicon.read(CANARIES.encode(), "main.csv"), NOW)
    account = accounts.create_account(house.store, "shop", int(time.time()))
    secret, _ = accounts.create_key(
        house.store, house.secrets, accounts.KeyRecord(id="", account=account.id, prefix="", name="a")
    )
    answer = until(lambda: (a := gateway.chat("[[say:好]]", key=secret)).status == 200 and a)
    assert answer.json["choices"][0]["message"]["content"] == "好"
    assert gateway.chat("规矩金丝雀", key=secret).status == 400
    with house.store.read() as connection:
        lines = [bytes(row[0]) for row in connection.exec_driver_sql("select line from ledger_entry order by seq")]
    decision = answer.headers["x-guiju-decision-id"].encode()
    assert sum(decision in line for line in lines) == 2
    source = source_of(database.url)
    try:
        report = verify(source, [house.secrets.signing.public_key().public_bytes_raw()])
    finally:
        source.close()
    assert report.whole, report.first
