# SPDX-License-Identifier: Apache-2.0
"""An identity provider on a real socket (OpenID Connect Core 1.0): it checks the code, the client, the address to come
back to and the verifier (RFC 7636), signs tokens with RSA, and can be told to err."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from conftest import free_port

CLIENT, SECRET = "guiju-console", "a secret of the client's own, long enough"


@dataclass
class OidcProvider:
    """The provider.

    Attributes:
        login: who is at the browser: the claims about them.
        err: changes the claims of the next token.
        away: whether it answers nothing.
        back: addresses that are registered.
    """

    port: int
    login: dict[str, Any] = field(default_factory=dict)
    err: dict[str, Any] = field(default_factory=dict)
    away: bool = False
    back: set[str] = field(default_factory=set)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs: RSAKey | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def document(self, request: Request) -> Response:
        """Its description of itself."""
        if self.away:
            return Response(status_code=503)
        ends = {
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        }
        return JSONResponse({"issuer": self.issuer, **ends})

    async def jwks(self, request: Request) -> Response:
        """Its public key."""
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """Whoever is at the browser has signed in and agrees."""
        asked = dict(request.query_params)
        fits = asked["client_id"] == CLIENT and asked["redirect_uri"] in self.back
        if not fits or asked["response_type"] != "code" or asked["code_challenge_method"] != "S256":
            return Response(status_code=400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return RedirectResponse(asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"]}), 302)

    async def token(self, request: Request) -> Response:
        """A token for a code, once."""
        form = dict((await request.form()).items())
        asked = self.codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or form.get("client_secret") != SECRET
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= {**self.login, **self.err}
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs or self.key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """A provider that serves in a thread of this process."""
    made = OidcProvider(free_port())
    routes = [
        Route("/.well-known/openid-configuration", made.document),
        Route("/jwks", made.jwks),
        Route("/authorize", made.authorize),
        Route("/token", made.token, methods=["POST"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), port=made.port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield made
    finally:
        server.should_exit = True
        thread.join(10)
