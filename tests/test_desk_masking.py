# SPDX-License-Identifier: Apache-2.0
"""A datum of a named person that is masked in answers (Articles 11, 13; bounds): decided by two, shown as asterisks in every
later answer, at each door, streamed or not, however the text is cut; stopped where it can't be masked any more."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Running, Start
from console_kit import signed_in
from guiju import deskwork
from guiju.controls.likeness import BansOutput
from guiju.controls.policy import Document, Ruling, Rulings
from guiju.desk.cases import Form
from guiju.desk.remedies import ATTRIBUTES, MASKABLE
from guiju.detect.bans import Ban, Bans
from guiju.detect.likeness import mark
from guiju.detect.words import Words
from guiju.gateway.screen import Screen
from guiju.records import approvals
from guiju.terms import Reach, Text
from lengths import EXAMPLES
from likeness_kit import HARMLESS, KEY, taken_up
from test_law import shifted
from test_likeness_road import ASKS

HOME = "云岭市石浦区白鹭巷十七号三单元"
HIDDEN = "*" * len(HOME)
AROUND = st.text(st.sampled_from("他家在，住呢吗。\n啊 abc"), max_size=30)


def bans(severity: str = "mask") -> Bans:
    made = Ban(
        id="b-1",
        kind="canonical",
        category="A.4f",
        severity=severity,
        case="c-1",
        reason="x",
        mark=mark(HOME, KEY),  # type: ignore[arg-type] # tests name it
    )
    return Bans([made], KEY, "1")


def screened(pieces: list[str], reach: Reach = "sentence") -> tuple[str, Screen]:
    screen = Screen(Words((), ""), reach, "f", ((bans(), 0),))
    out = "".join(screen.feed(piece) for piece in pieces)
    return out + screen.close(), screen


@pytest.mark.slow
@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(AROUND, AROUND, st.lists(st.integers(0, 80), max_size=8), st.sampled_from(("sentence", "whole")))
def test_however_it_is_cut_the_datum_never_comes_out(before: str, after: str, cuts: list[int], reach: Reach) -> None:
    text = before + HOME + after
    places = sorted({0, *(cut % len(text) for cut in cuts), len(text)})
    out, screen = screened([text[a:b] for a, b in itertools.pairwise(places)], reach)
    assert HOME not in out
    assert not any(HOME[n : n + 4] in out for n in range(len(HOME) - 3)), "nor a part of it"
    if not screen.blocking:
        assert out == before + HIDDEN + after, "all else is as it was, and stands where it stood"
        assert [one.severity for one in screen.signals if one.detector == "bans"][:1] == ["signal"]


def test_in_another_spelling_it_is_masked_too_and_over_a_border_it_is_stopped() -> None:
    out, screen = screened([f"他住在{HOME[:6]} {HOME[6:]}。还有别的。"])
    assert (out, screen.blocking) == (f"他住在{'*' * 6} {'*' * 9}。还有别的。", [])
    long = "他说，" * 37 + "住在" + HOME + "。"
    out, screen = screened([long])
    assert HOME not in out
    assert screen.blocking or HIDDEN in out
    out, screen = screened(["他住在云岭市石浦区白鹭巷。\n", "十七号三单元"])
    assert "十七号三单元" not in out, "what began in a sentence that is out is stopped"


def test_no_policy_weakens_what_two_decided_and_where_nothing_is_masked_it_is_refused() -> None:
    found = bans().find((Text("f", f"他住在{HOME}。"),))
    for action in ("pass", "note", "refuse"):
        rulings = Rulings((Document((Ruling(action=action, category="A.4*"),)),))
        [graded] = rulings.graded(found, "output")
        assert graded.severity == ("block" if action == "refuse" else "mask")
    assert BansOutput().decide(Text("f", HOME), found).action == "refuse"


def test_only_data_are_masked_and_never_a_statement_or_a_picture() -> None:
    assert set(MASKABLE) == set(ATTRIBUTES) - {"image", "falsehood"}


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once()


@pytest.mark.slow
def test_from_a_complaint_to_later_answers(gateway: Running) -> None:
    lead, officer = signed_in(gateway, "lead", "冯"), signed_in(gateway, "compliance", "褚")
    desk = deskwork.opened(gateway.house)
    number = desk.open(Form(kind="personal", text=HOME, fields={"note": "请遮蔽我的住址。"})).case.id
    text = f"好的。他住在{HOME}，很安静。再见。"
    asked = shifted(text)
    assert gateway.chat(asked).json["choices"][0]["message"]["content"] == text
    assert lead.post(f"/console/cases/{number}/take").status == 303
    said = {"outcome": "upheld", "reason": "rights", "facts": "经核对，系本人住址。", "measure": "withhold"}
    wanted = {
        "attribute": "home",
        "withhold_text": HOME,
        "withhold_mask": "1",
        "withhold_examples": "\n".join(HARMLESS),
    }
    form = {**said, **wanted}
    assert lead.post(f"/console/cases/{number}/preview", {**form, "attribute": "falsehood"}).status == 400
    assert "the datum is masked" in lead.post(f"/console/cases/{number}/preview", form).body.decode()
    assert lead.post(f"/console/cases/{number}/decide", form).status == 303
    assert gateway.chat(asked).json["choices"][0]["message"]["content"] == text, "one person masks nothing"
    [one] = approvals.of(gateway.house.store, number)
    assert officer.post(f"/console/approvals/{one.id}", {"answer": "approve"}).status == 303
    taken_up(gateway)
    masked = text.replace(HOME, HIDDEN)
    for path, ask in ASKS.items():
        body = {"model": "scripted", **ask(asked)}
        whole = gateway.ask("POST", path, body)
        assert whole.status == 200
        assert HOME not in whole.body.decode()
        assert HIDDEN in whole.body.decode(), path
        streamed = gateway.ask("POST", path, {**body, "stream": True})
        assert HOME not in streamed.body.decode()
    assert gateway.chat(asked).json["choices"][0]["message"]["content"] == masked
    assert gateway.chat(asked, stream=True).text() == masked
    closed = [one for one in gateway.entries() if one["kind"] == "closed"][-1]
    assert closed["body"]["state"] == "passed"
    page = lead.get(f"/console/cases/{number}").body.decode()
    assert "the datum is masked" in page
    assert "The personal datum is masked in answers" in page
