# SPDX-License-Identifier: Apache-2.0
"""The register of the sources that models learn from (Article 7)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the tables."""
    _described()
    _followed()


def _described() -> None:
    """Sources, their proofs and parts."""
    op.create_table(
        "corpus_source",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_corpus_source"),
    )
    op.create_table(
        "corpus_proof",
        sa.Column("source_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["corpus_source.id"], name="fk_corpus_proof_source_id"),
        sa.PrimaryKeyConstraint("source_id", "kind", "sha256", name="pk_corpus_proof"),
    )
    op.create_table(
        "corpus_part",
        sa.Column("whole_id", sa.String(64), nullable=False),
        sa.Column("part_id", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["whole_id"], ["corpus_source.id"], name="fk_corpus_part_whole_id"),
        sa.ForeignKeyConstraint(["part_id"], ["corpus_source.id"], name="fk_corpus_part_part_id"),
        sa.PrimaryKeyConstraint("whole_id", "part_id", name="pk_corpus_part"),
    )


def _followed() -> None:
    """What follows from a source: withdrawals, models, audits, tasks."""
    op.create_table(
        "corpus_withdrawn",
        sa.Column("source_id", sa.String(64), nullable=False),
        sa.Column("consent", sa.String(64), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["corpus_source.id"], name="fk_corpus_withdrawn_source_id"),
        sa.PrimaryKeyConstraint("source_id", "consent", name="pk_corpus_withdrawn"),
    )
    op.create_table(
        "corpus_training",
        sa.Column("source_id", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["corpus_source.id"], name="fk_corpus_training_source_id"),
        sa.PrimaryKeyConstraint("source_id", "model", name="pk_corpus_training"),
    )
    op.create_table(
        "corpus_audit",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("source_id", sa.String(64), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("report", sa.String(64), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("audited_by", sa.String(128), nullable=False),
        sa.Column("audited_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_corpus_audit"),
    )
    op.create_index("ix_corpus_audit_source_id", "corpus_audit", ["source_id"])
    op.create_table(
        "corpus_task",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("source_id", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=False),
        sa.Column("done_by", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["corpus_source.id"], name="fk_corpus_task_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_corpus_task"),
    )
