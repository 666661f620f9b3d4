# SPDX-License-Identifier: Apache-2.0
"""Decisions (Articles 13, 15, 19): several remedies at once, what needs two persons, undoing, statements, appeals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from desk_kit import (
    ACCOUNT,
    ANSWER,
    DAY,
    NOW,
    NUMBER,
    PERSON,
    PROVIDER,
    Hands,
    decided,
    deciding,
    form,
    staffed,
)
from guiju.desk.cases import Desk
from guiju.desk.decisions import UNDO_S, Decisions
from guiju.desk.reach import LEAST_SEEN, estimate, measured
from guiju.desk.remedies import (
    ATTRIBUTES,
    Attribute,
    BanText,
    Correct,
    DropStrike,
    Erase,
    Recall,
    Sanction,
    Strike,
    Withhold,
)
from guiju.desk.statements import Statement, letter, words
from guiju.detect.bans import PURPOSE
from guiju.detect.units import Key
from guiju.errors import ConfigError
from guiju.records import approvals, bans, cases, changes, outbox, persons, recalls, rumours, standing
from guiju.records.daykeys import DayKeys
from likeness_kit import HARMLESS, ban
from places import BOTH, Place, place

STOP = BanText(text=ANSWER, category="A.4c")
SHORT = BanText(text="云岭高山云雾茶", category="A.4c")


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def desk(here: Place, hands: Hands) -> Iterator[Desk]:
    with staffed(here, hands) as made:
        yield made


@pytest.fixture
def who(desk: Desk, here: Place) -> Decisions:
    return deciding(desk, here)


def taken(desk: Desk, by: str = "吴", **more: object) -> str:
    """A case that somebody has leased."""
    made = desk.open(form(**{"produce_id": NUMBER, **more})).case
    desk.lease(made.id, by)
    return made.id


def in_force(desk: Desk) -> list[str]:
    return [one.id for one in bans.current(desk.store, desk.secrets.key_ids["digest"], desk.now())[1]]


@pytest.mark.slow
def test_three_remedies_at_once_and_letters_that_wait(desk: Desk, who: Decisions, hands: Hands) -> None:
    number = taken(desk)
    suspend = Sanction(account=ACCOUNT, person=PERSON, rung="suspend", misuse="posting", days=7)
    correct = Correct(claim="某某公司的他挪用公款三百万元", correction="判决认定没有此事。", source="法院")
    made = who.decide(number, decided("upheld", STOP, suspend, correct), "吴")
    assert (made.case.state, made.case.outcome, made.case.due_at) == ("decided", "upheld", 0)
    assert in_force(desk) == list(made.bans)
    assert [one.rung for one in standing.in_force(desk.store, hands.now)] == ["suspend"]
    assert rumours.current(desk.store, "2026-11-24")[1][0].correction == "判决认定没有此事。"
    assert made.proposals == ()
    assert [one.party for one in made.statements] == ["complainant", "user", "account"]
    assert made.statements[0].measure == ("output_stopped", "account_suspended", "correction_added")

    who.settle()
    assert desk.told(made.case) == []
    assert recalls.due(desk.store, hands.now) == []
    hands.now += UNDO_S
    assert who.settle() >= 2
    [paper] = desk.told(made.case)
    assert (paper.what, paper.fields["id"]) == ("letter", f"SOR-{number}-1")
    assert "停止生成并拦截该内容" in paper.fields["zh"]
    assert "最迟在 2027-02-24 前不再生成" in paper.fields["zh"]
    said = json.loads(paper.fields["json"])
    assert (said["schema"], said["regen"]) == ("sor/1", {"clean_by": "2027-02-24"})
    [account] = [one for one in outbox.of(desk.store, number) if one.state == "waiting"]
    assert (account.channel, recalls.history(desk.store)[0].produce_id) == ("account", NUMBER)
    with pytest.raises(ConfigError, match="case_state"):
        who.undo(number, "吴")
    outbox.noted(desk.store, account, "no address", hands.now)
    who.settle()
    assert cases.get(desk.store, number).closed_at == hands.now


@pytest.mark.slow
def test_whoever_decided_takes_all_of_it_back_within_half_a_minute(desk: Desk, who: Decisions, hands: Hands) -> None:
    number = taken(desk)
    strike = Strike(account=ACCOUNT, person=PERSON, misuse="posting")
    warn = Sanction(account=ACCOUNT, person=PERSON, rung="warn", misuse="posting")
    recall = Recall(account=ACCOUNT, produce_id="0" * 25 + "1")
    correct = Correct(claim="某某公司的他挪用公款三百万元", correction="判决认定没有此事。", source="法院")
    made = who.decide(number, decided("partly", STOP, SHORT, strike, warn, recall, correct), "吴")
    assert [one.act for one in made.proposals] == ["ban"], "what is too short to be shown narrow is wide"
    assert len(recalls.history(desk.store)) == 2
    hands.now += UNDO_S - 1
    with pytest.raises(ConfigError, match="another_person"):
        who.undo(number, "郑")
    back = who.undo(number, "吴")
    assert (back.state, back.outcome, back.decided_by) == ("open", "", "")
    assert in_force(desk) == []
    assert standing.in_force(desk.store, hands.now) == []
    assert standing.record(desk.store, (ACCOUNT, PERSON))[0] == []
    assert recalls.history(desk.store) == []
    assert rumours.current(desk.store, "2026-11-24")[1] == []
    assert [one.state for one in approvals.of(desk.store, number)] == ["revoked"]
    hands.now += 60
    who.settle()
    assert desk.told(back) == []
    desk.lease(number, "吴")
    assert who.decide(number, decided("not_upheld"), "吴").case.outcome == "not_upheld"


@pytest.mark.slow
def test_nothing_is_done_when_one_remedy_has_no_grounds(desk: Desk, who: Decisions) -> None:
    number = taken(desk)
    near = BanText(form="near", text=ANSWER, category="A.4c", examples=HARMLESS[:19])
    with pytest.raises(ConfigError, match="ban_unfounded"):
        who.decide(number, decided("upheld", STOP, near), "吴")
    with pytest.raises(ConfigError, match="case_leased"):
        who.decide(number, decided("upheld", STOP), "郑")
    for outcome in ("confirmed", "overturned"):
        with pytest.raises(ConfigError, match="config_invalid"):
            who.decide(number, decided(outcome), "吴")  # type: ignore[arg-type] # each of the two
    with pytest.raises(ConfigError, match="config_invalid"):
        who.decide(number, decided("not_upheld", STOP), "吴")
    assert in_force(desk) == []
    assert cases.get(desk.store, number).state == "received"


def test_a_wide_ban_an_end_and_personal_data_need_two(desk: Desk, who: Decisions, hands: Hands) -> None:
    number = taken(desk)
    end = Sanction(account=ACCOUNT, person=PERSON, rung="end", misuse="malware")
    phone = Withhold(attribute="number", text="13800138000", examples=HARMLESS)
    made = who.decide(number, decided("upheld", SHORT, end, phone), "吴")
    assert in_force(desk) == []
    assert [one.act for one in made.proposals] == ["ban", "end", "person"]
    assert made.statements[0].measure == ()
    wide, ends, person = (one.id for one in made.proposals)
    for name in ("吴", " 吴 ", "某人"):
        with pytest.raises(ConfigError, match="another_person"):
            who.approve(wide, name)
    assert who.approve(wide, "郑").decided_by == "郑"
    assert in_force(desk) == [made.proposals[0].subject]
    with pytest.raises(ConfigError, match="not_found"):
        who.approve(wide, "冯")
    who.reject(ends, "郑")
    assert standing.in_force(desk.store, hands.now) == []
    who.approve(person, "冯")
    held = next(one for one in bans.history(desk.store, number) if one.id == made.proposals[2].subject)
    assert (held.category, held.decided_by) == ("A.4f", "吴 + 冯")
    assert 88 * DAY < held.expires_at - hands.now < 93 * DAY, "three calendar months at most"
    with pytest.raises(ConfigError, match="case_state"):
        who.undo(number, "吴")
    hands.now += UNDO_S
    who.settle()
    measures = [json.loads(one.fields["json"])["measure"] for one in desk.told(made.case)]
    assert sorted(measures) == [[], ["data_withheld"], ["output_stopped"]]
    with pytest.raises(ConfigError, match="ban_unfounded"):
        who.preview(number, [Withhold(attribute="home", text="云岭路十二号", examples=HARMLESS[:5])], "吴")


def test_the_closed_list_is_closed() -> None:
    assert set(ATTRIBUTES) == set(get_args(Attribute)) == {"home", "number", "bank", "health", "image", "falsehood"}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "withhold", "attribute": "opinion", "text": "x", "examples": []}, Withhold)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "withhold", "attribute": "home", "text": "x", "examples": [], "months": 4}, Withhold)


@pytest.mark.slow
def test_an_appeal_goes_to_another_and_lifting_takes_two(desk: Desk, who: Decisions, hands: Hands) -> None:
    first = taken(desk)
    suspend = Sanction(account=ACCOUNT, person=PERSON, rung="suspend", misuse="posting", days=7)
    strike = Strike(account=ACCOUNT, person=PERSON, misuse="posting")
    correct = Correct(claim="某某公司的他挪用公款三百万元", correction="判决认定没有此事。", source="法院")
    before = who.decide(first, decided("upheld", STOP, suspend, strike, correct, SHORT), "吴")
    banned, [wide] = before.bans, before.proposals
    appeal = desk.open(form(kind="appeal", parent=first, produce_id="", text="")).case.id
    with pytest.raises(ConfigError, match="another_person"):
        desk.lease(appeal, "吴")
    desk.lease(appeal, "郑")
    with pytest.raises(ConfigError, match="config_invalid"):
        who.decide(appeal, decided("upheld"), "郑")
    made = who.decide(appeal, decided("overturned"), "郑")
    assert [(one.act, one.subject) for one in made.proposals] == [("lift", banned[0])]
    assert len(standing.in_force(desk.store, hands.now)) == 1, "it can be taken back for half a minute"
    with pytest.raises(ConfigError, match="not_found"):
        who.approve(wide.id, "冯")
    hands.now += UNDO_S
    who.settle()
    assert rumours.current(desk.store, "2026-11-24")[1] == [], "nor is what was found untrue said any more"
    assert standing.in_force(desk.store, hands.now) == []
    assert standing.record(desk.store, (ACCOUNT, PERSON))[0] == [], "the strike has vanished"
    assert in_force(desk) == list(banned), "one person lifts no ban"
    with pytest.raises(ConfigError, match="another_person"):
        who.approve(made.proposals[0].id, "郑")
    who.approve(made.proposals[0].id, "冯")
    assert in_force(desk) == []
    hands.now += UNDO_S
    who.settle()
    assert cases.get(desk.store, appeal).closed_at == hands.now
    assert cases.get(desk.store, first).outcome == "overturned"
    assert [one.state for one in approvals.of(desk.store, first)] == ["expired"]
    said = [json.loads(one.fields["json"])["measure"] for one in desk.told(cases.get(desk.store, appeal))]
    assert ["ban_lifted"] in said


@pytest.mark.slow
def test_an_appeal_that_fails_leaves_everything(desk: Desk, who: Decisions) -> None:
    first = taken(desk)
    banned = who.decide(first, decided("upheld", STOP), "吴").bans
    appeal = taken(desk, "郑", kind="appeal", parent=first)
    made = who.decide(appeal, decided("confirmed"), "郑")
    assert (made.proposals, made.case.outcome) == ((), "confirmed")
    assert in_force(desk) == list(banned)


@pytest.mark.slow
def test_one_person_waits_a_day_and_it_is_marked(desk: Desk, here: Place, hands: Hands) -> None:
    alone = deciding(desk, here, alone_after=DAY)
    number = taken(desk)
    made = alone.decide(number, decided("upheld", SHORT), "吴")
    assert made.statements[0].single_mode
    assert "一名经办人" in letter(made.statements[0], PROVIDER, "zh")
    hands.now += DAY - 1
    alone.settle()
    assert in_force(desk) == []
    hands.now += 1
    alone.settle()
    assert in_force(desk) == [made.proposals[0].subject]
    [one] = approvals.of(desk.store, number)
    assert (one.state, one.single_mode, one.decided_by) == ("done", True, "吴")
    acts = [act for act in changes.history(desk.store, approvals.KIND) if act.subject == one.id]
    assert sorted(act.single_mode for act in acts) == [False, True], "the book of changes marks it for ever"


@pytest.mark.slow
def test_a_proposal_ends_after_a_week_and_never_without_its_papers(desk: Desk, who: Decisions, hands: Hands) -> None:
    number, other = taken(desk), taken(desk)
    [one] = who.decide(number, decided("upheld", SHORT), "吴").proposals
    [two] = who.decide(other, decided("upheld", SHORT), "吴").proposals
    desk.papers.erase(other, hands.now)
    with pytest.raises(ConfigError, match="not_found"):
        who.approve(two.id, "郑")
    hands.now += approvals.HOLDS_S
    with pytest.raises(ConfigError, match="not_found"):
        who.approve(one.id, "郑")
    who.settle()
    assert [approvals.get(desk.store, id).state for id in (one.id, two.id)] == ["expired", "expired"]
    assert in_force(desk) == []


def test_who_asks_for_erasure_is_erased_when_it_can_not_be_undone(
    desk: Desk, who: Decisions, hands: Hands, here: Place
) -> None:
    number = taken(desk, kind="personal")
    who.decide(number, decided("upheld", Erase(account=ACCOUNT, person=PERSON)), "吴")
    who.settle()
    assert persons.verdict_of(desk.store, ACCOUNT, PERSON) is not None
    hands.now += UNDO_S
    who.settle()
    assert persons.verdict_of(desk.store, ACCOUNT, PERSON) is None
    DayKeys(here.data / "keys").sweep(desk.store)
    assert cases.get(desk.store, number).closed_at == hands.now


@pytest.mark.slow
def test_a_strike_of_the_ladder_is_taken_back_on_appeal(desk: Desk, who: Decisions, hands: Hands) -> None:
    number = taken(desk, kind="appeal", produce_id="")
    done = decided("upheld", Strike(account=ACCOUNT, person=PERSON, misuse="spam"))
    who.decide(taken(desk), done, "吴")
    [strike] = standing.record(desk.store, (ACCOUNT, PERSON))[0]
    who.decide(number, decided("upheld", DropStrike(strike=strike.id)), "吴")
    hands.now += UNDO_S
    who.settle()
    assert standing.record(desk.store, (ACCOUNT, PERSON))[0] == []


@pytest.mark.slow
def test_how_far_a_ban_would_reach(desk: Desk) -> None:
    key = Key(desk.secrets.digest, PURPOSE)
    assert not estimate(ban(), key, ANSWER, NOW, lambda text, since: (0, 10_000)).wide
    often = estimate(ban(), key, ANSWER, NOW, lambda text, since: (11, 10_000))
    assert (often.wide, often.why, often.share) == (True, "replies", 0.0011)
    assert not estimate(ban(), key, ANSWER, NOW, lambda text, since: (5, LEAST_SEEN - 1)).wide
    assert measured(2, LEAST_SEEN - 1) is None
    reach = measured(2, LEAST_SEEN)
    assert reach is not None
    assert reach.wide


def test_a_letter_says_all_in_both_languages() -> None:
    raw = {
        "schema": "sor/1", "id": "SOR-26-000123-1", "case": "26-000123", "party": "complainant", "outcome": "upheld",
        "measure": ["output_stopped"], "from": "2026-11-24", "until": None,
        "ground": {"kind": "law", "article": "GAI-2023 art.15", "text_zh": "失实。", "text_en": "Untrue.", "rule": ""},
        "facts": "经查失实。", "source": "notice", "automated_detection": True, "automated_decision": "none",
        "content": {"types": ["synthetic_text"], "date": "2026-11-20", "ref": NUMBER},
        "redress": [{"kind": "appeal", "url": "https://provider.test/c", "before": "2027-05-24"}, {"kind": "court"}],
    }  # fmt: skip
    made = msgspec.convert(raw, Statement)
    assert json.loads(msgspec.json.encode(made)) == {**raw, "single_mode": False, "regen": None}
    zh, en = letter(made, PROVIDER, "zh"), letter(made, PROVIDER, "en")
    for text in (zh, en):
        assert "SOR-26-000123-1" in text
        assert "https://provider.test/c" in text
        assert "2027-05-24" in text
        assert "云岭智能" in text
    assert "Reading copy" in en
    both = [(one.zh, one.en) for group in words().values() for one in group.values()]
    assert all(zh != en for zh, en in both)
