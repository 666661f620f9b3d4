# SPDX-License-Identifier: Apache-2.0
"""What public pages said and since when (Article 17): kept each time that one says something else, with its hash."""

from __future__ import annotations

import hashlib

import msgspec
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from guiju.errors import Language
from guiju.records.db import Store
from guiju.records.schema_board import page_snapshot


class Snapshot(msgspec.Struct, frozen=True):
    """A page as it said something new.

    Attributes:
        page: its name in a language (`named`).
        number: counts from 1.
        hash: SHA-256 of what it said.
        at: Unix seconds.
    """

    page: str
    number: int
    hash: str
    at: int


_COLUMNS = [page_snapshot.c[name] for name in Snapshot.__struct_fields__]


def named(page: str, language: Language) -> str:
    """How a page in a language is called here: the Chinese one, which counts, by its own name, such as `about` and
    `about.en`."""
    return page if language == "zh" else f"{page}.{language}"


def take(store: Store, page: str, said: bytes, now: int) -> Snapshot | None:
    """Keep what a page says, unless it said that before; gives the new one.

    Args:
        store: the store.
        page: its name.
        said: what it says, in a form that is the same for the same words.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Snapshot | None:
        query = select(*_COLUMNS).where(page_snapshot.c.page == page).order_by(page_snapshot.c.number.desc()).limit(1)
        last = connection.execute(query).first()
        made = Snapshot(page, last.number + 1 if last else 1, hashlib.sha256(said).hexdigest(), now)
        if last is not None and last.hash == made.hash:
            return None
        connection.execute(insert(page_snapshot), {**msgspec.structs.asdict(made), "said": said})
        return made

    try:
        return store.do(work)
    except IntegrityError:  # another process kept it just then
        return None


def history(store: Store, page: str, most: int = 50) -> list[Snapshot]:
    """What a page said, newest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(*_COLUMNS).where(page_snapshot.c.page == page).order_by(page_snapshot.c.number.desc()).limit(most)
    with store.read() as connection:
        return [Snapshot(row.page, row.number, row.hash, row.at) for row in connection.execute(query)]


def histories(store: Store) -> list[Snapshot]:
    """What all pages said, newest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(*_COLUMNS).order_by(page_snapshot.c.at.desc(), page_snapshot.c.page, page_snapshot.c.number.desc())
    with store.read() as connection:
        return [Snapshot(row.page, row.number, row.hash, row.at) for row in connection.execute(query)]


def said(store: Store, page: str, number: int) -> bytes | None:
    """The words of a snapshot; none where there is none.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (page_snapshot.c.page == page) & (page_snapshot.c.number == number)
    with store.read() as connection:
        row = connection.execute(select(page_snapshot.c.said).where(mine)).first()
    return bytes(row.said) if row else None
