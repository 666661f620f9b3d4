# SPDX-License-Identifier: Apache-2.0
"""A conversation with PostgreSQL that ends even when its other end is gone without a word (DESIGN §11; robustness F2).

A server that is halted, or lost behind something that keeps the connection, acknowledges every byte and never
answers: no keepalive and no time-out of TCP sees that. Who waits then asks over a second connection whether the first
is still at work; only where nobody says so the conversation is over, so that a long statement is never taken for a
lost one.
"""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
from psycopg.abc import RV, PQGen

SILENCE_S: Final = 2.0
"""Seconds without a byte from the server after which it is asked over another connection."""
_CONNECT_S: Final = 3
_AT_WORK: Final = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'"


class Answering(psycopg.Connection):
    """A connection that does not wait for ever."""

    _asks: bool = True

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """Do one step of the conversation.

        Raises:
            OperationalError: the server says nothing, and another connection can't tell that it is at work; the
                connection is closed then.
        """
        return super().wait(self._bounded(gen), *args, **kwargs)

    def _bounded(self, gen: PQGen[RV]) -> PQGen[RV]:
        heard, doubted = time.monotonic(), False
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    heard, doubted = time.monotonic(), False
                elif time.monotonic() - heard > SILENCE_S:
                    works = self._at_work() if self._asks else None
                    if works is None or (doubted and not works):
                        self.pgconn.finish()
                        raise psycopg.OperationalError("the server says nothing")
                    heard, doubted = time.monotonic(), not works  # it may have ended just now; its answer is on its way
                wanted = gen.send(ready)
        except StopIteration as ended:
            made: RV = ended.value
            return made

    def _at_work(self) -> bool | None:
        """Whether the server works for this connection; nothing where nobody says so."""
        info = self.info
        try:
            with Answering.connect(
                info.dsn, password=info.password, autocommit=True, connect_timeout=_CONNECT_S
            ) as other:
                other._asks = False
                return other.execute(_AT_WORK, (info.backend_pid,)).fetchone() is not None
        except psycopg.Error:
            return None
