# SPDX-License-Identifier: Apache-2.0
"""Assertions of identity that may come only once (Article 9)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "assertion_seen",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("until_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_assertion_seen"),
    )
    op.create_index("ix_assertion_seen_until_s", "assertion_seen", ["until_s"])
