# SPDX-License-Identifier: Apache-2.0
"""Versions of the policy, what one that is only tried would have done, and whom a key serves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column and make the tables."""
    op.add_column("api_key", sa.Column("audience", sa.String(16), nullable=False, server_default=sa.text("'all'")))
    op.create_table(
        "policy_version",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("applied_by", sa.String(128), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_policy_version"),
    )
    op.create_table(
        "policy_trial",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(128), nullable=False),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("done", sa.String(16), nullable=False),
        sa.Column("would", sa.String(16), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", "category", "side", "done", "would", name="pk_policy_trial"),
    )
