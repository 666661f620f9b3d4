# SPDX-License-Identifier: Apache-2.0
"""What the tests of evidence share: keys, small ledgers, and a chain in memory that fails on demand."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.records import writers
from guiju.records.checkpoints import Checkpoint
from guiju.records.scribe import Scribe, encode
from places import Place

SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SIGNING.public_key().public_bytes_raw()
START = 1_795_000_000_000
"""2026-11-18: a moment within a month, in Unix milliseconds."""

DAY = 86_400_000
Where = TypeVar("Where", Path, str)


class Clock:
    """Unix milliseconds that move when told to."""

    def __init__(self, t: int = START) -> None:
        self.t = t

    def __call__(self) -> int:
        return self.t


def unheard(count: int, segment: str, first: int) -> None:
    """Nobody waits."""


def address(here: Place) -> str:
    """Where the ledgers of a place are: files beside a SQLite store, else tables in it."""
    return str(here.data / "ledger") if here.url == "sqlite" else here.url


def settings_for(here: Place) -> None:
    """The guiju.toml by which commands find them."""
    here.data.mkdir(exist_ok=True)
    if here.url != "sqlite":
        text = f'[store]\nurl = "{here.url}"\n[evidence]\nledger = "store"\n'
        (here.data / "guiju.toml").write_text(text)


def scribe(ledger: Path | str, clock: Clock | None = None, signing: Ed25519PrivateKey = SIGNING) -> Scribe:
    """An open scribe on the first free writer of a ledger directory or database."""
    made = Scribe(writers.take(str(ledger)), signing, clock or Clock())
    made.open()
    made.settle_debts()
    return made


def exchange(number: int, t: int, closed: bool = True) -> list[tuple[int, bytes, bytes]]:
    """The entries of one exchange."""
    x = f"01KAV9FT00M8FE56AKNMS{number:05d}"
    entries = [(t, b"opened", encode({"x": x, "door": "chat", "chars_in": number}))]
    if closed:
        entries.append((t + 1, b"closed", encode({"x": x, "state": "passed", "end": "finished", "label": None})))
    return entries


def fill(one: Scribe, exchanges: int, clock: Clock, step: int = 10) -> None:
    """Write exchanges, one batch each."""
    for number in range(exchanges):
        clock.t += step
        one.write(exchange(number, clock.t), unheard)


def small(ledger: Where, exchanges: int = 18) -> Where:
    """A closed ledger of 40 records: 18 exchanges, two openings without an end, and the ledger's own."""
    clock = Clock()
    one = scribe(ledger, clock)
    fill(one, exchanges // 2, clock)
    one.seal()
    fill(one, exchanges - exchanges // 2, clock)
    one.write(exchange(99, clock.t, closed=False), unheard)
    one.checkpoint()
    one.chain.close()
    return ledger


class MemoryChain:
    """A chain in memory. It fails on the calls whose numbers it is given, after keeping a part of what was given."""

    def __init__(self, fail_on: Sequence[int] = (), writer: str = "w-000000-0") -> None:
        self.writer = writer
        self.fail_on = set(fail_on)
        self.calls = 0
        self.rows: dict[str, list[bytes]] = {}
        self.notes: dict[str, list[bytes]] = {}
        self.kept: dict[str, bytes] = {}
        self.doubt: tuple[str, int] | None = None

    def _call(self) -> None:
        self.calls += 1
        if self.calls in self.fail_on:
            raise OSError(errno.ENOSPC, "no space")

    def segments(self) -> list[str]:
        return sorted(self.rows)

    def pruned(self, segment: str) -> bytes | None:
        return None

    def read(self, segment: str, size: int, length: int) -> Iterator[bytes]:
        yield from self.rows[segment][size:]

    def cut(self, segment: str, size: int, length: int) -> bytes:
        tail = b"".join(self.rows[segment][size:])
        del self.rows[segment][size:]
        return tail

    def append(self, segment: str, seq: int, lines: Sequence[bytes]) -> None:
        self.doubt = (segment, seq)
        rows = self.rows.setdefault(segment, [])
        assert len(rows) == seq
        rows.extend(lines[: len(lines) // 2])  # torn: half of it may be there when it fails
        self._call()
        rows.extend(lines[len(lines) // 2 :])
        self.doubt = None

    def rewind(self) -> None:
        self._call()
        if self.doubt:
            segment, seq = self.doubt
            del self.rows[segment][seq:]
            self.doubt = None

    def checkpoint(self, segment: str, line: bytes) -> None:
        self._call()
        self.notes.setdefault(segment, []).append(line)

    def checkpoints(self, segment: str) -> list[bytes]:
        return self.notes.get(segment, [])

    def keep_state(self, segment: str, state: bytes) -> None:
        self.kept[segment] = state

    def state(self, segment: str) -> bytes | None:
        return self.kept.get(segment)

    def close(self) -> None:
        """Nothing to give back."""


class MemorySource:
    """Reads what a MemoryChain holds."""

    def __init__(self, chain: MemoryChain) -> None:
        self._chain = chain

    def writers(self) -> list[str]:
        return [self._chain.writer]

    def checkpoints(self, writer: str) -> list[bytes]:
        return [line for segment in sorted(self._chain.notes) for line in self._chain.notes[segment]]

    def segments(self, writer: str) -> list[str]:
        return sorted(segment for segment, rows in self._chain.rows.items() if rows)

    def marker(self, writer: str, segment: str) -> bytes | None:
        return None

    def lines(self, writer: str, segment: str) -> Iterator[bytes]:
        yield from self._chain.rows.get(segment, [])

    def being_written(self, writer: str) -> bool:
        return False

    def close(self) -> None:
        """Nothing stays open."""


def checkpoints(folder: Path) -> list[Checkpoint]:
    """A few real checkpoints."""
    clock = Clock()
    one = scribe(folder, clock)
    made = []
    for _ in range(4):
        fill(one, 1, clock)
        made.append(one.checkpoint())
    one.chain.close()
    return [checkpoint for checkpoint in made if checkpoint]
