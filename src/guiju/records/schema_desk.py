# SPDX-License-Identifier: Apache-2.0
"""The tables of the desk (Articles 13, 15, 18 to 20); `schema` has them with the others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, String, Table, Text

from guiju.records.metadata import metadata

# The last receipt number of each year (UTC+8).
case_number = Table(
    "case_number",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

# Cases of the desk. What people wrote lies in the vault, under a key of the case's own; nothing here leads to it
# without the provider's secret, and nothing leads to a person who uses the service (DESIGN §8).
case = Table(
    "desk_case",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("category", String(64), nullable=False),
    Column("source", String(16), nullable=False),
    Column("produce_id", String(64), nullable=False),
    Column("compared", String(16), nullable=False),
    Column("group_key", String(32), nullable=False, index=True),
    Column("parent_id", String(16), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("opened_by", String(128), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("news_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("basis", String(8), nullable=False),
    Column("clocks", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("lease_by", String(128), nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("turn", Integer, nullable=False),
    Index("ix_desk_case_queue", "closed_at", "due_at", "id"),
    Index("ix_desk_case_kind", "kind", "closed_at", "due_at", "id"),
    Index("ix_desk_case_counts", "closed_at", "kind", "state"),
)

# What needs two persons: who proposed it, and who agreed or not. What it is exactly lies with the case's papers.
approval = Table(
    "approval",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("case_id", String(16), nullable=False, index=True),
    Column("act", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("share", Double, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("proposed_by", String(128), nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("acts_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("single_mode", Boolean, nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("decided_at", BigInteger, nullable=False),
)

# What leaves the house after a decision, and waits so that the decision can be taken back.
outbox = Table(
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("case_id", String(16), nullable=False, index=True),
    Column("channel", String(16), nullable=False),
    Column("item", Integer, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("done_at", BigInteger, nullable=False),
    Column("answer", String(64), nullable=False),
    Index("ix_outbox_due", "state", "not_before"),
)
