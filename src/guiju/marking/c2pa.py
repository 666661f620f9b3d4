# SPDX-License-Identifier: Apache-2.0
"""Content credentials: a signed manifest says who generated a file, and whether it is as it was (C2PA, version 2).

They are written last: the label in the metadata first, then the signature over both. A later change of the file breaks
it, which is its purpose. What an earlier manifest said is kept, as an ingredient. Nothing is fetched: no time stamps,
no remote manifests, no revocation lists. Needs the library: `pip install 'guiju[media]'`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final, Literal

import c2pa
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from guiju.marking.family import MarkingError

State = Literal["trusted", "valid", "invalid"]
"""Signed by somebody on the list of trust; whole, but signed by somebody unknown; not whole."""

GENERATED: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""The source type of what a model generated (IPTC)."""
UNTRUSTED: Final = "signingCredential.untrusted"
"""The code for a signer that nobody named as trusted."""
_CURVES: Final = {256: b"es256", 384: b"es384", 521: b"es512"}
_MOST_ACTIONS: Final = 64


class Signing(msgspec.Struct, frozen=True):
    """Who signs.

    Attributes:
        chain: PEM of its certificate and those above it, its own first.
        key: PEM of its private key, without a passphrase.
    """

    chain: bytes
    key: bytes


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What the active manifest of a file says.

    Attributes:
        state: what became of it when it was checked.
        issuer: the organisation of the certificate that signed it.
        generator: the program that made it.
        actions: what was done, such as `c2pa.created`.
        source_types: the IPTC source types that actions name.
        ingredients: how many files it was made from.
        faults: codes of C2PA for what is wrong.
    """

    state: State
    issuer: str
    generator: str
    actions: tuple[str, ...]
    source_types: tuple[str, ...]
    ingredients: int
    faults: tuple[str, ...]


def supports(media_type: str) -> bool:
    """Whether files of a media type can be signed."""
    return media_type in c2pa.Builder.get_supported_mime_types()


def fault(signing: Signing) -> str:
    """What is wrong with a certificate and its key; `""` when nothing is."""
    try:
        own = x509.load_pem_x509_certificates(signing.chain)[0]
        key = serialization.load_pem_private_key(signing.key, None)
        _algorithm(signing)
    except (ValueError, TypeError, MarkingError):
        return "they are no PEM, or of a kind that C2PA does not know"
    if own.public_key() != key.public_key():
        return "the key is not that of the first certificate"
    return ""


def signed(
    source: BinaryIO,
    target: BinaryIO,
    media_type: str,
    signing: Signing,
    generator: tuple[str, str],
    parent: BinaryIO | None = None,
) -> None:
    """Write a file with a signed manifest.

    Args:
        source: the file with its label; seekable.
        target: an empty stream; readable and seekable.
        media_type: of the file.
        signing: who signs.
        generator: name and version of the program.
        parent: the file as it came, where it was made by others or has a manifest; then it is named as the one that was
            opened, and its own manifest is kept. None says: this provider's model made it.

    Raises:
        MarkingError: `unsupported`, the type; `unsigned`, the library refuses.
    """
    if not supports(media_type):
        raise MarkingError("unsupported", f"C2PA in {media_type}")
    manifest = {
        "claim_generator_info": [{"name": generator[0], "version": generator[1]}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": _actions(parent is not None)}}],
    }
    source.seek(0)
    try:
        who = c2pa.C2paSignerInfo(
            alg=_algorithm(signing), sign_cert=signing.chain, private_key=signing.key, ta_url=None
        )
        with (
            c2pa.Settings.from_dict(_settings(b"")) as settings,
            c2pa.Context(settings) as context,
            c2pa.Signer.from_info(who) as signer,
            c2pa.Builder(manifest, context) as builder,
        ):
            if parent is not None:
                parent.seek(0)
                builder.add_ingredient({"relationship": "parentOf", "label": "parent"}, media_type, parent)
            builder.sign(signer, media_type, source, target)
    except c2pa.C2paError as error:
        raise MarkingError("unsigned", type(error).__name__) from error


def read(source: BinaryIO, media_type: str, anchors: bytes = b"") -> Credentials | None:
    """What the manifest of a file says, and whether it holds.

    Args:
        source: the file; seekable.
        media_type: of the file.
        anchors: PEM of the authorities that are trusted; `b""` for none.

    Returns:
        None when there is no manifest, or the type can have none.

    Raises:
        MarkingError: `unreadable`, there is a manifest or a file that is not well formed.
    """
    if media_type not in c2pa.Reader.get_supported_mime_types():
        return None
    source.seek(0)
    try:
        with (
            c2pa.Settings.from_dict(_settings(anchors)) as settings,
            c2pa.Context(settings) as context,
            c2pa.Reader(media_type, source, context=context) as reader,
        ):
            said = json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return None
    except (c2pa.C2paError, ValueError) as error:
        raise MarkingError("unreadable", "C2PA") from error
    return _credentials(said)


def _credentials(said: Mapping[str, Any]) -> Credentials:
    active = said.get("manifests", {}).get(said.get("active_manifest"), {})
    results = said.get("validation_results", {}).get("activeManifest", {})
    faults = tuple(dict.fromkeys(str(one.get("code", "")) for one in results.get("failure", ())))
    state = str(said.get("validation_state", "")).lower()
    actions = [
        one
        for assertion in active.get("assertions", ())
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for one in assertion.get("data", {}).get("actions", ())
    ][:_MOST_ACTIONS]
    generators = [f"{one.get('name', '')} {one.get('version', '')}" for one in active.get("claim_generator_info") or ()]
    return Credentials(
        state="trusted" if state == "trusted" else "valid" if state == "valid" else "invalid",
        issuer=str((active.get("signature_info") or {}).get("issuer", "")),
        generator=(generators[0] if generators else str(active.get("claim_generator", ""))).strip(),
        actions=_named(actions, "action"),
        source_types=_named(actions, "digitalSourceType"),
        ingredients=len(active.get("ingredients") or ()),
        faults=faults,
    )


def _named(actions: Sequence[Mapping[str, Any]], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(one[key]) for one in actions if one.get(key)))


def _actions(opened: bool) -> list[dict[str, Any]]:
    """What was done: a model made it, or it was opened and got its label."""
    if not opened:
        return [{"action": "c2pa.created", "digitalSourceType": GENERATED}]
    label = {"action": "c2pa.edited", "description": "AIGC label"}
    return [{"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}, label]


def _settings(anchors: bytes) -> dict[str, Any]:
    """Nothing is fetched and no thumbnail is made; trust is in these authorities alone."""
    made: dict[str, Any] = {
        "version": 1,
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    }
    return made | ({"trust": {"trust_anchors": anchors.decode("ascii", "replace")}} if anchors else {})


def _algorithm(signing: Signing) -> bytes:
    """The name of C2PA for a key's kind."""
    key = serialization.load_pem_private_key(signing.key, None)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size in _CURVES:
        return _CURVES[key.curve.key_size]
    if isinstance(key, rsa.RSAPrivateKey):
        return b"ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return b"ed25519"
    raise MarkingError("unsigned", "a key of that kind")
