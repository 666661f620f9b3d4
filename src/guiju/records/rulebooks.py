# SPDX-License-Identifier: Apache-2.0
"""Published rules of annotation (Article 8): entered once, never changed, with who wrote and approved each."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store
from guiju.records.schema_annotation import rulebook

KIND: Final = "rulebook"


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One version of rules as the store has it; without the document.

    Attributes:
        kind: `functional` or `safety`.
        hash: SHA-256 of the document.
        published_at: Unix seconds.
    """

    id: str
    version: int
    kind: str
    title: str
    hash: str
    published_by: str
    approved_by: str
    published_at: int

    @property
    def name(self) -> str:
        """Id and version, such as `chat@2`."""
        return f"{self.id}@{self.version}"


_COLUMNS: Final = [rulebook.c[name] for name in Published.__struct_fields__]


def publish(store: Store, made: Published, document: bytes) -> Published:
    """Enter a version; it can't be changed afterwards.

    Args:
        store: the store.
        made: what is known of it.
        document: the rules, in canonical JSON.

    Raises:
        ConfigError: `rules_published`: there is this version already, or a later one.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Published:
        newest = connection.execute(select(func.max(rulebook.c.version)).where(rulebook.c.id == made.id)).scalar() or 0
        if made.version <= newest:
            raise ConfigError("rules_published", name=made.id, version=newest)
        connection.execute(insert(rulebook).values(**msgspec.structs.asdict(made), document=document.decode()))
        subject = changes.Subject(KIND, made.id, made.version)
        by = f"{made.published_by} + {made.approved_by}"
        terms = changes.Terms(weakens=False, by=by, now=made.published_at, delay=0)
        changes.enter(connection, subject, ("", made.hash), terms)
        return made

    try:
        return store.do(work)
    except IntegrityError as error:  # another process was first
        raise ConfigError("rules_published", name=made.id, version=made.version) from error


def history(store: Store, id: str = "") -> list[Published]:
    """All versions, of one id or of all, newest first."""
    query = select(*_COLUMNS).order_by(rulebook.c.id, rulebook.c.version.desc())
    if id:
        query = query.where(rulebook.c.id == id)
    with store.read() as connection:
        return [Published(**row) for row in connection.execute(query).mappings()]


def find(store: Store, id: str, version: int = 0) -> tuple[Published, bytes]:
    """One version with its document, the newest where none is named.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    query = select(rulebook).where(rulebook.c.id == id).order_by(rulebook.c.version.desc())
    if version:
        query = query.where(rulebook.c.version == version)
    with store.read() as connection:
        row = connection.execute(query.limit(1)).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=f"rulebook {id}" + (f"@{version}" if version else ""))
    return Published(**{name: row[name] for name in Published.__struct_fields__}), str(row["document"]).encode()
