# SPDX-License-Identifier: Apache-2.0
"""What protects a label: the string in ReservedCode1 (GB 45438-2025, Annex E and F.4; TC260-PG-202511A).

The guide's form signs three fields of the label with SM2 and SM3; the bytes that its content binding covers are not
known well enough to be checked, so such a signature speaks of the label alone. Our own form, under a Type of its own,
signs the same three fields and a digest of the file with Ed25519. Other software may reject it. Both leave the
propagation fields free, which whoever spreads the file may write.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, BinaryIO, Final, Literal

import gmalg
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from guiju.marking.family import Family
from guiju.marking.label import Aigc

GUIDE: Final = "TC260PG"
OURS: Final = "GUIJU-Ed25519"
"""The Type of our own form, so that nobody takes it for the guide's."""
_SM2: Final = "1.2.156.10197.1.501"
_USER: Final = b"1234567812345678"
"""The signer's id where none is agreed on (GM/T 0009)."""
_MARKED: Final = "Md"
_MOST: Final = 16
_CHUNK: Final = 1 << 20
_NO_DIGEST: Final = "sha256:" + "0" * 64

Scratch = Callable[[], BinaryIO]
"""Makes an empty stream."""
Form = Literal["sm2", "ed25519", "other"]
Holds = Literal["yes", "no", "unsure"]


class Protection(msgspec.Struct, frozen=True):
    """What stands in ReservedCode1.

    Attributes:
        form: `sm2` as the guide has it, `ed25519` ours, or `other`, which nobody here can check.
        key: the public key as it stands there.
        signature: over the message.
        digest: of the file; `""` where the form binds none.
        deviations: how it departs from the guide, such as `type LabelMataData`.
    """

    form: Form
    key: bytes = b""
    signature: bytes = b""
    digest: str = ""
    deviations: tuple[str, ...] = ()


def message(aigc: Aigc, digest: str = "") -> bytes:
    """What is signed: three pairs of the label as they stand in its JSON, without braces (TC260-PG-202511A, A.1).

    Args:
        aigc: the label.
        digest: of the file, in our own form; `""` for none.
    """
    pairs = {"Label": aigc.kind, "ContentProducer": aigc.producer, "ProduceID": aigc.produce_id}
    if digest:
        pairs["Digest"] = digest
    return json.dumps(pairs, ensure_ascii=True, separators=(",", ":"))[1:-1].encode()


def parse(text: str) -> Protection | None:
    """Read what protects a label.

    Args:
        text: ReservedCode1.

    Returns:
        None when nothing does.
    """
    if not text.strip():
        return None
    try:
        data = json.loads(text)
        data = data.get("SecurityData", data)
        entries = [one for one in data["PubSD"] if isinstance(one, dict)][:_MOST]
        sign = next(one for one in entries if one.get("Type") == "DS")
        key = next(one for one in entries if one.get("Type") == "PubKey")
        signature, public = bytes.fromhex(sign["Signature"]), bytes.fromhex(key["KeyValue"])
        kind, covers = data.get("Type"), sign.get("TBSData", {}).get("Type")
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration, RecursionError):
        return Protection("other")
    if kind == OURS:
        digest = sign.get("Digest")
        return Protection("ed25519", public, signature, digest if isinstance(digest, str) else "")
    if sign.get("AlgID") != _SM2:
        return Protection("other", public, signature)
    seen = (("Type", kind, GUIDE), ("covers", covers, _MARKED))
    deviations = [f"{name} {_short(value)}" for name, value, right in seen if value != right]
    return Protection("sm2", public, signature, deviations=tuple(deviations))


def holds(protection: Protection, aigc: Aigc) -> Holds:
    """Whether the signature is one over this label; `unsure` when nobody here can tell.

    Args:
        protection: as it was read.
        aigc: the label that carries it.
    """
    if protection.form == "ed25519":
        try:
            public = Ed25519PublicKey.from_public_bytes(protection.key)
            public.verify(protection.signature, message(aigc, protection.digest))
        except (InvalidSignature, ValueError):
            return "no"
        return "yes"
    return _sm2_holds(protection, message(aigc)) if protection.form == "sm2" else "unsure"


def _sm2_holds(protection: Protection, signed: bytes) -> Holds:
    key = protection.key
    if len(key) == 64:
        key = b"\x04" + key
    if len(key) not in (33, 65):
        return "unsure"  # one coordinate alone fits two keys
    half = _halves(protection.signature)
    if half is None:
        return "unsure"
    try:
        right = gmalg.SM2(pk=key, uid=_USER).verify(signed, *half)
    except (gmalg.errors.GMAlgException, ValueError, TypeError, OverflowError):
        return "no"
    return "yes" if right else "no"


def _halves(signature: bytes) -> tuple[bytes, bytes] | None:
    """r and s, from 64 bytes or from DER: both are seen."""
    if len(signature) == 64:
        return signature[:32], signature[32:]
    try:
        r, s = decode_dss_signature(signature)
        return r.to_bytes(32, "big"), s.to_bytes(32, "big")
    except (ValueError, OverflowError):
        return None


def _short(value: Any) -> str:
    return value[:40] if isinstance(value, str) else type(value).__name__


def sm2_signed(aigc: Aigc, secret: bytes, key_id: str) -> Aigc:
    """The label with the guide's protection.

    Args:
        aigc: the label.
        secret: the SM2 key, 32 bytes.
        key_id: which key it is, as the operator names it.
    """
    public = gmalg.SM2(secret).generate_pk(secret)
    # The library leaves out zeros in front; the guide's form has 32 bytes each.
    r, s = (half.rjust(32, b"\x00") for half in gmalg.SM2(secret, pk=public, uid=_USER).sign(message(aigc)))
    sign = {"Type": "DS", "AlgID": _SM2, "KeyID": key_id, "TBSData": {"Type": _MARKED}, "Signature": (r + s).hex()}
    key = {"Type": "PubKey", "AlgID": _SM2, "KeyID": key_id, "KeyValue": public.hex()}
    return _with(aigc, {"Type": GUIDE, "PubSD": [sign, key], "Bindings": []})


def ed25519_signed(aigc: Aigc, secret: Ed25519PrivateKey, digest: str = "") -> Aigc:
    """The label with our own protection.

    Args:
        aigc: the label.
        secret: the key.
        digest: of the file (`digest`); `""` signs the label alone.
    """
    sign: dict[str, Any] = {"Type": "DS", "AlgID": "Ed25519", "TBSData": {"Type": _MARKED}}
    if digest:
        sign["Digest"] = digest
    sign["Signature"] = secret.sign(message(aigc, digest)).hex()
    key = {"Type": "PubKey", "AlgID": "Ed25519", "KeyValue": secret.public_key().public_bytes_raw().hex()}
    return _with(aigc, {"Type": OURS, "PubSD": [sign, key]})


def _with(aigc: Aigc, data: dict[str, Any]) -> Aigc:
    text = json.dumps({"SecurityData": data}, ensure_ascii=True, separators=(",", ":"))
    return msgspec.structs.replace(aigc, reserved1=text)


def bound(
    family: Family, source: BinaryIO, target: BinaryIO, aigc: Aigc, secret: Ed25519PrivateKey, scratch: Scratch
) -> bool:
    """Write a file with a label that is bound to it.

    The file is written three times: with a label of the final length, so that what gives it room has done so; neutral,
    for the digest; and with the final label, which then stands in the place of the first.

    Args:
        family: the file's.
        source: the file; seekable.
        target: an empty stream; readable and seekable.
        aigc: the label.
        secret: the key.
        scratch: makes empty streams; readable and seekable.

    Returns:
        Whether it is bound; where the family's writer does not give the same bytes again, the label alone is signed.

    Raises:
        MarkingError: it is not well formed, or can't hold a label.
    """
    with scratch() as first, scratch() as neutral, scratch() as again:
        family.write(source, first, ed25519_signed(aigc, secret, _NO_DIGEST))
        made = digest(family, first, neutral)
        family.write(first, target, ed25519_signed(aigc, secret, made))
        if digest(family, target, again) == made:
            return True
    target.seek(0)
    target.truncate()
    family.write(source, target, ed25519_signed(aigc, secret))
    return False


_NEUTRAL: Final = Aigc(kind="1", producer="", produce_id="")


def digest(family: Family, source: BinaryIO, scratch: BinaryIO) -> str:
    """A digest of a file without regard to its label: of the file as it would be with an empty one.

    Args:
        family: the file's.
        source: the file; seekable.
        scratch: an empty stream for that file; readable and seekable.

    Raises:
        MarkingError: it is not well formed, or can't hold a label.
    """
    family.write(source, scratch, _NEUTRAL)
    scratch.seek(0)
    made = hashlib.sha256()
    while piece := scratch.read(_CHUNK):
        made.update(piece)
    return f"sha256:{made.hexdigest()}"
