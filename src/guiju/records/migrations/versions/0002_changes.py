# SPDX-License-Identifier: Apache-2.0
"""What changes while the service runs: word lists, upstreams, and the book of changes (DESIGN §10)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    _change()
    _lexicons()
    op.create_table(
        "upstream",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("key_env", sa.String(128), nullable=False),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upstream"),
        sa.UniqueConstraint("name", "removed_at", name="uq_upstream_name"),
    )


def _change() -> None:
    op.create_table(
        "change",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("before_hash", sa.String(64), nullable=False),
        sa.Column("after_hash", sa.String(64), nullable=False),
        sa.Column("weakens", sa.Boolean(), nullable=False),
        sa.Column("single_mode", sa.Boolean(), nullable=False),
        sa.Column("proposed_by", sa.String(128), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("evidence", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
    )
    op.create_index("ix_change_state", "change", ["state", "effective_at"])


def _lexicons() -> None:
    op.create_table(
        "lexicon",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("current", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lexicon"),
    )
    op.create_table(
        "lexicon_version",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("applied_by", sa.String(128), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name="pk_lexicon_version"),
        sa.ForeignKeyConstraint(["name"], ["lexicon.name"], name="fk_lexicon_version_name"),
    )
    op.create_table(
        "lexicon_entry",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires", sa.String(32), nullable=False),
        sa.Column("boundary", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", "position", name="pk_lexicon_entry"),
        sa.ForeignKeyConstraint(
            ["name", "number"], ["lexicon_version.name", "lexicon_version.number"], name="fk_lexicon_entry_name"
        ),
    )
