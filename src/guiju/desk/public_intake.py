# SPDX-License-Identifier: Apache-2.0
"""What comes in through the public pages: how much from whom, what of the files is taken, and where it goes
(Article 13; robustness, threat 20 and §6).

Nothing here asks a person to solve a puzzle, and nothing acts on a complaint: a flood costs its sender turns, stands in
few groups before the reviewers, and keeps nobody else waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec

from guiju.adapters.attachments import KINDS, Attachments
from guiju.config import Complain
from guiju.desk.cases import Desk, Form
from guiju.desk.choices import plain
from guiju.desk.spool import Spool
from guiju.errors import CallerError, GuijuError, OutsideError
from guiju.web.turns import Turns
from guiju.web.uploads import Upload

T = TypeVar("T")
log = logging.getLogger("guiju.desk")
_HOUR_S: Final = 3600
_MISSES: Final = 30
"""Numbers or codes of receipts, of an address, that may be wrong within a minute."""
_FULL: Final = "too_many_notices"
_AT_ONCE: Final = 4
"""Threads that wait for the store: a flood here takes none of the gateway's."""
_LEAST: Final = 5
"""Turns that each of several processes gives at least."""
_NAME: Final = 120
"""Characters of a file's name that are kept."""


class File(msgspec.Struct, frozen=True):
    """A file that came with a complaint, looked at and made anew.

    Attributes:
        name: as its owner calls it.
        media: its media type.
        data: its bytes.
    """

    name: str
    media: str
    data: bytes


class Taken(msgspec.Struct, frozen=True):
    """A complaint that was taken.

    Attributes:
        number, secret: of the receipt.
        kept: how many of its files were kept.
    """

    number: str
    secret: str
    kept: int


class Intake:
    """Takes complaints.

    Args:
        desk: where they are entered.
        spool: where they wait while the store is away.
        settings: those in force now.
        made_at: when a decision or an answer of this service was made, by its number, in Unix seconds; 0 for a number
            that is not of this service.
        key: a secret of the provider; contacts are counted under it, never kept.
        workers: how many processes share a limit.
    """

    def __init__(
        self,
        desk: Desk,
        spool: Spool,
        settings: Callable[[], Complain],
        made_at: Callable[[str], float],
        key: bytes,
        workers: int = 1,
    ) -> None:
        self.desk = desk
        self.spool = spool
        self.made_at = made_at
        self._settings = settings
        self._key = key
        self._workers = workers
        self._attachments = Attachments()
        self._addresses = Turns(_HOUR_S, _FULL)
        self._contacts = Turns(_HOUR_S, _FULL)
        self._apart = Turns(_HOUR_S, _FULL)
        self._missed = Turns(60, _FULL)
        self._bytes = Turns(_HOUR_S, _FULL)
        self._threads = ThreadPoolExecutor(_AT_ONCE, "guiju-desk")

    def known(self, number: str) -> bool:
        """Whether a number is of a decision or an answer of this service."""
        return bool(self.made_at(number))

    def turn(self, address: str | None, contact: str) -> None:
        """Take a turn of an address and of a contact.

        Args:
            address: none where addresses are not counted.
            contact: as it was written; `""` for none.

        Raises:
            CallerError: `too_many_notices`.
        """
        settings, now = self._settings(), asyncio.get_running_loop().time()
        if address is not None:
            self._addresses.take(address, self._share(settings.per_address), now)
        if contact:
            who = hmac.digest(self._key, plain(contact).encode("utf-8", "replace"), "sha256").hex()
            self._contacts.take(who, self._share(settings.per_contact), now)

    def _share(self, limit: int) -> float:
        """What of a limit is this process's: its share, but enough for somebody who always meets this one."""
        return max(limit / self._workers, min(limit, _LEAST))

    def miss(self, address: str | None) -> None:
        """Count a number or a code that opens nothing.

        Raises:
            CallerError: `too_many_notices`.
        """
        if address is not None:
            self._missed.take(address, _MISSES / self._workers, asyncio.get_running_loop().time())

    async def looked(self, files: Sequence[Upload], address: str | None) -> tuple[list[File], list[str]]:
        """Files as they are kept, and why others are not.

        Args:
            files: as they came.
            address: from where; none where addresses are not counted.
        """
        made, refused = [], []
        for upload in files:
            found = await self._attachments.look(f"/proc/{os.getpid()}/fd/{upload.file.fileno()}")
            if found.fault or not self._has_room(address, len(found.data)):
                refused.append(found.fault or "full")
            else:
                name = (upload.name or found.kind)[-_NAME:]
                made.append(File(name, KINDS[found.kind], found.data))
        return made, refused

    def _has_room(self, address: str | None, size: int) -> bool:
        """Whether so many bytes more may be kept within this hour."""
        most, now = self._settings().hour_bytes / self._workers, asyncio.get_running_loop().time()
        try:
            if address is not None:
                self._bytes.take(address, most / 10, now, size)
            self._bytes.take("", most, now, size)
        except CallerError:
            return False
        return True

    async def run(self, work: Callable[[], T]) -> T:
        """Run what waits for the store, in a thread of the desk's own."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """End the threads, once what they do is done."""
        self._threads.shutdown()

    async def take(self, form: Form, files: Sequence[File]) -> Taken:
        """Enter a complaint, or let it wait where the store is away; its files can be added when it is back.

        Raises:
            OutsideError: `store_unavailable`: it could not be kept at all.
        """
        grouped = msgspec.structs.replace(form, group=self._wave(form))
        return await self.run(lambda: self._take(grouped, tuple(files)))

    def _take(self, form: Form, files: tuple[File, ...]) -> Taken:
        try:
            receipt = self.desk.open(form)
        except OutsideError as error:
            log.error("complaint_spooled", extra={"code": error.code})
            ticket = self.spool.put(form, self.desk.now())
            return Taken(ticket.number, ticket.secret, 0)
        number = receipt.case.id
        return Taken(number, receipt.secret, sum(self.hand_in(number, file) for file in files))

    def hand_in(self, number: str, file: File) -> bool:
        """Add a file to a case; whether that worked. The case stands without it."""
        try:
            self.desk.hand_in(number, file.name, file.media, file.data)
        except GuijuError as error:
            log.error("evidence_not_kept", extra={"id": number, "code": error.code})
            return False
        return True

    def _wave(self, form: Form) -> str:
        """In which group a complaint stands that names no decision of this service, when many such have come within the
        hour: that of its kind and hour. `""` for a group by what it is about."""
        if form.produce_id and self.known(form.produce_id):
            return ""
        try:
            self._apart.take("", self._settings().apart / self._workers, asyncio.get_running_loop().time())
        except CallerError:
            hour = self.desk.now() // _HOUR_S
            mark = f"wave {form.kind} {hour}".encode()
            return hashlib.blake2b(mark, key=self._key, digest_size=16).hexdigest()
        return ""
