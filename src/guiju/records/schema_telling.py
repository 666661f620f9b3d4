# SPDX-License-Identifier: Apache-2.0
"""The tables of telling: the numbers that documents quote (Articles 2, 5, 6, 17); `schema` has them with the others."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Integer, String, Table

from guiju.records.metadata import metadata

# Every number that was ever published, each time anew; a row never changes. What is counted about persons comes only
# from `crowd`, which tells nothing of few.
figure: Final = Table(
    "figure",
    metadata,
    Column("name", String(256), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("room", String(32), nullable=False),
    Column("value", Double, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("low", Double),
    Column("high", Double),
    Column("at", BigInteger, nullable=False),
    Column("evidence", String(256), nullable=False),
)
