# SPDX-License-Identifier: Apache-2.0
"""Context words of entries, and how often each entry matched on a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column and make the table."""
    op.add_column("lexicon_entry", sa.Column("context", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "entry_hit",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "entry_id", name="pk_entry_hit"),
    )
