# SPDX-License-Identifier: Apache-2.0
"""The table of exceptions: what another law asks for, against what Article 11 would have (11.e); nobody's data. And the
log of who got content without its explicit label (Labelling Measures, 9): keyed hashes alone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

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

unlabelled_delivery = Table(
    "unlabelled_delivery",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(64), nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("content", String(64), nullable=False),
    Column("door", String(32), nullable=False),
    Column("agreement", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_unlabelled_delivery_at", "at"),
    Index("ix_unlabelled_delivery_content", "content"),
)
