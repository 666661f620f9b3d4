# SPDX-License-Identifier: Apache-2.0
"""Batches of annotation (Article 8)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "annotation_batch",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("rulebook_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("tool", sa.String(16), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("gold", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.String(128), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_by", sa.String(128), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_annotation_batch"),
        sa.UniqueConstraint("name", name="uq_annotation_batch_name"),
    )
    op.create_table(
        "annotation_role",
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("member", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["annotation_batch.id"], name="fk_annotation_role_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "member", name="pk_annotation_role"),
    )
    for name in ("annotation_item", "annotation_safety_item"):
        op.create_table(
            name,
            sa.Column("batch_id", sa.String(32), nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("sealed", sa.LargeBinary(), nullable=False),
            sa.ForeignKeyConstraint(["batch_id"], ["annotation_batch.id"], name=f"fk_{name}_batch_id"),
            sa.PrimaryKeyConstraint("batch_id", "position", name=f"pk_{name}"),
        )
    for name in ("annotation_mark", "annotation_safety_mark"):
        op.create_table(
            name,
            sa.Column("batch_id", sa.String(32), nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("member", sa.String(128), nullable=False),
            sa.Column("role", sa.String(16), nullable=False),
            sa.Column("seconds", sa.Double(), nullable=False),
            sa.Column("at", sa.BigInteger(), nullable=False),
            sa.Column("sealed", sa.LargeBinary(), nullable=False),
            sa.ForeignKeyConstraint(["batch_id"], ["annotation_batch.id"], name=f"fk_{name}_batch_id"),
            sa.PrimaryKeyConstraint("batch_id", "position", "member", name=f"pk_{name}"),
        )
