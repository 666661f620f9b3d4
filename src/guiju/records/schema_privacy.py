# SPDX-License-Identifier: Apache-2.0
"""The table of exceptions: what another law asks for, against what Article 11 would have (11.e); nobody's data."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from guiju.records.metadata import metadata

law_exception = Table(
    "law_exception",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("duty", String(32), nullable=False),
    Column("law", String(256), nullable=False),
    Column("scope", String(256), nullable=False),
    Column("made_by", String(256), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("ended_by", String(256), nullable=False),
    Column("ended_at", BigInteger, nullable=False),
)
