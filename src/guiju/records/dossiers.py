# SPDX-License-Identifier: Apache-2.0
"""Packages of documents that were built, and who signed them, in order and with four eyes (Articles 6 and 17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from guiju.errors import ConfigError
from guiju.records.db import Store
from guiju.records.schema_dossier import package, signature


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """One package.

    Attributes:
        digest: of its manifest.
        dated: the date that its documents bear (ISO 8601).
        draft: whether lint found faults; it can't be signed.
        annotated: whether evidence ids stand in it; what is handed in has none.
        built_at: Unix seconds.
        evidence: where the ledger has it.
    """

    digest: str
    kind: str
    dated: str
    draft: bool
    annotated: bool
    built_at: int
    evidence: str


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature.

    Attributes:
        single_mode: whether one person signed twice, because the provider has one only; it is marked for ever.
        signed_at: Unix seconds.
    """

    digest: str
    role: str
    signer: str
    single_mode: bool
    signed_at: int
    evidence: str


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How packages of a kind are signed.

    Attributes:
        roles: in their order.
        single: whether the provider may be one person; it then signs again only `delay_s` seconds later.
    """

    roles: Sequence[str]
    single: bool = False
    delay_s: int = 86_400


_COLUMNS: Final = [package.c[name] for name in Built.__struct_fields__]


def add(store: Store, made: Built, manifest: bytes) -> None:
    """Enter a package; one that is there already stays as it is.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> None:
        known = select(package.c.digest).where(package.c.digest == made.digest)
        if connection.execute(known).first() is None:
            connection.execute(insert(package).values(**msgspec.structs.asdict(made), manifest=manifest.decode()))

    store.do(work)


def find(store: Store, digest: str) -> tuple[Built, bytes]:
    """A package and its manifest.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    query = select(*_COLUMNS, package.c.manifest).where(package.c.digest == digest)
    with store.read() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=digest[:16])
    return Built(**{name: row[name] for name in Built.__struct_fields__}), row["manifest"].encode()


def history(store: Store, kind: str = "") -> list[Built]:
    """All packages, or those of a kind, newest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(*_COLUMNS).order_by(package.c.built_at.desc(), package.c.digest)
    if kind:
        query = query.where(package.c.kind == kind)
    with store.read() as connection:
        return [Built(**row) for row in connection.execute(query).mappings()]


def signatures(store: Store, digest: str) -> list[Signature]:
    """Who signed a package, in order.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        return _signatures(connection, digest)


def next_role(signed: Sequence[Signature], roles: Sequence[str]) -> str:
    """The role whose turn it is; `""` when all have signed."""
    done = {one.role for one in signed}
    return next((role for role in roles if role not in done), "")


def last_signed(store: Store, kind: str, roles: Sequence[str]) -> tuple[Built, bytes] | None:
    """The newest package of a kind that everybody signed: what was handed in last.

    Raises:
        OutsideError: `store_unavailable`.
    """
    for one in history(store, kind):
        if not next_role(signatures(store, one.digest), roles):
            return find(store, one.digest)
    return None


def may_sign(built: Built, signed: Sequence[Signature], role: str, signer: str, now: int, terms: Terms) -> bool:
    """Whether a person may sign now, and whether that is one person signing twice.

    Returns:
        Whether it is marked as the act of a single person.

    Raises:
        ConfigError: `package_draft`, `not_your_turn`, `another_person`.
    """
    if built.draft or built.annotated:
        raise ConfigError("package_draft", what=built.digest[:16])
    turn = next_role(signed, terms.roles)
    if role != turn:
        raise ConfigError("not_your_turn", role=role, turn=turn or "-")
    own = [one for one in signed if one.signer == signer]
    if not own:
        return False
    if not terms.single or now - max(one.signed_at for one in own) < terms.delay_s:
        raise ConfigError("another_person", what=role)
    return True


def sign(store: Store, made: Signature, terms: Terms) -> None:
    """Enter a signature.

    Raises:
        ConfigError: `not_found`, `package_draft`, `not_your_turn`, `another_person`.
        OutsideError: `store_unavailable`.
    """
    built, _ = find(store, made.digest)

    def work(connection: Connection) -> None:
        signed = _signatures(connection, made.digest)
        single = may_sign(built, signed, made.role, made.signer, made.signed_at, terms)
        values = msgspec.structs.asdict(msgspec.structs.replace(made, single_mode=single))
        try:
            connection.execute(insert(signature).values(**values))
        except IntegrityError as error:  # another process signed in that role just then
            raise ConfigError("not_your_turn", role=made.role, turn="-") from error

    store.do(work)


def _signatures(connection: Connection, digest: str) -> list[Signature]:
    query = select(signature).where(signature.c.digest == digest).order_by(signature.c.signed_at, signature.c.role)
    return [Signature(**row) for row in connection.execute(query).mappings()]
