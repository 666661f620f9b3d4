# SPDX-License-Identifier: Apache-2.0
"""The tables of what is asked of models: runs, and one row a question (Articles 4, 12, 15).

Questions and answers stand here only sealed, under a key of the run's own (`sealed`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from guiju.records.metadata import metadata

probe_run = Table(
    "probe_run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("route", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("versions", String(64), nullable=False),
    Column("manner", Text, nullable=False),
    Column("drawn", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("begun_by", String(128), nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Index("ix_probe_run_subject", "kind", "subject", "begun_at"),
)

# Milliseconds, where a second would be too coarse: leases, waits and answers.
probe_row = Table(
    "probe_row",
    metadata,
    Column("run_id", String(32), ForeignKey("probe_run.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("question_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("leased_by", String(32), nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("error", String(64), nullable=False),
    Column("finish", String(32), nullable=False),
    Column("produce_id", String(64), nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    Column("answered_at", BigInteger, nullable=False),
    Column("sealed_question", LargeBinary, nullable=False),
    Column("sealed_answer", LargeBinary, nullable=False),
    Index("ix_probe_row_state", "run_id", "state", "lease_until"),
)

# What must not be generated again (Article 15): of the banned text a mark, of the prompts only what is sealed.
regeneration_item = Table(
    "regeneration_item",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("case_id", String(64), nullable=False, index=True),
    Column("ban_id", String(32), nullable=False),
    Column("category", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("mark", LargeBinary, nullable=False),
    Column("key_id", String(8), nullable=False),
    Column("set_hash", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("opened_by", String(128), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_by", String(256), nullable=False),
    Column("closed_at", BigInteger, nullable=False),
    Column("ground", String(16), nullable=False),
)

regeneration_prompt = Table(
    "regeneration_prompt",
    metadata,
    Column("item_id", String(32), ForeignKey("regeneration_item.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("language", String(8), nullable=False),
    Column("form", String(128), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# One route of one replay of an item: counts alone.
regeneration_round = Table(
    "regeneration_round",
    metadata,
    Column("run_id", String(32), ForeignKey("probe_run.id"), primary_key=True),
    Column("item_id", String(32), ForeignKey("regeneration_item.id"), nullable=False),
    Column("replay_id", String(32), nullable=False),
    Column("route", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("versions", String(64), nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("came_back", Integer, nullable=False),
    Index("ix_regeneration_round_item", "item_id", "begun_at"),
)
