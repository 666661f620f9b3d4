# SPDX-License-Identifier: Apache-2.0
"""The tables of evaluation: what a run of questions was drawn from, what judges said of each answer, and which releases
were let through (Articles 4, 6, 12, 15). Questions and answers lie sealed with the run (`schema_asking`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from guiju.records.metadata import metadata

# One run: `probe_run` says whom it asked, this row what for.
evaluation_run = Table(
    "evaluation_run",
    metadata,
    Column("run_id", String(32), ForeignKey("probe_run.id"), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("banks", Text, nullable=False),
    Column("kinds", String(128), nullable=False),
    Column("language", String(8), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("plan_hash", String(64), nullable=False),
    Column("models", Text, nullable=False),
    Column("judged_at", BigInteger, nullable=False),
    Column("result", String(16), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("evidence", String(256), nullable=False),
    Index("ix_evaluation_run_plan_hash", "plan_hash"),
)

evaluation_row = Table(
    "evaluation_row",
    metadata,
    Column("run_id", String(32), ForeignKey("evaluation_run.run_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("question_id", String(64), nullable=False),
    Column("bank", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("category", String(64), nullable=False),
    Column("language", String(8), nullable=False),
    Column("pair", String(64), nullable=False),
    Column("side", String(64), nullable=False),
    Column("ground", String(64), nullable=False),
)

# What one judge said of one answer, in a word; what persons say lies in the queue until it is read together.
evaluation_label = Table(
    "evaluation_label",
    metadata,
    Column("run_id", String(32), ForeignKey("evaluation_run.run_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("judge", String(16), primary_key=True),
    Column("label", String(8), nullable=False),
    Column("why", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)

# A decision whether a changed model may go live (Article 4(2)); `models` are hashes of address, protocol and name.
evaluation_gate = Table(
    "evaluation_gate",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("run_id", String(32), ForeignKey("evaluation_run.run_id"), nullable=False),
    Column("baseline_id", String(32), nullable=False),
    Column("models", Text, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("findings", Text, nullable=False),
    Column("approved_by", String(128), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("evidence", String(256), nullable=False),
    Index("ix_evaluation_gate_at", "at"),
)
