# SPDX-License-Identifier: Apache-2.0
"""How old the newest proof of each control is, from files and from PostgreSQL: what the duty board is told (DESIGN §2)."""

from __future__ import annotations

import json
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from conftest import Start, free_port
from evidence_kit import START, Clock, address, exchange, scribe, settings_for, unheard
from guiju.cli import check, doctor
from guiju.cli.main import main
from guiju.config import EvidenceSettings
from guiju.controls.drills import LATER, READ_BACK, TOLD
from guiju.controls.evaluation import LATER as UNASKED
from guiju.controls.matters import ALL as MATTERS
from guiju.errors import OutsideError
from guiju.records.chain_file import FileChain
from guiju.records.export import export
from guiju.records.proofs import ages
from guiju.records.scribe import Scribe, encode
from guiju.records.secrets import Secrets
from guiju.records.sources import ExportSource, source_of
from places import BOTH, SERVER, Place, place
from test_server import until

GUIJU = Path(sys.executable).with_name("guiju")
MARK = b'"kind":"proof"'
NEXT_MONTH = 1_796_083_200_000
"""2026-12-01 00:00 UTC."""


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for ledgers of either kind."""
    with place(request.param, tmp_path / "data") as made:
        yield made


def writer(here: Place, clock: Clock) -> Scribe:
    """An open scribe on the first free writer, with the keys of the installation."""
    return scribe(address(here), clock, Secrets.open(here.data / "keys").signing)


def proof(t: int, *controls: str, passed: bool = True) -> tuple[int, bytes, bytes]:
    return t, b"proof", encode({"controls": controls, "passed": passed})


def test_the_newest_proof_of_each_control_counts_over_writers_and_months(here: Place) -> None:
    assert ages(address(here), {"a"}, START) == {}, "nobody began a ledger"
    clock = Clock(NEXT_MONTH - 60_000)
    one, two = writer(here, clock), writer(here, clock)
    assert ages(address(here), {"a"}, START) == {}, "nothing was proved"
    one.write([proof(clock.t, "a", "b", "c"), *exchange(1, clock.t)], unheard)
    two.write([proof(clock.t + 1000, "a"), proof(clock.t + 2000, "b", passed=False)], unheard)
    assert ages(address(here), {"a", "b", "c", "d"}, clock.t + 3000) == {"a": 2.0, "c": 3.0}
    # The first entry of the new month turns the page; what the old one proved still counts.
    one.write(exchange(2, NEXT_MONTH + 5000), unheard)
    assert ages(address(here), {"a", "b", "c"}, NEXT_MONTH)["c"] == 60.0
    one.write([proof(NEXT_MONTH + 6000, "b", "c")], unheard)
    assert ages(address(here), {"a", "b", "c"}, NEXT_MONTH + 7000) == {"a": 66.0, "b": 1.0, "c": 1.0}
    assert ages(address(here), {"b"}, NEXT_MONTH)["b"] == 0.0, "a clock that is behind makes nothing younger than now"
    one.chain.close()
    two.chain.close()


def test_entries_that_only_look_like_proofs_and_unfinished_ones_do_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "w-000000-0"
    folder.mkdir()
    good = b'{"v":1,"seq":1,"prev":"0","t":1000,"kind":"proof","body":{"controls":["a"],"passed":true}}\n'
    lines = [
        good,
        b'{"v":1,"seq":2,"prev":"0","t":2000,"kind":"opened","body":{"controls":["a"],"x":{"kind":"proof"}}}\n',
        b'{"v":1,"seq":3,"prev":"0","t":3000,"kind":"proof","body":{"controls":"a"}}\n',
        b'{"v":1,"seq":4,"prev":"0","t":4000,"kind":"proof","body":{"controls":["a"],"passed":true}',
    ]
    (folder / "202611.log").write_bytes(b"".join(lines))
    assert ages(str(tmp_path), {"a"}, 5000) == {"a": 4.0}


def test_reading_backwards_finds_what_reading_forwards_finds(tmp_path: Path) -> None:
    """Lines that lie across the blocks in which a file is read, and the same lines within an export."""
    chance = random.Random(7)
    clock = Clock()
    one = Scribe(FileChain.take(tmp_path / "ledger"), Secrets.open(tmp_path / "keys").signing, clock)
    for number in range(60):
        body = {"controls": ["x" * chance.choice((3, 500, 90_000, 300_000))], "passed": True}
        one.write([(clock.t + number, chance.choice((b"proof", b"opened")), encode(body))], unheard)
    one.checkpoint()
    with (tmp_path / "ledger" / one.chain.writer / "202611.log").open("ab") as log:
        log.write(b'{"kind":"proof"')
    source = source_of(str(tmp_path / "ledger"))
    place = (one.chain.writer, "202611")
    forwards = [line for line in source.lines(*place) if MARK in line and line.endswith(b"\n")]
    assert 20 < len(forwards) < 50
    assert list(source.newest(*place, MARK)) == forwards[::-1]
    assert list(source.newest(place[0], "202610", MARK)) == []
    export(source, tmp_path / "export", [], None, clock.t)
    assert list(ExportSource(tmp_path / "export").newest(*place, MARK)) == forwards[::-1]
    one.chain.close()


@pytest.fixture
def guiju(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run one command in this process: exit status, and what was printed."""
    monkeypatch.setenv("GUIJU_LANG", "en")

    def run(*words: str) -> tuple[int, str]:
        try:
            status = main(words)
        except SystemExit as left:
            status = int(left.code or 0)
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


@pytest.mark.slow
def test_a_store_that_is_away_is_said_and_not_taken_for_no_evidence(
    guiju: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/test"
    settings_for(Place(url, tmp_path))
    Secrets.open(tmp_path / "keys")
    for noun in (("check",), ("evidence", "verify"), ("keys", "list")):
        status, text = guiju(*noun, "--data", str(tmp_path), "--json")
        assert (status, json.loads(text)["error"]["code"]) == (2, "store_unavailable"), noun
    assert guiju("check", "--data", str(tmp_path))[1].startswith("The store is unavailable.\n")
    row = {row.id: row for row in doctor.examine(tmp_path, tmp_path / "guiju.toml")}["ledger"]
    assert (row.state, row.found) == ("red", "The store is unavailable.")
    (tmp_path / "guiju.toml").write_text('[evidence]\nledger = "store"\n')
    status, text = guiju("check", "--data", str(tmp_path), "--json")
    assert (status, json.loads(text)["error"]["code"]) == (2, "config_invalid"), "SQLite keeps no ledger"


def test_the_settings_are_found_where_serve_finds_them(
    guiju: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`guiju init` writes guiju.toml into the folder in which `guiju serve` is started, not into the data directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guiju.toml").write_text('profile = "draft-2023"\n')
    assert json.loads(guiju("check", "--json")[1])["profile"] == "draft-2023"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "guiju.toml").write_text('profile = "interim-2023"\n')
    assert json.loads(guiju("check", "--json")[1])["profile"] == "interim-2023"


@pytest.mark.postgres
@pytest.mark.slow
def test_the_board_of_a_gateway_whose_ledger_is_in_the_store(
    start: Start, guiju: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    with place("postgresql", tmp_path / "pg") as here:
        evidence = EvidenceSettings(ledger="store")
        gateway = start(data=here.data, overlay=(("store.url", here.url), ("evidence", evidence)))
        settings_for(here)
        unproved = {*LATER, *READ_BACK, *UNASKED, TOLD, *(one.id for one in MATTERS)}
        ids = set(gateway.house.live.policy.controls.ids) - unproved

        def proved() -> dict[str, float | None]:
            found = check.gathered(here.data).ages
            return found if set(found) == ids else {}

        found = until(proved)
        assert all(0 <= age < 60 for age in found.values() if age is not None)
        where = ("--data", str(here.data), "--json")
        board = json.loads(guiju("check", *where)[1])
        assert {
            row["evidence_age_s"] is None
            for row in board["duties"]
            if row["control"] and row["control"] not in unproved
        } == {False}
        report = json.loads(guiju("evidence", "verify", *where)[1])
        assert report["whole"]
        assert report["writers"][0]["kinds"]["proof"] >= 1
        copy = str(tmp_path / "export")
        assert json.loads(guiju("evidence", "export", copy, *where)[1])["entries"] >= report["writers"][0]["entries"]
        assert json.loads(guiju("evidence", "verify", copy, *where)[1])["whole"]
        rows = {row.id: row for row in doctor.examine(here.data, here.data / "guiju.toml")}
        assert rows["ledger"].state == "green"
        assert re.fullmatch(r"\d+ entries, whole", rows["ledger"].found)


@pytest.mark.slow
def test_doctor_looks_where_the_ledger_is(here: Place) -> None:
    def rows() -> dict[str, doctor.Row]:
        return {row.id: row for row in doctor.examine(here.data, None)}

    settings_for(here)
    assert (rows()["clock"].state, rows()["ledger"].found) == ("green", "not made yet")
    clock = Clock(time.time_ns() // 1_000_000)
    one = writer(here, clock)
    one.write(exchange(1, clock.t), unheard)
    assert {rows()[id].state for id in ("clock", "ledger", "sync")} == {"green"}
    one.write(exchange(2, clock.t + 3_600_000), unheard)
    one.chain.close()
    assert (rows()["clock"].state, rows()["ledger"].state) == ("red", "green")
    assert ("server is not seen" in rows()["disk"].found) == (here.url != "sqlite")


@pytest.mark.postgres
@pytest.mark.slow
def test_doctor_says_which_table_a_plain_user_may_not_write(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as here:
        one = writer(here, Clock())
        one.write(exchange(1, START), unheard)
        one.chain.close()
        schema = here.url.rpartition("%3D")[2]
        user = f"{schema}_user"
        plain = Place(here.url.replace("postgres@", f"{user}@"), tmp_path)
        settings_for(plain)
        seen = []
        with psycopg.connect(here.url, autocommit=True) as server:
            server.execute(f"CREATE ROLE {user} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {user}".encode())
            try:
                for grant in (
                    f"SELECT ON ALL TABLES IN SCHEMA {schema}",
                    f"CREATE ON SCHEMA {schema}",
                    "INSERT, DELETE ON ledger_checkpoint, ledger_segment",
                    "INSERT, DELETE ON ledger_entry",
                    "UPDATE ON ledger_segment",
                ):
                    server.execute(f"GRANT {grant} TO {user}".encode())
                    rows = {row.id: row for row in doctor.examine(tmp_path, None)}
                    assert rows["sync"].state == "green"
                    seen.append(rows["ledger"].found)
            finally:
                server.execute(f"DROP OWNED BY {user}; DROP ROLE {user}".encode())
        missing = (f"SCHEMA {schema}", "ledger_checkpoint", "ledger_entry", "ledger_segment")
        assert seen == [*(f"{what} can't be written" for what in missing), "3 entries, whole"]


@pytest.mark.postgres
@pytest.mark.slow
def test_a_database_that_goes_away_while_it_is_read_is_said(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as here:
        one = writer(here, Clock())
        one.write(exchange(1, START), unheard)
        one.chain.close()
        source = source_of(f"{here.url}&application_name={tmp_path.name}")
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (tmp_path.name,)
            )
        with pytest.raises(OutsideError, match="store_unavailable"):
            source.writers()
        source.close()


@pytest.mark.slow
def test_the_board_stays_quick_beside_a_long_ledger(here: Place) -> None:
    """200,000 entries, the newest proof a tenth from the end: at most twice the CPU time that a ledger of two takes."""
    settings_for(here)
    clock = Clock(time.time_ns() // 1_000_000 - 100_000)
    one = writer(here, clock)
    names = sorted({control.id for control in check.gathered(here.data).controls})
    one.write([*exchange(0, clock.t), proof(clock.t, *names)], unheard)
    short = checked(here)[1]
    for batch in range(100):
        entries = [entry for number in range(1000) for entry in exchange(batch * 1000 + number, clock.t)]
        one.write([*entries, proof(clock.t, *names)] if batch in (0, 90) else entries, unheard)
        clock.t += 1000
    one.chain.close()
    told, spent = checked(here)
    found = {row["evidence_age_s"] for row in told["duties"] if row["control"]}
    assert len(found) == 1
    assert 9 < found.pop() < 60
    assert spent < 2 * short, (spent, short)


def checked(here: Place) -> tuple[Any, float]:
    """What `guiju check` says, and its CPU time in seconds; the less of two runs."""
    spent = []
    for _ in range(2):
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(
            [str(GUIJU), "check", "--data", str(here.data), "--json"], capture_output=True, text=True, check=True
        )
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime)
    return json.loads(ran.stdout), min(spent)


@pytest.mark.slow
def test_a_long_ledger_is_not_read_to_its_beginning(tmp_path: Path) -> None:
    clock = Clock()
    one = Scribe(FileChain.take(tmp_path), Secrets.open(tmp_path / "keys").signing, clock)
    one.write([proof(clock.t, "a"), *(e for n in range(50_000) for e in exchange(n, clock.t))], unheard)
    one.write([proof(clock.t, "a"), *exchange(1, clock.t)], unheard)
    one.chain.close()
    size = source_of(str(tmp_path)).size()

    def read() -> int:
        return int(re.search(r"rchar: (\d+)", Path("/proc/self/io").read_text())[1])

    before = read()
    assert ages(str(tmp_path), {"a"}, clock.t) == {"a": 0.0}
    assert read() - before < size / 5
