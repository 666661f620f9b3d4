# SPDX-License-Identifier: Apache-2.0
"""What tests of truth share: a source, an answer that invents, and the proofs of Article 4.4."""

from __future__ import annotations

from conftest import Start
from rooms_kit import Every

LAKE = "青湖水面三十三平方公里，最深处八米。依据《青湖保护规定》第六条，全年禁止捕捞，违者处二百元罚款。"
INVENTED = "青湖水面44平方公里，见《青湖保护规定》第六十条。"
"""A source, and an answer to it that invents a figure and an article."""


def shifted(text: str) -> str:
    """Makes the scripted model answer what the request does not hold."""
    return "[[shift:" + "".join(chr(ord(c) + 1) for c in text) + "]]"


def invented_figures_are_pointed_out(start: Start, every: Every) -> None:
    """4.4b: an answer whose sources don't hold a figure or a reference of it comes with a notice that says which."""
    gateway = start(every=every)
    for stream in (True, False):
        asked = f"<document>{LAKE}</document> 青湖多大？"
        assert "notices" not in gateway.chat(asked + shifted("水面33平方公里（第六条）。"), stream=stream).body.decode()
        answer = gateway.chat(asked + shifted(INVENTED), stream=stream).body.decode()
        assert '"unsupported"' in answer
        assert "check them: 44平方公里; 第六十条" in answer


def what_nobody_knows_yet_is_not_told_as_sure(start: Start, every: Every) -> None:
    """4.4b: an answer about today that no source came with says that it may be wrong."""
    gateway = start(every=every)
    told = [one["kind"] for one in gateway.chat("[[say:好]]今天金价是多少？").json.get("guiju", {}).get("notices", ())]
    assert told == ["uncertain"]
