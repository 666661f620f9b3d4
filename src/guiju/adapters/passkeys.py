# SPDX-License-Identifier: Apache-2.0
"""Passkeys (WebAuthn, level 3): what a browser is asked, and whether its answer holds. The cryptography is fido2's.

A person is always verified by their authenticator (a finger, a face, a PIN), so that a passkey is two factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from guiju.errors import CallerError

_NAME: Final = "Guiju 规矩"
_WRONG: Final = (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, RecursionError)
"""What a credential that is not one leads to, within the library."""


class Attested(msgspec.Struct, frozen=True):
    """A passkey that was made: its id, and what is kept of it (id and public key)."""

    id: bytes
    credential: bytes


class Passkeys:
    """The passkeys of one address.

    Args:
        origin: scheme, host and port at which the console is reached.
    """

    def __init__(self, origin: str) -> None:
        host = urlsplit(origin).hostname or ""
        # The origin is compared whole: the library's own look would take any name below the host.
        self._server = Fido2Server(PublicKeyCredentialRpEntity(name=_NAME, id=host), verify_origin=origin.__eq__)

    def making(self, member_id: str, name: str) -> tuple[dict[str, Any], str]:
        """What a browser is asked in order to make a passkey, and what to remember.

        Args:
            member_id: by which the authenticator tells members apart; never a name.
            name: shown by the authenticator.
        """
        user = PublicKeyCredentialUserEntity(name=name, id=member_id.encode(), display_name=name)
        options, state = self._server.register_begin(
            user,
            resident_key_requirement=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return dict(options), msgspec.json.encode(state).decode()

    def made(self, state: str, answer: Mapping[str, Any]) -> Attested:
        """The passkey that a browser made.

        Args:
            state: what was remembered.
            answer: `PublicKeyCredential.toJSON()` of the browser.

        Raises:
            CallerError: `sign_in_failed`.
        """
        try:
            data = self._server.register_complete(msgspec.json.decode(state), answer).credential_data
        except _WRONG as error:
            raise CallerError("sign_in_failed") from error
        if data is None:
            raise CallerError("sign_in_failed")
        return Attested(data.credential_id, bytes(data))

    def asking(self) -> tuple[dict[str, Any], str]:
        """What a browser is asked in order to sign in, and what to remember; it names nobody."""
        options, state = self._server.authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
        return dict(options), msgspec.json.encode(state).decode()

    def answered(self, state: str, credential: bytes, answer: Mapping[str, Any]) -> int:
        """Whether a browser holds a passkey; returns how often the authenticator says that it has signed.

        Args:
            state: what was remembered.
            credential: what is kept of the passkey that it names.
            answer: `PublicKeyCredential.toJSON()` of the browser.

        Raises:
            CallerError: `sign_in_failed`.
        """
        try:
            self._server.authenticate_complete(msgspec.json.decode(state), [AttestedCredentialData(credential)], answer)
            said = answer["response"]["authenticatorData"]
            return AuthenticatorData(websafe_decode(said)).counter
        except _WRONG as error:
            raise CallerError("sign_in_failed") from error


def named(answer: Mapping[str, Any]) -> bytes:
    """The id of the passkey that an answer names.

    Raises:
        CallerError: `sign_in_failed`: it names none.
    """
    try:
        return websafe_decode(answer["rawId"])
    except _WRONG as error:
        raise CallerError("sign_in_failed") from error
