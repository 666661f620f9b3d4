# SPDX-License-Identifier: Apache-2.0
"""Certificates: what a complainant is given to show that a content was banned and tested for (Article 15).

A certificate is one JSON file. The provider's key signs its body, and the ledger's entry of the body's digest comes
with its proof of inclusion under a signed checkpoint, so that anybody who has the public key can check it on a clean
machine: without the provider's store, and without the provider.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from guiju.errors import ConfigError
from guiju.records import writers
from guiju.records.checkpoints import genuine, read
from guiju.records.merkle import includes, inclusion_proof
from guiju.records.scribe import Entry, leaf_of
from guiju.records.sources import source_of

SCHEMA: Final = "guiju-certificate/1"
KIND: Final = "certificate"
_CONTEXT: Final = SCHEMA.encode() + b"\n"

Fault = Literal["unreadable", "signature", "entry", "inclusion", "checkpoint"]
FAULTS: Final[dict[Fault, tuple[str, str]]] = {
    "unreadable": ("不是证书文件", "this is no certificate"),
    "signature": (
        "签名无效：内容被改动，或不是由该公钥签发",
        "the signature does not hold: changed, or another key's",
    ),
    "entry": ("账本记录与证书内容不符", "the ledger's entry is not of this certificate"),
    "inclusion": ("无法证明账本包含该记录", "the proof of inclusion does not hold"),
    "checkpoint": ("检查点签名无效", "the checkpoint's signature does not hold"),
}


class Tested(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One route of one replay: when, why, how many were asked, and how many times the content came back."""

    at: int
    route: str
    model: str
    reason: str
    versions: str
    asked: int
    answered: int
    refused: int
    failed: int
    came_back: int


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is certified. Times in Unix seconds.

    Attributes:
        id: of the certificate.
        provider, code: the provider's name and code.
        item, case: ids; the complainant knows the case by its number.
        category: the public category.
        banned_at, ban: since when it is banned, and the ban's id.
        found_at, due_at: discovery or report, and the raw model's deadline.
        set_hash, prompts: the digest of what is asked, and how many ways to ask there are.
        state, why: how the item stands; see `desk.regeneration.Standing`.
        ended_at: 0 while the content is banned.
        tested: every finished replay, oldest first.
        issued_at: when this was written.
    """

    id: str
    provider: str
    code: str
    item: str
    case: str
    category: str
    ban: str
    banned_at: int
    found_at: int
    due_at: int
    set_hash: str
    prompts: int
    state: str
    why: str
    ended_at: int
    tested: tuple[Tested, ...]
    issued_at: int


class Inclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the ledger has it.

    Attributes:
        line: the entry, as it stands in the ledger.
        proof: hashes, in hex, from the entry to the root (RFC 6962, 2.1.1).
        checkpoint: the signed checkpoint, as one line.
    """

    line: str
    proof: tuple[str, ...]
    checkpoint: str


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file."""

    schema: str
    body: Body
    signature: str
    ledger: Inclusion


def encoded(body: Body) -> bytes:
    """A body in the one form that is signed: canonical JSON."""
    return msgspec.json.encode(body, order="sorted")


def issue(body: Body, place: str, signing: Ed25519PrivateKey, now: Callable[[], int]) -> Certificate:
    """Sign a body, enter its digest into a ledger, and let a checkpoint cover that.

    Args:
        body: what is certified.
        place: where the ledgers are, as `sources.place_of` says it.
        signing: the provider's key.
        now: Unix milliseconds.

    Raises:
        ConfigError: the ledger can't be taken.
        OutsideError: `store_unavailable`.
    """
    content = encoded(body)
    entry = {"certificate": body.id, "item": body.item, "digest": hashlib.sha256(content).hexdigest()}
    with writers.told(place, "ledger"), writers.writing(writers.take(place), signing, now) as scribe:
        receipt = scribe.enter(KIND, entry)
        checkpoint = scribe.checkpoint()
        assert checkpoint is not None, "an entry was written since the last one"
    with closing(source_of(place)) as source:
        lines = list(source.lines(receipt.chain, receipt.segment))
    leaves = [leaf_of(line.rstrip(b"\n")) for line in lines[: checkpoint.size]]
    proof = tuple(step.hex() for step in inclusion_proof(leaves, receipt.seq))
    line = lines[receipt.seq].rstrip(b"\n").decode()
    signature = signing.sign(_CONTEXT + content).hex()
    return Certificate(schema=SCHEMA, body=body, signature=signature, ledger=Inclusion(line, proof, checkpoint.line()))


def written(certificate: Certificate) -> bytes:
    """The file's bytes: JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(certificate), indent=2) + b"\n"


def check(data: bytes, keys: Sequence[bytes]) -> tuple[Body | None, list[Fault]]:
    """Check a certificate by public keys alone.

    Args:
        data: the file.
        keys: public keys (32 bytes) that are believed.

    Returns:
        What it says, none where it can't be read, and what does not hold.
    """
    try:
        made = msgspec.json.decode(data, type=Certificate)
        entry = msgspec.json.decode(made.ledger.line, type=Entry)
        proof = [bytes.fromhex(step) for step in made.ledger.proof]
        signature = bytes.fromhex(made.signature)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return None, ["unreadable"]
    if made.schema != SCHEMA:
        return None, ["unreadable"]
    faults: list[Fault] = []
    content = encoded(made.body)
    if not any(_signed(key, signature, _CONTEXT + content) for key in keys):
        faults.append("signature")
    told: dict[str, Any] = {"certificate": made.body.id, "digest": hashlib.sha256(content).hexdigest()}
    if entry.kind != KIND or {name: entry.body.get(name) for name in told} != told:
        faults.append("entry")
    checkpoint = read(made.ledger.checkpoint.encode())
    if checkpoint is None or not genuine(checkpoint, keys):
        faults.append("checkpoint")
    elif not includes(leaf_of(made.ledger.line.encode()), entry.seq, checkpoint.size, proof, checkpoint.root):
        faults.append("inclusion")
    return made.body, faults


def _signed(key: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_of(text: str) -> bytes:
    """A public key as 64 hex digits.

    Raises:
        ConfigError: `config_invalid`: it is none.
    """
    try:
        made = bytes.fromhex(text.strip())
    except ValueError:
        made = b""
    if len(made) != 32:
        raise ConfigError("config_invalid", what="--key", hint="--key HEX")
    return made
