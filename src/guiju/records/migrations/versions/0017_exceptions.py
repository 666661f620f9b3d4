# SPDX-License-Identifier: Apache-2.0
"""Exceptions that another law asks for (Article 11)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "law_exception",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("duty", sa.String(32), nullable=False),
        sa.Column("law", sa.String(256), nullable=False),
        sa.Column("scope", sa.String(256), nullable=False),
        sa.Column("made_by", sa.String(256), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_by", sa.String(256), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_law_exception"),
    )
