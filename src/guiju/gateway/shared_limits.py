# SPDX-License-Identifier: Apache-2.0
"""What keys have left, shared by the workers of one parent (robustness §5): a table in memory that all of them map.

A record lock of the kernel guards it; it goes when its holder dies. Open exchanges are counted by worker, so that those
of a worker that died are forgotten when the next one takes its seat.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from guiju.errors import OutsideError
from guiju.gateway.limits import Allowance, Limiter

_ROWS: Final = 8192
_ROW: Final = struct.Struct("<8sdd")
"""A key's mark (zeros in an empty row), what its bucket holds, and when it did; then the open exchanges by worker."""
_COUNT: Final = struct.Struct("<I")
_FORGET_S: Final = 120.0
"""After so long a bucket is full again, and a row without open exchanges says nothing any more."""


class SharedLimiter(Limiter):
    """Counts what keys do, in all workers.

    Args:
        descriptor: the memory; the first who maps it makes it as large as it must be.
        seat, of: which worker this is, of how many.
    """

    def __init__(self, descriptor: int, seat: int, of: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._seat = seat
        self._of = of
        self._size = _ROW.size + of * _COUNT.size
        with self._locked():
            os.ftruncate(descriptor, _ROWS * self._size)
        self._table = mmap.mmap(descriptor, _ROWS * self._size)
        with self._locked():
            for row in range(_ROWS):  # what a worker before had open in this seat ended with it
                self._put_open(row, 0)
        self._rows: dict[str, int] = {}

    def enter(self, key: str, rate: int, streams: int, now: float) -> Allowance:
        """See `Limiter`; `now` must be the machine's monotonic seconds."""
        with self._locked():
            row = self._row(key, now)
            _, left, at = _ROW.unpack_from(self._table, row * self._size)
            mine = _Shared(self, row, left if at else float(max(rate, 0)), at or now)
            mine.open = sum(self._opened(row))
            try:
                self.take(mine, rate, streams, now)
            finally:
                _ROW.pack_into(self._table, row * self._size, _mark(key), mine.left, mine.at)
            self._put_open(row, self._get_open(row) + 1)
        return mine

    def leave(self, row: int) -> None:
        """One exchange less."""
        with self._locked():
            self._put_open(row, max(0, self._get_open(row) - 1))

    def _row(self, key: str, now: float) -> int:
        """A key's row; the first free one when it has none."""
        mark = _mark(key)
        known = self._rows.get(key)
        if known is not None and self._marked(known) == mark:
            return known
        start, free = int.from_bytes(mark, "big") % _ROWS, -1
        for step in range(_ROWS):
            row = (start + step) % _ROWS
            found = self._marked(row)
            if found == mark:
                free = row
                break
            if free < 0 and (not any(found) or self._forgotten(row, now)):
                free = row
            if not any(found):
                break
        if free < 0:
            raise OutsideError("overloaded")
        if self._marked(free) != mark:
            self._table[free * self._size : (free + 1) * self._size] = bytes(self._size)
        if len(self._rows) >= _ROWS:
            self._rows.clear()
        self._rows[key] = free
        return free

    def _marked(self, row: int) -> bytes:
        return self._table[row * self._size : row * self._size + 8]

    def _forgotten(self, row: int, now: float) -> bool:
        at: float = _ROW.unpack_from(self._table, row * self._size)[2]
        return now - at > _FORGET_S and not any(self._opened(row))

    def _opened(self, row: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{self._of}I", self._table, row * self._size + _ROW.size)

    def _place(self, row: int) -> int:
        return row * self._size + _ROW.size + self._seat * _COUNT.size

    def _get_open(self, row: int) -> int:
        count: int = _COUNT.unpack_from(self._table, self._place(row))[0]
        return count

    def _put_open(self, row: int, count: int) -> None:
        _COUNT.pack_into(self._table, self._place(row), count)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)


class _Shared(Allowance):
    """What one key has left, as it was found; the table has the truth."""

    __slots__ = ("_all", "_row")

    def __init__(self, every: SharedLimiter, row: int, left: float, at: float) -> None:
        super().__init__(left, at)
        self._all = every
        self._row = row

    def leave(self) -> None:
        """The exchange is over."""
        self._all.leave(self._row)


def _mark(key: str) -> bytes:
    """Eight bytes that stand for a key's id."""
    return hashlib.blake2b(key.encode(), digest_size=8).digest()
