# SPDX-License-Identifier: Apache-2.0
"""A plain reader of ledger tables in PostgreSQL, for those who verify; needs the extra `postgres`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import psycopg

from guiju.errors import ConfigError

_PAGE: Final = 5000


class SqlSource:
    """The ledger tables of a PostgreSQL database.

    Args:
        url: `postgresql://…`.

    Raises:
        ConfigError: `not_found`: it can't be reached or has no ledger.
    """

    def __init__(self, url: str) -> None:
        try:
            self._connection = psycopg.connect(
                url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True, connect_timeout=5
            )
        except psycopg.Error as error:
            raise ConfigError("not_found", what="PostgreSQL") from error
        try:
            self._connection.execute("SELECT 1 FROM ledger_entry LIMIT 1")
        except psycopg.Error as error:
            self.close()
            raise ConfigError("not_found", what="ledger_entry (PostgreSQL)") from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def writers(self) -> list[str]:
        return self._names(
            "SELECT writer FROM ledger_segment UNION SELECT writer FROM ledger_checkpoint"
            " UNION SELECT DISTINCT writer FROM ledger_entry",
            (),
        )

    def checkpoints(self, writer: str) -> list[bytes]:
        rows = self._connection.execute(
            "SELECT line FROM ledger_checkpoint WHERE writer = %s ORDER BY segment, size", (writer,)
        )
        return [bytes(row[0]) for row in rows]

    def segments(self, writer: str) -> list[str]:
        return self._names(
            "SELECT segment FROM ledger_segment WHERE writer = %s"
            " UNION SELECT segment FROM ledger_checkpoint WHERE writer = %s"
            " UNION SELECT DISTINCT segment FROM ledger_entry WHERE writer = %s",
            (writer, writer, writer),
        )

    def marker(self, writer: str, segment: str) -> bytes | None:
        row = self._connection.execute(
            "SELECT pruned FROM ledger_segment WHERE writer = %s AND segment = %s", (writer, segment)
        ).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    def lines(self, writer: str, segment: str) -> Iterator[bytes]:
        """In pages by key, so that rows that arrive while we read never shift what was read."""
        after = -1
        while True:
            rows = self._connection.execute(
                "SELECT seq, line FROM ledger_entry WHERE writer = %s AND segment = %s AND seq > %s"
                " ORDER BY seq LIMIT %s",
                (writer, segment, after, _PAGE),
            ).fetchall()
            yield from (bytes(row[1]) + b"\n" for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def being_written(self, writer: str) -> bool:
        return False  # rows are whole or absent: there is nothing unfinished to excuse

    def _names(self, question: str, values: tuple[str, ...]) -> list[str]:
        return sorted(row[0] for row in self._connection.execute(question.encode(), values))
