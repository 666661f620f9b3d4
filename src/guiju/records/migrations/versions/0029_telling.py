# SPDX-License-Identifier: Apache-2.0
"""The numbers that documents quote; filings, the end of the service, decisions on scope."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Make the tables."""
    _figures()
    _filings()
    _decisions()


def _figures() -> None:
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


def _filings() -> None:
    op.create_table(
        "filing",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("authority", sa.String(256), nullable=False),
        sa.Column("number", sa.String(128), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("submitted", sa.String(10), nullable=False),
        sa.Column("approved", sa.String(10), nullable=False),
        sa.Column("launched", sa.String(10), nullable=False),
        sa.Column("cancelled", sa.String(10), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_filing"),
    )
    op.create_table(
        "filing_inquiry",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("filing_id", sa.String(32), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("received", sa.String(10), nullable=False),
        sa.Column("due", sa.String(10), nullable=False),
        sa.Column("answered", sa.String(10), nullable=False),
        sa.Column("answered_by", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(["filing_id"], ["filing.id"], name="fk_filing_inquiry_filing_id"),
        sa.PrimaryKeyConstraint("id", name="pk_filing_inquiry"),
    )
    op.create_table(
        "filing_change",
        sa.Column("filing_id", sa.String(32), nullable=False),
        sa.Column("fact", sa.String(64), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("now", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_by", sa.String(128), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("filing_id", "fact", "seen_at", name="pk_filing_change"),
    )


def _decisions() -> None:
    op.create_table(
        "service_end",
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("done", sa.String(10), nullable=False),
        sa.Column("by", sa.String(128), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("proof", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("step", name="pk_service_end"),
    )
    op.create_table(
        "scope_decision",
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("signed_by", sa.String(128), nullable=False),
        sa.Column("second", sa.String(128), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_scope_decision"),
    )
