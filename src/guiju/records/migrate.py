# SPDX-License-Identifier: Apache-2.0
"""Running the migrations; alembic is brought in by name only where there is one to run."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import Engine

from guiju.brought import brought
from guiju.records import db, schema


def pending(found: str) -> tuple[str, ...]:
    """The revisions between one and the newest, in the order in which they will run.

    Raises:
        ConfigError: `store_from_the_future`.
    """
    if found and found not in schema.REVISIONS:
        db.check_revision(found)
    return schema.REVISIONS[schema.REVISIONS.index(found) + 1 :] if found else schema.REVISIONS


def migrate(engine: Engine, to: str = schema.HEAD) -> None:
    """Bring a database to a revision; each revision in a transaction of its own, so that a kill costs nothing.

    Args:
        engine: a writing engine.
        to: the revision.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with db.outside(), engine.connect() as connection:
        if db.found_revision(connection) == to:
            return
    config = brought("alembic.config").Config()
    config.set_main_option("script_location", str(files("guiju.records").joinpath("migrations")))
    with db.outside(), engine.connect() as connection:
        config.attributes["connection"] = connection
        brought("alembic.command").upgrade(config, to)
