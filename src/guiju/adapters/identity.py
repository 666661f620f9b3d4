# SPDX-License-Identifier: Apache-2.0
"""Signed assertions of real identity: JWTs of issuers that the operator trusts (Article 9; RFC 7519, RFC 7517).

An assertion says that somebody else verified a person. What is kept of it is a verdict: level, method, time and keyed
hashes. Claims that could name the person are read by nobody.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from guiju.config import Issuer
from guiju.errors import CallerError, ConfigError, OutsideError
from guiju.terms import Identity

_SIGNATURES = ["RS256", "ES256", "PS256", "EdDSA", "Ed25519"]
_LEEWAY_S = 60
_UNREADABLE = (JoseError, ValueError, TypeError, RecursionError)
"""What the library raises on a token that is none: a header of a wrong type, or one without end."""
_REFETCH_S = 60.0
"""An unknown key is looked for at the issuer no more often than this."""


class _Trusted:
    """One issuer with its keys."""

    def __init__(self, settings: Issuer, own: str = "") -> None:
        self.settings = settings
        self.keys: KeySet | OctKey | None = None
        self.fetched = 0.0
        self.algorithms = _SIGNATURES
        if own:
            self.keys, self.algorithms = OctKey.import_key(own), ["HS256"]
            return
        if sum(map(bool, (settings.jwks_file, settings.jwks_url, settings.secret_env))) != 1:
            raise ConfigError(
                "config_invalid", what=f"issuer {settings.issuer}", hint="jwks_file | jwks_url | secret_env"
            )
        if settings.secret_env:
            secret = os.environ.get(settings.secret_env, "")
            if len(secret) < 32:
                raise ConfigError(
                    "config_invalid", what=f"{settings.secret_env} is shorter than 32", hint="openssl rand -hex 32"
                )
            self.keys, self.algorithms = OctKey.import_key(secret), ["HS256"]
        elif settings.jwks_file:
            try:
                self.keys = KeySet.import_key_set(_parsed(Path(settings.jwks_file).read_bytes()))
            except (OSError, ValueError, JoseError) as error:
                raise ConfigError("config_invalid", what=f"{settings.jwks_file}: {error}", hint="RFC 7517") from error

    async def fetch(self) -> None:
        """Read the key set from its address.

        Raises:
            OutsideError: `guard_unavailable`, it can't be had; new identities wait (robustness §6).
        """
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), trust_env=False) as session,
                session.get(self.settings.jwks_url, allow_redirects=False) as response,
            ):
                response.raise_for_status()
                self.keys = KeySet.import_key_set(_parsed(await response.content.read(2**20)))
        except (aiohttp.ClientError, TimeoutError, ValueError, JoseError):
            raise OutsideError("guard_unavailable") from None


class Assertions:
    """Verifies assertions.

    Args:
        issuers: whom to believe.
        secret: the key of the hashes under which persons are known here.
        own: an issuer within this process and its secret, for the canary.
    """

    def __init__(self, issuers: Sequence[Issuer], secret: bytes, own: tuple[Issuer, str] | None = None) -> None:
        self._issuers = {one.issuer: _Trusted(one) for one in issuers}
        if own:
            self._issuers[own[0].issuer] = _Trusted(*own)
        self._secret = secret
        self._fetching = asyncio.Lock()

    async def verify(self, token: str, account: str, now: int) -> Identity:
        """Verify one assertion.

        Args:
            token: the JWT in the header `x-guiju-identity`.
            account: the account in which the person is known; the same subject is another person elsewhere.
            now: Unix seconds.

        Raises:
            CallerError: `real_name_required`; it does not verify, has expired, or is for somebody else.
            OutsideError: `guard_unavailable`; the issuer's keys can't be had.
        """
        trusted = self._issuers.get(_claimed(token))
        if trusted is None:
            raise CallerError("real_name_required")
        try:
            claims = await self._claims(trusted, token)
        except _UNREADABLE:
            raise CallerError("real_name_required") from None
        settings = trusted.settings
        audience = claims.get("aud")
        expires, issued = claims.get("exp"), claims.get("iat", now)
        if not isinstance(expires, (int, float)) or not isinstance(issued, (int, float)):
            raise CallerError("real_name_required")
        fits = (
            claims.get("iss") == settings.issuer
            and settings.audience in (audience if isinstance(audience, list) else [audience])
            and issued - _LEEWAY_S <= now < expires + _LEEWAY_S
            and isinstance(claims.get("sub"), str)
        )
        if not fits:
            raise CallerError("real_name_required")
        method = str(claims.get("method", ""))
        return Identity(
            person=self._hash("person", account, settings.issuer, claims["sub"]),
            level=settings.levels.get(method, "none"),
            method=method if method in settings.levels else "",
            verified_at=int(issued),
            expires_at=int(expires),
            transaction=self._hash("transaction", settings.issuer, str(claims.get("jti", ""))),
        )

    async def _claims(self, trusted: _Trusted, token: str) -> dict[str, Any]:
        """The verified claims; an unknown key is looked for once at the issuer's address, so that keys can rotate."""
        if trusted.keys is None:
            async with self._fetching:
                if trusted.keys is None:
                    await trusted.fetch()
        assert trusted.keys is not None
        try:
            return dict(jwt.decode(token, trusted.keys, algorithms=trusted.algorithms).claims)
        except (JoseError, ValueError):
            now = asyncio.get_running_loop().time()
            if not trusted.settings.jwks_url or now - trusted.fetched < _REFETCH_S:
                raise
        async with self._fetching:
            trusted.fetched = now
            await trusted.fetch()
        return dict(jwt.decode(token, trusted.keys, algorithms=trusted.algorithms).claims)

    def _hash(self, *parts: str) -> str:
        return hmac.new(self._secret, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()[:32]


def _parsed(data: bytes) -> Any:
    """A key set's JSON."""
    return msgspec.json.decode(data)


def _claimed(token: str) -> str:
    """The issuer that a token claims to be from; only a name to look up, nothing is believed yet."""
    try:
        middle = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError, RecursionError):
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else ""
    return issuer if isinstance(issuer, str) else ""
