# SPDX-License-Identifier: Apache-2.0
"""Accounts and their API keys (DESIGN head; robustness §6: a store that is down is 503, never 401).

A key is shown once. What is kept is its HMAC under a pepper that lies outside the database, so that a stolen copy of
the store opens no door.
"""

from __future__ import annotations

import hashlib
import hmac
import string
import time
from collections.abc import Callable, Sequence
from secrets import choice, token_bytes, token_hex
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from guiju.errors import ConfigError, OutsideError
from guiju.records import changes
from guiju.records.db import Store, bump, upsert, versions
from guiju.records.schema import account, api_key
from guiju.records.secrets import Secrets
from guiju.terms import Audience, IdentityLevel

LabelPlace = Literal["envelope", "start", "end", "both", ""]
OnBlock = Literal["finish", "error"]
COUNTER: Final = "keys"
STALE_S: Final = 60.0
_ALPHABET: Final = string.ascii_letters + string.digits
_LONGEST: Final = 512
_KNOWN: Final = 4096


class Account(msgspec.Struct, frozen=True):
    """An app or a downstream customer; it owns keys, budgets and policies."""

    id: str
    name: str
    created_at: int


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one API key; never the key.

    Attributes:
        id, account: ids of the key and of its account.
        prefix: the first characters, by which a person recognises the key in a list.
        identity: the least level of real identity that the key asks for (Article 9).
        label: where the text label goes (Article 16); `""` means as the settings say.
        on_block: how a block in mid-stream is told.
        requests_per_minute: 0 means as the settings say; below 0 means no limit.
        streams: how many at once; 0 means as the settings say, below 0 no limit.
        tokens_per_day: tokens of the model's usage a day; 0 means as the settings say, below 0 no limit.
        audience: `minors` when its users are minors; policy may hold it to more.
        created_at, expires_at, revoked_at: Unix seconds; 0 means never.
    """

    id: str
    account: str
    prefix: str
    name: str
    identity: IdentityLevel = "none"
    label: LabelPlace = ""
    on_block: OnBlock = "finish"
    requests_per_minute: int = 0
    streams: int = 0
    created_at: int = 0
    expires_at: int = 0
    revoked_at: int = 0
    tokens_per_day: int = 0
    audience: Audience = "all"

    def good(self, now: int) -> bool:
        """Whether it opens the door at `now` (Unix seconds)."""
        return not self.revoked_at and (not self.expires_at or now < self.expires_at)


def create_account(store: Store, name: str, now: int) -> Account:
    """Make an account.

    Raises:
        ConfigError: `exists_already`; `config_invalid` for a name of no or more than 128 characters.
        OutsideError: `store_unavailable`.
    """
    made = Account(token_hex(16), _short(name), now)
    try:
        store.do(lambda c: c.execute(insert(account).values(msgspec.structs.asdict(made))).rowcount)
    except IntegrityError as error:
        raise ConfigError(
            "exists_already", what=name, hint_zh="请另取名称。", hint_en="Choose another name."
        ) from error
    return made


def ensure_account(store: Store, id: str, now: int) -> None:
    """Make an account with a given id and that name, unless it is there: the operator's own.

    Raises:
        OutsideError: `store_unavailable`.
    """
    row = {"id": id, "name": id, "created_at": now}
    store.do(lambda connection: upsert(connection, account, row, {"name": id}))


def find_account(store: Store, name: str) -> Account | None:
    """The account of that name or id."""
    with store.read() as connection:
        row = connection.execute(select(account).where((account.c.name == name) | (account.c.id == name))).first()
    return Account(row.id, row.name, row.created_at) if row else None


def list_accounts(store: Store) -> list[Account]:
    """All accounts, by name."""
    with store.read() as connection:
        rows = connection.execute(select(account).order_by(account.c.name)).all()
    return [Account(row.id, row.name, row.created_at) for row in rows]


def create_key(store: Store, secrets: Secrets, record: KeyRecord, by: str = "operator") -> tuple[str, KeyRecord]:
    """Make a key for an account.

    Args:
        store: the store.
        secrets: for the pepper.
        record: what the key is to be; its `id` and `prefix` are filled in.
        by: who asked for it, for the book of changes.

    Returns:
        The key itself, which is never shown again, and its record.

    Raises:
        ConfigError: `not_found` when the account does not exist; `config_invalid` for a name of no or more than 128
            characters.
        OutsideError: `store_unavailable`.
    """
    secret = "gj-" + "".join(choice(_ALPHABET) for _ in range(32))
    made = msgspec.structs.replace(record, id=token_hex(16), prefix=secret[:7], name=_short(record.name))
    row = msgspec.structs.asdict(made)
    row["account_id"] = row.pop("account")

    def work(connection: Connection) -> None:
        proof = {"hmac": proof_of(secrets.pepper, secret), "pepper": secrets.key_ids["pepper"]}
        connection.execute(insert(api_key).values({**row, **proof}))
        _enter(connection, None, made, by, made.created_at)

    try:
        store.do(work)
    except IntegrityError as error:
        raise ConfigError("not_found", what=f"account {record.account}") from error
    return secret, made


class Foreign(msgspec.Struct, frozen=True):
    """A key that another gateway gave out: its own words, what it is to be, and the name of its account."""

    secret: str
    record: KeyRecord
    account: str

    def __repr__(self) -> str:
        return f"Foreign({self.account})"  # never the key


def take_keys(store: Store, secrets: Secrets, keys: Sequence[Foreign], by: str) -> list[bool]:
    """Take over keys that callers hold already, all or none; accounts that are missing are made.

    Args:
        store: the store.
        secrets: for the pepper.
        keys: what to take over; ids and prefixes of the records are filled in.
        by: who asked for it, for the book of changes.

    Returns:
        For each key whether it is new; one that is there already stays as it is, revoked or not.

    Raises:
        OutsideError: `store_unavailable`.
    """
    proofs = [proof_of(secrets.pepper, one.secret) for one in keys]
    there = known_keys(store, secrets, [one.secret for one in keys])

    def work(connection: Connection) -> list[bool]:
        known = _known(connection, proofs) | {proof for proof, old in zip(proofs, there, strict=True) if old}
        owners: dict[str, str] = {}
        new, rows, entered = [], [], []
        for one, proof in zip(keys, proofs, strict=True):
            new.append(proof not in known)
            if proof in known:
                continue
            known.add(proof)
            if one.account not in owners:
                owners[one.account] = _owner(connection, one.account, one.record.created_at)
            owner = owners[one.account]
            made = msgspec.structs.replace(one.record, id=token_hex(16), account=owner, prefix=one.secret[:7])
            row = msgspec.structs.asdict(made)
            row["account_id"] = row.pop("account")
            rows.append({**row, "hmac": proof, "pepper": secrets.key_ids["pepper"]})
            entered.append((changes.Subject("key", made.id, 0, owner), changes.fingerprint(made)))
        if rows:
            connection.execute(insert(api_key), rows)
            changes.enter_new(connection, entered, changes.Terms(False, by, rows[0]["created_at"], 0))
            bump(connection, COUNTER)
        return new

    return store.do(work, wait_s=600.0)


def known_keys(store: Store, secrets: Secrets, keys: Sequence[str]) -> list[bool]:
    """For each key whether the store has it, revoked or not, under whichever pepper.

    Raises:
        OutsideError: `store_unavailable`.
    """
    proofs = [[proof_of(pepper, one) for pepper in secrets.peppers.values()] for one in keys]
    with store.read() as connection:
        known = _known(connection, [proof for row in proofs for proof in row])
    return [not known.isdisjoint(row) for row in proofs]


def under_older(store: Store, secrets: Secrets) -> list[KeyRecord]:
    """The keys that are not revoked and still stored under an older pepper, as they have not come since it was rotated.

    Raises:
        OutsideError: `store_unavailable`.
    """
    old = (api_key.c.pepper != secrets.key_ids["pepper"]) & (api_key.c.revoked_at == 0)
    with store.read() as connection:
        return [_record(row) for row in connection.execute(select(api_key).where(old)).mappings()]


def _known(connection: Connection, proofs: Sequence[bytes]) -> set[bytes]:
    wanted = set(proofs)
    return {bytes(row.hmac) for row in connection.execute(select(api_key.c.hmac)) if bytes(row.hmac) in wanted}


def _owner(connection: Connection, name: str, now: int) -> str:
    """The id of the account of a name, made if it is missing."""
    found = connection.execute(select(account.c.id).where(account.c.name == name)).scalar()
    if found is None:
        found = token_hex(16)
        connection.execute(insert(account).values(id=found, name=_short(name), created_at=now))
    return str(found)


def list_keys(store: Store, account_id: str = "") -> list[KeyRecord]:
    """The keys of one account, or of all of them, newest first; revoked ones too."""
    query = select(api_key).order_by(api_key.c.created_at.desc(), api_key.c.id)
    if account_id:
        query = query.where(api_key.c.account_id == account_id)
    with store.read() as connection:
        return [_record(row) for row in connection.execute(query).mappings()]


def revoke_key(store: Store, account_id: str, key_id: str, now: int, by: str = "operator") -> None:
    """End a key at once; a key that is already revoked keeps its time.

    Args:
        store: the store.
        account_id, key_id: which key, and whose it must be.
        now: Unix seconds.
        by: who asked for it, for the book of changes.

    Raises:
        ConfigError: `not_found` when that account has no such key.
        OutsideError: `store_unavailable`.
    """
    mine = (api_key.c.id == key_id) & (api_key.c.account_id == account_id)

    def work(connection: Connection) -> None:
        row = connection.execute(select(api_key).where(mine).with_for_update()).mappings().first()
        if row is None:
            raise ConfigError("not_found", what=f"key {key_id}")
        before = _record(row)
        if not before.revoked_at:
            connection.execute(update(api_key).where(mine).values(revoked_at=now))
            _enter(connection, before, msgspec.structs.replace(before, revoked_at=now), by, now)

    store.do(work)


def _enter(connection: Connection, before: KeyRecord | None, after: KeyRecord, by: str, now: int) -> None:
    """Put a change of a key into the book of changes, and tell all processes."""
    subject = changes.Subject("key", after.id, 0, after.account)
    hashes = (changes.fingerprint(before) if before else "", changes.fingerprint(after))
    changes.enter(connection, subject, hashes, changes.Terms(weakens=False, by=by, now=now, delay=0))
    bump(connection, COUNTER)


def proof_of(pepper: bytes, secret: str) -> bytes:
    """HMAC-SHA256 of a key under the pepper."""
    return hmac.digest(pepper, secret.encode("utf-8", "backslashreplace"), "sha256")


class Keyring:
    """All keys in memory: a look-up costs a keyed hash and no IO, the first one of a key an HMAC.

    Args:
        secrets: for the pepper.
        clock: monotonic seconds; a test passes its own.
    """

    def __init__(self, secrets: Secrets, clock: Callable[[], float] = time.monotonic) -> None:
        self._secrets = secrets
        self._clock = clock
        self._keys: dict[bytes, KeyRecord] = {}
        self._mask = token_bytes(32)
        self._proofs: dict[bytes, bytes] = {}  # what good keys hash to under the mask: their proofs
        self._static: dict[bytes, KeyRecord] = {}
        self._under: dict[str, tuple[bytes, bytes]] = {}  # ids of keys that came: their proofs before, and from now on
        self._number = -1
        self._read_at = float("-inf")
        self._failing = True

    def with_static(self, secret: str, record: KeyRecord) -> None:
        """Take a key that the operator gave by hand (`serve --key`); it does not depend on the store."""
        self._static[self._hidden(secret)] = record

    @property
    def count(self) -> int:
        """How many keys the store held when it was last read, revoked ones too."""
        return len(self._keys)

    @property
    def known(self) -> bool:
        """Whether keys of the store open the door: it was read within the last 60 s. Where it holds none and the
        operator gave some by hand, nobody waits for it."""
        return self._clock() - self._read_at <= STALE_S or bool(self._static and not self._keys)

    def find(self, secret: str, now: int) -> KeyRecord | None:
        """The record of a key that is good at `now` (Unix seconds), or none.

        Raises:
            OutsideError: `store_unavailable` when the keys were last read more than 60 s ago, or when an unknown key
                can't be told from one that was made since; a caller must not be told to throw a good key away.
        """
        if len(secret) > _LONGEST:
            return None
        hidden = self._hidden(secret)
        record = self._static.get(hidden)
        if record is None:
            record = self._keys.get(self._proofs.get(hidden, b"")) or self._recognised(secret, hidden)
            if (record is None and self._failing) or self._clock() - self._read_at > STALE_S:
                raise OutsideError("store_unavailable")
        return record if record and record.good(now) else None

    def _hidden(self, secret: str) -> bytes:
        return hashlib.blake2b(secret.encode("utf-8", "backslashreplace"), key=self._mask).digest()

    def _recognised(self, secret: str, hidden: bytes) -> KeyRecord | None:
        """Look a key up under each pepper. One that is stored under an older pepper is stored anew, now that it came:
        only its holder knows it."""
        for pepper in tuple(self._secrets.peppers.values()):
            proof = proof_of(pepper, secret)
            if record := self._keys.get(proof):
                if pepper != self._secrets.pepper:
                    self._under[record.id] = proof, proof_of(self._secrets.pepper, secret)
                if len(self._proofs) >= _KNOWN:
                    self._proofs.clear()
                self._proofs[hidden] = proof
                return record
        return None

    def refresh(self, store: Store) -> bool:
        """Read the keys again if any changed; call it every second or two.

        Returns:
            Whether anything was read.

        Raises:
            OutsideError: `store_unavailable`; the keys in memory stay good for 60 s from the last success.
            ConfigError: `keys_missing` when the store's keys were made under another pepper.
        """
        started = self._clock()
        failing = True
        if self._secrets.renew():
            self._number = -1
            self._proofs.clear()
        try:
            self._move(store)
            changed = self._read(store)
            failing = False
        finally:
            self._failing = failing
        self._read_at = started
        return changed

    def _move(self, store: Store) -> None:
        """Store keys that came under the newest pepper; every process reads them again then."""
        moved, self._under = self._under, {}
        if not moved:
            return
        id = self._secrets.key_ids["pepper"]

        def work(connection: Connection) -> None:
            for key, (before, after) in moved.items():
                mine = (api_key.c.id == key) & (api_key.c.hmac == before)
                connection.execute(update(api_key).where(mine).values(hmac=after, pepper=id))
            bump(connection, COUNTER)

        try:
            store.do(work)
        except OutsideError:
            self._under = moved | self._under
            raise

    def _read(self, store: Store) -> bool:
        with store.read() as connection:
            number = versions(connection).get(COUNTER, 0)
            if number == self._number:
                return False
            rows = connection.execute(select(api_key)).mappings().all()
        if any(row["pepper"] not in self._secrets.peppers for row in rows):
            self._secrets.renew(forced=True)  # rotated since the files were looked at
        mine = [row for row in rows if row["pepper"] in self._secrets.peppers]
        if rows and not mine:
            raise ConfigError("keys_missing", found=rows[0]["pepper"], known=self._secrets.key_ids["pepper"])
        self._keys = {bytes(row["hmac"]): _record(row) for row in mine}
        self._number = number
        return True


def _short(name: str) -> str:
    if not 0 < len(name) <= 128 or not name.isprintable():
        raise ConfigError("config_invalid", what="name", hint="1 … 128")
    return name


def _record(row: RowMapping) -> KeyRecord:
    known = {name: row[name] for name in KeyRecord.__struct_fields__ if name != "account"}
    return KeyRecord(account=row["account_id"], **known)
