# SPDX-License-Identifier: Apache-2.0
"""Indexes by which the first cases of a long queue are found, and how many wait."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Make the indexes anew."""
    op.drop_index("ix_desk_case_queue", "desk_case")
    op.drop_index("ix_desk_case_kind", "desk_case")
    op.create_index("ix_desk_case_queue", "desk_case", ["closed_at", "due_at", "id"])
    op.create_index("ix_desk_case_kind", "desk_case", ["kind", "closed_at", "due_at", "id"])
    op.create_index("ix_desk_case_counts", "desk_case", ["closed_at", "kind", "state"])
