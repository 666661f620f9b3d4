# SPDX-License-Identifier: Apache-2.0
"""The verifier and content credentials: whole, altered, by whom; in the child with its limits."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from guiju.adapters import reader_credentials
from guiju.adapters.reader_request import Request
from guiju.adapters.reading import Reader
from guiju.marking.throwaway import NAME
from marking_kit import labelled, made
from test_marking_c2pa import chain, signed

SIGNED = ("jpeg", "image/jpeg")


def test_a_signed_picture_is_whole_and_its_signer_a_stranger_until_it_is_named() -> None:
    data = signed(labelled(made(SIGNED[0])), SIGNED[1])
    found = reader_credentials.check(io.BytesIO(data))
    assert found is not None
    assert (found.how, found.state, found.signer, found.known, found.generated) == ("c2pa", "whole", NAME, False, True)
    assert found.deviations == ()
    trusted = reader_credentials.check(io.BytesIO(data), anchors=chain()[1])
    assert trusted is not None
    assert trusted.known
    assert reader_credentials.check(io.BytesIO(labelled(made(SIGNED[0])))) is None
    assert reader_credentials.check(io.BytesIO(b"nothing")) is None


def test_a_change_is_told_as_one() -> None:
    data = bytearray(signed(labelled(made(SIGNED[0])), SIGNED[1]))
    data[-30] ^= 1
    found = reader_credentials.check(io.BytesIO(bytes(data)))
    assert found is not None
    assert found.state == "altered"


@pytest.mark.slow
def test_the_child_tells_what_credentials_say(tmp_path: Path) -> None:
    whole = signed(labelled(made("png")), "image/png")
    (tmp_path / "whole.png").write_bytes(whole)
    (tmp_path / "altered.png").write_bytes(whole[:-20] + bytes((whole[-20] ^ 1,)) + whole[-19:])
    anchors = chain()[1].decode()
    with Reader() as reader:
        asked = [Request(str(tmp_path / "whole.png"), "png", (), anchors) for _ in range(2)]
        assert [reader.verified(one).verdict for one in asked] == ["whole", "whole"]
        assert reader.verified(Request(str(tmp_path / "whole.png"), "png")).verdict == "unknown_producer"
        assert reader.verified(Request(str(tmp_path / "altered.png"), "png")).verdict == "altered"
