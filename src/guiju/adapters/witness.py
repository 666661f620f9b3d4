# SPDX-License-Identifier: Apache-2.0
"""Witnesses: where signed checkpoints go so that the ledger's owner can't rewrite them (DESIGN §7; robustness §6).

A witness that is out of reach never stops the ledger: it becomes an alarm and an entry in the ledger itself
(*not witnessed since*), and the next checkpoint that it takes covers everything in between.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from guiju import config
from guiju.adapters import mail
from guiju.adapters.party import is_loopback
from guiju.config_mail import MailSettings
from guiju.errors import ConfigError, OutsideError, Page

_WAIT_S: Final = 10.0
_AUDIT_NOTICE: Final = 13 * 8 + 5  # RFC 5424: facility "log audit", severity "notice"
_NO_SERVER: Final = MailSettings()
_log = logging.getLogger(__name__)


class Signed(Protocol):
    """A signed checkpoint, as far as a witness needs to know it."""

    @property
    def t(self) -> int: ...
    def line(self) -> str: ...
    def signed_note(self) -> str: ...


class Notary(Protocol):
    """A ledger, as far as this module needs to know it."""

    @property
    def newest(self) -> Signed | None: ...
    def append(self, kind: str, body: Mapping[str, object]) -> int: ...


class Witness(Protocol):
    """Takes checkpoints and does not give them back.

    `send` raises OSError, aiohttp.ClientError or TimeoutError when the witness did not take it.
    """

    @property
    def name(self) -> str: ...
    @property
    def every_s(self) -> float: ...
    async def send(self, checkpoint: Signed) -> None: ...


class FileWitness:
    """Appends lines to a file, best on another disk or a write-once mount.

    Args:
        path: the file; its directory must exist.
    """

    every_s = 0.0

    def __init__(self, path: Path) -> None:
        self.name = f"file:{path}"
        self._path = path

    async def send(self, checkpoint: Signed) -> None:
        """Append and sync."""
        await asyncio.to_thread(self._append, checkpoint.line().encode() + b"\n")

    def _append(self, line: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)


class SyslogWitness:
    """Sends RFC 5424 messages by UDP or to a local socket. Nobody confirms them: the receiver's log is the proof.

    Args:
        address: `host:port`, or the path of a local socket such as `/dev/log`.
    """

    every_s = 0.0

    def __init__(self, address: str) -> None:
        self.name = f"syslog:{address}"
        self._address = address

    async def send(self, checkpoint: Signed) -> None:
        """Send one datagram."""
        at = datetime.fromtimestamp(checkpoint.t / 1000, UTC).isoformat(timespec="milliseconds")
        message = f"<{_AUDIT_NOTICE}>1 {at.replace('+00:00', 'Z')} - guiju - checkpoint - {checkpoint.line()}"
        await asyncio.to_thread(self._send, message.encode())

    def _send(self, message: bytes) -> None:
        if self._address.startswith("/"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
                local.sendto(message, self._address)
            return
        host, _, port = self._address.rpartition(":")
        kind, _, _, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0][:5]
        with socket.socket(kind, socket.SOCK_DGRAM) as outside:
            outside.sendto(message, place)


class HttpsWitness:
    """Posts the signed note (C2SP signed-note, text/plain); any 2xx means taken.

    Args:
        url: `https://…`; plain http is for loopback only.

    Raises:
        ConfigError: another kind of address.
    """

    every_s = 0.0

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ConfigError("config_invalid", what=f"evidence.witness: {url}", hint="https://…")
        self.name = f"https:{parts.hostname}"
        self._url = url

    async def send(self, checkpoint: Signed) -> None:
        """Post once."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_WAIT_S), trust_env=False) as session,
            session.post(
                self._url,
                data=checkpoint.signed_note().encode(),
                headers={"content-type": "text/plain; charset=utf-8"},
                allow_redirects=False,
            ) as reply,
        ):
            if not 200 <= reply.status < 300:
                raise OSError(f"the witness answered {reply.status}")


class MailWitness:
    """Writes to a mailbox, once an hour at most; whoever reads it keeps what the ledger was at that hour.

    Args:
        address: one mailbox, best one that the operator can't empty.
        server: the mail server that letters leave through.
    """

    every_s = 3600.0

    def __init__(self, address: str, server: MailSettings) -> None:
        self.name = f"mail:{address}"
        self._address = address
        self._server = server

    async def send(self, checkpoint: Signed) -> None:
        """Send once."""
        at = datetime.fromtimestamp(checkpoint.t / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        letter = mail.Letter(f"checkpoint-{checkpoint.t}", self._address, f"guiju checkpoint {at}", checkpoint.line())
        said = await mail.send(self._server, letter)
        if said != "250":
            raise OSError(f"the mail server answered {said}")


def open_witness(setting: config.Witness, server: MailSettings = _NO_SERVER) -> Witness:
    """The witness that a row of guiju.toml names.

    Args:
        setting: the row.
        server: the mail server of the settings.

    Raises:
        ConfigError: the row lacks the address that its kind needs.
    """
    if setting.kind == "file" and setting.path:
        return FileWitness(Path(setting.path))
    address = setting.address or setting.path
    if setting.kind == "syslog" and (address.startswith("/") or address.rpartition(":")[2].isdecimal()):
        return SyslogWitness(address)
    if setting.kind == "https" and setting.url:
        return HttpsWitness(setting.url)
    if setting.kind == "mail" and mail.ADDRESS.match(setting.address) and server.host:
        return MailWitness(setting.address, server)
    raise ConfigError("config_invalid", what=f"evidence.witness: {setting.kind}", hint=Page("reference/evidence.md"))


class Witnesses:
    """Keeps all witnesses up to date and knows which of them are lost.

    Args:
        ledger: where the checkpoints come from, and where losses are recorded.
        witnesses: they may be none.
    """

    def __init__(self, ledger: Notary, witnesses: Sequence[Witness]) -> None:
        self.lost: dict[str, int] = {}
        """Witnesses that did not take the newest checkpoint: name → Unix milliseconds since when. The alarm."""
        self._ledger = ledger
        self._witnesses = witnesses
        self._taken: dict[str, tuple[str, float]] = {}
        self.taken_at: dict[str, float] = {one.name: 0.0 for one in witnesses}
        """Witness → Unix seconds when it last took a checkpoint; 0 for not yet."""

    async def round(self) -> None:
        """Offer the newest checkpoint to everybody who lacks it."""
        newest = self._ledger.newest
        if newest is not None:
            await asyncio.gather(*[self._offer(witness, newest) for witness in self._witnesses])

    async def _offer(self, witness: Witness, newest: Signed) -> None:
        line, now = newest.line(), time.monotonic()
        taken = self._taken.get(witness.name)
        if taken is not None and (taken[0] == line or now - taken[1] < witness.every_s):
            return
        try:
            async with asyncio.timeout(_WAIT_S):
                await witness.send(newest)
        except (OSError, aiohttp.ClientError, TimeoutError) as error:
            if witness.name not in self.lost:
                self.lost[witness.name] = time.time_ns() // 1_000_000
                _log.error("witness.lost", extra={"kind": type(error).__name__})
                self._record(witness.name, "lost")
            return
        self._taken[witness.name] = line, now
        self.taken_at[witness.name] = time.time()
        if witness.name in self.lost:
            self._record(witness.name, "back")
            del self.lost[witness.name]
            _log.warning("witness.back")

    def _record(self, name: str, state: str) -> None:
        try:
            self._ledger.append("witness", {"name": name, "state": state, "since": self.lost[name]})
        except OutsideError:  # the ledger itself refuses and says so elsewhere; the alarm stands in `lost`
            _log.error("witness.not_recorded")


async def keep_witnessed(witnesses: Witnesses, every_s: float) -> None:
    """Send each new checkpoint to the witnesses until cancelled.

    Args:
        witnesses: of the ledger of this process.
        every_s: seconds between two looks.
    """
    while True:
        await witnesses.round()
        await asyncio.sleep(every_s)
