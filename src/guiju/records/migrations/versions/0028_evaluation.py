# SPDX-License-Identifier: Apache-2.0
"""Evaluation: runs, rows, what judges said, and which releases were let through (Articles 4, 6, 12, 15)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Make the tables."""
    _runs()
    _judgements()


def _runs() -> None:
    op.create_table(
        "evaluation_run",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("banks", sa.Text(), nullable=False),
        sa.Column("kinds", sa.String(128), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("plan_hash", sa.String(64), nullable=False),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("evidence", sa.String(256), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["probe_run.id"], name="fk_evaluation_run_run_id"),
        sa.PrimaryKeyConstraint("run_id", name="pk_evaluation_run"),
    )
    op.create_index("ix_evaluation_run_plan_hash", "evaluation_run", ["plan_hash"])
    op.create_table(
        "evaluation_row",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.String(64), nullable=False),
        sa.Column("bank", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("pair", sa.String(64), nullable=False),
        sa.Column("side", sa.String(64), nullable=False),
        sa.Column("ground", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["evaluation_run.run_id"], name="fk_evaluation_row_run_id"),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_evaluation_row"),
    )


def _judgements() -> None:
    op.create_table(
        "evaluation_label",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("judge", sa.String(16), nullable=False),
        sa.Column("label", sa.String(8), nullable=False),
        sa.Column("why", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["evaluation_run.run_id"], name="fk_evaluation_label_run_id"),
        sa.PrimaryKeyConstraint("run_id", "position", "judge", name="pk_evaluation_label"),
    )
    op.create_table(
        "evaluation_gate",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("baseline_id", sa.String(32), nullable=False),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.String(128), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.String(256), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["evaluation_run.run_id"], name="fk_evaluation_gate_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation_gate"),
    )
    op.create_index("ix_evaluation_gate_at", "evaluation_gate", ["at"])
