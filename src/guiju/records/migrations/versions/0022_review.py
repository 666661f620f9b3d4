# SPDX-License-Identifier: Apache-2.0
"""Queues in which people look at things."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "review_item",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("stratum", sa.String(64), nullable=False),
        sa.Column("author_id", sa.String(32), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review_item"),
        sa.UniqueConstraint("queue", "subject", name="uq_review_item_queue"),
    )
    op.create_index("ix_review_item_waits", "review_item", ["queue", "state", "rank", "id"])
    op.create_table(
        "review_lease",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["review_item.id"], name="fk_review_lease_item_id"),
        sa.PrimaryKeyConstraint("item_id", "member_id", name="pk_review_lease"),
    )
    op.create_index("ix_review_lease_member", "review_lease", ["member_id"])
    op.create_table(
        "review_rating",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("settles", sa.Integer(), nullable=False),
        sa.Column("rated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["review_item.id"], name="fk_review_rating_item_id"),
        sa.PrimaryKeyConstraint("item_id", "member_id", name="pk_review_rating"),
    )
    op.create_table(
        "review_exposure",
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("things", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "day", name="pk_review_exposure"),
    )
