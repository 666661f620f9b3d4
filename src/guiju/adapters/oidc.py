# SPDX-License-Identifier: Apache-2.0
"""Sign-in by an identity provider: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636), state and nonce.

The provider's document is read from its well-known address; its keys are those of `issuers.Trusted`, which fetches them
again when they rotate. Nothing is followed elsewhere: no redirects, no proxy of the environment.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec
from joserfc.errors import JoseError

from guiju.adapters.issuers import Trusted
from guiju.config import Issuer
from guiju.config_console import OidcSettings
from guiju.environment import variable
from guiju.errors import CallerError, OutsideError

_WAIT: Final = aiohttp.ClientTimeout(total=10)
_MOST: Final = 1 << 20
_FRESH_S: Final = 600.0
_LEEWAY_S: Final = 60


class Half(msgspec.Struct, frozen=True, kw_only=True):
    """What must be remembered until the provider sends the browser back.

    Attributes:
        state, nonce: what must come back in the address, and in the token.
        verifier: proves that who redeems the code is who asked for it.
        link, name: the link that is taken up with this sign-in, and the first administrator's name; "" for neither.
        then: the page to go on to.
    """

    state: str
    nonce: str
    verifier: str
    link: str = ""
    name: str = ""
    then: str = ""


class _Document(msgspec.Struct, frozen=True):
    """What is read of the provider's document (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class Provider:
    """One identity provider.

    Args:
        settings: who it is, and as whom we come.
    """

    def __init__(self, settings: OidcSettings) -> None:
        self.settings = settings
        self._known: tuple[_Document, Trusted] | None = None
        self._read_at = float("-inf")

    async def asking(self, back: str, link: str = "", name: str = "", then: str = "") -> tuple[str, Half]:
        """The address to send the browser to, and what to remember.

        Args:
            back: our address to which it comes back.
            link, name, then: see `Half`.

        Raises:
            OutsideError: `identity_provider_unavailable`.
        """
        document, _ = await self._document()
        half = Half(
            state=token_urlsafe(24),
            nonce=token_urlsafe(24),
            verifier=token_urlsafe(48),
            link=link,
            name=name,
            then=then,
        )
        asked = {
            "response_type": "code",
            "client_id": self.settings.client,
            "redirect_uri": back,
            "scope": self.settings.scope,
            "state": half.state,
            "nonce": half.nonce,
            "code_challenge": _challenge(half.verifier),
            "code_challenge_method": "S256",
        }
        between = "&" if urlsplit(document.authorization_endpoint).query else "?"
        return document.authorization_endpoint + between + urlencode(asked), half

    async def answered(self, half: Half, back: str, said: Mapping[str, str]) -> str:
        """Who signed in: the value of the claim by which members are known.

        Steps: (1) state, (2) the code for a token, (3) the token's signature, (4) issuer, audience and time, (5) nonce,
        (6) the claim.

        Args:
            half: what was remembered.
            back: our address, as it was given.
            said: what stands in the address with which the browser came back.

        Raises:
            CallerError: `sign_in_failed`.
            OutsideError: `identity_provider_unavailable`.
        """
        document, trusted = await self._document()
        issuer = said.get("iss", document.issuer)  # RFC 9207: who answers says so
        if said.get("state") != half.state or issuer != document.issuer or not said.get("code"):  # (1)
            raise CallerError("sign_in_failed")
        token = await self._redeemed(document, half, back, said["code"])  # (2)
        try:
            await trusted.state()
            claims = await trusted.claims(token)  # (3)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise CallerError("sign_in_failed") from error
        except OutsideError as error:
            raise OutsideError("identity_provider_unavailable") from error
        return self._known_as(claims, half, document.issuer)

    def _known_as(self, claims: Mapping[str, Any], half: Half, issuer: str) -> str:
        audience, now = claims.get("aud"), time.time()
        ours = audience == self.settings.client or (
            isinstance(audience, list)
            and self.settings.client in audience
            and (len(audience) == 1 or claims.get("azp") == self.settings.client)
        )
        expires, issued = claims.get("exp"), claims.get("iat")
        timely = (
            isinstance(expires, int | float)
            and isinstance(issued, int | float)
            and expires + _LEEWAY_S > now
            and issued - _LEEWAY_S <= now
        )
        if claims.get("iss") != issuer or not ours or not timely:  # (4)
            raise CallerError("sign_in_failed")
        if claims.get("nonce") != half.nonce:  # (5)
            raise CallerError("sign_in_failed")
        known = claims.get(self.settings.claim)  # (6)
        unsure = self.settings.claim == "email" and claims.get("email_verified") is not True
        if not isinstance(known, str) or not 0 < len(known) <= 256 or unsure:
            raise CallerError("sign_in_failed")
        return known

    async def _redeemed(self, document: _Document, half: Half, back: str, code: str) -> str:
        """The token for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self.settings.client,
            "code_verifier": half.verifier,
        }
        secret = variable(self.settings.secret_env)
        if secret:
            form["client_secret"] = secret
        status, raw = await self._asked("POST", document.token_endpoint, form)
        if 400 <= status < 500:
            raise CallerError("sign_in_failed")
        try:
            if status == 200:
                return msgspec.json.decode(raw, type=_Tokens).id_token
        except msgspec.DecodeError as error:
            raise OutsideError("identity_provider_unavailable") from error
        raise OutsideError("identity_provider_unavailable")

    async def _document(self) -> tuple[_Document, Trusted]:
        """The provider's document and keys, read again every ten minutes; an old one does while it is away."""
        now = time.monotonic()
        if self._known is not None and now - self._read_at < _FRESH_S:
            return self._known
        try:
            self._known = await self._read()
            self._read_at = now
        except OutsideError:
            if self._known is None:
                raise
        return self._known

    async def _read(self) -> tuple[_Document, Trusted]:
        wanted = self.settings.issuer
        status, raw = await self._asked("GET", wanted.rstrip("/") + "/.well-known/openid-configuration")
        try:
            document = msgspec.json.decode(raw, type=_Document)
        except msgspec.DecodeError as error:
            raise OutsideError("identity_provider_unavailable") from error
        ends = (document.authorization_endpoint, document.token_endpoint, document.jwks_uri)
        if status != 200 or document.issuer != wanted or not all(map(secure, ends)):
            raise OutsideError("identity_provider_unavailable")
        if self._known is not None and self._known[0] == document:
            return self._known
        keys = Issuer(issuer=wanted, audience=self.settings.client, jwks_url=document.jwks_uri)
        return document, Trusted(keys, time.monotonic)

    async def _asked(self, method: str, url: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        try:
            async with (
                aiohttp.ClientSession(timeout=_WAIT, trust_env=False) as session,
                session.request(
                    method, url, data=form, allow_redirects=False, headers={"accept": "application/json"}
                ) as response,
            ):
                return response.status, await response.content.read(_MOST)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OutsideError("identity_provider_unavailable") from error


def secure(url: str) -> bool:
    """Whether an address is one of HTTPS, or of this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1"))


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
