# SPDX-License-Identifier: Apache-2.0
"""Packages of documents that were built, and who signed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "dossier_package",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("dated", sa.String(10), nullable=False),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.Column("annotated", sa.Boolean(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("built_at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_dossier_package"),
    )
    op.create_index("ix_dossier_package_kind", "dossier_package", ["kind", "built_at"])
    op.create_table(
        "dossier_signature",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("signer", sa.String(128), nullable=False),
        sa.Column("single_mode", sa.Boolean(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.String(256), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["dossier_package.digest"], name="fk_dossier_signature_digest_dossier_package"
        ),
        sa.PrimaryKeyConstraint("digest", "role", name="pk_dossier_signature"),
    )
