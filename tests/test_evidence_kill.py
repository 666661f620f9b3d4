# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged survives kill -9 and a power cut, in files and in PostgreSQL (robustness R1, R3).

`GUIJU_KILLS` says how many processes are killed (100; 1,000 for the full run), `GUIJU_CUTS` how many states after a
power cut are looked at (1,500; 10,000 for the full run).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import msgspec
import psycopg
import pytest

import places
from evidence_kit import PUBLIC, SIGNING, unheard
from guiju.errors import ConfigError
from guiju.records.chain_file import FileChain
from guiju.records.ledger import unix_ms
from guiju.records.scribe import Entry, Scribe
from guiju.records.source_sql import SqlSource
from guiju.records.sources import DirSource, Source
from guiju.records.verify import verify

WRITERS = 4

# Started once; forks a writer for each line on its input, so that a kill costs no start of Python.
NURSERY = """
import asyncio, json, os, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from guiju.config import EvidenceSettings
from guiju.records.chain_file import FileChain
from guiju.records.chain_sql import SqlChain
from guiju.records.ledger import Ledger

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

async def write(place, first):
    chain = SqlChain.take(place) if place.startswith("postgresql") else FileChain.take(Path(place))
    ledger = Ledger(chain, KEY, EvidenceSettings(checkpoint_every_s=0.02))
    ledger.start(asyncio.get_running_loop())
    n = first
    async def one():
        nonlocal n
        while True:
            n += 1
            mine = n
            receipt = await ledger.durable(ledger.append("opened", {"x": str(mine), "n": mine}))
            ack = [os.getpid(), mine, receipt.chain, receipt.segment, receipt.seq]
            os.write(1, json.dumps(ack).encode() + b"\\n")
            await asyncio.sleep(0.002)
    await asyncio.gather(*[one() for _ in range(6)])

for line in sys.stdin:
    place, first = json.loads(line)
    pid = os.fork()
    if pid == 0:
        asyncio.run(write(place, first))
    os.write(1, json.dumps([pid]).encode() + b"\\n")
"""


@contextlib.contextmanager
def nursery() -> Iterator[tuple[Callable[[str, int], None], Queue[list[object]]]]:
    """A process that forks writers, and the queue of what they say."""
    said: Queue[list[object]] = Queue()
    with subprocess.Popen([sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pipe = process.stdout

        def listen() -> None:
            for line in pipe:
                said.put(json.loads(line))

        def start(place: str, first: int) -> None:
            assert process.stdin is not None
            process.stdin.write(json.dumps([place, first]).encode() + b"\n")
            process.stdin.flush()

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield start, said
        finally:
            process.stdin.close()
            process.wait(30)
            listener.join(30)


def rows_of(source: Source) -> dict[tuple[str, str, int], Entry]:
    """Every entry by its place; an unfinished last line is none."""
    found = {}
    for writer in source.writers():
        for segment in source.segments(writer):
            for seq, line in enumerate(source.lines(writer, segment)):
                try:
                    entry = msgspec.json.decode(line, type=Entry)
                except msgspec.DecodeError:
                    continue
                found[writer, segment, seq] = entry
    return found


def kill_and_look(folder: Path, place_of: Callable[[int], str], source_of: Callable[[str], Source]) -> None:
    """Start writers, kill each at a random time, look; again and again."""
    kills, seed = int(os.environ.get("GUIJU_KILLS", "100")), random.randrange(1 << 32)
    print(f"seed {seed}, {kills} kills")
    chance = random.Random(seed)
    acked: dict[tuple[str, str, int], int] = {}
    total, killed, first, slowest = 0, 0, 0, 0.0
    with nursery() as (start, said):
        while killed < kills:
            if killed % (WRITERS * 5) == 0:
                place = place_of(killed)
                acked = {}
            pids: set[int] = set()
            began = time.monotonic()
            for _ in range(WRITERS):
                first += 1_000_000
                start(place, first)
            seen: set[object] = set()
            ends = None
            while ends is None or time.monotonic() < ends or len(pids) < WRITERS:
                message = said.get(timeout=30)
                if len(message) == 1:
                    pids.add(int(str(message[0])))
                else:
                    seen.add(message[0])
                    total += take(message, acked)
                if ends is None and len(seen) == WRITERS:  # all are at work: the start is over
                    slowest = max(slowest, time.monotonic() - began)
                    ends = time.monotonic() + chance.uniform(0.0, 0.15)
            for pid in sorted(pids, key=lambda _: chance.random()):
                os.kill(pid, signal.SIGKILL)
                time.sleep(chance.uniform(0.0, 0.01))
            killed += len(pids)
            time.sleep(0.02)
            while not said.empty():
                total += take(said.get(), acked)
            look(source_of(place), acked)
    print(f"{killed} kills, {total} acknowledged, slowest start {slowest:.2f} s")
    assert total > killed


def take(message: list[object], acked: dict[tuple[str, str, int], int]) -> int:
    """Note one acknowledgement."""
    _, number, chain, segment, seq = message
    key = (str(chain), str(segment), int(str(seq)))
    assert key not in acked, "one place was given to two entries"
    acked[key] = int(str(number))
    return 1


def look(source: Source, acked: dict[tuple[str, str, int], int]) -> None:
    """Nothing acknowledged is lost, nothing is there twice, the chain is whole."""
    rows = rows_of(source)
    for place, number in acked.items():
        assert rows[place].body["n"] == number
    numbers = [entry.body["n"] for entry in rows.values() if entry.kind == "opened"]
    assert len(numbers) == len(set(numbers))
    report = verify(source, [PUBLIC])
    assert report.whole, report.first
    source.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kill_9_in_files(tmp_path: Path) -> None:
    kill_and_look(tmp_path, lambda n: str(tmp_path / f"ledger-{n}"), lambda place: DirSource(Path(place)))


@pytest.fixture
def database() -> Iterator[str]:
    """A database of this test's own."""
    with places.database() as address:
        yield address


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kill_9_in_postgresql(database: str, tmp_path: Path) -> None:
    def fresh(number: int) -> str:
        schema = f"kills_{number}"
        with psycopg.connect(database, autocommit=True) as outside:
            outside.execute(f"CREATE SCHEMA {schema}".encode())
        return f"{database}?options=-csearch_path%3D{schema}"

    kill_and_look(tmp_path, fresh, SqlSource)


# The power cut: what a writer asked of the kernel is recorded and cut off at every point.

WRITER = """
import asyncio, os, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from guiju.config import EvidenceSettings
from guiju.records.chain_file import FileChain
from guiju.records.ledger import Ledger

async def main():
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    acks = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)
    for life in range(2):
        ledger = Ledger(FileChain.take(Path(sys.argv[1])), key, EvidenceSettings(checkpoint_every_s=0.01))
        ledger.start(asyncio.get_running_loop())
        async def one(n):
            receipt = await ledger.durable(ledger.append("opened", {"x": str(n), "n": n}))
            os.write(acks, b"%d %s %d\\n" % (n, receipt.segment.encode(), receipt.seq))
        for batch in range(25):
            await asyncio.gather(*[one(life * 1000 + batch * 10 + k) for k in range(batch % 4 + 1)])
            if batch == 12:
                await ledger.seal()
            if batch % 5 == 0:
                await asyncio.sleep(0.012)
        await ledger.close()

asyncio.run(main())
"""
ACKS = 2 * sum(batch % 4 + 1 for batch in range(25))
CALLS = "openat,write,pwrite64,fdatasync,fsync,ftruncate,rename,mkdir,unlink"


@dataclasses.dataclass
class Node:
    """A file's content: what is on disk for sure, and what was done since."""

    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = dataclasses.field(default_factory=list)
    size: int = 0

    def after(self, kept: list[bool]) -> bytes:
        """The content when only some of the changes since the last sync reached the disk."""
        content = bytearray(self.synced)
        for (place, data), stays in zip(self.since, kept, strict=True):
            if stays and data is None:
                del content[place:]
            elif stays and data is not None:
                content.extend(bytes(max(0, place - len(content))))
                content[place : place + len(data)] = data
        return bytes(content)


class Disk:
    """Replays calls; a name is durable when its directory was synced, a content when its file was."""

    def __init__(self, root: str, obeyed: tuple[str, ...]) -> None:
        self.root = root
        self.obeyed = obeyed
        self.names: dict[str, Node | None] = {}  # none is a directory
        self.durable: dict[str, Node | None] = {}
        self.made: dict[str, Node | None] = {}
        self.pending: list[tuple[str, str, str]] = []  # names: made, moved, gone, since the sync of their directory
        self.acked: dict[tuple[str, int], int] = {}

    def do(self, call: str, path: str, rest: str) -> None:
        """One completed call."""
        if call == "mkdir":
            self._name("make", path, "", None)
        elif call == "openat" and path not in self.names and "O_CREAT" in rest:
            self._name("make", path, "", Node())
        elif call == "openat" and "O_TRUNC" in rest:
            self._cut(path, 0)
        elif call == "write":
            node = self._node(path)
            data = bytes.fromhex(re.findall(r'"((?:\\x[0-9a-f]{2})*)"', rest)[0].replace("\\x", ""))
            data = data[: int(rest.rsplit("= ", 1)[1])]
            node.since.append((node.size, data))
            node.size += len(data)
        elif call == "ftruncate":
            self._cut(path, int(rest.split(",")[1].split(")", maxsplit=1)[0]))
        elif call in self.obeyed:
            self._sync(path)
        elif call == "rename":
            target = re.findall(r'"([^"]*)"', rest)[1]
            self._name("move", path, target, None)

    def _node(self, path: str) -> Node:
        node = self.names[path]
        assert node is not None
        return node

    def _cut(self, path: str, size: int) -> None:
        node = self._node(path)
        node.since.append((size, None))
        node.size = size

    def _sync(self, path: str) -> None:
        node = self.names.get(path)
        if node is not None:
            node.synced, node.since = node.after([True] * len(node.since)), []
            return
        self.pending, done = (
            [change for change in self.pending if str(Path(change[1]).parent) != path],
            [change for change in self.pending if str(Path(change[1]).parent) == path],
        )
        for change in done:
            self._apply(self.durable, change)

    def _name(self, what: str, path: str, target: str, node: Node | None) -> None:
        self.names.setdefault(path, node)
        self.pending.append((what, path, target))
        self.made.setdefault(path, self.names[path])
        if what == "move":
            self.names[target] = self.names.pop(path)
            self.made[target] = self.names[target]

    def _apply(self, names: dict[str, Node | None], change: tuple[str, str, str]) -> None:
        what, path, target = change
        if what == "make":
            names[path] = self.made[path]
        elif path in names:
            names[target] = names.pop(path)

    def cut_power(self, chance: random.Random, keep: float, where: Path) -> None:
        """Write what is left after a cut: each change that was not synced stays with probability `keep`."""
        names = dict(self.durable)
        for change in self.pending[: sum(chance.random() < keep for _ in self.pending)]:
            self._apply(names, change)
        for path, node in sorted(names.items()):
            place = where / Path(path).relative_to(self.root)
            if not place.parent.is_dir():
                continue  # its directory was not durable, so it is gone
            if node is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(node.after([chance.random() < keep for _ in node.since]))


def traced(folder: Path) -> tuple[str, list[tuple[str, str, str]]]:
    """Run a writer under strace; its completed calls on the ledger and the acknowledgements, in order."""
    if shutil.which("strace") is None:
        if os.environ.get("GUIJU_NO_SKIP") == "1":
            pytest.fail("no strace")
        pytest.skip("no strace: apt-get install strace")
    root, trace = folder / "disk", folder / "trace"
    root.mkdir()
    subprocess.run(
        [
            *("strace", "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(trace)),
            *(sys.executable, "-c", WRITER, str(root / "ledger"), str(folder / "acks")),
        ],
        check=True,
        timeout=100,
    )
    events, unfinished = [], {}
    for line in trace.read_text("utf-8").splitlines():
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            text = text.removesuffix("<unfinished ...>")
            # An acknowledgement counts from the moment at which it begins, everything else when it is done.
            if str(folder / "acks") not in plain(text):
                unfinished[thread] = text
                continue
            text += " = 100"
        elif match := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            if thread not in unfinished:
                continue
            text = unfinished.pop(thread) + match[1]
        call = text.partition("(")[0]
        named = plain(text)
        found = re.search(re.escape(str(folder)) + r"[^>\"]*", named if call != "openat" else named.split('"', 1)[-1])
        if found and " = -1" not in text:
            events.append((call, found[0], text if call == "write" else named))
    return str(root), events


def plain(text: str) -> str:
    """Paths with -xx are hexadecimal; here they are text again."""
    return re.sub(
        r"(?:\\x[0-9a-f]{2})+", lambda match: bytes.fromhex(match[0].replace("\\x", "")).decode("latin-1"), text
    )


def replay(
    folder: Path, root: str, events: list[tuple[str, str, str]], obeyed: tuple[str, ...], cuts: int
) -> tuple[int, int]:
    """Cut the power after each call, several times; how many states were looked at and how many had lost an entry."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance, disk = random.Random(seed), Disk(root, obeyed)
    each = -(-cuts // sum(not path.endswith("/acks") for _, path, _ in events))
    disk.names[root] = disk.durable[root] = None
    states = lost = 0
    for call, path, rest in events:
        if path.endswith("/acks"):
            if call == "write":
                said = bytes.fromhex(re.findall(r'"((?:\\x[0-9a-f]{2})*)"', rest)[0].replace("\\x", "")).split()
                disk.acked[said[1].decode(), int(said[2])] = int(said[0])
            continue
        disk.do(call, path, rest)
        for turn in range(each):
            where = folder / "cut"
            shutil.rmtree(where, ignore_errors=True)
            where.mkdir()
            disk.cut_power(chance, (0.0, 1.0, 0.5, 0.9, 0.1)[turn % 5], where)
            states += 1
            lost += not survives(where / "ledger", disk.acked)
    assert len(disk.acked) == ACKS
    return states, lost


def survives(ledger: Path, acked: dict[tuple[str, int], int]) -> bool:
    """Start again on what is left, write on, and look whether every acknowledged entry is there."""
    chain = FileChain.take(ledger)
    try:
        one = Scribe(chain, SIGNING, unix_ms)
        one.open()
        one.settle_debts()
        one.write([(unix_ms(), b"opened", b'{"n":-1}')], unheard)
        one.checkpoint()
    except ConfigError:
        return False  # a checkpoint outlived the entries that it signs
    finally:
        chain.close()
    rows = {(segment, seq): entry for (_, segment, seq), entry in rows_of(DirSource(ledger)).items()}
    there = all(place in rows and rows[place].body.get("n") == number for place, number in acked.items())
    report = verify(DirSource(ledger), [PUBLIC])
    assert report.whole or not there, report.first
    return there


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    cuts = int(os.environ.get("GUIJU_CUTS", "1500"))
    root, events = traced(tmp_path)
    assert sum(call == "fdatasync" for call, _, _ in events) > 40
    states, lost = replay(tmp_path, root, events, ("fsync", "fdatasync"), cuts)
    print(f"{states} states, {lost} lost")
    assert states >= cuts
    assert lost == 0
    # The same without fdatasync must lose entries, or this test could not see a missing one.
    states, lost = replay(tmp_path, root, events, ("fsync",), 500)
    print(f"without fdatasync: {states} states, {lost} lost")
    assert lost > 0
