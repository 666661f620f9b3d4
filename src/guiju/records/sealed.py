# SPDX-License-Identifier: Apache-2.0
"""Keys for what must be kept of something that is nobody's: questions and answers of a run, prompts of an item.

Each thing has a key of its own, kept as the keys of persons are (`daykeys`): destroyed, it is gone from the store, its
log and its backups. Whose key it is follows from the thing's name and the provider's secret alone.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from secrets import token_bytes
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guiju.errors import ConfigError
from guiju.records import accounts, persons, rights
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.secrets import Secrets
from guiju.records.use import Who
from guiju.terms import Identity

ACCOUNT: Final = "desk"
"""The account under which the keys lie: no application's."""
_PURPOSE: Final = b"guiju sealed "
_NONCE: Final = 12


class Box:
    """Seals and opens under one key.

    Args:
        key: 32 bytes.
        name: of the thing; what is sealed for one opens for no other.
    """

    def __init__(self, key: bytes, name: str) -> None:
        self._cipher = AESGCM(key)
        self._name = name

    def seal(self, content: bytes, place: str) -> bytes:
        """Seal something; it opens only for the same place."""
        nonce = token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, self._at(place))

    def open(self, sealed: bytes, place: str) -> bytes:
        """Open what was sealed for a place.

        Raises:
            ConfigError: `keys_missing`: it was tampered with, or belongs elsewhere.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._at(place))
        except InvalidTag as error:
            raise ConfigError("keys_missing", found=self._name, known="vault") from error

    def _at(self, place: str) -> bytes:
        return f"{self._name}/{place}".encode()


class Boxes:
    """The keys of all such things.

    Args:
        store: the store.
        keys: where day keys lie.
        secrets: of which it follows whose key is whose.
    """

    def __init__(self, store: Store, keys: DayKeys, secrets: Secrets) -> None:
        self._store = store
        self._keys = keys
        self._secret = secrets.person

    @classmethod
    def open(cls, store: Store, data: Path) -> Self:
        """Those of a data directory."""
        return cls(store, DayKeys(data / "keys"), Secrets.open(data / "keys"))

    def make(self, name: str, now: int, until: int) -> Box:
        """The key of a thing, made where there is none yet.

        Args:
            name: of the thing, such as `run 4f…`.
            now, until: Unix seconds; what is sealed goes some time after `until`.

        Raises:
            OutsideError: `store_unavailable`.
        """
        account, handle = self._whose(name)
        if persons.verdict_of(self._store, account, handle) is None:
            accounts.ensure_account(self._store, account, now)
            persons.remember(self._store, account, Identity(handle, "none", "desk", now, until, ""), now)
        return self.of(name, now)

    def of(self, name: str, now: int) -> Box:
        """The key of a thing.

        Raises:
            ConfigError: `not_found`: it has none any more.
            OutsideError: `store_unavailable`.
        """
        return Box(self._keys.person_key(self._store, *self._whose(name), now), name)

    def destroy(self, name: str, now: int) -> None:
        """Destroy a thing's key, and with it all that was sealed for it, in every copy.

        Raises:
            OutsideError: `store_unavailable`; destroy again.
        """
        rights.erase(self._store, self._keys, self._whose(name), now)

    def _whose(self, name: str) -> Who:
        return ACCOUNT, hmac.digest(self._secret, _PURPOSE + name.encode(), "sha256").hex()
