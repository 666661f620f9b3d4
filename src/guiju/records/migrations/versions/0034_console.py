# SPDX-License-Identifier: Apache-2.0
"""Why a policy was made; members' views of the queue, and who asked for a mail of what is due (Articles 4, 15)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0031"


def upgrade() -> None:
    """Make the column and the tables."""
    op.add_column("policy_version", sa.Column("why", sa.String(512), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "saved_view",
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("query", sa.String(1024), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_saved_view_member_id"),
        sa.PrimaryKeyConstraint("member_id", "name", name="pk_saved_view"),
    )
    op.create_table(
        "digest",
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("mail", sa.String(256), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_digest_member_id"),
        sa.PrimaryKeyConstraint("member_id", name="pk_digest"),
    )
