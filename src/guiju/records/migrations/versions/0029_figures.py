# SPDX-License-Identifier: Apache-2.0
"""The numbers that documents quote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0026"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "figure",
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("room", sa.String(32), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name="pk_figure"),
    )
