# SPDX-License-Identifier: Apache-2.0
"""Members: who works with the console, in which role, and by what they are known when they sign in.

A member has one role. Who leaves stays in the book, so that what they did keeps its name; their sessions and passkeys
end at once.
"""

from __future__ import annotations

import hashlib
from secrets import token_hex, token_urlsafe
from typing import Final, Literal, cast, get_args

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from guiju.errors import CallerError, ConfigError
from guiju.records import changes
from guiju.records.db import Store
from guiju.records.schema_members import digest, invitation, member, passkey, saved_view, session

Role = Literal["reviewer", "lead", "compliance", "annotator", "rater", "annotator_lead", "admin", "auditor"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
FIRST_S: Final = 900
"""Seconds for which the link of the first start holds."""
INVITED_S: Final = 86_400
"""Seconds for which the link of a new member holds."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works with the console.

    Attributes:
        name: how colleagues know them.
        role: what they may do.
        login: what the identity provider's claim says of them; empty where they sign in by passkey alone.
        created_at, left_at: Unix seconds; 0 while they are here.
    """

    id: str
    name: str
    role: Role
    login: str = ""
    created_at: int = 0
    left_at: int = 0


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """One passkey of a member.

    Attributes:
        id: SHA-256 of the credential's id, in hex.
        credential: what the authenticator attested: its id and public key.
        uses: the authenticator's own count of signatures; 0 where it keeps none.
        created_at, used_at: Unix seconds.
    """

    id: str
    member_id: str
    credential: bytes
    uses: int
    created_at: int
    used_at: int


def add(store: Store, name: str, role: Role, by: str, now: int, login: str = "") -> Member:
    """Enter a member.

    Args:
        store: the store.
        name: how colleagues know them.
        role: what they may do.
        by: who enters them.
        now: Unix seconds.
        login: what the identity provider says of them.

    Raises:
        ConfigError: `exists_already`; `config_invalid` for a name or login that can't be.
        OutsideError: `store_unavailable`.
    """
    made = Member(id=token_hex(16), name=_named(name), role=role, login=_short(login, 256), created_at=now)

    def work(connection: Connection) -> None:
        if login and _by_login(connection, login):
            raise ConfigError("exists_already", what=login, hint_zh="请核对登录名。", hint_en="Look at the login.")
        connection.execute(insert(member).values(msgspec.structs.asdict(made)))
        _enter(connection, None, made, by, now)

    try:
        store.do(work)
    except IntegrityError as error:
        raise ConfigError(
            "exists_already", what=name, hint_zh="请另取名称。", hint_en="Choose another name."
        ) from error
    return made


def remove(store: Store, member_id: str, by: str, now: int) -> Member:
    """Let a member leave: sessions, links and passkeys end at once.

    Raises:
        ConfigError: `not_found`; `last_admin`, since nobody could enter members any more.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Member:
        found = _found(connection, member_id)
        if found is None or found.left_at:
            raise ConfigError("not_found", what=f"member {member_id}")
        here = (member.c.role == "admin") & (member.c.left_at == 0) & (member.c.id != found.id)
        if found.role == "admin" and not connection.execute(select(func.count()).where(here)).scalar():
            raise ConfigError("last_admin")
        connection.execute(update(member).where(member.c.id == found.id).values(left_at=now, login=""))
        for table in (session, passkey, invitation, saved_view, digest):
            connection.execute(delete(table).where(table.c.member_id == found.id))
        gone = msgspec.structs.replace(found, left_at=now, login="")
        _enter(connection, found, gone, by, now)
        return gone

    return store.do(work)


def everybody(store: Store) -> list[Member]:
    """All members, by name; those who left at the end."""
    with store.read() as connection:
        rows = connection.execute(select(member).order_by(member.c.left_at > 0, member.c.name)).mappings()
        return [_member(row) for row in rows]


def found(store: Store, name: str) -> Member | None:
    """The member of an id or a name."""
    with store.read() as connection:
        return _found(connection, name)


def by_login(store: Store, login: str) -> Member | None:
    """The member whom the identity provider knows under a login, while they are here."""
    with store.read() as connection:
        return _by_login(connection, login) if login else None


def anybody(store: Store) -> bool:
    """Whether there was ever a member."""
    with store.read() as connection:
        return connection.execute(select(member.c.id).limit(1)).first() is not None


def invite(store: Store, member_id: str, by: str, now: int, lasts_s: int = INVITED_S) -> str:
    """Make a link's secret, by which its holder makes a passkey; an earlier one of the same member ends.

    Args:
        store: the store.
        member_id: for whom; empty for the first administrator.
        by: who makes it.
        now: Unix seconds.
        lasts_s: seconds for which it holds.
    """
    secret = token_urlsafe(32)
    row = {"mark": mark(secret), "member_id": member_id, "made_by": by, "made_at": now, "until_at": now + lasts_s}

    def work(connection: Connection) -> None:
        connection.execute(
            delete(invitation).where((invitation.c.member_id == member_id) | (invitation.c.until_at <= now))
        )
        connection.execute(insert(invitation).values(row))

    store.do(work)
    return secret


def invited(store: Store, secret: str, now: int) -> str | None:
    """For whom a link is: a member's id, empty for the first administrator; none where it does not hold."""
    with store.read() as connection:
        return _invited(connection, secret, now)


def join(store: Store, secret: str, credential: bytes, credential_id: bytes, name: str, now: int) -> Member:
    """Take a link up with a passkey: the member gets it, or the first administrator is entered with it.

    Args:
        store: the store.
        secret: of the link; it is spent.
        credential, credential_id: what the authenticator attested, and the id in it.
        name: of the first administrator; not looked at for others.
        now: Unix seconds.

    Raises:
        CallerError: `link_spent`.
        ConfigError: `config_invalid` for a name that can't be; `exists_already` for a passkey of somebody.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Member:
        whose = _spend(connection, secret, now)
        who = _found(connection, whose) if whose else _first(connection, name, "", now)
        if who is None or who.left_at:
            raise CallerError("link_spent")
        row = {"id": key_id(credential_id), "member_id": who.id, "credential": credential, "uses": 0}
        connection.execute(insert(passkey).values({**row, "created_at": now, "used_at": now}))
        return who

    try:
        return store.do(work)
    except IntegrityError as error:
        raise ConfigError(
            "exists_already", what="passkey", hint_zh="请另用通行密钥。", hint_en="Use another passkey."
        ) from error


def join_login(store: Store, secret: str, login: str, name: str, now: int) -> Member:
    """Take a link up with a login of the identity provider.

    Raises:
        CallerError: `link_spent`.
        ConfigError: as `join`; `exists_already` for a login that is somebody's already.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Member:
        whose = _spend(connection, secret, now)
        if _by_login(connection, login):
            raise ConfigError("exists_already", what=login, hint_zh="请核对登录名。", hint_en="Look at the login.")
        if not whose:
            return _first(connection, name, login, now)
        who = _found(connection, whose)
        if who is None or who.left_at:
            raise CallerError("link_spent")
        connection.execute(update(member).where(member.c.id == who.id).values(login=login))
        return msgspec.structs.replace(who, login=login)

    return store.do(work)


def passkeys(store: Store, member_id: str) -> list[Passkey]:
    """The passkeys of a member, oldest first."""
    query = select(passkey).where(passkey.c.member_id == member_id).order_by(passkey.c.created_at)
    with store.read() as connection:
        return [Passkey(**row) for row in connection.execute(query).mappings()]


def passkey_of(store: Store, credential_id: bytes) -> Passkey | None:
    """The passkey with a credential's id, of a member who is here."""
    query = select(passkey).join(member).where((passkey.c.id == key_id(credential_id)) & (member.c.left_at == 0))
    with store.read() as connection:
        row = connection.execute(query).mappings().first()
    return Passkey(**row) if row else None


def used(store: Store, key: Passkey, uses: int, now: int) -> bool:
    """Note that a passkey signed; false where its count went back or stands still: then somebody has copied it.

    Args:
        store: the store.
        key: the passkey as it was read.
        uses: the authenticator's count now.
        now: Unix seconds.
    """
    grows = (passkey.c.uses < uses) | ((passkey.c.uses == 0) & (uses == 0))
    changed = update(passkey).where((passkey.c.id == key.id) & grows).values(uses=uses, used_at=now)
    return store.do(lambda connection: connection.execute(changed).rowcount) == 1


def mark(secret: str) -> bytes:
    """What is kept of a random secret: SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).digest()


def key_id(credential_id: bytes) -> str:
    """By what a passkey is found."""
    return hashlib.sha256(credential_id).hexdigest()


def _spend(connection: Connection, secret: str, now: int) -> str:
    """Whose link it is; it does not hold any more.

    Raises:
        CallerError: `link_spent`.
    """
    whose = _invited(connection, secret, now)
    if whose is None or connection.execute(delete(invitation).where(invitation.c.mark == mark(secret))).rowcount != 1:
        raise CallerError("link_spent")
    return whose


def _first(connection: Connection, name: str, login: str, now: int) -> Member:
    """Enter the first administrator; where somebody is there already, the link of the first start is worth nothing."""
    if connection.execute(select(member.c.id).limit(1)).first() is not None:
        raise CallerError("link_spent")
    made = Member(id=token_hex(16), name=_named(name), role="admin", login=login, created_at=now)
    connection.execute(insert(member).values(msgspec.structs.asdict(made)))
    _enter(connection, None, made, "first start", now)
    return made


def _invited(connection: Connection, secret: str, now: int) -> str | None:
    holds = (invitation.c.mark == mark(secret)) & (invitation.c.until_at > now)
    return connection.execute(select(invitation.c.member_id).where(holds)).scalar()


def _found(connection: Connection, name: str) -> Member | None:
    row = connection.execute(select(member).where((member.c.id == name) | (member.c.name == name))).mappings().first()
    return _member(row) if row else None


def _by_login(connection: Connection, login: str) -> Member | None:
    here = (member.c.login == login) & (member.c.left_at == 0)
    row = connection.execute(select(member).where(here)).mappings().first()
    return _member(row) if row else None


def _enter(connection: Connection, before: Member | None, after: Member, by: str, now: int) -> None:
    """Put it into the book of changes."""
    hashes = (changes.fingerprint(before) if before else "", changes.fingerprint(after))
    terms = changes.Terms(weakens=False, by=by, now=now, delay=0)
    changes.enter(connection, changes.Subject("member", after.id, 0), hashes, terms)


def _named(name: str) -> str:
    if not name.strip() or name != name.strip():
        raise ConfigError("config_invalid", what="name", hint="1 … 64")
    return _short(name, 64)


def _short(text: str, most: int) -> str:
    if len(text) > most or not text.isprintable():
        raise ConfigError("config_invalid", what="name", hint=f"1 … {most}")
    return text


def _member(row: RowMapping) -> Member:
    return Member(**{**row, "role": cast(Role, row["role"])})
