# SPDX-License-Identifier: Apache-2.0
"""The ledger: append-only, hash-linked, on disk before anything is released (DESIGN §7; Articles 5, 15, 17).

`append` puts an entry into a bounded queue and returns at once; one thread writes all that waits with one write and
one full sync, and then everybody who waits for `durable` goes on. What is not on disk is never acknowledged, and when
the disk fails the ledger refuses (`guard_unavailable`): no record, no release.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.config import EvidenceSettings
from guiju.errors import ConfigError, OutsideError
from guiju.records.chain import Chain
from guiju.records.checkpoints import Checkpoint
from guiju.records.scribe import SEALED, Scribe, Waiting, check_kind, encode
from guiju.terms import Evidence

_PROBE_EVERY_S: Final = 1.0
_CLOSE_S: Final = 20.0
_GATHER_S: Final = 0.0005
_GATHER_MOST_S: Final = 0.01
"""From one write to the next for each entry that the last one took, and at most: a write costs nearly the same however
many entries it takes, and who writes alone waits for nobody."""
_log = logging.getLogger(__name__)


def unix_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


class Ledger:
    """One writer's ledger.

    Args:
        chain: where it is written (`FileChain.take(DATA/ledger)` or `SqlChain.take(url)`).
        signing: key of the checkpoints (`Secrets.signing`).
        settings: checkpoint interval in seconds, queue bounds.

    Attributes:
        clock: Unix milliseconds; another one stands here only where a past is lived through (`seeding`).
        committed: told in the event loop of each group commit: seconds that it took, and entries that it wrote.

    `append`, `durable`, `seal` and `close` belong to the thread of the event loop.
    """

    def __init__(self, chain: Chain, signing: Ed25519PrivateKey, settings: EvidenceSettings | None = None) -> None:
        self.clock: Callable[[], int] = unix_ms
        self.committed: Callable[[float, int], None] = lambda seconds, entries: None
        self._scribe = Scribe(chain, signing, lambda: self.clock())
        self._settings = settings or EvidenceSettings()
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._waiting: deque[float] = deque()  # when each entry that is not settled was appended
        self._waiters: dict[int, list[asyncio.Future[None]]] = {}
        self._kinds: dict[str, tuple[int, bytes]] = {"sealed": (0, SEALED)}
        self._names = ["sealed"]
        self._next = 0
        self._settled = 0
        # Where tickets went: from ticket number `starts[i]` on they are in `spans[i]` = (segment, seq - number);
        # an empty segment stands for tickets that failed. A new span begins only where that changes.
        self._starts: list[int] = []
        self._spans: list[tuple[str, int]] = []
        self._refusing = False
        self._closed = False
        self._watching = False
        self._outage: dict[str, object] = {}  # what an entry must tell when the ledger writes again
        self._failed = 0
        self._next_write = 0.0  # monotonic time before which nothing is written
        self._taken = self._told = 0  # entries that the thread took from the queue, and whose fate it has told
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def writer(self) -> str:
        """The name of the ledger, for `ExchangeIds`."""
        return self._scribe.chain.writer

    @property
    def t(self) -> int:
        """Unix milliseconds of the newest entry, for `ExchangeIds(not_before_ms)`; known after `start`."""
        return self._scribe.t

    @property
    def newest(self) -> Checkpoint | None:
        """The newest signed checkpoint, for the witnesses."""
        return self._scribe.newest

    def sign_with(self, signing: Ed25519PrivateKey) -> None:
        """Sign checkpoints with another key from now on."""
        self._scribe.signing = signing

    @property
    def refusing(self) -> bool:
        """Whether the last write failed and no probe has succeeded since: not ready."""
        return self._refusing

    @property
    def waiting(self) -> int:
        """How many entries wait for the disk."""
        return len(self._waiting)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the end of the chain and start the writing thread.

        Raises:
            ConfigError: `evidence_broken`: a signed checkpoint says that there was more.
            OSError: the chain can't be read.
        """
        self._loop = loop
        try:
            self._scribe.open()
        except (ConfigError, OSError):
            self._scribe.chain.close()
            raise
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def append(self, kind: str, body: Mapping[str, object]) -> int:
        """Put an entry into the queue. No IO.

        Args:
            kind: a short lower-case word, such as `opened`.
            body: identifiers, enums, counts, keyed digests; never content.

        Returns:
            A ticket for `durable`; tickets grow.

        Raises:
            OutsideError: `guard_unavailable`: too many entries wait, the oldest waits too long, or the last write
                failed.
            ValueError: not a kind.
        """
        number, word = self._kinds.get(kind) or self._learn(kind)
        return self._put(number, word, encode(body))

    async def durable(self, ticket: int) -> Evidence:
        """Wait until an entry is on disk by full sync.

        Args:
            ticket: from `append` of this ledger.

        Raises:
            OutsideError: `guard_unavailable`: it did not get there, or not within `queue_wait_s`. In the second case it
                may still get there later; what it gates must not be released all the same.
        """
        n = ticket >> 8
        if n >= self._settled:
            future = asyncio.get_running_loop().create_future()
            self._waiters.setdefault(n, []).append(future)
            self._watch()
            await future
        span = bisect_right(self._starts, n) - 1
        segment, shift = self._spans[span]
        if not segment:
            raise OutsideError("guard_unavailable")
        return Evidence(self.writer, segment, n + shift, self._names[ticket & 0xFF])

    async def seal(self) -> Evidence:
        """Seal the current segment now; the next entry begins a new one.

        Raises:
            OutsideError: `guard_unavailable`.
        """
        return await self.durable(self._put(0, SEALED, b"{}"))

    async def close(self) -> None:
        """Write what waits, sign a last checkpoint, give the lock back. Safe to call twice.

        A disk that hangs is waited for no longer than 20 s; the lock then goes when the process ends.
        """
        if self._closed:
            return
        self._closed = True
        if self._thread:
            self._queue.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join, _CLOSE_S)
        else:
            self._scribe.chain.close()

    def abandon(self) -> None:
        """Close where there is nothing to wait in: what else was to be opened with it could not be."""
        self._closed = True
        if self._thread:
            self._queue.put(None)
            self._thread.join()
        else:
            self._scribe.chain.close()

    def _learn(self, kind: str) -> tuple[int, bytes]:
        word = check_kind(kind)
        if len(self._names) == 256:
            raise ValueError("more than 255 kinds of entry")
        self._names.append(kind)
        self._kinds[kind] = entry = (len(self._names) - 1, word)
        return entry

    def _put(self, number: int, word: bytes, body: bytes) -> int:
        now = time.monotonic()
        waiting = self._waiting
        if self._refusing or self._closed:
            raise OutsideError("guard_unavailable")
        if waiting and (len(waiting) >= self._settings.queue_max or now - waiting[0] > self._settings.queue_wait_s):
            raise OutsideError("guard_unavailable")
        n = self._next
        self._next = n + 1
        waiting.append(now)
        self._queue.put((self.clock(), word, body))
        return n << 8 | number

    def _watch(self) -> None:
        """Look after those who wait, once a second at most and only while somebody waits."""
        if not self._watching and self._loop is not None:
            self._watching = True
            self._loop.call_later(min(1.0, self._settings.queue_wait_s), self._give_up)

    def _give_up(self) -> None:
        """A disk that hangs is a disk that fails: who has waited too long is refused."""
        self._watching = False
        latest = time.monotonic() - self._settings.queue_wait_s
        for n, since in enumerate(self._waiting, self._settled):
            if since > latest:
                break
            for future in self._waiters.pop(n, ()):
                if not future.done():
                    future.set_exception(OutsideError("guard_unavailable"))
        if self._waiters:
            self._watch()

    def _settle(self, count: int, segment: str, first: int, seconds: float) -> None:
        """In the event loop: the next `count` tickets are on disk, or failed when there is no segment."""
        if segment:
            self.committed(seconds, count)
        n = self._settled
        span = (segment, first - n if segment else 0)
        if not self._spans or self._spans[-1] != span:
            self._starts.append(n)
            self._spans.append(span)
        self._settled = n + count
        for number in range(n, n + count):
            self._waiting.popleft()
            for future in self._waiters.pop(number, ()):
                if not future.done():
                    future.set_result(None)

    # What follows runs in the writing thread.

    def _run(self) -> None:
        try:
            self._write_until_closed()
        except Exception as error:  # a defect of ours must refuse and fail those who wait, not leave them hanging
            _log.error("ledger.thread_failed", extra={"kind": type(error).__name__})
            self._refusing = True
            closing = False
            while not closing:
                self._tell(self._taken - self._told, "", 0)
                closing = None in self._take(None)
            self._tell(self._taken - self._told, "", 0)
        finally:
            self._scribe.chain.close()

    def _write_until_closed(self) -> None:
        self._recover()
        due = time.monotonic() + self._settings.checkpoint_every_s
        while True:
            batch = self._take(_PROBE_EVERY_S if self._refusing else max(0.0, due - time.monotonic()))
            closing = bool(batch) and batch[-1] is None
            entries = [item for item in batch if item]
            if self._refusing:
                self._recover_for(entries)
            elif entries:
                self._write(entries)
            if closing or time.monotonic() >= due:
                self._checkpoint()
                due = time.monotonic() + self._settings.checkpoint_every_s
            if closing:
                return

    def _take(self, wait_s: float | None) -> list[Waiting | None]:
        """Everything that waits, as soon as something does; while many write, what a moment gathers."""
        try:
            batch = [self._queue.get(timeout=wait_s)]
        except Empty:
            return []
        if (early := self._next_write - time.monotonic()) > 0:
            time.sleep(early)
        batch.extend(self._queue.get() for _ in range(self._queue.qsize()))
        self._taken += len(batch) - batch.count(None)
        if len(batch) > 1:
            self._next_write = time.monotonic() + min(_GATHER_S * len(batch), _GATHER_MOST_S)
        return batch

    def _write(self, entries: list[Waiting]) -> None:
        written, began = 0, time.perf_counter()

        def done(count: int, segment: str, first: int) -> None:
            nonlocal written
            written += count
            self._tell(count, segment, first, time.perf_counter() - began)

        try:
            self._scribe.write(entries, done)
        except OSError as error:
            self._refusing = True
            name = errno.errorcode.get(error.errno or 0, type(error).__name__)
            self._outage = {"error": name, "since": unix_ms()}
            _log.error("ledger.write_failed", extra={"error": name})
            self._fail(len(entries) - written)

    def _recover_for(self, entries: list[Waiting]) -> None:
        """While refusing: entries that slipped in fail too; then probe."""
        self._fail(len(entries))
        self._recover()

    def _fail(self, count: int) -> None:
        self._failed += count
        self._tell(count, "", 0)

    def _recover(self) -> None:
        """Cut back to what was acknowledged and write an entry that tells of the outage; that is the probe."""
        scribe = self._scribe
        try:
            if self._refusing:
                scribe.chain.rewind()
            scribe.settle_debts([("resumed", {**self._outage, "failed": self._failed})] if self._outage else [])
            self._outage, self._failed = {}, 0
        except OSError as error:
            if not self._refusing:
                _log.error("ledger.not_writable", extra={"kind": type(error).__name__})
            self._refusing = True
            return
        self._refusing = False

    def _checkpoint(self) -> None:
        if self._refusing:
            return
        try:
            self._scribe.checkpoint()
        except OSError as error:  # the log goes on; the next interval tries again
            _log.error("ledger.checkpoint_failed", extra={"kind": type(error).__name__})

    def _tell(self, count: int, segment: str, first: int, seconds: float = 0.0) -> None:
        if not count or self._loop is None:
            return
        self._told += count
        try:
            self._loop.call_soon_threadsafe(self._settle, count, segment, first, seconds)
        except RuntimeError:  # the loop is closed: nobody waits any more
            _log.warning("ledger.nobody_waits", extra={"count": count})
