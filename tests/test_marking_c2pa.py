# SPDX-License-Identifier: Apache-2.0
"""Content credentials (C2PA): who signed, whether it is whole, what it was made from."""

from __future__ import annotations

import datetime
import io
from functools import cache

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from guiju.marking import c2pa
from guiju.marking.c2pa import GENERATED, Credentials, Signing
from guiju.marking.family import MarkingError
from guiju.marking.throwaway import NAME, certificate
from marking_kit import OURS, frames, labelled, made, texts

TYPES = {
    "png": "image/png",
    "jpeg rich": "image/jpeg",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "gif moving": "image/gif",
    "avif": "image/avif",
}


@cache
def chain() -> tuple[Signing, bytes]:
    """A signer, and the authority that signed its certificate."""
    pem, key = certificate(datetime.datetime.now(datetime.UTC))
    cut = pem.rindex(b"-----BEGIN")
    return Signing(pem, key), pem[cut:]


def signed(data: bytes, media_type: str, parent: bytes | None = None) -> bytes:
    target = io.BytesIO()
    held = io.BytesIO(parent) if parent is not None else None
    c2pa.signed(io.BytesIO(data), target, media_type, chain()[0], ("Guiju", "0"), held)
    return target.getvalue()


def read(data: bytes, media_type: str, anchors: bytes = b"") -> Credentials:
    found = c2pa.read(io.BytesIO(data), media_type, anchors)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_a_signed_file_says_who_generated_it_and_keeps_its_label(kind: str) -> None:
    before = labelled(made(kind))
    assert c2pa.read(io.BytesIO(before), TYPES[kind]) is None
    after = signed(before, TYPES[kind])
    assert texts(after) == [OURS.bare()]
    assert frames(after) == frames(before)
    found = read(after, TYPES[kind])
    assert (found.state, found.issuer, found.generator) == ("valid", NAME, "Guiju 0")
    assert (found.actions, found.source_types) == (("c2pa.created",), (GENERATED,))
    assert found.faults == ("signingCredential.untrusted",)  # plainly so


def test_trust_is_in_named_authorities_alone() -> None:
    after = signed(labelled(made("jpeg")), "image/jpeg")
    assert read(after, "image/jpeg", chain()[1]).state == "trusted"
    stranger, _ = certificate(datetime.datetime.now(datetime.UTC))
    other = stranger[stranger.rindex(b"-----BEGIN") :]
    assert read(after, "image/jpeg", other).state == "valid"


@pytest.mark.parametrize("kind", ["jpeg rich", "png"])
def test_a_change_is_seen(kind: str) -> None:
    after = bytearray(signed(labelled(made(kind)), TYPES[kind]))
    after[-40] ^= 1
    found = read(bytes(after), TYPES[kind])
    assert found.state == "invalid"
    assert "assertion.dataHash.mismatch" in found.faults


def test_what_an_earlier_manifest_said_is_kept() -> None:
    first = signed(labelled(made("jpeg")), "image/jpeg")
    again = signed(labelled(first), "image/jpeg", first)
    found = read(again, "image/jpeg")
    assert (found.state, found.ingredients) == ("valid", 1)
    assert found.actions == ("c2pa.opened", "c2pa.edited")
    assert found.source_types == ()
    assert texts(again) == [OURS.bare()]


def test_a_key_must_be_that_of_the_certificate() -> None:
    assert c2pa.fault(chain()[0]) == ""
    stranger = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert "not that" in c2pa.fault(Signing(chain()[0].chain, stranger))
    assert "PEM" in c2pa.fault(Signing(b"x", b"y"))
    with pytest.raises(MarkingError, match="unsupported"):
        signed(b"x", "text/plain")
    assert c2pa.read(io.BytesIO(b"x"), "text/plain") is None


def test_broken_files_are_unreadable_or_have_no_manifest() -> None:
    after = signed(labelled(made("png")), "image/png")
    for end in range(0, len(after), 211):
        try:
            found = c2pa.read(io.BytesIO(after[:end]), "image/png")
        except MarkingError:
            continue
        assert found is None or found.state == "invalid"
