# SPDX-License-Identifier: Apache-2.0
"""The tables of telling (Articles 2, 5, 6, 17): numbers that documents quote, filings, scope; `schema` has them too."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Integer, String, Table, Text

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

# Filings with authorities. `facts` holds what was said of the facts that a filing holds when it was handed in (names of
# the service, the model, the provider; nothing of a person but a digest). Days are ISO dates, "" where none.
filing: Final = Table(
    "filing",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("authority", String(256), nullable=False),
    Column("number", String(128), nullable=False),
    Column("version", String(64), nullable=False),
    Column("submitted", String(10), nullable=False),
    Column("approved", String(10), nullable=False),
    Column("launched", String(10), nullable=False),
    Column("cancelled", String(10), nullable=False),
    Column("facts", Text, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", BigInteger, nullable=False),
)

# What the authority asked about a filing, and by when it is answered.
filing_inquiry: Final = Table(
    "filing_inquiry",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("filing_id", String(32), ForeignKey("filing.id"), nullable=False),
    Column("asked", Text, nullable=False),
    Column("received", String(10), nullable=False),
    Column("due", String(10), nullable=False),
    Column("answered", String(10), nullable=False),
    Column("answered_by", String(128), nullable=False),
)

# What differs from a filing, since when, and what was done about it.
filing_change: Final = Table(
    "filing_change",
    metadata,
    Column("filing_id", String(32), primary_key=True),
    Column("fact", String(64), primary_key=True),
    Column("seen_at", BigInteger, primary_key=True, autoincrement=False),
    Column("was", Text, nullable=False),
    Column("now", Text, nullable=False),
    Column("settled_at", BigInteger, nullable=False),
    Column("settled_by", String(128), nullable=False),
    Column("how", Text, nullable=False),
)

# The steps by which the service ends, as they are done.
service_end: Final = Table(
    "service_end",
    metadata,
    Column("step", String(16), primary_key=True),
    Column("done", String(10), nullable=False),
    Column("by", String(128), nullable=False),
    Column("note", Text, nullable=False),
    Column("proof", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Decisions on whether and how the law applies: the answers and what follows, signed; a row never changes.
scope_decision: Final = Table(
    "scope_decision",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("answers", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signed_by", String(128), nullable=False),
    Column("second", String(128), nullable=False),
    Column("signed_at", BigInteger, nullable=False),
)
