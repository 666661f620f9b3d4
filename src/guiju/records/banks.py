# SPDX-License-Identifier: Apache-2.0
"""Versions of banks of questions in the store (Articles 4 and 12): entered once, never changed, each with its owner.

The questions are sealed under a key of each version's own (`sealed`); what is shown of a version without it are counts.
"""

from __future__ import annotations

import zlib
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store
from guiju.records.schema_banks import bank_version
from guiju.records.sealed import Boxes

KIND: Final = "bank"
KEPT_S: Final = 10 * 366 * 86_400
"""Seconds for which a version can be opened: a filing's questions are asked for years later."""
_PLACE: Final = "questions"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a bank, without its questions.

    Attributes:
        kind: such as `refuse`.
        questions: how many, and `classes` how many of each class.
        hash: SHA-256 of the questions.
        owner: who answers for this version.
        updated: ISO date from which the month of the standard runs.
        imported_at: Unix seconds.
    """

    id: str
    version: int
    kind: str
    questions: int
    classes: dict[str, int]
    hash: str
    owner: str
    updated: str
    imported_by: str
    imported_at: int

    @property
    def key(self) -> str:
        """The name of the key under which its questions are sealed."""
        return f"bank {self.id}@{self.version}"


_COLUMNS: Final = [bank_version.c[name] for name in Version.__struct_fields__]


def enter(store: Store, boxes: Boxes, made: Version, document: bytes) -> Version:
    """Enter a version; it can't be changed afterwards.

    Args:
        store: the store.
        boxes: keys.
        made: what is known of it; its number must be above those that are there.
        document: the questions, with what is known of the bank.

    Raises:
        ConfigError: `bank_unchanged`: the newest version has the same questions; `exists_already`: another process
            entered that version just now.
        OutsideError: `store_unavailable`.
    """
    box = boxes.make(made.key, made.imported_at, made.imported_at + KEPT_S)
    sealed = box.seal(zlib.compress(document, 9), _PLACE)
    row = {**msgspec.structs.asdict(made), "classes": msgspec.json.encode(made.classes).decode(), "sealed": sealed}

    def work(connection: Connection) -> Version:
        newest = select(bank_version.c.hash).where(bank_version.c.id == made.id)
        before = connection.execute(newest.order_by(bank_version.c.version.desc()).limit(1)).scalar() or ""
        if before == made.hash:
            raise ConfigError("bank_unchanged", name=made.id)
        connection.execute(insert(bank_version).values(row))
        subject = changes.Subject(KIND, made.id, made.version)
        terms = changes.Terms(weakens=False, by=made.imported_by, now=made.imported_at, delay=0)
        changes.enter(connection, subject, (before, made.hash), terms)
        return made

    try:
        return store.do(work)
    except IntegrityError as error:
        hints = {"hint_zh": "请重新导入。", "hint_en": "Import it again."}
        raise ConfigError("exists_already", what=f"{made.id}@{made.version}", **hints) from error


def newest(store: Store, id: str) -> int:
    """The number of the newest version; 0 where there is none."""
    with store.read() as connection:
        query = select(func.max(bank_version.c.version)).where(bank_version.c.id == id)
        return int(connection.execute(query).scalar() or 0)


def history(store: Store, id: str = "") -> list[Version]:
    """All versions, of one bank or of all, newest first."""
    query = select(*_COLUMNS).order_by(bank_version.c.id, bank_version.c.version.desc())
    if id:
        query = query.where(bank_version.c.id == id)
    with store.read() as connection:
        return [_version(row) for row in connection.execute(query).mappings()]


def find(store: Store, boxes: Boxes, id: str, now: int, version: int = 0) -> tuple[Version, bytes]:
    """One version with its document, the newest where none is named.

    Args:
        store: the store.
        boxes: keys.
        id: of the bank.
        now: Unix seconds.
        version: its number.

    Raises:
        ConfigError: `not_found`: there is none; `keys_missing`: it can't be opened.
        OutsideError: `store_unavailable`.
    """
    query = select(bank_version).where(bank_version.c.id == id).order_by(bank_version.c.version.desc())
    if version:
        query = query.where(bank_version.c.version == version)
    with store.read() as connection:
        row = connection.execute(query.limit(1)).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=f"bank {id}" + (f"@{version}" if version else ""))
    made = _version({name: row[name] for name in Version.__struct_fields__})
    return made, zlib.decompress(boxes.of(made.key, now).open(bytes(row["sealed"]), _PLACE))


def _version(row: object) -> Version:
    values = dict(row)  # type: ignore[call-overload] # a row of SQLAlchemy is a mapping
    return Version(**{**values, "classes": msgspec.json.decode(values["classes"], type=dict[str, int])})
