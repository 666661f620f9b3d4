# SPDX-License-Identifier: Apache-2.0
"""The page that tells whether a text is the one that was generated under a number: as its owner pastes it."""

from __future__ import annotations

import pytest

from conftest import Running, Start
from public_kit import page, send, text

SAID = "今天的云很高。\n明天有风。"


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once()


@pytest.fixture(scope="module", params=["envelope", "start", "both"])
def generated(request: pytest.FixtureRequest, start_once: Start) -> tuple[Running, str, str]:
    """A gateway, a text that it generated, and its number."""
    made = start_once(overlay=(("gateway.label", request.param),))
    answer = made.chat(f"[[say:{SAID}]]")
    number = answer.json["aigc"]["ProduceID"] if "aigc" in answer.json else answer.headers["x-guiju-decision-id"]
    made.entry("closed", number.partition("-")[0])
    return made, answer.json["choices"][0]["message"]["content"], number


def asked(gateway: Running, pasted: str, number: str) -> dict[str, object]:
    """What a program is told."""
    return dict(send(gateway, "/verify/text", {"text": pasted, "number": number}, accept="application/json").json)


def test_the_text_is_known_as_it_is_pasted(generated: tuple[Running, str, str]) -> None:
    gateway, whole, number = generated
    for pasted in (whole, whole.replace("\n", "\r\n"), whole + "\r\n", SAID):
        assert asked(gateway, pasted, number)["result"] == "same", pasted
    assert asked(gateway, f"{whole}", f"ProduceID: {number}")["result"] == "same"
    assert asked(gateway, whole.replace("很高", "很低"), number)["result"] == "other"
    assert asked(gateway, whole[:-2], number)["result"] == "other"
    assert asked(gateway, whole, number)["marked"] is ("【AI生成】" in whole)
    shown = text(send(gateway, "/verify/text", {"text": whole, "number": number}))
    assert "It is this text" in shown


def test_without_a_number_of_ours_nothing_is_claimed(gateway: Running) -> None:
    assert asked(gateway, SAID, "")["result"] == "none"
    assert asked(gateway, SAID, "0" * 26)["result"] == "unknown"
    shown = send(gateway, "/verify/text", {"text": "</textarea><script>alert(1)</script>", "number": '"><b>'})
    assert "<script>alert" not in shown.body.decode()
    assert '"><b>' not in shown.body.decode()
    assert page(gateway, "/verify/text").status == 200
    assert 'href="/verify/text' in page(gateway, "/verify").body.decode()
    assert send(gateway, "/verify/text", {"text": "x" * 900_000}).status == 413


def test_where_there_is_no_page_for_files_there_is_none_for_texts(start: Start) -> None:
    assert page(start(overlay=(("verify.page", False),)), "/verify/text").status == 404
