# SPDX-License-Identifier: Apache-2.0
"""The register of what was told to authorities: what, when, by whom, its hash (Articles 6 and 17).

Public pages keep what they said themselves (`snapshots`). What a law asks for of somebody's is told only on a request
that names authority, basis and number, of one exchange, case or account, by two persons, and as few fields as will do.
"""

from __future__ import annotations

import datetime
import re
from secrets import token_hex
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, insert, select

from guiju.errors import Bilingual, ConfigError
from guiju.records.db import Store
from guiju.records.schema_dossier import disclosure
from guiju.records.vault import two

What = Literal["submission", "answer", "report", "request"]
WHATS: Final[dict[What, tuple[str, str]]] = {
    "submission": ("报送材料", "papers handed in"),
    "answer": ("答复问询", "answer to an inquiry"),
    "report": ("报告", "report"),
    "request": ("依法调取", "request under a law"),
}
SCOPES: Final = {
    "exchange": ("一次请求", "one exchange"),
    "case": ("一个案件", "one case"),
    "account": ("一个账户", "one account"),
}
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_NEW: Final = re.compile(r"[\x00-\x1f\x7f]")


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """One time that something was told.

    Attributes:
        id: made when it is entered.
        to: the authority.
        basis: the law or the inquiry on which it was told.
        number: the authority's, of its request or its receipt.
        scope, about: of a request what it was narrowed to; of papers `about` is the digest of the package.
        fields: what was given, by name; never what it said.
        day: ISO date on which it was told.
        by, second: who told it; of a request two persons.
        hash: SHA-256 of what was handed over.
        evidence: where the ledger has it.
        at: Unix seconds of the entry.
    """

    what: What
    to: str
    day: str
    by: str
    hash: str
    id: str = ""
    basis: str = ""
    number: str = ""
    scope: str = ""
    about: str = ""
    fields: str = ""
    second: str = ""
    evidence: str = ""
    at: int = 0

    @property
    def who(self) -> str:
        """Who told it: one person, or two."""
        return " + ".join(filter(None, (self.by, self.second)))


def checked(wanted: Disclosure, today: datetime.date) -> Disclosure:
    """The same with an id, when it may be entered.

    Args:
        wanted: what is to be entered.
        today: it can't have been told later.

    Raises:
        ConfigError: `config_invalid`: something is missing or is not what it must be; `two_persons`.
    """
    try:
        day = datetime.date.fromisoformat(wanted.day)
    except ValueError:
        day = None
    if wanted.what not in WHATS:
        raise _wrong(f"what = {wanted.what[:16]!r}", " | ".join(WHATS))
    if day is None or day > today:
        raise _wrong(f"day = {wanted.day[:16]!r}", today.isoformat())
    if not _HASH.fullmatch(wanted.hash):
        raise _wrong("hash", "SHA-256")
    needed = ["to", "by"]
    if wanted.what == "request":
        needed += ["basis", "number", "about", "fields"]
        if wanted.scope not in SCOPES:
            raise _wrong(f"scope = {wanted.scope[:16]!r}", " | ".join(SCOPES))
        two((wanted.by, wanted.second))
    for name in needed:
        if not getattr(wanted, name).strip():
            raise _wrong(name, "guiju filing tell --help")
    for name, column in disclosure.c.items():
        said, most = getattr(wanted, name), getattr(column.type, "length", None) or 2000
        if isinstance(said, str) and (len(said) > most or _NEW.search(said)):
            raise _wrong(name, f"≤ {most}")
    return msgspec.structs.replace(wanted, id=token_hex(8))


def enter(store: Store, made: Disclosure) -> None:
    """Enter one that was checked and is in the ledger.

    Raises:
        OutsideError: `store_unavailable`.
    """

    store.do(lambda connection: row(connection, made))


def row(connection: Connection, made: Disclosure) -> None:
    """Enter one within a transaction that does more."""
    connection.execute(insert(disclosure).values(msgspec.structs.asdict(made)))


def body(made: Disclosure) -> dict[str, str]:
    """What the ledger keeps of it: no name of a person, and nothing of what it is about."""
    return {"disclosure": made.id, "what": made.what, "day": made.day, "hash": made.hash}


def every(store: Store, *, about: str = "") -> list[Disclosure]:
    """All, or those about one thing, newest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(disclosure).order_by(disclosure.c.day.desc(), disclosure.c.at.desc(), disclosure.c.id)
    if about:
        query = query.where(disclosure.c.about == about)
    with store.read() as connection:
        return [Disclosure(**row) for row in connection.execute(query).mappings()]


def _wrong(what: str, hint: str) -> ConfigError:
    said = Bilingual(f"对外提供登记：{what}", f"register of what was told: {what}")
    return ConfigError("config_invalid", what=said, hint=hint)
