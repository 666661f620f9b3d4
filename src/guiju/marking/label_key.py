# SPDX-License-Identifier: Apache-2.0
"""The key with which a producer protects its labels, from a PEM file: Ed25519 for our own form, SM2 for the guide's.

SM2 keys are read here, as `openssl genpkey -algorithm SM2` writes them: the library of the other kinds does not know
the curve (GM/T 0003.5; RFC 5915 and RFC 5958 say where the number stands).
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

import gmalg
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.marking import reserved
from guiju.marking.label import Aigc

_CURVE: Final = bytes.fromhex("06082a811ccf5501822d")
"""The object identifier of SM2's curve, 1.2.156.10197.1.301, in DER."""
_NUMBER: Final = re.compile(rb"\x02\x01\x01\x04\x20(.{32})", re.DOTALL)
"""The private number of an ECPrivateKey (RFC 5915), behind its version."""
_ORDER: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""Of SM2's group (GM/T 0003.5)."""
_BLOCK: Final = re.compile(rb"-----BEGIN (?:EC )?PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END")


class LabelKey(msgspec.Struct, frozen=True):
    """A key; one of the two.

    Attributes:
        ed25519: for our own form, which binds the file where nothing else does.
        sm2: 32 bytes, for the guide's form, which speaks of the label alone.
    """

    ed25519: Ed25519PrivateKey | None = None
    sm2: bytes = b""

    @property
    def public(self) -> str:
        """The public key in hexadecimal, as a label names it."""
        if self.ed25519 is not None:
            return self.ed25519.public_key().public_bytes_raw().hex()
        made: bytes = gmalg.SM2(self.sm2).generate_pk(self.sm2)
        return made.hex()

    def signed(self, aigc: Aigc) -> Aigc:
        """The label with a signature over the label alone."""
        if self.ed25519 is not None:
            return reserved.ed25519_signed(aigc, self.ed25519)
        name = hashlib.sha256(bytes.fromhex(self.public)).hexdigest()[:16]
        return reserved.sm2_signed(aigc, self.sm2, name)


def read(pem: bytes) -> LabelKey | None:
    """A private key without a passphrase.

    Args:
        pem: the file.

    Returns:
        None when it is of neither kind.
    """
    for block in _BLOCK.findall(pem):
        try:
            der = base64.b64decode(b"".join(block.split()), validate=True)
        except ValueError:
            continue
        found = _NUMBER.search(der)
        if _CURVE in der and found and 0 < int.from_bytes(found[1], "big") < _ORDER - 1:
            return LabelKey(sm2=found[1])
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # no PEM, a kind that is not known, or a passphrase
        return None
    return LabelKey(ed25519=key) if isinstance(key, Ed25519PrivateKey) else None
