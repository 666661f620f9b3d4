# SPDX-License-Identifier: Apache-2.0
"""Issuers of identity for tests: signed assertions, and a real server from which keys are fetched and may rotate."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from guiju.adapters.claims import signed_line
from guiju.config import Issuer

SECRET = "s" * 40
LEVELS = {"cn_mobile_realname": "phone", "cn_id_card": "document", "cn_netid": "network_id"}


def claims(**more: Any) -> dict[str, Any]:
    """Claims that are believed; `more` replaces or adds some, and `None` takes one away."""
    now = int(time.time())
    made = {"iss": "id.example", "aud": "guiju", "sub": "person-1", "jti": "t-1", "iat": now, "exp": now + 300}
    made |= {"method": "cn_mobile_realname", **more}
    return {name: value for name, value in made.items() if value is not None}


def assertion(key: OctKey | RSAKey | None = None, **more: Any) -> str:
    """A signed assertion."""
    key = key or OctKey.import_key(SECRET)
    header = {"alg": "HS256"} if isinstance(key, OctKey) else {"alg": "RS256", "kid": key.kid or ""}
    return jwt.encode(header, claims(**more), key)


def line(**more: Any) -> str:
    """The same as a signed line."""
    return signed_line(SECRET.encode(), claims(**more))


def vouched(framework: str, **more: Any) -> dict[str, Any]:
    """`verified_claims` of one framework; `about` holds what names the person, and is read by nobody."""
    about = more.pop("about", {})
    return {"verification": {"trust_framework": framework, **more}, "claims": about}


def issuer(**more: Any) -> Issuer:
    """Settings of the issuer."""
    return Issuer(**{"issuer": "id.example", "audience": "guiju", "levels": LEVELS, **more})


def generated() -> RSAKey:
    """A key pair."""
    return RSAKey.generate_key(2048, auto_kid=True)


class Keys:
    """A server that gives out a key set, or nothing while it is down.

    Attributes:
        asked: how often it was asked.
    """

    def __init__(self, *keys: RSAKey) -> None:
        self.keys = keys
        self.down = False
        self.asked = 0
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                body = json.dumps({"keys": [key.as_dict(private=False) for key in outer.keys]}).encode()
                self.send_response(503 if outer.down else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where the key set is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/jwks"

    def __enter__(self) -> Keys:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Time:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
