# SPDX-License-Identifier: Apache-2.0
"""Signed checkpoints: how far a ledger segment had come, and its root (DESIGN §7).

The signed text is a note in the form of C2SP `tlog-checkpoint` (origin, size, root, then our line for the time), so
that common witnesses can take it; the signature is Ed25519.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_KEY_NAME: Final = "guiju"
_NOTE: Final = re.compile(
    r"guiju/(?P<writer>[0-9a-z-]+)/(?P<segment>[0-9]{6}(?:-[0-9]{2,})?)\n"
    r"(?P<size>0|[1-9][0-9]*)\n(?P<root>[0-9A-Za-z+/]{43}=)\ntime (?P<t>[1-9][0-9]*)\n",
    re.ASCII,
)

_KEPT_LINE: Final = re.compile(rb'\{"v":1,"note":"[^\n]*\}(?=\r?\n)')
_KEPT_NOTE: Final = re.compile(
    rf"^(?P<note>guiju/[^\n]+\n[0-9]+\n[^\n]+\ntime [0-9]+\n)\n— {_KEY_NAME} (?P<mark>[0-9A-Za-z+/]+)=*$", re.M
)


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    note: str
    key: str
    sig: str


class Checkpoint(msgspec.Struct, frozen=True):
    """One signed statement about one segment.

    Attributes:
        writer, segment: which ledger, which month.
        size: how many entries it had.
        root: their Merkle tree hash, 32 bytes.
        t: Unix milliseconds at signing.
        key: first four bytes of the key's hash, in hex.
        signature: 64 bytes over `note()`.
    """

    writer: str
    segment: str
    size: int
    root: bytes
    t: int
    key: str
    signature: bytes

    def note(self) -> str:
        """The text that is signed."""
        return _note(self.writer, self.segment, self.size, self.root, self.t)

    def signed_note(self) -> str:
        """The note with its signature line, as C2SP `signed-note` writes it."""
        mark = base64.b64encode(bytes.fromhex(self.key) + self.signature).decode()
        return f"{self.note()}\n— {_KEY_NAME} {mark}\n"

    def line(self) -> str:
        """The checkpoint as one line of JSON, without a line end."""
        return msgspec.json.encode(_Line(1, self.note(), self.key, base64.b64encode(self.signature).decode())).decode()


def key_id(public: bytes) -> str:
    """The short name of a public key: SHA-256(name || 0x0A || 0x01 || key), four bytes in hex (C2SP signed-note)."""
    return hashlib.sha256(_KEY_NAME.encode() + b"\n\1" + public).digest()[:4].hex()


def sign(signing: Ed25519PrivateKey, writer: str, segment: str, size: int, root: bytes, t: int) -> Checkpoint:
    """Sign what a segment looks like now.

    Args:
        signing: the provider's key.
        writer, segment, size, root, t: see Checkpoint.
    """
    signature = signing.sign(_note(writer, segment, size, root, t).encode())
    return Checkpoint(writer, segment, size, root, t, key_id(signing.public_key().public_bytes_raw()), signature)


def read(line: bytes) -> Checkpoint | None:
    """Read one line; none when a single byte of it is not as `Checkpoint.line` writes it. Checks no signature."""
    try:
        raw = msgspec.json.decode(line, type=_Line)
        match = _NOTE.fullmatch(raw.note)
        if match is None:
            return None
        checkpoint = Checkpoint(
            match["writer"],
            match["segment"],
            int(match["size"]),
            base64.b64decode(match["root"], validate=True),
            int(match["t"]),
            raw.key,
            base64.b64decode(raw.sig, validate=True),
        )
        return checkpoint if checkpoint.line().encode() == line else None
    except (msgspec.DecodeError, binascii.Error, ValueError):
        return None


def lines_in(data: bytes) -> list[bytes]:
    """Every checkpoint that a witness kept, as lines: from files, from syslog, from signed notes.

    Args:
        data: what the witness kept; text around the checkpoints is passed over, an unfinished last line as well.
    """
    found = [match[0] for match in _KEPT_LINE.finditer(data)]
    for match in _KEPT_NOTE.finditer(data.decode("utf-8", "replace")):
        parts = _NOTE.fullmatch(match["note"])
        mark = base64.b64decode(match["mark"] + "==")
        if parts and len(mark) == 68:
            root = base64.b64decode(parts["root"])
            place = (parts["writer"], parts["segment"], int(parts["size"]), root, int(parts["t"]))
            found.append(Checkpoint(*place, mark[:4].hex(), mark[4:]).line().encode())
    return found


def genuine(checkpoint: Checkpoint, keys: Iterable[bytes]) -> bool:
    """Whether one of these public keys (32 bytes each) signed it."""
    for public in keys:
        if key_id(public) != checkpoint.key:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(checkpoint.signature, checkpoint.note().encode())
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def _note(writer: str, segment: str, size: int, root: bytes, t: int) -> str:
    return f"guiju/{writer}/{segment}\n{size}\n{base64.b64encode(root).decode()}\ntime {t}\n"
