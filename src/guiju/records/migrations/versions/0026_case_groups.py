# SPDX-License-Identifier: Apache-2.0
"""An index along which groups of cases are found (Article 13)."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Make the index, in place of the shorter one."""
    op.drop_index("ix_desk_case_group_key", "desk_case")
    op.create_index("ix_desk_case_group", "desk_case", ["group_key", "closed_at", "due_at", "id"])
