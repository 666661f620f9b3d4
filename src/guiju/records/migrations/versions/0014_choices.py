# SPDX-License-Identifier: Apache-2.0
"""What persons chose: texts that they accepted, and how their data may be used (Articles 10, 11)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "choice",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(48), nullable=False),
        sa.Column("chosen", sa.String(32), nullable=False),
        sa.Column("chosen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "person_id", "subject", name="pk_choice"),
    )
