# SPDX-License-Identifier: Apache-2.0
"""Who a third party is, what the policy may mask, and what of both weakens."""

from __future__ import annotations

import pytest

from conftest import Start
from guiju.adapters.party import outside
from guiju.config import Guard, Party, Settings, Upstream
from guiju.controls.personal import PersonalInput, PersonalOutput
from guiju.controls.policy import Rulings, completed, parse, shipped
from guiju.detect.personal.kinds import CATEGORIES
from guiju.errors import ConfigError
from guiju.terms import Exchange, Finding, Grade, Text
from guiju.weakening import weakenings

TEXT = Text("messages[0].content", "")


def finding(category: str, severity: Grade = "signal") -> Finding:
    return Finding("personal", category, severity, category.partition(".")[2], "", 0, 1, "raw")


def exchange(outside: bool) -> Exchange:
    return Exchange("x", "a", "k", "chat", "m", (TEXT,), lexicon="1", outside=outside)


@pytest.mark.parametrize(
    ("url", "party", "is_outside"),
    [
        ("http://127.0.0.1:9/v1", "auto", False),
        ("http://localhost:9/v1", "auto", False),
        ("http://10.1.2.3/v1", "auto", False),
        ("http://[::1]/v1", "auto", False),
        ("https://models.zz/v1", "auto", True),
        ("https://203.0.114.9/v1", "auto", True),
        ("https://models.zz/v1", "own", False),
        ("http://127.0.0.1:9/v1", "third_party", True),
    ],
)
def test_who_is_a_third_party(url: str, party: Party, is_outside: bool) -> None:
    assert outside(url, party) is is_outside


def test_calling_a_service_ones_own_weakens() -> None:
    own, other = (Upstream(name="a", url="https://models.zz/v1", party=party) for party in ("own", "third_party"))
    assert weakenings(Settings(upstream=(other,)), Settings(upstream=(own,))) == ["upstream.party"]
    assert weakenings(Settings(upstream=(own,)), Settings(upstream=(other,))) == []
    assert weakenings(Settings(upstream=(own,)), Settings(upstream=(own,))) == []
    guards = [Guard(id="g", kind="openai", url="https://g.zz/v1", party=party) for party in ("own", "auto")]
    assert weakenings(Settings(guard=(guards[1],)), Settings(guard=(guards[0],))) == ["guard.party"]


@pytest.mark.parametrize(
    "ruling",
    [
        'category = "A.1f"',
        'category = "personal.name"',
        'detector = "words"\nside = "input"',
        'category = "personal.*"\nside = "output"',
    ],
)
def test_only_personal_data_of_requests_are_masked(ruling: str) -> None:
    with pytest.raises(ConfigError, match="policy_invalid"):
        parse(f'[[ruling]]\naction = "mask"\n{ruling}\n', "p.toml", development=True)


def test_what_the_shipped_policy_says_of_each_kind() -> None:
    rulings = Rulings((shipped(),))
    for category in CATEGORIES:
        [asked] = rulings.graded([finding(category)], "input")
        assert asked.severity == ("signal" if category in ("personal.uscc", "personal.ip") else "mask")
        [said] = rulings.graded([finding(category)], "output")
        assert said.severity == ("block" if category == "personal.id_card" else "signal")


def test_an_own_ruling_comes_before_the_shipped_ones() -> None:
    own = parse(
        '[[ruling]]\ncategory = "personal.name"\nside = "input"\nkey = "k1"\naction = "note"\n',
        "p.toml",
        development=True,
    )
    grade = lambda key: Rulings((completed(own),), key=key).graded([finding("personal.name")], "input")[0].severity  # noqa: E731 # used in one line
    assert (grade("k1"), grade("k2")) == ("signal", "mask")


def test_the_controls_mask_only_what_leaves_and_name_the_kind() -> None:
    found = [finding("personal.ip"), finding("personal.mobile", "mask"), finding("secret.token", "mask")]
    leaving = PersonalInput().decide(exchange(outside=True), found)
    assert leaving.action == "mask"
    assert [one.category for one in leaving.findings] == ["personal.mobile", "secret.token"]
    assert leaving.reason is not None
    assert (leaving.reason.article, leaving.reason.category) == ("11", "personal.mobile")
    assert PersonalInput().decide(exchange(outside=False), found).action == "note"
    assert PersonalOutput().decide(TEXT, found).action == "note"
    assert (
        PersonalInput().decide(exchange(outside=True), [*found, finding("personal.name", "block")]).action == "refuse"
    )
    assert PersonalInput().decide(exchange(outside=True), []).action == "pass"
    assert PersonalOutput().decide(TEXT, [Finding("words", "A.1f", "block", "w", "", 0, 1, "raw")]).action == "pass"


@pytest.mark.slow
def test_the_guard_doors_note_personal_data(start: Start) -> None:
    answer = start(party="third_party").ask("POST", "/v1/moderations", {"input": "手机13900001234"})
    [result] = answer.json["results"]
    assert result["flagged"] is False
    assert result["categories"]["cn/personal.mobile"] is False
