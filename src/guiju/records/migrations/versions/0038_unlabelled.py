# SPDX-License-Identifier: Apache-2.0
"""Who got content without its explicit label, as keyed hashes (Labelling Measures, 9)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0036"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "unlabelled_delivery",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("recipient", sa.String(64), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("door", sa.String(32), nullable=False),
        sa.Column("agreement", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unlabelled_delivery"),
    )
    op.create_index("ix_unlabelled_delivery_at", "unlabelled_delivery", ["at"])
    op.create_index("ix_unlabelled_delivery_content", "unlabelled_delivery", ["content"])
