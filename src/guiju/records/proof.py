# SPDX-License-Identifier: Apache-2.0
"""The proof account: as whom an operator's command asks the guarded service to evaluate it (Articles 4, 9).

It opens no way past the gate of real identity: its key always needs an assertion at the highest level, that assertion
is believed with this key alone and for five minutes, and both are made of the installation's own secrets, so that only
who may read `DATA/keys` can make them. No person stands behind it: nothing of it is kept of anybody or counted.
"""

from __future__ import annotations

import hmac
from typing import Final

from joserfc import jwt
from joserfc.jwk import OctKey

from guiju.config import Issuer
from guiju.records.accounts import KeyRecord
from guiju.records.secrets import Secrets

KEY_ID: Final = "guiju-proof"
LONGEST_S: Final = 300
"""Seconds for which an assertion of the account's holds."""
RECORD: Final = KeyRecord(
    id=KEY_ID,
    account=KEY_ID,
    prefix="gj-proo",
    name="proof",
    identity="organisation",
    requests_per_minute=-1,
    streams=-1,
    tokens_per_day=-1,
)
ISSUER: Final = Issuer(
    issuer=KEY_ID, audience=KEY_ID, levels={"proof": "organisation"}, accounts=(KEY_ID,), longest_s=LONGEST_S
)


def key(secrets: Secrets) -> str:
    """The account's key; without an assertion it opens nothing."""
    return f"gj-proof-{_made(secrets, 'key')[:32]}"


def secret(secrets: Secrets) -> str:
    """What assertions of the account are signed with."""
    return _made(secrets, "issuer")


def assertion(secrets: Secrets, now: int) -> str:
    """An assertion for somebody who is nobody.

    Args:
        secrets: of the installation.
        now: Unix seconds.
    """
    said = {"iss": KEY_ID, "aud": KEY_ID, "sub": "proof", "iat": now, "exp": now + LONGEST_S, "method": "proof"}
    return jwt.encode({"alg": "HS256"}, said, OctKey.import_key(secret(secrets)))


def _made(secrets: Secrets, what: str) -> str:
    return hmac.digest(secrets.digest, f"guiju proof {what}".encode(), "sha256").hex()
