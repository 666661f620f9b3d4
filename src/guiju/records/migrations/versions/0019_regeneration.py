# SPDX-License-Identifier: Apache-2.0
"""What must not be generated again, with its prompts and its replays (Article 15)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "regeneration_item",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("ban_id", sa.String(32), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(8), nullable=False),
        sa.Column("set_hash", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.String(128), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.String(256), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("ground", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_regeneration_item"),
    )
    op.create_index("ix_regeneration_item_case_id", "regeneration_item", ["case_id"])
    op.create_table(
        "regeneration_prompt",
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("form", sa.String(128), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["regeneration_item.id"], name="fk_regeneration_prompt_item_id"),
        sa.PrimaryKeyConstraint("item_id", "position", name="pk_regeneration_prompt"),
    )
    op.create_table(
        "regeneration_round",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("item_id", sa.String(32), nullable=False),
        sa.Column("replay_id", sa.String(32), nullable=False),
        sa.Column("route", sa.String(128), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("versions", sa.String(64), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("came_back", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["probe_run.id"], name="fk_regeneration_round_run_id"),
        sa.ForeignKeyConstraint(["item_id"], ["regeneration_item.id"], name="fk_regeneration_round_item_id"),
        sa.PrimaryKeyConstraint("run_id", name="pk_regeneration_round"),
    )
    op.create_index("ix_regeneration_round_item", "regeneration_round", ["item_id", "begun_at"])
