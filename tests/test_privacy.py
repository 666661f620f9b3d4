# SPDX-License-Identifier: Apache-2.0
"""What is kept of people, for how long, and what they may ask for (Articles 11, 13; robustness P3, P4, B2)."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import msgspec
import pytest
from sqlalchemy import insert, select

from guiju.detect.likeness import mark
from guiju.errors import ConfigError
from guiju.records import (
    backup,
    bans,
    cases,
    changes,
    choices,
    consents,
    deliveries,
    holds,
    retention,
    rights,
    schema,
    standing,
    use,
    vault,
)
from guiju.records.cases import Case
from guiju.records.changes import Terms
from guiju.records.consents import Wanted
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.persons import remember, verdict_of
from guiju.records.standing import Step
from guiju.terms import Due, Guardian, Identity, Record
from likeness_kit import FALSE, KEY
from places import BOTH, Place, place

ACCOUNT = "a" * 32
NOW = 1_795_147_200
DAY = 86_400
TWO = ("li", "wang")
SECRET = "要保密的话".encode()


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    made = here.open()
    made.do(lambda c: c.execute(insert(schema.account).values(id=ACCOUNT, name="a", created_at=1)).rowcount)
    yield made
    made.close()


@pytest.fixture
def keys(here: Place) -> DayKeys:
    return DayKeys(here.data / "keys")


def ladder(record: Record, now: int) -> Due | None:
    """Everybody is told after each strike."""
    return Due("notice", now + DAY)


def somebody(store: Store, keys: DayKeys, at: int = NOW) -> use.Who:
    """A person of whom everything is kept that can be."""
    who = (ACCOUNT, token_hex(16))
    remember(store, ACCOUNT, Identity(who[1], "phone", "m", at, at + 10 * DAY, token_hex(16)), at)
    counts = {who: use.Count(session=1, today_s=60.0, day=use.day_of(at), last_at=at)}
    store.do(lambda c: use._write(c, counts))
    use.guard(store, who, Guardian(30, "deny"), at)
    standing.uphold(store, who, "spam", at, ladder)
    vault.put(store, keys, who, "note", SECRET, (at, at + 30 * DAY))
    choices.choose(store, who, choices.NOTICE + "guidance", "0123456789abcdef", at)
    return who


def rows_of(store: Store, who: use.Who) -> dict[str, int]:
    """Table → rows that name a person."""
    made = {}
    with store.read() as connection:
        for table in schema.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                if who[1] in map(str, row):
                    made[table.name] = made.get(table.name, 0) + 1
    return made


def test_what_is_sealed_opens_for_two_with_a_purpose_until_it_ends(store: Store, keys: DayKeys) -> None:
    who = somebody(store, keys)
    with store.read() as connection:
        [item] = vault.items(connection, who)
    assert vault.opened(store, keys, item.id, "appeal 17", TWO, NOW) == SECRET
    for by, purpose in ((("li", "Li "), "x"), (("li", ""), "x"), (TWO, " ")):
        with pytest.raises(ConfigError) as error:
            vault.opened(store, keys, item.id, purpose, by, NOW)
        assert error.value.code == "two_persons"
    [entry] = changes.history(store, vault.KIND)
    assert entry.proposed_by == "li + wang"
    assert who[1] not in repr(entry)
    with pytest.raises(ConfigError):
        vault.opened(store, keys, item.id, "late", TWO, NOW + 30 * DAY)
    other = somebody(store, keys)
    with pytest.raises(ConfigError):
        vault.read(store, keys, other, item.id, NOW)
    with pytest.raises(ConfigError):
        vault.put(store, keys, who, "note", SECRET, (NOW, NOW))


def test_a_person_gets_all_that_is_kept_and_a_receipt(store: Store, keys: DayKeys) -> None:
    who = somebody(store, keys)
    made = rights.everything(store, keys, who, NOW)
    assert base64.b64decode(made["vault"][0]["content"]) == SECRET
    assert set(made) == {
        "account_id",
        "person",
        "identity",
        "use",
        "guardian",
        "choices",
        "training",
        "consents",
        "strikes",
        "steps",
        "vault",
        "holds",
        "requests",
    }
    assert len(made["strikes"]) == len(made["steps"]) == 1
    json.dumps(made)
    receipt = rights.asks(store, keys, who, "access", "li", NOW)
    assert (receipt.outcome, receipt.done_at) == ("done", NOW)
    assert "rights_request" not in rows_of(store, who), "whose it was goes when it is done"


def test_a_person_gets_their_consents_their_choice_about_training_and_what_they_wait_for(
    store: Store, keys: DayKeys
) -> None:
    who, giver = somebody(store, keys), consents.giver_hash(b"k" * 32, "李四")
    made = rights.everything(store, keys, who, NOW, giver)
    assert (made["training"], made["consents"], made["requests"]) == ("out", [], [])
    other = {"id": "b" * 32, "name": "b", "created_at": 1}
    store.do(lambda c: c.execute(insert(schema.account).values(**other)).rowcount)
    for account, name in ((ACCOUNT, "李四"), ("b" * 32, "李四"), (ACCOUNT, "王五")):
        wanted = Wanted(
            account=account,
            kind="face",
            giver=consents.giver_hash(b"k" * 32, name),
            purpose="film",
            proof="0" * 64,
            until_s=NOW + DAY,
        )
        last = consents.add(store, wanted, "k", Terms(False, "li", NOW, 0))
    rights.train(store, who, "in", ("li", NOW))
    holds.place(store, who, "law", "all", NOW + DAY, TWO, NOW)
    rights.asks(store, keys, who, "erase", "li", NOW)
    made = rights.everything(store, keys, who, NOW, giver)
    assert made["training"] == "in"
    assert [(one["giver"], one["account_id"]) for one in made["consents"]] == [(giver, ACCOUNT)]
    assert [(one["asked"], one["outcome"]) for one in made["requests"]] == [("erase", "held")]
    assert rights.everything(store, keys, who, NOW)["consents"] == [], "nothing leads from a person to a name"
    assert last.giver not in json.dumps(made)


def test_no_table_that_names_persons_is_left_out_of_what_they_get() -> None:
    assert {one.name for one in schema.metadata.sorted_tables if "person_id" in one.c} == {
        "person_use",
        "guardian",
        "choice",
        "strike",
        "standing_step",
        "vault",
        "legal_hold",
        "rights_request",
    }, "a new one must stand in rights.everything, too"


@pytest.mark.slow
def test_an_erased_person_is_nowhere_and_stays_erased_after_a_restore(store: Store, keys: DayKeys, here: Place) -> None:
    gone, stays = somebody(store, keys), somebody(store, keys)
    file = here.data.parent / "before.db"
    backup.backup(here.url, here.data, file, NOW)
    assert rights.asks(store, keys, gone, "erase", "li", NOW + 10).outcome == "done"
    assert rows_of(store, gone) == {}
    assert len(rows_of(store, stays)) >= 5
    store.close()
    backup.restore(here.url, here.data, file, NOW + 20, force=True)
    again = here.open()
    assert rows_of(again, gone) == {}
    assert vault.read(again, keys, stays, items(again, stays)[0].id, NOW) == SECRET
    remember(again, ACCOUNT, Identity(gone[1], "phone", "m", NOW + 30, NOW + 300, token_hex(16)), NOW + 30)
    assert keys.replay(again) == 0, "who comes back after an erasure is a new person"
    assert verdict_of(again, *gone) is not None
    again.close()


def items(store: Store, who: use.Who) -> list[vault.Item]:
    """What is sealed for a person."""
    with store.read() as connection:
        return vault.items(connection, who)


def test_a_hold_comes_first_and_the_erasure_waits_for_it(store: Store, keys: DayKeys) -> None:
    who = somebody(store, keys)
    for by, law, until in ((("li", "li"), "law", NOW + DAY), (TWO, "", NOW + DAY), (TWO, "law", NOW)):
        with pytest.raises(ConfigError):
            holds.place(store, who, law, "all", until, by, NOW)
    first = holds.place(store, who, "Criminal Procedure Law, Art 54; No. 1", "all", NOW + 10 * DAY, TWO, NOW)
    second = holds.place(store, who, "the same; No. 2", "all", NOW + 5 * DAY, TWO, NOW)
    asked = rights.asks(store, keys, who, "erase", "li", NOW)
    assert (asked.outcome, asked.done_at) == ("held", 0)
    assert asked.due_at > NOW
    with pytest.raises(ConfigError):
        holds.lift(store, first.id, ("li", "LI"), NOW)
    holds.lift(store, first.id, TWO, NOW + DAY)
    assert [one.outcome for one in rights.run(store, keys, NOW + 2 * DAY)] == ["held"]
    assert verdict_of(store, *who) is not None
    retention.sweep(store, keys, NOW + 6 * DAY)
    assert verdict_of(store, *who) is None
    assert rights.requests(store, waiting=True) == []
    assert [one.outcome for one in rights.requests(store)] == ["done"]
    assert second.until_at < NOW + 6 * DAY


def put_ban(store: Store, case: str) -> None:
    """A ban that stands on a case."""
    decision = bans.Decision(
        kind="canonical", category="A.4c", severity="block", case=case, reason="untrue", mark=mark(FALSE, KEY)
    )
    bans.enact(store, decision, (), (KEY, "k"), Terms(False, "li", NOW, 0))


@pytest.mark.slow
def test_each_class_goes_when_it_is_due_and_not_a_day_before(store: Store, keys: DayKeys) -> None:
    known = {one.id: one for one in retention.classes()}
    assert set(known) == {*retention.due(NOW), "identity"}
    assert all(one.min_days <= one.max_days for one in known.values())
    who = somebody(store, keys)
    store.do(lambda c: c.execute(insert(schema.assertion_seen).values(mark=b"x", until_s=NOW)).rowcount)
    rights.asks(store, keys, somebody(store, keys), "access", "li", NOW)
    closed = Case(
        id="26-1",
        kind="report",
        state="closed",
        group_key="g",
        received_at=NOW,
        changed_at=NOW,
        closed_at=NOW + 20 * DAY,
    )
    store.do(lambda c: [cases.enter(c, msgspec.structs.replace(closed, id=f"26-{n}"), b"") for n in (1, 2)])
    put_ban(store, "26-2")
    deliveries.enter(store, b"k", deliveries.Given("operator", "p", "x", "images", "1", NOW))
    held = somebody(store, keys)
    holds.place(store, held, "law", "all", NOW + 9000 * DAY, TWO, NOW)
    starts = {"cases": NOW + 20 * DAY, "steps": NOW + DAY, "identity": NOW + 10 * DAY, "vault": NOW + 30 * DAY}
    for id, one in sorted(known.items(), key=lambda item: starts.get(item[0], NOW) + item[1].max_days * DAY):
        end = starts.get(id, NOW) + one.max_days * DAY
        if id == "use":
            end = (use.day_of(NOW) + one.max_days) * DAY - 8 * 3600
        assert id not in retention.sweep(store, keys, end - 1), id
        assert id in retention.sweep(store, keys, end), id
        assert id not in retention.sweep(store, keys, end), "once"
    assert rows_of(store, who) == {}
    assert [one.id for one in cases.listed(store, cases.Found(open=False))] == ["26-2"], "a ban still stands on it"
    assert {"person", "person_use", "strike", "vault"} <= set(rows_of(store, held)), "what is held stays"


def test_who_was_told_to_leave_is_not_forgotten_by_the_clock(store: Store, keys: DayKeys) -> None:
    who = somebody(store, keys)
    step = Step(
        id="s",
        account=who[0],
        person=who[1],
        rung="end",
        kind="spam",
        since=NOW,
        until=0,
        automatic=False,
        decided_by="li",
    )
    standing.decide_step(store, step, ("c", "r"), NOW)
    retention.sweep(store, keys, NOW + 4000 * DAY)
    assert verdict_of(store, *who) is not None
    rights.erase(store, keys, who, NOW + 4000 * DAY)
    assert set(rows_of(store, who)) == {"standing_step"}, "an erasure is no way around a decision"


def test_fifteen_working_days_are_counted_without_weekends() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=8))
    monday = datetime.datetime(2026, 11, 23, 10, tzinfo=zone)
    due = datetime.datetime.fromtimestamp(rights.due(int(monday.timestamp())), zone)
    assert (due.date() - monday.date()).days == 22, "to the end of the Monday three weeks later"
    friday = datetime.datetime(2026, 11, 27, 23, tzinfo=zone)
    due = datetime.datetime.fromtimestamp(rights.due(int(friday.timestamp())), zone)
    assert (due.date() - friday.date()).days == 22


class Watched(DayKeys):
    """Keys beside which a process looks: what it has heard when the person's row and key go."""

    heard: int

    def erase(self, store: Store, account_id: str, person_id: str, now: int) -> bool:
        self.heard = store.versions().get(rights.COUNTER, 0)
        return super().erase(store, account_id, person_id, now)


def test_others_hear_of_an_erasure_when_all_has_gone(here: Place, store: Store) -> None:
    """A process that looks before finds the person kept, and does not look again."""
    keys = Watched(here.data / "keys")
    who = somebody(store, keys)
    before = store.versions().get(rights.COUNTER, 0)
    rights.erase(store, keys, who, NOW)
    assert keys.heard == before
    assert store.versions()[rights.COUNTER] == before + 1


def test_a_count_that_is_written_while_its_person_is_erased_goes_too(store: Store, keys: DayKeys) -> None:
    who = somebody(store, keys)
    uses = use.Uses(store, lambda: 1000.0)

    async def counted() -> None:
        await uses.guardian(who, NOW)
        uses.answered(who, 600, NOW)
        rights.erase(store, keys, who, NOW)
        await uses.settle(NOW)
        await uses.erased()
        await uses.settle(NOW)

    asyncio.run(counted())
    with store.read() as connection:
        assert connection.execute(select(schema.person_use)).all() == []
