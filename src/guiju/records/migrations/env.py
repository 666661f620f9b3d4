# SPDX-License-Identifier: Apache-2.0
"""Alembic's environment: one connection, handed in by records/migrate.py, and a transaction for each revision."""

from __future__ import annotations

from alembic import context

from guiju.records.schema import metadata

# Each revision is whole or absent, on SQLite too: after a kill the upgrade goes on where it stopped.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
