# SPDX-License-Identifier: Apache-2.0
"""How long persons use the service, and what guardians have set (Article 10)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "person_use",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("continuous_s", sa.Double(), nullable=False),
        sa.Column("today_s", sa.Double(), nullable=False),
        sa.Column("night", sa.Boolean(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("break_until", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "person_id", "day", name="pk_person_use"),
    )
    op.create_table(
        "guardian",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("day_minutes", sa.Integer(), nullable=False),
        sa.Column("night", sa.String(16), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "person_id", name="pk_guardian"),
    )
