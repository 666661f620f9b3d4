# SPDX-License-Identifier: Apache-2.0
"""How members sign in, and what they did in the console."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the tables."""
    op.add_column("member", sa.Column("login", sa.String(256), nullable=False, server_default=sa.text("''")))
    op.create_index("ix_member_login", "member", ["login"])
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_passkey_member_id"),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
    )
    op.create_index("ix_passkey_member_id", "passkey", ["member_id"])
    op.create_table(
        "invitation",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_invitation"),
    )
    op.create_index("ix_invitation_member_id", "invitation", ["member_id"])
    op.create_table(
        "sign_in",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_sign_in"),
    )
    op.create_index("ix_sign_in_until_at", "sign_in", ["until_at"])
    _sessions()


def _sessions() -> None:
    """Make the tables of what goes on."""
    op.create_table(
        "session",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_session_member_id"),
        sa.PrimaryKeyConstraint("mark", name="pk_session"),
    )
    op.create_index("ix_session_member_id", "session", ["member_id"])
    op.create_index("ix_session_ends_at", "session", ["ends_at"])
    op.create_table(
        "act",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("place", sa.String(128), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("evidence", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_act"),
    )
    op.create_index("ix_act_at", "act", ["at"])
    op.create_index("ix_act_member_id", "act", ["member_id"])
