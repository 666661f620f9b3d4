# SPDX-License-Identifier: Apache-2.0
"""The ledger as its callers see it: receipts, bounds, refusals, recovery, months (DESIGN §7; robustness R1-R6)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from evidence_kit import DAY, PUBLIC, SIGNING, START, Clock, MemoryChain, MemorySource, exchange, fill, scribe, unheard
from guiju.config import EvidenceSettings
from guiju.errors import ConfigError, OutsideError
from guiju.records.chain import Chain
from guiju.records.chain_file import FileChain
from guiju.records.ledger import Ledger
from guiju.records.scribe import Entry, Scribe
from guiju.records.sources import DirSource
from guiju.records.verify import verify
from guiju.terms import Evidence


class StuckChain(MemoryChain):
    """Its first write takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def append(self, segment: str, seq: int, lines: object) -> None:
        if seq == 1:
            asyncio.run_coroutine_threadsafe(self.go.wait(), self.loop).result(30)
        super().append(segment, seq, lines)  # type: ignore[arg-type]  # the lines are what the ledger gave


def started(chain: Chain, **settings: float) -> Ledger:
    """A ledger that runs in this test's loop."""
    ledger = Ledger(chain, SIGNING, msgspec.convert(settings, EvidenceSettings))
    ledger.start(asyncio.get_running_loop())
    return ledger


def entries(path: Path) -> list[Entry]:
    """The entries of one segment file."""
    return [msgspec.json.decode(line, type=Entry) for line in path.read_bytes().splitlines()]


def test_receipts_name_the_entries(tmp_path: Path) -> None:
    async def run() -> None:
        ledger = started(FileChain.take(tmp_path / "ledger"))
        tickets = [ledger.append("opened", {"x": str(n)}) for n in range(50)]
        assert tickets == sorted(set(tickets))
        receipts = await asyncio.gather(*[ledger.durable(ticket) for ticket in tickets])
        sealed = await ledger.seal()
        late = await ledger.durable(ledger.append("closed", {"x": "9"}))
        again = await ledger.durable(tickets[3])
        await ledger.close()
        await ledger.close()
        assert sealed.kind == "sealed"
        assert late == Evidence(ledger.writer, f"{sealed.segment}-02", 1, "closed")
        assert again == receipts[3]
        found = entries(tmp_path / "ledger" / ledger.writer / f"{receipts[0].segment}.log")
        for number, receipt in enumerate(receipts):
            assert receipt.chain == ledger.writer
            assert found[receipt.seq].body == {"x": str(number)}
            assert found[receipt.seq].kind == receipt.kind == "opened"
        with pytest.raises(OutsideError):
            ledger.append("opened", {})

    asyncio.run(run())
    report = verify(DirSource(tmp_path / "ledger"), [PUBLIC])
    assert report.whole
    assert report.writers[0].unsigned == 0
    assert report.witness == "none"


def test_only_the_ledger_writes_its_own_kinds(tmp_path: Path) -> None:
    ledger = Ledger(FileChain.take(tmp_path), SIGNING)
    for kind in ("segment", "recovered", "resumed", "Opened", "a b", "", 'x"', "x" * 33):
        with pytest.raises(ValueError, match="kind"):
            ledger.append(kind, {})
    asyncio.run(ledger.close())


def test_a_full_queue_refuses_and_what_was_taken_is_kept() -> None:
    async def run() -> None:
        chain = StuckChain()
        ledger = started(chain, queue_max=10)
        tickets = [ledger.append("opened", {"n": n}) for n in range(10)]
        with pytest.raises(OutsideError, match="guard_unavailable"):
            ledger.append("opened", {"n": 10})
        assert ledger.waiting == 10
        chain.go.set()
        receipts = await asyncio.gather(*[ledger.durable(ticket) for ticket in tickets])
        assert [receipt.seq for receipt in receipts] == list(range(1, 11))
        await ledger.durable(ledger.append("opened", {"n": 11}))
        await ledger.close()
        assert verify(MemorySource(chain), [PUBLIC]).whole

    asyncio.run(run())


def test_an_entry_that_waits_too_long_closes_the_door() -> None:
    async def run() -> None:
        chain = StuckChain()
        ledger = started(chain, queue_wait_s=0.05)
        ticket = ledger.append("opened", {})
        await asyncio.sleep(0.1)
        with pytest.raises(OutsideError, match="guard_unavailable"):
            ledger.append("opened", {})
        chain.go.set()
        await ledger.durable(ticket)
        await ledger.durable(ledger.append("opened", {}))
        await ledger.close()

    asyncio.run(run())


def test_a_disk_that_hangs_is_a_refusal_not_a_hang() -> None:
    async def run() -> None:
        chain = StuckChain()
        ledger = started(chain, queue_wait_s=0.05)
        first, second = ledger.append("opened", {"n": 1}), ledger.append("opened", {"n": 2})
        with pytest.raises(OutsideError, match="guard_unavailable"):
            await asyncio.wait_for(ledger.durable(first), 5)
        chain.go.set()
        await ledger.close()
        # It came in the end, and a later question is answered truly.
        assert (await ledger.durable(first)).seq == 1
        assert (await ledger.durable(second)).seq == 2

    asyncio.run(run())


def test_a_waiter_that_leaves_disturbs_nobody() -> None:
    async def run() -> None:
        chain = StuckChain()
        ledger = started(chain)
        ticket = ledger.append("opened", {})
        gone, stays = (asyncio.create_task(ledger.durable(ticket)) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        chain.go.set()
        assert (await stays).seq == 1
        await ledger.close()

    asyncio.run(run())


@pytest.mark.slow
def test_after_a_failed_write_nothing_is_lost_or_lied_about() -> None:
    """The n-th call fails, for every n, until a run is clean: acknowledged = there; not there = refused."""

    async def run(*fail_on: int) -> int:
        chain = MemoryChain(fail_on)
        ledger = started(chain, checkpoint_every_s=3600)
        kept, refused = [], 0
        for number in (0, 1, 2, 3, 4, 5, 99):
            while True:
                try:
                    kept.append((number, await ledger.durable(ledger.append("opened", {"n": number}))))
                    break
                except OutsideError:
                    refused += 1
                while ledger.refusing:
                    with pytest.raises(OutsideError, match="guard_unavailable"):
                        ledger.append("opened", {})
                    await asyncio.sleep(0.05)
        await ledger.close()
        rows = [msgspec.json.decode(row, type=Entry) for rows in chain.rows.values() for row in rows]
        assert [row.body["n"] for row in rows if row.kind == "opened"] == [number for number, _ in kept]
        for number, receipt in kept:
            assert rows[receipt.seq].body == {"n": number}
        outages = [row.body for row in rows if row.kind == "resumed"]
        assert sum(body["failed"] for body in outages) == refused
        assert all(body["error"] == "ENOSPC" for body in outages)
        assert verify(MemorySource(chain), [PUBLIC]).whole
        return refused

    async def every() -> list[int]:
        single, double = [(n,) for n in range(1, 10)], [(n, n + 1) for n in range(1, 10)]
        return list(await asyncio.gather(run(), *[run(*fails) for fails in single + double]))

    refusals = asyncio.run(every())
    assert refusals[0] == 0
    assert sum(refusals) >= 16


def test_a_month_is_sealed_and_the_next_one_names_it(tmp_path: Path) -> None:
    clock = Clock()
    one = scribe(tmp_path, clock)
    fill(one, 3, clock)
    clock.t = START + 20 * DAY
    fill(one, 3, clock)
    clock.t -= DAY  # a clock that goes back: times do not
    fill(one, 3, clock)
    one.checkpoint()
    one.chain.close()
    old, new = entries(tmp_path / one.chain.writer / "202611.log"), entries(tmp_path / one.chain.writer / "202612.log")
    assert old[-1].kind == "sealed"
    assert old[-1].body == {"size": 8, "kinds": {"segment": 1, "opened": 3, "closed": 3, "sealed": 1}}
    assert new[0].body["previous"] == "202611"
    assert new[0].body["size"] == 8
    assert new[0].prev == new[0].body["root"]
    times = [entry.t for entry in old + new]
    assert times == sorted(times)
    report = verify(DirSource(tmp_path), [PUBLIC])
    assert (report.whole, report.writers[0].segments, report.writers[0].inside) == (True, 2, 2)


def test_a_batch_over_midnight_falls_into_two_months() -> None:
    chain = MemoryChain()
    one = Scribe(chain, SIGNING, Clock())
    end = 1_796_083_200_000  # 2026-12-01 00:00 UTC
    places: list[tuple[int, str, int]] = []
    one.write(
        [entry for n in range(4) for entry in exchange(n, end - 20 + n * 10)], lambda *place: places.append(place)
    )
    assert places == [(4, "202611", 1), (4, "202612", 1)]
    assert verify(MemorySource(chain), [PUBLIC]).whole


def test_an_unfinished_tail_is_taken_off_and_told(tmp_path: Path) -> None:
    clock = Clock()
    one = scribe(tmp_path, clock)
    fill(one, 5, clock)
    one.chain.close()
    log = tmp_path / one.chain.writer / "202611.log"
    whole = log.read_bytes()
    for tail in (b"{", whole.splitlines(True)[3][:-1], b"\0" * 700, whole.splitlines(True)[3], b"\n", b"{}\n" * 3):
        log.write_bytes(whole + tail)
        again = scribe(tmp_path, clock)
        fill(again, 1, clock)
        again.chain.close()
        told = [entry for entry in entries(log) if entry.kind == "recovered"]
        assert told[-1].body["bytes"] == len(tail)
        assert any(path.read_bytes() == tail for path in log.parent.glob("202611.torn-*"))
        assert verify(DirSource(tmp_path), [PUBLIC]).whole
        whole = log.read_bytes()


def test_the_next_start_reads_only_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    clock = Clock()
    one = scribe(tmp_path, clock)
    fill(one, 20, clock)
    one.checkpoint()
    fill(one, 3, clock)
    one.chain.close()
    log = tmp_path / one.chain.writer / "202611.log"

    class Counting(FileChain):
        starts: tuple[int, ...] = ()

        def read(self, segment: str, size: int, length: int):  # type: ignore[no-untyped-def]  # as its parent
            self.starts = (*self.starts, size)
            return super().read(segment, size, length)

    def reopened() -> tuple[Counting, Scribe]:
        chain = Counting.take(tmp_path)
        assert isinstance(chain, Counting)
        made = Scribe(chain, SIGNING, clock)
        made.open()
        return chain, made

    chain, again = reopened()
    assert chain.starts == (40, 41)
    fill(again, 1, clock)
    again.checkpoint()
    chain.close()
    assert verify(DirSource(tmp_path), [PUBLIC]).whole
    # A state that does not fit the log is not believed.
    state = log.with_suffix(".state")
    for wrong in (b"", b"{}", b"\0" * 50, state.read_bytes().replace(b'"size":49', b'"size":48')):
        state.write_bytes(wrong)
        chain, again = reopened()
        assert chain.starts[-1] == 0
        fill(again, 1, clock)
        chain.close()
        assert verify(DirSource(tmp_path), [PUBLIC]).whole


def test_a_ledger_that_was_cut_behind_a_checkpoint_does_not_start(tmp_path: Path) -> None:
    clock = Clock()
    one = scribe(tmp_path, clock)
    fill(one, 5, clock)
    one.checkpoint()
    one.chain.close()
    log = tmp_path / one.chain.writer / "202611.log"
    log.write_bytes(b"".join(log.read_bytes().splitlines(True)[:-2]))
    with pytest.raises(ConfigError, match="evidence_broken"):
        scribe(tmp_path, clock)


def test_two_processes_never_share_a_ledger(tmp_path: Path) -> None:
    first, second = FileChain.take(tmp_path), FileChain.take(tmp_path)
    assert (first.writer[-2:], second.writer[-2:]) == ("-0", "-1")
    assert FileChain.take_named(tmp_path, first.writer) is None
    first.close()
    third = FileChain.take(tmp_path)
    assert third.writer == first.writer
    second.close()
    third.close()


FULL = """
import asyncio, json, resource, signal, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from guiju.errors import OutsideError
from guiju.records.chain_file import FileChain
from guiju.records.ledger import Ledger

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    ledger = Ledger(FileChain.take(Path(sys.argv[1])), Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    ledger.start(asyncio.get_running_loop())
    acked, refused = [], 0
    await ledger.durable(ledger.append("opened", {"n": -1}))
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
    for n in range(60):
        try:
            receipt = await ledger.durable(ledger.append("opened", {"n": n}))
            acked.append((n, receipt.seq))
        except OutsideError:
            refused += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    loop = asyncio.get_running_loop()
    since = loop.time()
    while ledger.refusing:
        await asyncio.sleep(0.01)
    waited = loop.time() - since
    receipt = await ledger.durable(ledger.append("opened", {"n": 99}))
    acked.append((99, receipt.seq))
    await ledger.close()
    print(json.dumps({"acked": acked, "refused": refused, "waited": waited}))

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_full_disk_is_a_refusal_and_ends_by_itself(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    said = json.loads(child.stdout)
    assert said["refused"] > 20
    assert len(said["acked"]) > 10
    assert said["waited"] <= 5
    [log] = tmp_path.glob("*/*.log")
    found = entries(log)
    for number, seq in said["acked"]:
        assert found[seq].body == {"n": number}
    assert sum(entry.kind == "opened" for entry in found) == len(said["acked"]) + 1
    [outage] = [entry.body for entry in found if entry.kind == "resumed"]
    assert outage["error"] == "EFBIG"
    assert outage["failed"] >= 1
    assert verify(DirSource(tmp_path), [PUBLIC]).whole


def test_a_defect_in_the_thread_refuses_instead_of_hanging() -> None:
    class Broken(MemoryChain):
        def append(self, segment: str, seq: int, lines: object) -> None:
            raise RuntimeError("a defect")

    async def run() -> None:
        ledger = started(Broken())
        with pytest.raises(OutsideError, match="guard_unavailable"):
            await ledger.durable(ledger.append("opened", {}))
        assert ledger.refusing
        with pytest.raises(OutsideError, match="guard_unavailable"):
            ledger.append("opened", {})
        await ledger.close()

    asyncio.run(run())


def test_the_scribe_keeps_what_the_chain_did_not_take() -> None:
    """What `open` owes is written once, after the disk is back."""
    chain = MemoryChain()
    one = Scribe(chain, SIGNING, Clock())
    one.write(exchange(1, START), unheard)
    chain.rows["202611"].append(b"torn")
    chain.fail_on = {chain.calls + 1}
    two = Scribe(chain, SIGNING, Clock())
    two.open()
    with pytest.raises(OSError, match="no space"):
        two.settle_debts()
    chain.rewind()
    two.settle_debts()
    two.settle_debts()
    kinds = [msgspec.json.decode(row, type=Entry).kind for row in chain.rows["202611"]]
    assert kinds == ["segment", "opened", "closed", "recovered"]
