# SPDX-License-Identifier: Apache-2.0
"""`guiju lexicon lint`, how a list lands, and what is counted of its entries (Articles 4 and 15; bounds)."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from conftest import Start
from guiju.detect import benign
from guiju.detect.lexicon import Entry, stable_id
from guiju.errors import ConfigError
from guiju.law import explained
from guiju.records import hits, lexicons
from guiju.records.changes import Terms
from guiju.records.db import Store
from guiju.records.hits import Hits
from guiju.records.schema import entry_hit
from guiju.terms import Finding
from places import BOTH, Place, place
from test_keys_cli import Run, document, guiju

__all__ = ["guiju"]
NOW, DAY = 1_795_000_000, 86_400
HEAD = "term,category,severity,context\n"


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def found(rule: str, detector: str = "words") -> Finding:
    return Finding(detector, "own", "signal", rule, "t", 0, 1, "raw")


def test_entries_are_counted_once_an_exchange_by_id_and_day(store: Store) -> None:
    ours, theirs = Hits(), Hits()
    ours.take([found("a"), found("a"), found("b"), found("m", "model"), found("")], NOW)
    ours.take([], NOW)
    theirs.take([found("a")], NOW + DAY)
    for one in (ours, theirs, ours):
        asyncio.run(one.settle(store, NOW + DAY))
    seen = hits.seen(store, NOW + DAY)
    assert (seen.days, seen.exchanges, seen.hits) == (2, 3, {"a": 2, "b": 1})
    assert hits.seen(store, NOW + 30 * DAY).hits == {"a": 1}, "the first day is 31 days ago"
    late = Hits()
    late.take([], NOW + 40 * DAY)
    asyncio.run(late.settle(store, NOW + 40 * DAY))
    with store.read() as connection:
        assert len(connection.execute(select(entry_hit)).all()) == 1, "old days are forgotten"
    assert {column.name for column in entry_hit.columns} == {"day", "entry_id", "hits"}


def test_context_comes_back_from_the_store_and_less_of_it_is_weaker(store: Store) -> None:
    terms = Terms(weakens=False, by="王五", now=NOW, delay=DAY)
    plain, narrow = Entry("i", "矩木", "own", "block"), Entry("i", "矩木", "own", "block", context=("加微", "订价"))
    lexicons.apply(store, "main", [narrow], terms)
    assert lexicons.current(store)[1] == [narrow]
    done = lexicons.apply(store, "main", [plain], terms)
    assert (done.difference.stronger, done.pending) == (1, 0)
    done = lexicons.apply(store, "main", [narrow], terms)
    assert (done.difference.weaker, done.pending) == (1, 3), "a context narrows, so it waits"
    assert lexicons.digest([plain]) != lexicons.digest([narrow])


def test_the_gateway_counts_what_matched(start: Start) -> None:
    gateway = start(lexicon="term,category,severity,id\n规矩金丝雀,own,block,e1\n花朵,own,signal,e2\n")
    assert gateway.chat("规矩金丝雀").status == 400
    assert gateway.chat("花朵，规矩").status == 200
    house = gateway.house
    now = house.live.clock()
    asyncio.run_coroutine_threadsafe(house.live.hits.settle(house.store, now), gateway.loop).result(5)
    seen = hits.seen(house.store, now)
    assert (seen.exchanges, seen.hits) == (2, {"e1": 1, "e2": 1})


def test_lint_sets_a_list_beside_the_standard_and_beside_benign_text(guiju: Run, tmp_path: Path) -> None:
    file = tmp_path / "words.csv"
    file.write_text(f"{HEAD}什么,A.1f,block,\n规矩试词,A.1f,block,\n規矩試詞,A.1f,signal,\n", "utf-8")
    status, text = guiju("lexicon", "lint", str(file), "--json")
    told = json.loads(text)
    rows = {row["category"]: row for row in told["rows"]}
    assert status == 1
    assert rows["A.1f"]["entries"] == 2, "a variant is no entry"
    assert (rows["A.1f"]["should"], rows["A.1f"]["state"]) == (200, "short")
    assert rows["A.2e"]["should"] == 100
    hit = sum("什么" in line for line in benign.pool())
    assert rows["A.1f"]["blocked"] == pytest.approx(10_000 * hit / len(benign.pool()), abs=0.1)
    assert told["hits"][0] == {"id": stable_id("什么", "A.1f"), "lines": hit}
    assert rows["A.1f"]["unmatched"] is None, "nothing was counted"
    more = tmp_path / "benign.txt"
    more.write_text("# 注\n规矩试词是一个词\n", "utf-8")
    told = json.loads(guiju("lexicon", "lint", str(file), "--benign", str(more), "--json")[1])
    assert told["benign"]["lines"] == len(benign.pool()) + 1
    assert len(told["hits"]) == 2
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_a_short_list_may_be_explained_by_somebody(guiju: Run, tmp_path: Path) -> None:
    file = tmp_path / "words.csv"
    file.write_text(f"{HEAD}规矩试词,own,block,\n", "utf-8")
    assert guiju("lexicon", "lint", str(file), "--explain")[0] == 1, "a draft that nobody signed explains nothing"
    path = tmp_path / "data" / "explained.toml"
    drafts = tomllib.loads(path.read_text("utf-8"))
    assert len(drafts) == 18, "17 risks and the whole"
    signed = path.read_text("utf-8").replace('person = ""', 'person = "王五"')
    path.write_text(signed, "utf-8")
    status, text = guiju("lexicon", "lint", str(file), "--explain", "--json")
    assert status == 0
    assert {row["state"] for row in json.loads(text)["rows"]} == {"ok", "explained"}
    assert path.read_text("utf-8") == signed, "what stands there is not written over"
    path.write_text("[x]\nwhy = 1\n", "utf-8")
    assert guiju("lexicon", "lint", str(file))[0] == 2
    with pytest.raises(ConfigError):
        explained.parse("[")


@pytest.mark.slow
def test_what_is_in_force_is_looked_over_packs_too(guiju: Run, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text(f"{HEAD}规矩试词,own.test,block,\n", "utf-8")
    document(guiju("lexicon", "apply", str(tmp_path / "words.csv"), "--json"))
    told = json.loads(guiju("lexicon", "lint", "--json")[1])
    categories = {row["category"] for row in told["rows"]}
    assert {"own.test", "malware", "A.1h"} <= categories
    only = json.loads(guiju("lexicon", "lint", "--name", "main", "--json")[1])
    assert only["rows"][-1]["entries"] == 1
    pack = json.loads(guiju("lexicon", "lint", "--name", "packs/spam", "--json")[1])
    assert pack["benign"]["blocked"] == 0
    assert guiju("lexicon", "lint", "--name", "nothing")[0] == 2
    assert guiju("lexicon", "show", "packs/fraud")[0] == 0
    assert guiju("lexicon", "show", "packs/nothing")[0] == 2


@pytest.mark.slow
def test_a_list_that_overblocks_lands_as_signal_and_shows_what_it_would_block(guiju: Run, tmp_path: Path) -> None:
    file = tmp_path / "words.csv"
    file.write_text(f"{HEAD}什么,own,block,\n规矩试词,own,block,\n", "utf-8")
    wild, tame = stable_id("什么", "own"), stable_id("规矩试词", "own")
    dry = document(guiju("lexicon", "apply", str(file), "--dry-run", "--json"))
    assert dry["landing"]["as_signal"] == 2
    done = document(guiju("lexicon", "apply", str(file), "--json"))
    assert list(done["landing"]["hits"]) == [wild]
    shown = json.loads(guiju("lexicon", "show", "main", "--json")[1])
    assert {one["severity"] for one in shown} == {"signal"}
    status, text = guiju("lexicon", "apply", str(file), "--confirm", tame)
    assert status == 0
    assert "1 entries land as signal" in text
    shown = {one["id"]: one["severity"] for one in json.loads(guiju("lexicon", "show", "main", "--json")[1])}
    assert shown == {wild: "signal", tame: "block"}
    document(guiju("lexicon", "apply", str(file), "--json"))
    shown = {one["id"]: one["severity"] for one in json.loads(guiju("lexicon", "show", "main", "--json")[1])}
    assert shown == {wild: "signal", tame: "block"}, "what was confirmed stays confirmed"
    assert guiju("lexicon", "apply", str(file), "--confirm", "w-nothing")[0] == 2
