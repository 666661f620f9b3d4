# SPDX-License-Identifier: Apache-2.0
"""The writing half of a ledger: gives entries their number, hash link and time, and seals months (DESIGN §7).

It does all its work in the thread that calls it and moves its own memory only after the chain says that the lines
are on disk, so that a failed write leaves no trace in the numbers and hashes that follow.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.errors import ConfigError
from guiju.records.chain import Chain
from guiju.records.checkpoints import Checkpoint, read, sign
from guiju.records.merkle import Tree
from guiju.terms import Evidence

Waiting = tuple[int, bytes, bytes]
"""An entry that waits: Unix milliseconds, kind, body as canonical JSON."""

Own = tuple[str, Mapping[str, object]]
"""Kind and body of an entry that the ledger writes about itself."""

ZEROS: Final = "0" * 64
SEALED: Final = b"sealed"
_LINE: Final = b'{"v":1,"seq":%d,"prev":"%s","t":%d,"kind":"%s","body":%s}'

encode: Final = msgspec.json.Encoder(order="deterministic").encode
"""Canonical JSON of a body: compact, UTF-8, object keys in order."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a ledger, format version 1."""

    v: int
    seq: int
    prev: str
    t: int
    kind: str
    body: dict[str, Any]


class _State(msgspec.Struct, frozen=True):
    """What is kept of a head so that the next start need not read the whole month."""

    size: int
    length: int
    last: int
    prev: str
    t: int
    kinds: dict[str, int]
    peaks: list[str]


class Marker(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stays of a segment that was pruned by rule.

    Attributes:
        first, last: its first and last entry number.
        kinds: how many entries of each kind there were.
        root: Merkle root in hex.
        t: time of the last entry.
        seal: the last entry, as its line; it counts the kinds.
        peaks: the tree of all entries before it, in hex, so that the seal is provably under the root.
        checkpoint: the signed checkpoint of the sealed segment, as one line.
        pruned_at: Unix milliseconds.
        days: the term that was applied.
    """

    v: int = 1
    writer: str
    segment: str
    first: int = 0
    last: int
    kinds: dict[str, int]
    root: str
    t: int
    seal: str
    peaks: list[str]
    checkpoint: str
    pruned_at: int
    days: int


class _Line(NamedTuple):
    """An entry that is to be written: its line with the line end, its leaf hash, time and kind."""

    text: bytes
    leaf: bytes
    t: int
    kind: str


class Head:
    """Where a segment ends: how many entries, the last hash, the tree."""

    def __init__(self, segment: str) -> None:
        self.segment = segment
        self.size = 0
        self.length = 0
        self.last = 0
        self.prev = ZEROS
        self.t = 0
        self.kinds: dict[str, int] = {}
        self.tree = Tree()
        self.until = month_end(segment)
        self.pruned_root: bytes | None = None

    def add(self, leaf: bytes, length: int, t: int, kind: str) -> None:
        """Take one entry that is on disk; `length` is its bytes with the line end."""
        self.tree.add(leaf)
        self.prev = leaf.hex()
        self.size += 1
        self.length += length
        self.last = length
        self.t = t
        self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def take(self, line: bytes) -> bool:
        """Add a line that was read back, if it is whole and continues the chain."""
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        fits = entry.seq == self.size and (self.size == 0 or entry.prev == self.prev) and line.endswith(b"}\n")
        if fits:
            self.add(leaf_of(line[:-1]), len(line), entry.t, entry.kind)
        return fits

    @property
    def sealed(self) -> bool:
        """Whether nothing more may be added."""
        return "sealed" in self.kinds

    def root(self) -> bytes:
        """The Merkle root of all entries."""
        return self.pruned_root or self.tree.root()


def leaf_of(line: bytes) -> bytes:
    """The leaf hash of an entry: SHA-256(0x00 || line without its line end)."""
    return hashlib.sha256(b"\0" + line).digest()


def month(t: int) -> str:
    """The UTC calendar month of Unix milliseconds, such as `202611`."""
    return datetime.fromtimestamp(t / 1000, UTC).strftime("%Y%m")


def month_end(segment: str) -> int:
    """Unix milliseconds of the first moment after a segment's month."""
    year, number = int(segment[:4]), int(segment[4:6])
    return int(datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000


class Scribe:
    """Writes one chain.

    Args:
        chain: where to; the caller holds its lock.
        signing: key of the checkpoints.
        now: Unix milliseconds.
    """

    def __init__(self, chain: Chain, signing: Ed25519PrivateKey, now: Callable[[], int]) -> None:
        self.chain = chain
        self.newest: Checkpoint | None = None
        self.signing = signing
        self._now = now
        self._head: Head | None = None
        self._owed: list[Own] = []

    @property
    def t(self) -> int:
        """Time of the newest entry; 0 when there is none."""
        return self._head.t if self._head else 0

    def open(self) -> None:
        """Find the end of the chain; take off a tail that a crash left unfinished and remember to say so.

        Raises:
            ConfigError: `evidence_broken`: a signed checkpoint says that there was more.
            OSError: the chain can't be read.
        """
        for segment in reversed(self.chain.segments()):
            head = self._load(segment)
            if head.size:
                self._head = head
                return

    def settle_debts(self, more: Sequence[Own] = ()) -> None:
        """Write entries of the ledger's own: what `open` found to say, and `more`.

        Raises:
            OSError: they are not on disk; what `open` found is still owed.
        """
        own = [*self._owed, *more]
        if own:
            self.write([(self._now(), kind.encode(), encode(body)) for kind, body in own], _unheard)
            self._owed.clear()

    def write(self, entries: Sequence[Waiting], done: Callable[[int, str, int], None]) -> None:
        """Put entries on disk, in order.

        Args:
            entries: what waits.
            done: called with (how many, segment, number of the first) each time that some of them are on disk.

        Raises:
            OSError: those that `done` was not told of are not on disk; call `chain.rewind` before writing on.
        """
        start = 0
        while start < len(entries):
            head = self._ready(entries[start][0])
            if entries[start][1] == SEALED:
                seq = head.size
                self._seal(head, max(head.t, min(entries[start][0], head.until - 1)))
                done(1, head.segment, seq)
                start += 1
                continue
            first = head.size
            lines = self._lines(head, entries, start)
            self._commit(head, lines)
            done(len(lines), head.segment, first)
            start += len(lines)

    def enter(self, kind: str, body: Mapping[str, object]) -> Evidence:
        """Write one entry and wait for the disk: for commands, which have no event loop.

        Raises:
            OSError: it is not on disk.
            ValueError: not a kind.
        """
        return self._alone((self._now(), check_kind(kind), encode(body)))

    def seal(self) -> Evidence | None:
        """Seal the segment now; none when there is nothing to seal."""
        if self._head is None or self._head.sealed:
            return None
        return self._alone((self._now(), SEALED, b"{}"))

    def _alone(self, entry: Waiting) -> Evidence:
        places: list[tuple[str, int]] = []
        self.write([entry], lambda _, segment, first: places.append((segment, first)))
        return Evidence(self.chain.writer, *places[0], entry[1].decode())

    def checkpoint(self) -> Checkpoint | None:
        """Sign the chain as it is, unless the newest checkpoint already says so.

        Raises:
            OSError: it can't be kept.
        """
        head = self._head
        if head is None or head.pruned_root is not None:
            return None
        if self.newest and (self.newest.segment, self.newest.size) == (head.segment, head.size):
            return None
        signed = sign(self.signing, self.chain.writer, head.segment, head.size, head.root(), self._now())
        self.chain.checkpoint(head.segment, signed.line().encode())
        self.newest = signed
        state = _State(
            head.size, head.length, head.last, head.prev, head.t, head.kinds, [peak.hex() for peak in head.tree.peaks]
        )
        self.chain.keep_state(head.segment, msgspec.json.encode(state))
        return signed

    def _ready(self, t: int) -> Head:
        """A head that may take an entry of time `t`: seals the month that is over and begins the next."""
        head = self._head
        if head and not head.sealed and max(t, head.t) >= head.until:
            self._seal(head, head.t)
        if head is None or head.sealed:
            head = self._begin(head, max(t, self.t))
        return head

    def _begin(self, before: Head | None, t: int) -> Head:
        name = month(t)
        if before and before.segment[:6] == name:
            name = f"{name}-{int(before.segment[7:] or 1) + 1:02d}"
        head = Head(name)
        if before:
            head.prev = before.root().hex()
        body = {
            "writer": self.chain.writer,
            "segment": name,
            "previous": before.segment if before else "",
            "size": before.size if before else 0,
            "root": before.root().hex() if before else ZEROS,
        }
        self._commit(head, self._lines(head, [(t, b"segment", encode(body))], 0))
        self._head = head
        return head

    def _seal(self, head: Head, t: int) -> None:
        kinds = {**head.kinds, "sealed": 1}
        body = encode({"size": head.size + 1, "kinds": kinds})
        line = _LINE % (head.size, head.prev.encode(), t, SEALED, body)
        self._commit(head, [_Line(line + b"\n", leaf_of(line), t, "sealed")])
        self.checkpoint()

    @staticmethod
    def _lines(head: Head, entries: Sequence[Waiting], start: int) -> list[_Line]:
        """Lines for the entries from `start` on that belong to this segment."""
        lines: list[_Line] = []
        seq, prev, last = head.size, head.prev.encode(), head.t
        for index in range(start, len(entries)):
            t, kind, body = entries[index]
            last = max(last, t)
            if last >= head.until or kind == SEALED:
                break
            line = _LINE % (seq, prev, last, kind, body)
            leaf = leaf_of(line)
            lines.append(_Line(line + b"\n", leaf, last, kind.decode()))
            prev = leaf.hex().encode()
            seq += 1
        return lines

    def _commit(self, head: Head, lines: list[_Line]) -> None:
        self.chain.append(head.segment, head.size, [line.text for line in lines])
        for line in lines:
            head.add(line.leaf, len(line.text), line.t, line.kind)

    def _load(self, segment: str) -> Head:
        marker = self.chain.pruned(segment)
        if marker is not None:
            return _from_marker(msgspec.json.decode(marker, type=Marker))
        head = self._saved(segment) or Head(segment)
        for line in self.chain.read(segment, head.size, head.length):
            if not head.take(line):
                tail = self.chain.cut(segment, head.size, head.length)
                self._owed.append(("recovered", {"bytes": len(tail), "sha256": hashlib.sha256(tail).hexdigest()}))
                break
        notes = self.chain.checkpoints(segment)
        newest = read(notes[-1]) if notes else None
        if newest and newest.size > head.size:
            what = f"{self.chain.writer}/{segment}: {head.size} < {newest.size}"
            raise ConfigError("evidence_broken", what=what)
        self.newest = newest
        return head

    def _saved(self, segment: str) -> Head | None:
        """The head as the newest checkpoint kept it, if the chain still has its last entry at that place."""
        raw = self.chain.state(segment)
        if raw is None:
            return None
        try:
            state = msgspec.json.decode(raw, type=_State)
            head = Head(segment)
            head.tree = Tree(state.size, map(bytes.fromhex, state.peaks))
        except (msgspec.DecodeError, ValueError):
            return None
        line = next(self._from(segment, state.size - 1, state.length - state.last), b"")
        if len(line) != state.last or leaf_of(line[:-1]).hex() != state.prev:
            return None
        head.size, head.length, head.last = state.size, state.length, state.last
        head.prev, head.t, head.kinds = state.prev, state.t, state.kinds
        return head

    def _from(self, segment: str, size: int, length: int) -> Iterator[bytes]:
        return self.chain.read(segment, size, length) if size >= 0 and length >= 0 else iter(())


def _from_marker(marker: Marker) -> Head:
    head = Head(marker.segment)
    head.size, head.t, head.kinds = marker.last + 1, marker.t, marker.kinds
    head.pruned_root = bytes.fromhex(marker.root)
    return head


def check_kind(kind: str) -> bytes:
    """A kind as it stands in a line.

    Raises:
        ValueError: it is not a short lower-case word, or one that only the ledger itself writes.
    """
    if not re.fullmatch(r"[a-z_]{1,32}", kind) or kind in ("segment", "sealed", "recovered", "resumed"):
        raise ValueError(f"not a kind of entry: {kind!r}")
    return kind.encode()


def _unheard(count: int, segment: str, first: int) -> None:
    """Nobody waits for the ledger's own entries."""
