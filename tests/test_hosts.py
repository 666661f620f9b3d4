# SPDX-License-Identifier: Apache-2.0
"""Two hosts of two workers with doors and one with pages, over one PostgreSQL: what is done on one holds on all, what one
must do is done once, and keys are rotated and the store backed up while people ask (DESIGN §11; robustness K1, B1)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from conftest import KEY, Answered
from guiju.adapters.scripted import ScriptedModel
from guiju.records import backup
from guiju.records.db import Store
from hosts_kit import Host, Load, hosts, until, writer
from places import place

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(1500)]
DOORS = ("--only", "gateway", "--workers", "2")
ASKED = {"model": "scripted", "messages": [{"role": "user", "content": "[[say:好]]"}]}


class Cluster:
    """The hosts, and their database."""

    def __init__(self, made: list[Host], store: str) -> None:
        self.doors, self.pages, self.store = made[:2], made[2], store

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows of the database, asked from outside."""
        with psycopg.connect(self.store, autocommit=True) as server:
            return list(server.execute(query.encode()))

    @property
    def writers(self) -> list[str]:
        """The names of all ledgers."""
        return [str(row[0]) for row in self.rows("SELECT DISTINCT writer FROM ledger_segment")]

    def many(self, count: int = 24, text: str = "[[say:好]]", key: str = KEY) -> list[Answered]:
        """Requests side by side to both hosts, so that each of the four workers gets some."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda turn: self.doors[turn % 2].chat(text, key), range(count)))

    def known(self, status: int, text: str = "[[say:好]]", key: str = KEY) -> float:
        """How long it takes until all four workers answer alike."""

        def all_of_them() -> bool:
            answers = self.many(32, text, key)
            return {one.status for one in answers} == {status}

        return until(all_of_them)

    @property
    def targets(self) -> list[tuple[str, int]]:
        return [(one.net.address, one.port) for one in self.doors]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Five processes that serve, started one after the other."""
    folder = tmp_path_factory.mktemp("hosts")
    with place("postgresql", folder) as here, ScriptedModel() as model:
        port = int(model.url.rpartition(":")[2].partition("/")[0])
        with hosts(folder, here.url, port, (DOORS, DOORS, ("--only", "pages"))) as made:
            made[0].guiju("lexicon", "apply", "words.csv", "--name", "main")
            for one in made:
                one.start()
            until(lambda: all(one.ready() for one in made))
            for one in made[:2]:
                until(lambda one=one: len(list(one.data.glob("worker-*.ready"))) == 2)  # type: ignore[misc] # bound now
            yield Cluster(made, here.url)


def test_each_part_serves_its_own_and_says_where_the_rest_is(cluster: Cluster) -> None:
    for one in cluster.doors:
        assert one.chat().status == 200
        for path in ("/complain", "/console", "/verify", "/status"):
            answer = one.ask("GET", path)
            assert (answer.status, answer.json["error"]["code"]) == (404, "served_elsewhere")
            assert "--only pages" in answer.json["error"]["message"]
    for method, path in (("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/openapi.json")):
        answer = cluster.pages.ask(method, path, {} if method == "POST" else None)
        assert (answer.status, answer.json["error"]["code"]) == (404, "served_elsewhere")
    assert cluster.pages.ask("GET", "/complain").status == 200
    assert cluster.pages.ask("GET", "/status").json["whole"], "it knows of the canaries of the others"
    assert {one.ask("GET", "/healthz").status for one in (*cluster.doors, cluster.pages)} == {200}


def test_keys_and_lists_reach_each_worker_of_each_host(cluster: Cluster) -> None:
    assert len({writer(one, cluster.writers) for one in cluster.many(48)}) == 4, "all four answer"
    made = cluster.pages.guiju("keys", "create", "app")
    took = {"a new key": cluster.known(200, key=made["key"])}
    words = cluster.pages.data.parent / "more.csv"
    words.write_text("term,category,severity\n规矩新词甲,A.1f,block\n", "utf-8")
    cluster.pages.guiju("lexicon", "apply", "more.csv", "--name", "more")
    took["a list"] = cluster.known(400, "请说规矩新词甲")
    cluster.doors[1].guiju("keys", "revoke", made["id"])
    took["a revoked key"] = cluster.known(401, key=made["key"])
    print({what: f"{seconds:.1f} s" for what, seconds in took.items()})


def test_what_one_must_do_is_done_once(cluster: Cluster) -> None:
    for number in range(6):
        cluster.doors[number % 2].guiju("keys", "create", f"once{number}")
    until(lambda: cluster.rows("SELECT count(*) FROM change WHERE evidence = ''") == [(0,)])
    ids = [str(row[0]) for row in cluster.rows("SELECT id FROM change WHERE kind = 'key'")]
    lines = b"\n".join(bytes(row[0]) for row in cluster.rows("SELECT line FROM ledger_entry"))  # type: ignore[call-overload] # bytes
    assert len(ids) >= 6
    assert {lines.count(f'"id":"{one}"'.encode()) for one in ids} == {1}, "one process wrote the evidence of each"
    names = {str(row[0]) for row in cluster.rows("SELECT name FROM version WHERE name LIKE 'lease:%' AND number > 0")}
    assert names == {"lease:house", "lease:doors", "lease:pages"}


def test_a_decision_of_one_host_is_found_on_another(cluster: Cluster) -> None:
    answer = cluster.doors[0].chat()
    found = cluster.pages.guiju("evidence", "trace", answer.headers["x-guiju-decision-id"])
    assert (found["result"], found["writer"]) == ("found", writer(answer, cluster.writers))


def test_keys_are_rotated_while_people_ask(cluster: Cluster) -> None:
    key = cluster.pages.guiju("keys", "create", "load", "--rpm", "1000000")["key"]
    cluster.known(200, key=key)
    before = cluster.pages.guiju("evidence", "verify")
    with Load(cluster.targets, 4, key, ASKED) as load:
        load.more(20)
        for turn in range(3):
            for what in ("signing", "pepper", "vault"):
                cluster.doors[turn % 2].guiju("keys", "rotate", what)
                load.more(20)
        left = json.dumps(cluster.pages.guiju("keys", "rotate", "pepper", "--finish")["revoked"])
        load.more(40)
    assert load.wrong == [], load.wrong[:3]
    assert key not in left
    assert {one.status for one in cluster.many(16, key=key)} == {200}
    report = cluster.pages.guiju("evidence", "verify")
    assert report["whole"], report["first"]
    assert len(report["keys"]) == len(before["keys"]) + 3
    print(f"{load.answered} requests over 9 rotations, 0 failed")


def test_a_backup_while_people_ask_restores_whole(cluster: Cluster, tmp_path: Path) -> None:
    with Load(cluster.targets, 4, KEY, ASKED) as load:
        load.more(20)
        held = {str(row[0]) for row in cluster.rows("SELECT id FROM change")}
        made = cluster.doors[0].guiju("store", "backup", "--keep", "2")
        load.more(20)
    assert load.wrong == []
    file = cluster.doors[0].data.parent / made["file"]
    manifest = backup.verify(file)
    backup.restore("sqlite", tmp_path / "scratch", file, 1_795_000_000)
    with closing(sqlite3.connect(tmp_path / "scratch" / "guiju.db")) as restored:
        assert held <= {row[0] for row in restored.execute("SELECT id FROM change")}
    with closing(Store.open("sqlite", tmp_path / "scratch")) as store:
        again = backup.backup("sqlite", tmp_path / "scratch", tmp_path / "again.db", 1_795_000_001)
        assert store.versions()
    more = {"change", "version"}  # the restore itself is entered
    assert {k: v for k, v in again.counts.items() if k not in more} == {
        k: v for k, v in manifest.counts.items() if k not in more
    }
    assert cluster.pages.guiju("evidence", "verify")["whole"]


def test_another_host_leads_when_the_one_that_led_is_gone(cluster: Cluster) -> None:
    """The last test: it stops a host."""

    def number() -> int:
        return int(str(cluster.rows("SELECT number FROM version WHERE name = 'lease:doors'")[0][0]))

    one, other = cluster.doors
    one.stop()
    stood = number()
    until(lambda: number() > abs(stood) + 1)
    cluster.pages.guiju("keys", "create", "after")
    until(lambda: cluster.rows("SELECT count(*) FROM change WHERE evidence = ''") == [(0,)])
    assert other.chat().status == 200
