# SPDX-License-Identifier: Apache-2.0
"""The table of banks of questions (Articles 4 and 12); the questions are sealed, counts and names are not."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from guiju.records.metadata import metadata

# Versions of banks; a row never changes.
bank_version: Final = Table(
    "bank_version",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("questions", Integer, nullable=False),
    Column("classes", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("owner", String(128), nullable=False),
    Column("updated", String(10), nullable=False),
    Column("imported_by", String(128), nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
