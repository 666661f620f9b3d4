# SPDX-License-Identifier: Apache-2.0
"""Another key in the place of one of the provider's own, while the service runs (robustness K1; Article 17).

The new key is on disk before the first record names it, and what was made under the old one goes on being known: an old
signing key verifies and signs no more, an old pepper knows API keys until each has come once. Each rotation stands in
the book of changes, and so in the ledger.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, update

from guiju.errors import ConfigError
from guiju.records import accounts, changes
from guiju.records.changes import Subject, Terms
from guiju.records.db import Store, bump
from guiju.records.schema import api_key
from guiju.records.secrets import PAST_SIGNING, KeyFile, Secrets, destroy, past_peppers, read, sync_directory, write_new

KIND: Final = "secret"
_SIZE: Final = 32


def signing(path: Path) -> tuple[str, str]:
    """Make a new signing key; of the old one only the public key stays.

    Args:
        path: the keys directory.

    Returns:
        The key ids before and after.

    Raises:
        ConfigError: `keys_damaged`, `keys_exposed`.
    """
    old = Secrets.open(path)
    _append(path / PAST_SIGNING, old.publics[0].hex())
    return old.key_ids["signing"], _replaced(path / "signing.key")


def pepper(path: Path) -> tuple[str, str]:
    """Make a new pepper; the old one stays beside it until `settled`. Returns the key ids before and after.

    Args:
        path: the keys directory.

    Raises:
        ConfigError: `keys_damaged`, `keys_exposed`.
    """
    before = read(path / "pepper.key")
    kept = path / f"pepper-{before.id}.past"
    if not kept.exists():
        write_new(kept, before)
    return before.id, _replaced(path / "pepper.key")


def settled(store: Store, path: Path, by: str, now: int) -> list[str]:
    """Destroy the older peppers. API keys that have not come since are revoked, as nobody could know them any more.

    Args:
        store: the store.
        path: the keys directory.
        by: who asked for it.
        now: Unix seconds.

    Returns:
        Ids of the API keys that were revoked.

    Raises:
        ConfigError: `not_found`: there is no older pepper.
        OutsideError: `store_unavailable`; nothing is destroyed then.
    """
    held, past = Secrets.open(path), past_peppers(path)
    if not past:
        raise ConfigError("not_found", what=str(path / "pepper-*.past"))
    left = accounts.under_older(store, held)

    def work(connection: Connection) -> None:
        old = (api_key.c.pepper != held.key_ids["pepper"]) & (api_key.c.revoked_at == 0)
        connection.execute(update(api_key).where(old).values(revoked_at=now))
        bump(connection, accounts.COUNTER)

    store.do(work)
    for one in past:
        destroy(path / f"pepper-{one.id}.past")
    entered(store, "pepper", (past[0].id, held.key_ids["pepper"]), by, now)
    return [one.id for one in left]


def into_file(path: Path, secret: str) -> None:
    """Put somebody else's secret into a file of the owner's alone, whole or not at all.

    Raises:
        OSError: the disk does not take it.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as out:
        out.write(secret + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    sync_directory(path.parent)


def entered(store: Store, name: str, ids: tuple[str, str], by: str, now: int) -> None:
    """Enter a rotation into the book of changes: hashes of key ids, never of keys.

    Args:
        store: the store.
        name: of the key.
        ids: before and after.
        by: who asked for it.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`.
    """
    hashes = hashlib.sha256(ids[0].encode()).hexdigest(), hashlib.sha256(ids[1].encode()).hexdigest()
    store.do(lambda connection: changes.enter(connection, Subject(KIND, name, 0), hashes, Terms(False, by, now, 0)))


def _replaced(path: Path) -> str:
    """Put a new key into the place of one, whole or not at all, and overwrite the old one; returns the new key's id."""
    made = KeyFile(secrets.token_hex(4), secrets.token_bytes(_SIZE))
    draft = path.with_name(f".{path.name}.next")
    draft.unlink(missing_ok=True)
    write_new(draft, made)
    old = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        draft.replace(path)
        sync_directory(path.parent)
        os.pwrite(old, secrets.token_bytes(os.fstat(old).st_size), 0)
        os.fsync(old)
    finally:
        os.close(old)
    return made.id


def _append(path: Path, line: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, f"{line}\n".encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_directory(path.parent)
