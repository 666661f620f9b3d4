# SPDX-License-Identifier: Apache-2.0
"""Complaints that come while the store is away: nobody is locked out of complaining (robustness §6; Article 13).

A complaint is sealed into a file of its own under the provider's secret, and on disk before a number is given; it goes
into the store when that is back, with the same number, secret and time of receipt.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets as random
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guiju.desk import kinds
from guiju.desk.cases import Desk, Form
from guiju.errors import ConfigError, OutsideError
from guiju.law import calendar
from guiju.records import cases
from guiju.records.cases import COMPLAINANT
from guiju.records.ids import ALPHABET
from guiju.records.secrets import Secrets, make_private, sync_directory

FOLDER: Final = "spool"
MOST: Final = 10_000
"""Complaints that may wait; more than that are refused, for the disk is the gateway's, too."""
_NONCE: Final = 12


class Spooled(msgspec.Struct, frozen=True):
    """A complaint that waits.

    Attributes:
        received: when it came, in Unix seconds; its clocks run from there.
        secret_hash: of its status secret.
    """

    form: Form
    received: int
    secret_hash: bytes


class Ticket(msgspec.Struct, frozen=True):
    """What whoever complains is given meanwhile; both stay as they are when the store is back."""

    number: str
    secret: str


class Spool:
    """The complaints that wait in one data directory.

    Args:
        data: the data directory.
        secrets: under which they are sealed.

    Raises:
        ConfigError: `keys_exposed`: others may enter the folder.
    """

    def __init__(self, data: Path, secrets: Secrets) -> None:
        self._folder = data / FOLDER
        make_private(self._folder)
        self._cipher = AESGCM(hmac.digest(secrets.person, b"guiju spool", "sha256"))

    def put(self, form: Form, now: int) -> Ticket:
        """Accept a complaint; it is on disk when this returns.

        Args:
            form: what came.
            now: Unix seconds.

        Raises:
            ConfigError: `not_found`: there is no such kind.
            OutsideError: `store_unavailable`: too many wait, or the disk does not take it.
        """
        kinds.kind(form.kind)
        tail = "".join(random.choice(ALPHABET) for _ in range(8))
        ticket = Ticket(f"{calendar.day_of(now).year % 100:02}-T{tail}", cases.secret())
        nonce = random.token_bytes(_NONCE)
        content = msgspec.msgpack.encode(Spooled(form, now, cases.hashed(ticket.secret)))
        sealed = nonce + self._cipher.encrypt(nonce, content, ticket.number.encode())
        try:
            if len(os.listdir(self._folder)) >= MOST:
                raise OutsideError("store_unavailable")
            self._write(ticket.number, sealed)
        except OSError as error:
            raise OutsideError("store_unavailable") from error
        return ticket

    def get(self, number: str, secret: str) -> Spooled | None:
        """A complaint that waits, for whoever has its number and secret."""
        try:
            found = (
                self._read(self._folder / number) if number.isascii() and number.replace("-", "").isalnum() else None
            )
        except (OSError, ConfigError):
            found = None
        kept = found.secret_hash if found else random.token_bytes(32)
        return found if hmac.compare_digest(cases.hashed(secret), kept) else None

    def waiting(self) -> list[str]:
        """The numbers of complaints that wait."""
        return sorted(name for name in os.listdir(self._folder) if not name.startswith("."))

    def settle(self, desk: Desk) -> int:
        """Enter what waits, now that the store is back; what was entered before a crash is not entered twice.

        Returns:
            How many were entered.

        Raises:
            ConfigError: `keys_missing`: a file was tampered with.
            OutsideError: `store_unavailable`: the rest goes on waiting.
        """
        made = 0
        for number in self.waiting():
            try:
                found = self._read(self._folder / number)
            except FileNotFoundError:
                continue  # another process took it in
            if not _entered(desk, number):
                desk.enter(found.form, COMPLAINANT, found.received, number, found.secret_hash)
                made += 1
            (self._folder / number).unlink(missing_ok=True)
        return made

    def _write(self, number: str, sealed: bytes) -> None:
        draft = self._folder / f".{number}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(sealed)
                out.flush()
                os.fsync(handle)
            os.rename(draft, self._folder / number)
        finally:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
        sync_directory(self._folder)

    def _read(self, path: Path) -> Spooled:
        sealed = path.read_bytes()
        try:
            content = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], path.name.encode())
        except (InvalidTag, ValueError) as error:
            raise ConfigError("keys_missing", found=path.name, known=FOLDER) from error
        return msgspec.msgpack.decode(content, type=Spooled)


def _entered(desk: Desk, number: str) -> bool:
    try:
        cases.get(desk.store, number)
    except ConfigError:
        return False
    return True
