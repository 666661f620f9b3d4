# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to evidence is found, and the report names the first bad record (robustness T1-T3)."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from evidence_kit import DAY, PUBLIC, SIGNING, START, Clock, exchange, fill, scribe, small, unheard
from guiju.records.checkpoints import lines_in, read
from guiju.records.export import export
from guiju.records.sources import DirSource, ExportSource
from guiju.records.verify import Report, verify


def examine(ledger: Path, outside: list[bytes] | None = None) -> Report:
    """Verify a ledger directory with the test key."""
    return verify(DirSource(ledger), [PUBLIC], outside or [])


def lines_of(path: Path) -> list[bytes]:
    """The lines of a segment."""
    return path.read_bytes().splitlines(True)


class Tampering(RuleBasedStateMachine):
    """A ledger that grows, is sealed and reopened; now and then somebody does something to a copy of it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = self.folder / "ledger"
        self.clock = Clock()
        self.other = scribe(self.ledger, self.clock)
        self.one = scribe(self.ledger, self.clock)
        self.outside: list[bytes] = []
        self.count = 0
        self.older: Path | None = None

    @initialize()
    def begin(self) -> None:
        fill(self.other, 3, self.clock)
        self.write(2)

    @rule(exchanges=st.integers(1, 4))
    def write(self, exchanges: int) -> None:
        for _ in range(exchanges):
            self.count += 1
            self.clock.t += 7
            self.one.write(exchange(self.count, self.clock.t), unheard)
        signed = [one.checkpoint() for one in (self.one, self.other)]
        self.outside += [note.line().encode() for note in signed if note]

    @rule()
    def seal(self) -> None:
        self.one.seal()
        self.write(2)

    @rule()
    def next_month(self) -> None:
        self.clock.t += 31 * DAY
        self.write(2)

    @rule()
    def reopen(self) -> None:
        self.one.chain.close()
        self.one = scribe(self.ledger, self.clock)

    @rule()
    def remember(self) -> None:
        if self.older is None:
            self.older = self.folder / "older"
            shutil.copytree(self.ledger, self.older)
            self.write(1)

    @rule(chance=st.randoms(use_true_random=False), what=st.sampled_from(("delete", "swap", "double", "insert", "cut")))
    def disturb(self, chance: random.Random, what: str) -> None:
        copy = self.copy()
        log = chance.choice(sorted(copy.glob("*/*.log")))
        lines = lines_of(log)
        last = len(lines) - 1
        place = chance.randrange(last)
        if what == "delete":
            del lines[place]
        elif what == "swap":
            lines[place], lines[place + 1] = lines[place + 1], lines[place]
        elif what == "double":
            lines.insert(place + 1, lines[place])
            place += 1
        elif what == "insert":
            lines.insert(place, lines[place].replace(b'"body"', b'"body" '))
        else:
            place = chance.randrange(last) + 1
            del lines[place:]
        log.write_bytes(b"".join(lines))
        self.found(copy, log, place)

    @rule(chance=st.randoms(use_true_random=False))
    def change_a_byte(self, chance: random.Random) -> None:
        copy = self.copy()
        log = chance.choice(sorted(copy.glob("*/*.log")))
        lines = lines_of(log)
        place = chance.randrange(len(lines))
        line = bytearray(lines[place])
        line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
        lines[place] = bytes(line)
        log.write_bytes(b"".join(lines))
        self.found(copy, log, place if place < len(lines) - 1 else None)

    @rule(chance=st.randoms(use_true_random=False))
    def lose_a_file(self, chance: random.Random) -> None:
        copy = self.copy()
        log = chance.choice(sorted(copy.glob("*/*.log")))
        log.unlink()
        if chance.random() < 0.5:
            log.with_suffix(".checkpoints").unlink()
        self.found(copy, None, None)

    @rule()
    def exchange_two_ledgers(self) -> None:
        copy = self.copy()
        first, second = (copy / one.chain.writer for one in (self.one, self.other))
        first.rename(copy / "w")
        second.rename(first)
        (copy / "w").rename(second)
        self.found(copy, None, None)

    @precondition(lambda self: self.older is not None)
    @rule()
    def restore_an_older_copy(self) -> None:
        assert self.older is not None
        self.found(self.older, None, None)

    def copy(self) -> Path:
        """A copy to disturb; the original still verifies, or the test finds too much."""
        whole = examine(self.ledger, self.outside)
        assert whole.whole, whole.first
        target = self.folder / "copy"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.ledger, target)
        return target

    def found(self, copy: Path, log: Path | None, place: int | None) -> None:
        """The disturbance is found; where that can be told, its place is named."""
        report = examine(copy, self.outside)
        assert not report.whole
        assert report.first is not None
        if log is not None:
            assert (report.first.writer, report.first.segment) == (log.parent.name, log.stem), report.problems
        if place is not None:
            assert report.first.seq == place, report.problems

    def teardown(self) -> None:
        self.one.chain.close()
        self.other.chain.close()
        shutil.rmtree(self.folder)


Tampering.TestCase.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
TestTampering = Tampering.TestCase


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestTamperingAtLength(Tampering.TestCase):
    """The same, 250 times and longer."""

    settings = settings(Tampering.TestCase.settings, max_examples=250, stateful_step_count=30)


def exported(folder: Path) -> bytes:
    """An export of a small ledger."""
    out = folder / "export.jsonl"
    count = export(DirSource(small(folder / "ledger")), out, [PUBLIC], SIGNING, START)
    assert count == 40
    return out.read_bytes()


def test_a_cut_at_a_record_border_is_seen_by_the_outside_checkpoint_alone(tmp_path: Path) -> None:
    folder = small(tmp_path)
    log = next(folder.glob("*/202611-02.log"))
    outside = log.with_suffix(".checkpoints").read_bytes().splitlines()
    lines = lines_of(log)
    log.with_suffix(".checkpoints").unlink()
    for left in range(1, len(lines)):
        log.write_bytes(b"".join(lines[:left]))
        assert examine(folder).whole, "a bare chain can't know"
        report = examine(folder, outside)
        assert report.first is not None
        assert (report.first.what, report.first.seq) == ("truncated", left)
    log.write_bytes(b"".join(lines))
    assert examine(folder, outside).whole
    assert examine(folder, outside).writers[0].outside == 1
    assert examine(folder, outside).witness == "1 checkpoints from outside"
    shutil.rmtree(log.parent)
    lost = examine(folder, outside).first
    assert lost is not None
    assert lost.what == "lost_writer"


def test_what_was_not_closed_reads_interrupted(tmp_path: Path) -> None:
    report = examine(small(tmp_path))
    assert report.whole
    assert report.writers[0].interrupted == 1
    assert report.writers[0].kinds == {"segment": 2, "opened": 19, "closed": 18, "sealed": 1}


def test_a_history_written_anew_is_found(tmp_path: Path) -> None:
    """Somebody writes a whole new chain with the right form, and even has the checkpoints' place, but not the key."""
    folder = small(tmp_path / "true")
    log = next(folder.glob("*/202611-02.log"))
    lines, previous = lines_of(log), ""
    for place, line in enumerate(lines):
        entry = json.loads(line)
        if place > 3:
            entry["prev"] = previous
        if place == 3:
            entry["body"]["chars_in"] = 77
        lines[place] = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        previous = hashlib.sha256(b"\0" + lines[place][:-1]).hexdigest()
    log.write_bytes(b"".join(lines))
    assert [problem.what for problem in examine(folder).problems] == ["root"]
    notes = log.with_suffix(".checkpoints")
    kept = notes.read_bytes().splitlines()
    notes.unlink()
    assert examine(folder).whole, "without any checkpoint nobody can know"
    assert not examine(folder, kept).whole


@pytest.mark.slow
def test_a_checkpoint_of_another_key_is_not_believed(tmp_path: Path) -> None:
    folder = small(tmp_path)
    report = verify(DirSource(folder), [bytes(32)])
    assert report.first is not None
    assert report.first.what == "signature"
    notes = next(folder.glob("*/202611-02.checkpoints"))
    line = notes.read_bytes().rstrip(b"\n")
    checkpoint = read(line)
    assert checkpoint is not None
    for place in range(len(line)):
        for bit in (1, 2, 32):
            changed = bytearray(line)
            changed[place] ^= bit
            notes.write_bytes(bytes(changed) + b"\n")
            assert not examine(folder).whole, place


def test_witnesses_keep_checkpoints_in_several_forms(tmp_path: Path) -> None:
    folder = small(tmp_path)
    line = next(folder.glob("*/202611-02.checkpoints")).read_bytes().rstrip(b"\n")
    checkpoint = read(line)
    assert checkpoint is not None
    syslog = b"<109>1 2026-11-18T00:00:00Z - guiju - checkpoint - " + line + b"\n"
    note = checkpoint.signed_note().encode()
    assert lines_in(line + b"\n") == [line]
    assert lines_in(b"other\n" + syslog + b"more\n") == [line]
    assert lines_in(b"POST\n\n" + note) == [line]
    assert lines_in(note * 2 + syslog + line[:-9]) == [line] * 3
    assert examine(folder, lines_in(note)).writers[0].outside == 1


@pytest.mark.slow
def test_every_byte_of_the_records_is_covered_even_when_the_digest_is_made_anew(tmp_path: Path) -> None:
    data = exported(tmp_path)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    _sample(tmp_path / "changed.jsonl", data, random.Random(seed), 400)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_bytes_of_the_records_are_covered_even_when_the_digest_is_made_anew(tmp_path: Path) -> None:
    data = exported(tmp_path)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    _sample(tmp_path / "changed.jsonl", data, random.Random(seed), 40_000)


def _sample(path: Path, data: bytes, chance: random.Random, count: int) -> None:
    """Change one byte before the last line and write the right, unsigned digest: the chain itself must tell."""
    body = data[: data.rindex(b"\n", 0, -1) + 1]
    # The first line says when the export was made and which keys are meant; only the signed digest covers it.
    first = body.index(b"\n") + 1
    for _ in range(count):
        changed = bytearray(body)
        place = chance.randrange(first, len(body))
        changed[place] ^= chance.randrange(1, 256)
        end = {"lines": changed.count(b"\n"), "sha256": hashlib.sha256(changed).hexdigest(), "sig": ""}
        path.write_bytes(bytes(changed) + msgspec.json.encode(end) + b"\n")
        report = verify(ExportSource(path), [PUBLIC])
        assert not report.whole, (place, changed[place])


def test_an_export_names_the_bad_record(tmp_path: Path) -> None:
    data = exported(tmp_path)
    path = tmp_path / "changed.jsonl"
    path.write_bytes(data)
    whole = verify(ExportSource(path), [PUBLIC])
    assert whole.whole, whole.first
    assert whole.writers[0].entries == 40
    lines = data.splitlines(True)
    lines[7] = lines[7].replace(b'"chars_in":', b'"chars_in":1')
    path.write_bytes(b"".join(lines))
    report = verify(ExportSource(path), [PUBLIC])
    assert report.first is not None
    assert (report.first.segment, report.first.seq, report.first.what) == ("202611", 5, "changed")
    for cut in (b"", data[:-1], data[: len(data) // 2], data + b"\n", data + data, data.splitlines(True)[0]):
        path.write_bytes(cut)
        assert not verify(ExportSource(path), [PUBLIC]).whole


def test_the_head_of_an_export_is_covered_by_the_signed_digest(tmp_path: Path) -> None:
    data = exported(tmp_path)
    path = tmp_path / "changed.jsonl"
    head, rest = data.split(b"\n", 1)
    for place in range(len(head)):
        changed = bytearray(head)
        changed[place] ^= 1
        path.write_bytes(bytes(changed) + b"\n" + rest)
        assert not verify(ExportSource(path), [PUBLIC]).whole


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_each_byte_of_an_export_of_40_records_changed_to_each_other_value(tmp_path: Path) -> None:
    """All of them, 255 for every byte. What is not in the last line breaks the digest that stands there; what is
    there breaks its own form, the count, the digest or the signature, and goes through the whole verification."""
    data = exported(tmp_path)
    split = data.rindex(b"\n", 0, -1) + 1
    end = msgspec.json.decode(data[split:])
    assert hashlib.sha256(data[:split]).hexdigest() == end["sha256"]
    silent = 0
    for place in range(split):
        before, after = hashlib.sha256(data[:place]), data[place + 1 : split]
        for value in range(256):
            if value != data[place]:
                changed = before.copy()
                changed.update(bytes((value,)))
                changed.update(after)
                silent += changed.hexdigest() == end["sha256"]
    path = tmp_path / "changed.jsonl"
    for place in range(split, len(data)):
        for value in range(256):
            if value != data[place]:
                path.write_bytes(data[:place] + bytes((value,)) + data[place + 1 :])
                silent += verify(ExportSource(path), [PUBLIC]).whole
    assert silent == 0


def test_verifying_beside_a_writer(tmp_path: Path) -> None:
    clock = Clock()
    one = scribe(tmp_path, clock)
    fill(one, 3, clock)
    one.checkpoint()
    log = next(tmp_path.glob("*/202611.log"))
    with log.open("ab") as file:
        file.write(b'{"v":1,"seq":7,"pre')
    report = examine(tmp_path)
    assert report.whole, report.first
    assert (report.writers[0].being_written, report.writers[0].torn) == (True, 19)
    one.chain.close()
    assert not examine(tmp_path).writers[0].being_written
