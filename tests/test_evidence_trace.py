# SPDX-License-Identifier: Apache-2.0
"""From a label back to the record; witnesses; the command line (Articles 16 and 17; DESIGN §7)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest

from conftest import Start, free_port
from evidence_kit import (
    PUBLIC,
    SIGNING,
    START,
    Clock,
    address,
    checkpoints,
    exchange,
    fill,
    scribe,
    settings_for,
    unheard,
)
from guiju import config
from guiju.adapters.witness import Witnesses, keep_witnessed, open_witness
from guiju.cli.main import main
from guiju.config import EvidenceSettings
from guiju.errors import ConfigError, OutsideError
from guiju.records import writers
from guiju.records.checkpoints import Checkpoint, genuine, lines_in, read
from guiju.records.export import export
from guiju.records.ids import ExchangeIds
from guiju.records.record import keyed
from guiju.records.scribe import Scribe, encode
from guiju.records.secrets import Secrets
from guiju.records.sources import DirSource, source_of
from guiju.records.trace import trace
from guiju.records.verify import verify
from places import BOTH, SERVER, Place, place

DIGEST = b"d" * 32
READER = "guiju-test-tracing"


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for ledgers of either kind."""
    with place(request.param, tmp_path / "data") as made:
        yield made


def recorded(ledger: str, clock: Clock, ids: dict[int, str], secret: bytes = b"i" * 32) -> Scribe:
    """A ledger with 300 exchanges over two segments; `ids` takes their ids."""
    one = scribe(ledger, clock)
    maker = ExchangeIds(secret, one.chain.writer)
    for number in range(300):
        clock.t += 50
        ids[number] = x = maker.new(clock.t)
        digests = [keyed(DIGEST, f"答案 {number}/{n}".encode()) for n in range(2)]
        closed = {"x": x, "state": "passed", "end": "finished", "output_digest": digests}
        entries = [(clock.t, b"opened", encode({"x": x}))]
        if number != 150:
            entries.append((clock.t + 20, b"closed", encode(closed)))
        one.write(entries, unheard)
        if number == 200:
            one.seal()
    return one


def test_every_id_is_found_again(here: Place) -> None:
    clock, ids, ledger = Clock(), dict[int, str](), address(here)
    recorded(ledger, clock, ids).chain.close()
    reader = ExchangeIds(b"i" * 32, "")
    texts = {0, 149, 151, 200, 201, 299}  # the first and last of each segment, and beside the interrupted one
    for number in ids if here.url == "sqlite" else texts | {150}:
        found = trace(ledger, reader, ids[number])
        assert found.result == ("interrupted" if number == 150 else "found")
        assert [entry.kind for entry in found.entries] == (["opened"] if number == 150 else ["opened", "closed"])
        assert {entry.body["x"] for entry in found.entries} == {ids[number]}
        if number in texts:
            assert trace(ledger, reader, ids[number], f"答案 {number}/1".encode(), DIGEST).choice == 1
            assert trace(ledger, reader, ids[number], f"答案 {number}/0\n".encode(), DIGEST).result == "found"
            assert trace(ledger, reader, ids[number], f"答案 {number}/2".encode(), DIGEST).result == "altered"


def test_an_id_is_found_in_an_export_too(here: Place, tmp_path: Path) -> None:
    clock, ids, out = Clock(), dict[int, str](), tmp_path / "export"
    recorded(address(here), clock, ids).chain.close()
    with closing(source_of(address(here))) as source:
        export(source, out, [PUBLIC], SIGNING, clock.t)
    reader = ExchangeIds(b"i" * 32, "")
    for number in (0, 149, 151, 200, 201, 299):
        assert trace(str(out), reader, ids[number], f"答案 {number}/0".encode(), DIGEST).result == "found"
    assert trace(str(out), reader, ids[150]).result == "interrupted"


def test_an_id_that_is_not_ours_is_not_ours(here: Place, tmp_path: Path) -> None:
    clock, ids, ledger = Clock(), dict[int, str](), address(here)
    reader = ExchangeIds(b"i" * 32, "")
    assert trace(ledger, reader, "2026-11-24").result == "not_ours", "that needs no ledger"
    mine = ExchangeIds(b"i" * 32, "w-000000-0").new(clock.t)
    for nowhere in (ledger, str(tmp_path / "nothing")):
        with pytest.raises(ConfigError, match="not_found"):
            trace(nowhere, reader, mine)
    one = recorded(ledger, clock, ids)
    one.chain.close()
    writer = one.chain.writer
    assert trace(ledger, reader, ExchangeIds(b"x" * 32, writer).new(clock.t)).result == "not_ours"
    assert trace(ledger, reader, ExchangeIds(b"i" * 32, writer).new(clock.t)).result == "unrecorded"
    assert trace(ledger, reader, ExchangeIds(b"i" * 32, "w-elsewhere-0").new(clock.t)).result == "unrecorded"


@pytest.mark.slow
def test_tracing_is_fast_in_a_long_month(here: Place) -> None:
    """A month of 200,000 entries; ten million take a second at most, because what lies outside is stepped over."""
    clock, ids, ledger = Clock(), dict[int, str](), address(here)
    one = scribe(ledger, clock)
    for start in range(0, 100_000, 2_500):
        clock.t += 60_000
        one.write([entry for number in range(start, start + 2_500) for entry in exchange(number, clock.t)], unheard)
    one.chain.close()
    recorded(ledger, clock, ids).chain.close()
    spent = []
    for number in (7, 250, 150):
        before, began = rows_read(here), time.perf_counter()
        where = ledger if here.url == "sqlite" else f"{ledger}&application_name={READER}"
        assert trace(where, ExchangeIds(b"i" * 32, ""), ids[number]).result != "unrecorded"
        spent.append(time.perf_counter() - began)
        assert rows_read(here) - before < 20_000
    print(f"{min(spent) * 1000:.1f} ms")
    assert min(spent) < 0.5


def rows_read(here: Place) -> int:
    """Rows of the ledger that the server has read so far, counted when its last reader has left; 300 bytes are one."""
    if here.url == "sqlite":
        return int(Path("/proc/self/io").read_text().split()[1]) // 300
    schema = here.url.rpartition("%3D")[2]
    with psycopg.connect(SERVER, autocommit=True) as server:
        reading = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s"
        while server.execute(reading, (READER,)).fetchone():
            time.sleep(0.01)
        counts = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_all_tables"
        counts += " WHERE schemaname = %s AND relname = 'ledger_entry'"
        [count] = server.execute(counts.encode(), (schema,)).fetchone() or (0,)
        return int(count)


class Books:
    """A ledger, as far as a witness knows it."""

    def __init__(self, newest: Checkpoint | None = None, full: bool = False) -> None:
        self.newest = newest
        self.full = full
        self.told: list[Mapping[str, object]] = []

    def append(self, kind: str, body: Mapping[str, object]) -> int:
        assert kind == "witness"
        if self.full:
            raise OutsideError("guard_unavailable")
        self.told.append(body)
        return 0


def test_a_file_takes_each_checkpoint_once(tmp_path: Path) -> None:
    books = Books()
    path = tmp_path / "elsewhere" / "witness.log"
    witnesses = Witnesses(books, [open_witness(config.Witness(kind="file", path=str(path)))])
    first, second, third, fourth = checkpoints(tmp_path / "ledger")

    async def run() -> None:
        await witnesses.round()
        books.newest = first
        await witnesses.round()  # its directory is not there: lost
        books.newest = second
        await witnesses.round()
        assert list(witnesses.lost) == [f"file:{path}"]
        path.parent.mkdir()
        await witnesses.round()
        await witnesses.round()
        books.newest = third
        await witnesses.round()
        books.full = True
        path.rename(path.with_suffix(".old"))
        path.mkdir()
        books.newest = fourth
        await witnesses.round()
        assert list(witnesses.lost) == [f"file:{path}"]

    asyncio.run(run())
    kept = path.with_suffix(".old").read_bytes()
    assert lines_in(kept) == [second.line().encode(), third.line().encode()]
    assert [(told["state"], told["name"]) for told in books.told] == [
        ("lost", f"file:{path}"),
        ("back", f"file:{path}"),
    ]
    assert verify(DirSource(tmp_path / "ledger"), [PUBLIC], lines_in(kept)).writers[0].outside == 2


def test_what_a_ledger_says_of_its_witnesses_stands_in_the_report(tmp_path: Path) -> None:
    clock = Clock()
    one = scribe(tmp_path, clock)
    for name, state in (("a", "lost"), ("b", "lost"), ("a", "back")):
        body = {"name": name, "state": state, "since": START}
        one.write([(clock.t, b"witness", encode(body))], unheard)
    one.chain.close()
    report = verify(DirSource(tmp_path), [PUBLIC])
    assert report.whole
    assert report.writers[0].not_witnessed == {"b": START}


def test_syslog_gets_rfc_5424_by_udp_and_by_socket(tmp_path: Path) -> None:
    [*_, newest] = checkpoints(tmp_path / "ledger")
    local = str(tmp_path / "log")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(local)
        udp.settimeout(5)
        unix.settimeout(5)
        settings = [
            config.Witness(kind="syslog", address=f"127.0.0.1:{udp.getsockname()[1]}"),
            config.Witness(kind="syslog", path=local),
        ]
        asyncio.run(Witnesses(Books(newest), [open_witness(row) for row in settings]).round())
        for receiver in (udp, unix):
            message = receiver.recv(4096)
            assert message.startswith(b"<109>1 2026-11-18T")
            assert message.split(b" ", 7)[2:7] == [b"-", b"guiju", b"-", b"checkpoint", b"-"]
            assert lines_in(message + b"\n") == [newest.line().encode()]


def test_an_https_witness_gets_a_signed_note(tmp_path: Path) -> None:
    [*_, newest] = checkpoints(tmp_path / "ledger")
    got: list[bytes] = []
    answers = [503, 302, 200]

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(answers[len(got) - 1])
            self.send_header("location", "http://127.0.0.1:9/")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Takes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/checkpoint"
        books = Books(newest)
        witnesses = Witnesses(books, [open_witness(config.Witness(kind="https", url=url))])

        async def run() -> None:
            for _ in range(4):
                await witnesses.round()

        asyncio.run(run())
        server.shutdown()
        thread.join()
    assert len(got) == 3
    assert [told["state"] for told in books.told] == ["lost", "back"]
    [line] = lines_in(got[-1])
    checkpoint = read(line)
    assert checkpoint == newest
    assert genuine(checkpoint, [PUBLIC])


def test_a_witness_without_an_address_is_an_error_at_start() -> None:
    for row in (
        config.Witness(kind="file"),
        config.Witness(kind="syslog", address="host"),
        config.Witness(kind="https"),
        config.Witness(kind="https", url="http://example.com/"),
        config.Witness(kind="https", url="ftp://127.0.0.1/"),
    ):
        with pytest.raises(ConfigError, match="config_invalid"):
            open_witness(row)


def test_keeping_witnessed_goes_on_until_cancelled(tmp_path: Path) -> None:
    first, *_, last = checkpoints(tmp_path / "ledger")
    path = tmp_path / "witness.log"

    async def run() -> None:
        books = Books(first)
        task = asyncio.create_task(
            keep_witnessed(Witnesses(books, [open_witness(config.Witness(kind="file", path=str(path)))]), 0.01)
        )
        while not path.exists() or last.line().encode() not in path.read_bytes():
            books.newest = last
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(run(), 10))


@pytest.fixture
def house(here: Place) -> Path:
    """A folder with a data directory that has keys and settings, and a closed ledger of now."""
    settings_for(here)
    books = Secrets.open(here.data / "keys")
    clock = Clock(time.time_ns() // 1_000_000 - 60_000)
    one = scribe(address(here), clock, books.signing)
    fill(one, 10, clock)
    x = ExchangeIds(books.ids, one.chain.writer).new(clock.t)
    digest = hashlib.blake2b(b"hello", key=books.digest, digest_size=32).hexdigest()
    one.write([(clock.t, b"opened", encode({"x": x}))], unheard)
    closed = {"x": x, "state": "passed", "end": "finished", "output_digest": [digest]}
    one.write([(clock.t, b"closed", encode(closed))], unheard)
    one.checkpoint()
    one.chain.close()
    (here.data.parent / "id").write_text(x)
    return here.data.parent


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run a command; its exit status and what it printed."""
    try:
        code = main(["evidence", *arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    return code, capsys.readouterr().out


@pytest.mark.parametrize("here", ["sqlite"], indirect=True)
def test_the_command_verifies_and_names_the_bad_record(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", str(house / "data"))
    code, text = said(capsys, "verify", *data)
    assert code == 0
    assert "23 entries" in text
    assert "witness: none" in text
    log = next((house / "data").glob("ledger/*/*.log"))
    kept = house / "witness.log"
    kept.write_bytes(log.with_suffix(".checkpoints").read_bytes())
    (house / "guiju.toml").write_text(f'[[evidence.witness]]\nkind = "file"\npath = "{kept}"\n')
    code, text = said(capsys, "verify", *data, "--config", str(house / "guiju.toml"), "--json")
    document = json.loads(text)
    assert (code, document["whole"], document["witness"]) == (0, True, "1 checkpoints from outside")
    lines = log.read_bytes().splitlines(True)
    log.with_suffix(".checkpoints").unlink()
    log.write_bytes(b"".join(lines[:-2]))
    assert said(capsys, "verify", *data)[0] == 0
    code, text = said(capsys, "verify", *data, "--checkpoints", str(kept))
    assert code == 1
    assert f"{log.parent.name}/{log.stem} #21" in text
    lines[5] = lines[5].replace(b'"chars_in":', b'"chars_in":9')
    log.write_bytes(b"".join(lines))
    code, text = said(capsys, "verify", *data, "--json")
    assert code == 1
    assert json.loads(text)["first"] == {
        "writer": log.parent.name,
        "segment": log.stem,
        "seq": 5,
        "what": "changed",
    }


def test_the_command_exports_traces_and_seals(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ("--data", str(house / "data"))
    out, x = house / "export.jsonl", (house / "id").read_text()
    code, text = said(capsys, "export", str(out), *data, "--json")
    key = json.loads(text)["key"]
    assert (code, json.loads(text)["entries"]) == (0, 23)
    elsewhere = ("--data", str(house / "elsewhere"))
    assert said(capsys, "verify", str(out), "--key", key, *elsewhere)[0] == 0
    assert said(capsys, "verify", str(out), "--key", "00" * 32, *elsewhere)[0] == 1
    assert "the export's own" in said(capsys, "verify", str(out), *elsewhere)[1]
    assert said(capsys, "verify", str(out), "--key", "zz", *elsewhere)[0] == 2
    assert said(capsys, "verify", str(house / "nothing"), *data)[0] == 2
    assert said(capsys, "verify", *elsewhere)[0] == 2

    (house / "text").write_text("hello\n")
    (house / "other").write_text("hullo\n")
    (house / "binary").write_bytes(b"\xff\xfe")
    assert said(capsys, "trace", x.lower(), *data, "--text", str(house / "text"))[0] == 0
    code, text = said(capsys, "trace", x, *data, "--text", str(house / "other"), "--json")
    assert (code, json.loads(text)["result"]) == (1, "altered")
    assert said(capsys, "trace", x, *data, "--text", str(house / "binary"))[0] == 1
    code, text = said(capsys, "trace", "0" * 26, *data, "--json")
    assert (code, json.loads(text)["result"]) == (1, "not_ours")
    assert said(capsys, "trace", x, *elsewhere)[0] == 2

    code, text = said(capsys, "seal", *data, "--json")
    assert len(json.loads(text)["sealed"]) == 1
    assert json.loads(said(capsys, "seal", *data, "--json")[1])["sealed"] == []
    assert "183" in said(capsys, "prune", *data)[1]
    monkeypatch.setenv("GUIJU_EVIDENCE__RETENTION_DAYS", "0")
    assert json.loads(said(capsys, "prune", "--dry-run", *data, "--json")[1])["segments"]
    assert json.loads(said(capsys, "prune", *data, "--json")[1])["segments"]
    code, text = said(capsys, "verify", *data, "--json")
    [writer] = json.loads(text)["writers"]
    assert (code, len(writer["pruned"]), writer["kinds"]) == (0, 1, {"segment": 1, "pruned": 1})
    code, text = said(capsys, "trace", x, *data, "--json")
    assert (code, json.loads(text)["result"]) == (1, "pruned")


def test_a_ledger_that_is_being_written_is_said_to_be(
    house: Path, here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", str(house / "data"))
    chain = writers.take(address(here))
    assert json.loads(said(capsys, "verify", *data, "--json")[1])["writers"][0]["being_written"]
    code, text = said(capsys, "seal", *data, "--json")
    assert (code, json.loads(text)) == (0, {"sealed": [], "being_written": [chain.writer]})
    assert "stop it first: " + chain.writer in said(capsys, "seal", *data)[1]
    chain.close()
    assert not json.loads(said(capsys, "verify", *data, "--json")[1])["writers"][0]["being_written"]
    assert json.loads(said(capsys, "seal", *data, "--json")[1])["being_written"] == []


@pytest.mark.slow
def test_an_answer_is_traced_beside_the_gateway_that_gave_it(
    here: Place, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    settings_for(here)
    evidence = EvidenceSettings(ledger="file" if here.url == "sqlite" else "store")
    gateway = start(data=here.data, overlay=(("store.url", here.url), ("evidence", evidence)))
    answer = gateway.chat("hello")
    x = answer.headers["x-guiju-decision-id"]
    (here.data / "text").write_text(answer.json["choices"][0]["message"]["content"])
    data = ("--data", str(here.data), "--json")
    code, text = said(capsys, "trace", x, *data, "--text", str(here.data / "text"))
    assert (code, json.loads(text)["result"], json.loads(text)["choice"]) == (0, "found", 0)
    assert [entry["kind"] for entry in json.loads(text)["entries"]] == ["opened", "closed"]
    assert len(json.loads(said(capsys, "seal", *data)[1])["being_written"]) == 1
    assert json.loads(said(capsys, "prune", *data)[1])["segments"] == []
    assert said(capsys, "verify", *data)[0] == 0
    assert gateway.chat("and again").status == 200


@pytest.mark.postgres
@pytest.mark.slow
def test_a_store_that_is_away_or_incomplete_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = ExchangeIds(Secrets.open(tmp_path / "keys").ids, "w-000000-0").new(START)
    away = f"postgresql://postgres@127.0.0.1:{free_port()}/test"
    with place("postgresql", tmp_path) as empty:
        for url, code in ((away, "store_unavailable"), (empty.url, "not_found")):
            settings_for(Place(url, tmp_path))
            for words in (("trace", x), ("prune",), ("seal",)):
                status, text = said(capsys, *words, "--data", str(tmp_path), "--json")
                assert (status, json.loads(text)["error"]["code"]) == (2, code), words


@pytest.mark.slow
def test_verifying_beside_a_running_writer(house: Path, here: Place) -> None:
    """A real process writes all the while; each look finds a whole chain."""
    script = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from guiju.config import EvidenceSettings\nfrom guiju.records.writers import take\n"
        "from guiju.records.ledger import Ledger\nfrom guiju.records.secrets import Secrets\n"
        "async def main(data, ledger):\n"
        "    ledger = Ledger(take(ledger), Secrets.open(data / 'keys').signing,\n"
        "                    EvidenceSettings(checkpoint_every_s=0.005))\n"
        "    ledger.start(asyncio.get_running_loop())\n"
        "    print('go', flush=True)\n"
        "    while True:\n"
        "        await asyncio.gather(*[ledger.durable(ledger.append('opened', {'x': 'y'})) for _ in range(9)])\n"
        "        await asyncio.sleep(0.001)\n"
        "asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))\n"
    )
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", script, str(house / "data"), address(here)]
    public = Secrets.open(house / "data" / "keys").signing.public_key().public_bytes_raw()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"go\n"
            counts = []
            for _ in range(15):
                with closing(source_of(address(here))) as source:
                    report = verify(source, [public])
                assert report.whole, report.first
                assert report.writers[0].being_written
                counts.append(report.writers[0].entries)
                time.sleep(0.01)
            assert counts[-1] > counts[0]
        finally:
            process.kill()
