# SPDX-License-Identifier: Apache-2.0
"""Signed assertions of real identity by issuers that the operator trusts (Article 9; RFC 7519; eKYC-IDA 1.0).

An assertion says that somebody else verified a person. What is kept of it is a verdict: level, method, time, band of
age and keyed hashes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec
from joserfc.errors import JoseError

from guiju.adapters import claims
from guiju.adapters.claims import Told
from guiju.adapters.issuers import Trusted
from guiju.config import Issuer
from guiju.errors import CallerError, OutsideError
from guiju.terms import Identity

_UNREADABLE: Final = (JoseError, ValueError, TypeError, RecursionError)
"""What the library raises on a token that is none: a header of a wrong type, or one without end."""
_LONGEST: Final = 16_384
_REMEMBERED: Final = 20_000
"""Assertions that are not verified again while they hold."""


class Books(Protocol):
    """What must be asked of the store."""

    def known(self, account: str, person: str, now: int) -> Awaitable[bool]:
        """Whether a person is kept as verified."""
        ...

    def spend(self, mark: bytes, until: int) -> Awaitable[bool]:
        """Note that an assertion came; false when it had come before."""
        ...


class NoBooks:
    """Knows nobody, so that no assertion that may come only once is believed."""

    async def known(self, account: str, person: str, now: int) -> bool:
        """See `Books`."""
        return False

    async def spend(self, mark: bytes, until: int) -> bool:
        """See `Books`."""
        return False


class Assertions:
    """Verifies assertions.

    Args:
        issuers: whom to believe; accounts by their ids.
        secret: the key of the hashes under which persons are known here.
        own: issuers of the installation's own and their secrets, for the canary and the proof account.
        books: what to ask of the store.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        issuers: Sequence[Issuer],
        secret: bytes,
        own: Sequence[tuple[Issuer, str]] = (),
        books: Books | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuers = {one.issuer: Trusted(one, clock) for one in issuers}
        self._issuers |= {one.issuer: Trusted(one, clock, key) for one, key in own}
        self._secret = secret
        self._books = books or NoBooks()
        self._believed: dict[bytes, tuple[Trusted, int, Told]] = {}

    async def verify(self, token: str, account: str, now: int) -> Identity:
        """Verify one assertion.

        Args:
            token: what stands in the header `x-guiju-identity`.
            account: the account in which the person is known; the same subject is another person elsewhere.
            now: Unix seconds.

        Raises:
            CallerError: `real_name_required`; it does not verify, has expired, was used, or is for somebody else.
            OutsideError: `guard_unavailable`; the issuer is down and the person not known, or the store is.
        """
        mark = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        trusted, told = self._again(mark)
        if trusted is None or told is None:
            trusted = self._issuers.get(_claimed(token))
            if trusted is None:
                raise CallerError("real_name_required")
        settings = trusted.settings
        state = await trusted.state()
        if state == "down":
            raise OutsideError("guard_unavailable")
        if told is None:
            told = await self._told(trusted, token, mark, now)
        if settings.accounts and account not in settings.accounts:
            raise CallerError("real_name_required")
        until = told.until_s
        if settings.reverify_days:
            until = min(until, told.verified_at + settings.reverify_days * 86_400)
        if not told.from_s <= now < told.until_s:
            raise CallerError("real_name_required")
        identity = Identity(
            person=self._hash("person", account, settings.issuer, told.subject),
            level=told.level if now < until else "none",
            method=told.method,
            verified_at=told.verified_at,
            expires_at=until,
            transaction=self._hash("transaction", settings.issuer, told.transaction),
            age=told.age,
        )
        if state == "grace" and not await self._books.known(account, identity.person, now):
            raise OutsideError("guard_unavailable")
        if settings.replay == "once":
            spent = self._hash("token", settings.issuer, told.token)
            if not await self._books.spend(bytes.fromhex(spent), told.until_s):
                raise CallerError("real_name_required")
        return identity

    def _again(self, mark: bytes) -> tuple[Trusted | None, Told | None]:
        """What was believed of the same assertion before, unless its issuer's keys have changed since."""
        found = self._believed.get(mark)
        if found is None:
            return None, None
        trusted, changed, told = found
        return (trusted, told) if changed == trusted.changed else (trusted, None)

    async def _told(self, trusted: Trusted, token: str, mark: bytes, now: int) -> Told:
        try:
            said = await trusted.claims(token) if len(token) <= _LONGEST else {}
            told = claims.told(trusted.settings, said, now)
        except _UNREADABLE:
            told = None
        if told is None:
            raise CallerError("real_name_required")
        if len(self._believed) >= _REMEMBERED:
            self._believed.clear()
        self._believed[mark] = (trusted, trusted.changed, told)
        return told

    def _hash(self, *parts: str) -> str:
        return hmac.new(self._secret, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()[:32]


def _claimed(token: str) -> str:
    """The issuer that an assertion claims to be from; only a name to look up, nothing is believed yet."""
    try:
        if claims.is_line(token):
            return str(claims.line_claims(token).get("iss", ""))
        middle = token.split(".")[1]
        said = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError, RecursionError):
        return ""
    issuer = said.get("iss") if isinstance(said, dict) else ""
    return issuer if isinstance(issuer, str) else ""
