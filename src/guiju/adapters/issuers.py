# SPDX-License-Identifier: Apache-2.0
"""Issuers of identity with their keys: from a file, a secret, or an address at which keys rotate (RFC 7517).

Keys of an address are fetched anew every ten minutes beside the road. From the first attempt that fails the issuer
counts as down: for a quarter of an hour persons who are known go on, then nobody does (robustness §6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from guiju.adapters import claims
from guiju.config import Issuer
from guiju.environment import variable
from guiju.errors import ConfigError, OutsideError

FRESH_S: Final = 600.0
"""After so many seconds keys are fetched again: a key that the issuer took back is believed no longer than this."""
AGAIN_S: Final = 60.0
"""Keys are looked for no more often than this, whatever is asked."""
SOON_S: Final = 5.0
"""The same while no key is known at all."""
GRACE_S: Final = 900.0
"""How long known persons go on while the issuer is down."""
_SIGNATURES: Final = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
_KEYS_BYTES: Final = 2**20

State = Literal["up", "grace", "down"]


class Trusted:
    """One issuer with its keys.

    Args:
        settings: who it is.
        clock: monotonic seconds.
        own: the secret of an issuer within this process.

    Attributes:
        changed: how often its keys have changed; what was believed under others is to be looked at again.

    Raises:
        ConfigError: its key can't be had.
    """

    def __init__(self, settings: Issuer, clock: Callable[[], float], own: str = "") -> None:
        self.settings = settings
        self.changed = 0
        self._clock = clock
        self._keys: KeySet | OctKey | None = None
        self._algorithms = list(_SIGNATURES)
        self._secret = b""
        self._fetched = self._tried = float("-inf")
        self._down_since: float | None = None
        self._raw = b""
        self._fetching = asyncio.Lock()
        self._beside: asyncio.Task[None] | None = None
        if own:
            self._shared(own)
        else:
            self._configured()

    def _configured(self) -> None:
        settings = self.settings
        if sum(map(bool, (settings.jwks_file, settings.jwks_url, settings.secret_env))) != 1:
            hint = "jwks_file | jwks_url | secret_env"
            raise ConfigError("config_invalid", what=f"issuer {settings.issuer}", hint=hint)
        if settings.kind == "header" and not settings.secret_env:
            raise ConfigError("config_invalid", what=f"issuer {settings.issuer}: header", hint="secret_env")
        if settings.secret_env:
            secret = variable(settings.secret_env)
            if len(secret) < 32:
                raise ConfigError(
                    "config_invalid", what=f"{settings.secret_env} is shorter than 32", hint="openssl rand -hex 32"
                )
            self._shared(secret)
        elif settings.jwks_file:
            try:
                self._keys = KeySet.import_key_set(_parsed(Path(settings.jwks_file).read_bytes()))
            except (OSError, ValueError, JoseError) as error:
                raise ConfigError("config_invalid", what=f"{settings.jwks_file}: {error}", hint="RFC 7517") from error

    def _shared(self, secret: str) -> None:
        self._keys, self._algorithms, self._secret = OctKey.import_key(secret), ["HS256"], secret.encode()

    async def state(self) -> State:
        """Whether its word can be taken now; keys that are old are fetched beside the road, missing ones at once."""
        if not self.settings.jwks_url:
            return "up"
        now = self._clock()
        if self._keys is None:
            if now - self._tried > SOON_S:
                await self._fetch()
        elif now - self._fetched > FRESH_S and now - self._tried > AGAIN_S and self._beside is None:
            self._beside = asyncio.get_running_loop().create_task(self._fetch())
            self._beside.add_done_callback(self._done)
        if self._down_since is None:
            return "up" if self._keys is not None else "down"
        return "grace" if self._keys is not None and now - self._down_since <= GRACE_S else "down"

    def _done(self, _: asyncio.Task[None]) -> None:
        self._beside = None

    async def claims(self, token: str) -> dict[str, Any]:
        """The claims that its signature covers. An unknown key is looked for once at its address, so that keys can
        rotate.

        Raises:
            OutsideError: `guard_unavailable`: the key is not known, and keys can't be had.
            JoseError, ValueError, TypeError, RecursionError: the token does not verify.
        """
        if self.settings.kind == "header":
            return self._line(token)
        try:
            return self._decoded(token)
        except (JoseError, ValueError):
            if not self.settings.jwks_url:
                raise
            if self._clock() - self._tried > AGAIN_S:
                await self._fetch()
            if self._down_since is not None:
                raise OutsideError("guard_unavailable") from None
        return self._decoded(token)

    def _line(self, token: str) -> dict[str, Any]:
        if not claims.line_holds(token, self._secret):
            raise ValueError("signature")
        return claims.line_claims(token)

    def _decoded(self, token: str) -> dict[str, Any]:
        if self._keys is None:
            raise OutsideError("guard_unavailable")
        return dict(jwt.decode(token, self._keys, algorithms=self._algorithms).claims)

    async def _fetch(self) -> None:
        """Read the key set from its address; one at a time, and what others fetched meanwhile will do."""
        asked = self._clock()
        async with self._fetching:
            if self._tried >= asked:
                return
            try:
                raw = await self._read()
                if raw != self._raw:
                    self._keys, self._raw = KeySet.import_key_set(_parsed(raw)), raw
                    self.changed += 1
                self._fetched, self._down_since = self._clock(), None
            except (aiohttp.ClientError, TimeoutError, ValueError, TypeError, AttributeError, JoseError):
                if self._down_since is None:
                    self._down_since = self._clock()
            self._tried = self._clock()

    async def _read(self) -> bytes:
        timeout = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(self.settings.jwks_url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise ValueError("status")
            raw = await response.content.read(_KEYS_BYTES)
            while len(raw) < _KEYS_BYTES and (more := await response.content.read(_KEYS_BYTES - len(raw))):
                raw += more
            return raw


def _parsed(data: bytes) -> Any:
    """A key set's JSON."""
    return msgspec.json.decode(data)
