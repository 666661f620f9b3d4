# SPDX-License-Identifier: Apache-2.0
"""What a file says of itself, and whether it is what was labelled (Article 16; TC260-PG-202511A)."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import BinaryIO

import gmalg
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from guiju.marking import reserved
from guiju.marking.explained import sentences
from guiju.marking.label import Aigc, generated, parse
from guiju.marking.markdown import MARKDOWN, Markdown
from guiju.marking.png import PNG
from guiju.marking.verify import Check, Verified, verified
from guiju.terms import Label

CODE = "001191110000600037341L10000"
OURS = generated(Label(CODE, "06EXAMPLE0000000000000000"))
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = SECRET.public_key().public_bytes_raw().hex()
SM2 = bytes(range(1, 33))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def picture(grey: int = 0) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(bytes([0, grey]))) + _chunk(b"IEND", b"")


def labelled(aigc: Aigc, data: bytes | None = None) -> bytes:
    out = io.BytesIO()
    PNG.write(io.BytesIO(data or picture()), out, aigc)
    return out.getvalue()


def bound(data: bytes | None = None) -> bytes:
    out = io.BytesIO()
    assert reserved.bound(PNG, io.BytesIO(data or picture()), out, OURS, SECRET, io.BytesIO)
    return out.getvalue()


def verify(data: bytes, known: frozenset[str] = frozenset(), more: tuple[Check, ...] = ()) -> Verified:
    return verified(io.BytesIO(data), io.BytesIO(), "png", known, more)


def test_the_library_agrees_with_the_example_of_the_standard() -> None:
    """GB/T 32918.5-2017, A.2."""
    public = bytes.fromhex(
        "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    )
    r = bytes.fromhex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3")
    s = bytes.fromhex("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA")
    assert gmalg.SM2(pk=public, uid=b"1234567812345678").verify(b"message digest", r, s)


def test_the_message_is_the_three_pairs_of_the_guide() -> None:
    assert reserved.message(OURS) == (
        f'"Label":"1","ContentProducer":"{CODE}","ProduceID":"06EXAMPLE0000000000000000"'.encode()
    )


def test_the_form_of_the_guide_holds_until_a_field_is_changed() -> None:
    made = reserved.sm2_signed(OURS, SM2, "k1")
    protection = reserved.parse(made.reserved1)
    assert protection is not None
    assert (protection.form, protection.deviations) == ("sm2", ())
    assert reserved.holds(protection, made) == "yes"
    assert reserved.holds(protection, msgspec.structs.replace(made, propagator="P", propagate_id="7")) == "yes"
    for changed in ({"kind": "2"}, {"producer": "X"}, {"produce_id": "7"}):
        assert reserved.holds(protection, msgspec.structs.replace(made, **changed)) == "no"


def test_forms_seen_in_the_field_are_read() -> None:
    made = reserved.parse(reserved.sm2_signed(OURS, SM2, "k1").reserved1)
    assert made is not None
    der = encode_dss_signature(*(int.from_bytes(made.signature[at : at + 32], "big") for at in (0, 32)))
    short = bytes([2 + made.key[64] % 2]) + made.key[1:33]
    for key, signature in ((made.key[1:], made.signature), (short, made.signature), (made.key, der)):
        assert reserved.holds(msgspec.structs.replace(made, key=key, signature=signature), OURS) == "yes"
    alone = msgspec.structs.replace(made, key=made.key[1:33])
    assert reserved.holds(alone, OURS) == "unsure"
    text = reserved.sm2_signed(OURS, SM2, "k1").reserved1.replace('"Md"', '"LabelMataData"')
    deviating = reserved.parse(text)
    assert deviating is not None
    assert deviating.deviations == ("covers LabelMataData",)


@pytest.mark.slow
@given(st.one_of(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))
def test_whatever_stands_there_is_read_or_is_other(text: str) -> None:
    read = reserved.parse(text)
    assert (read is None) == (not text.strip())
    if read is not None:
        assert reserved.holds(read, OURS) == "unsure"


def test_bytes_that_are_no_key_or_signature_do_not_hold() -> None:
    for form in ("sm2", "ed25519"):
        read = reserved.Protection(form, b"\x04" + bytes(64), bytes(64))
        assert reserved.holds(read, OURS) == "no"


CASES = {
    "none": (picture(), "none"),
    "bare label": (labelled(OURS), "unbound"),
    "a name": (labelled(generated(Label("DEVELOPMENT", "1"))), "unbound"),
    "nobody": (labelled(generated(Label("", "1"))), "unknown_producer"),
    "a code that does not hold": (labelled(generated(Label(CODE.replace("L", "M"), "1"))), "unknown_producer"),
    "signed by the guide": (labelled(reserved.sm2_signed(OURS, SM2, "k")), "unbound"),
    "signed, then changed": (
        labelled(msgspec.structs.replace(reserved.sm2_signed(OURS, SM2, "k"), produce_id="7")),
        "altered",
    ),
    "bound": (bound(), "unknown_producer"),
    "another's label": (
        labelled(reserved.ed25519_signed(OURS, SECRET, "sha256:" + "0" * 64)),
        "altered",
    ),
    "cut": (labelled(OURS)[:60], "unreadable"),
    "no file of ours": (b"\x00\x01\x02", "unreadable"),
    "empty": (b"", "unreadable"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_file_has_its_verdict_and_three_sentences(name: str) -> None:
    data, verdict = CASES[name]
    found = verify(data)
    assert found.verdict == verdict
    assert (found.label is None) == (verdict in {"none", "unreadable"})
    for language in ("zh", "en"):
        said = sentences(found, language)
        assert all(one.endswith(("。", ".")) for one in said)


def label_of(data: bytes) -> Aigc:
    read = parse(PNG.read(io.BytesIO(data))[0].text)
    assert read is not None
    return read.aigc


def test_a_bound_file_is_whole_for_who_knows_the_key_until_a_pixel_changes() -> None:
    known = frozenset({PUBLIC})
    assert verify(bound(), known).verdict == "whole"
    assert verify(labelled(label_of(bound()), picture(9)), known).verdict == "altered"


def test_a_platform_may_write_its_fields_into_a_bound_label() -> None:
    aigc = msgspec.structs.replace(label_of(bound()), propagator="P", propagate_id="7")
    assert verify(labelled(aigc, bound()), frozenset({PUBLIC})).verdict == "whole"


def test_what_can_not_be_bound_is_signed_alone() -> None:
    out = io.BytesIO()
    assert not reserved.bound(MARKDOWN_ONCE, io.BytesIO(b"x\n"), out, OURS, SECRET, io.BytesIO)
    read = parse(MARKDOWN.read(out)[0].text)
    assert read is not None
    protection = reserved.parse(read.aigc.reserved1)
    assert protection is not None
    assert (protection.digest, reserved.holds(protection, read.aigc)) == ("", "yes")


class _Once(Markdown):
    """A family that leaves a trace of each write."""

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        super().write(source, target, aigc)
        target.seek(0, 2)
        target.write(b".")


MARKDOWN_ONCE = _Once()


def test_other_checks_weigh_as_well() -> None:
    whole, broken = Check("c2pa", "whole", "CN=x", True, True), Check("evidence", "altered", known=True)
    assert verify(labelled(OURS), more=(whole,)).verdict == "whole"
    assert verify(labelled(OURS), more=(whole, broken)).verdict == "altered"
    assert verify(picture(), more=(whole,)).verdict == "whole"
    assert verify(picture(), more=(msgspec.structs.replace(whole, generated=False),)).verdict == "none"


def test_two_labels_are_a_fault() -> None:
    one = labelled(OURS)
    text = _chunk(b"tEXt", b"AIGC\x00" + OURS.wrapped().encode())
    found = verify(one.replace(_chunk(b"IEND", b""), text + _chunk(b"IEND", b"")))
    assert found.verdict == "unbound"
    assert "several_labels" in found.faults
