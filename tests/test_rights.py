# SPDX-License-Identifier: Apache-2.0
"""Correction, masking, withdrawal, closing, the choice about training; exceptions by law; figures of a crowd (Articles 11,
13; PIPL, Articles 44 to 47)."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select

from cli_kit import guiju
from guiju.dossier import transparency
from guiju.errors import ConfigError
from guiju.records import (
    changes,
    choices,
    consents,
    crowd,
    exceptions,
    holds,
    months,
    rights,
    schema,
    standing,
    use,
    vault,
)
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.exceptions import LawException
from guiju.records.persons import level_of, remember, verdict_of
from guiju.terms import Due, Guardian, Identity, Record
from places import BOTH, Place, place

ACCOUNT = "a" * 32
NOW = 1_800_000_000
DAY = 86_400
TWO = ("li", "wang")
BY = ("li", NOW)


def ladder(record: Record, now: int) -> Due | None:
    """Everything leads to a notice."""
    return Due("notice", now + DAY)


@pytest.fixture
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(getattr(request, "param", "sqlite"), tmp_path / "data") as one:
        yield one


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    one = here.open()
    one.do(lambda c: c.execute(insert(schema.account).values(id=ACCOUNT, name="shop", created_at=1)).rowcount)
    yield one
    one.close()


@pytest.fixture
def keys(here: Place) -> DayKeys:
    return DayKeys(here.data / "keys")


def somebody(store: Store, level: str = "phone", strikes: int = 0) -> use.Who:
    """A person who is verified."""
    who = (ACCOUNT, token_hex(16))
    remember(store, ACCOUNT, Identity(who[1], level, "m", NOW, NOW + 10 * DAY, token_hex(16)), NOW)  # type: ignore[arg-type] # a level's name
    for _ in range(strikes):
        standing.uphold(store, who, "spam", NOW, ladder)
    return who


def test_a_verdict_that_is_wrong_is_set_aside_until_a_new_verification(store: Store) -> None:
    who = somebody(store)
    assert rights.correct(store, who, "identity", BY).outcome == "done"
    assert level_of(store, *who, NOW + 1) == "none"
    kept = verdict_of(store, *who)
    assert kept is not None
    assert (kept.transaction, kept.method) == ("", "corrected")
    remember(store, ACCOUNT, Identity(who[1], "document", "m", NOW + 5, NOW + DAY, token_hex(16)), NOW + 5)
    assert level_of(store, *who, NOW + 6) == "document"


def test_a_guardians_settings_are_taken_away(store: Store) -> None:
    who, other = somebody(store), somebody(store)
    for one in (who, other):
        use.guard(store, one, Guardian(30, "deny"), NOW)
    rights.correct(store, who, "guardian", BY)
    assert use.guardian_of(store, who) is None
    assert use.guardian_of(store, other) is not None


def test_what_is_masked_opens_for_nobody_but_its_person(store: Store, keys: DayKeys) -> None:
    who = somebody(store)
    id = vault.put(store, keys, who, "note", b"kept", (NOW, NOW + DAY))
    rights.mask(store, who, BY)
    assert rights.masked(store, who)
    with pytest.raises(ConfigError) as error:
        vault.opened(store, keys, id, "appeal 17", TWO, NOW)
    assert error.value.code == "person_masked"
    assert rights.everything(store, keys, who, NOW)["vault"][0]["content"], "the person sees all the same"
    rights.mask(store, who, BY, lift=True)
    assert vault.opened(store, keys, id, "appeal 17", TWO, NOW) == b"kept"


def test_what_a_person_agreed_to_is_taken_back_in_their_account_alone(store: Store) -> None:
    who = somebody(store)
    wanted = consents.Wanted(account=ACCOUNT, kind="face", giver="g", purpose="a film", proof="p", until_s=NOW + DAY)
    mine, other = (consents.add(store, wanted, "k", changes.Terms(False, "li", NOW, 0)) for _ in range(2))
    choices.choose(store, who, choices.NOTICE + "guidance", "v1", NOW)
    rights.train(store, who, "in", BY)
    assert rights.may_train(store, who)
    with pytest.raises(ConfigError):
        rights.withdraw(store, who, [mine.id, "c-none"], BY)
    assert consents.show(store, mine.id).withdrawn_at == 0, "all or nothing"
    rights.withdraw(store, who, [mine.id], ("li", NOW + 1))
    assert consents.show(store, mine.id).withdrawn_at == NOW + 1
    assert consents.show(store, other.id).withdrawn_at == 0
    assert not rights.may_train(store, who)
    assert [one.subject for one in choices.of(store, who)] == [choices.TRAINING]
    for account, id in ((ACCOUNT, mine.id), ("b" * 32, other.id)):
        with pytest.raises(ConfigError) as error:
            rights.withdraw(store, (account, who[1]), [id], BY)
        assert error.value.code == "not_found"


def test_nobodys_data_are_for_training_unless_they_said_so(store: Store) -> None:
    who = somebody(store)
    assert not rights.may_train(store, who)
    for opt in ("in", "out", "in"):
        rights.train(store, who, opt, BY)  # type: ignore[arg-type] # one of the two
        assert rights.may_train(store, who) == (opt == "in")


def test_closing_is_an_erasure_and_waits_for_a_hold(store: Store, keys: DayKeys) -> None:
    who = somebody(store)
    hold = holds.place(store, who, "law", "all", NOW + DAY, TWO, NOW)
    assert rights.asks(store, keys, who, "close", "li", NOW).outcome == "held"
    assert verdict_of(store, *who) is not None
    holds.lift(store, hold.id, TWO, NOW + 1)
    assert [(one.asked, one.outcome) for one in rights.run(store, keys, NOW + 2)] == [("close", "done")]
    assert verdict_of(store, *who) is None


@pytest.mark.parametrize("here", BOTH, indirect=True)
def test_every_right_has_a_receipt_that_forgets_whose_it_was(store: Store, keys: DayKeys) -> None:
    who = somebody(store)
    use.guard(store, who, Guardian(30, "deny"), NOW)
    rights.asks(store, keys, who, "access", "li", NOW)
    rights.correct(store, who, "guardian", BY)
    rights.mask(store, who, BY)
    rights.mask(store, who, BY, lift=True)
    rights.train(store, who, "out", BY)
    rights.withdraw(store, who, [], BY)
    rights.asks(store, keys, who, "close", "li", NOW + 1)
    made = rights.requests(store)
    assert {one.asked for one in made} == {"access", "correct", "mask", "unmask", "training", "withdraw", "close"}
    assert {one.outcome for one in made} == {"done"}
    with store.read() as connection:
        assert set(connection.execute(select(schema.rights_request.c.person_id)).scalars()) == {""}


@pytest.mark.parametrize("here", BOTH, indirect=True)
def test_a_figure_of_fewer_than_twenty_is_not_told(store: Store) -> None:
    people = [somebody(store, strikes=2) for _ in range(crowd.LEAST)]
    for _ in range(crowd.LEAST - 1):
        somebody(store, "document")
    made = crowd.figures(store, NOW + 1)
    told = {one.name: (one.value, one.n) for one in made.figures}
    assert told["identity.phone"] == (20, 20)
    assert told["strikes.spam"] == (40, 20)
    assert "identity.document" in made.withheld
    rights.mask(store, people[0], BY)
    later = crowd.figures(store, NOW + 1)
    assert {"identity.phone", "strikes.spam"} <= set(later.withheld), "who is masked is counted nowhere"
    assert crowd.told([("one", 1.0, 19), ("two", 1.0, 20)], NOW).withheld == ("one",)


def test_a_month_tells_of_measures_by_how_many_they_concern(store: Store, tmp_path: Path) -> None:
    """Thirty measures against one person are a figure of one."""
    alone, crowd_ = somebody(store), [somebody(store) for _ in range(crowd.LEAST)]
    for number, (who, rung) in enumerate([(alone, "warn")] * 30 + [(one, "suspend") for one in crowd_]):
        made: dict[str, Any] = {"account": who[0], "person": who[1], "rung": rung, "kind": "spam", "automatic": False}
        step = standing.Step(id=f"s-{number}", since=NOW, until=NOW + DAY, decided_by="li", **made)
        standing.decide_step(store, step, ("c", "r"), NOW)
    month = months.month_of(NOW)
    counted = months.counted(store, str(tmp_path / "no-ledger"), month)
    by = {one.name.removeprefix(f"month.{month}."): (one.value, one.n) for one in counted}
    assert (by["steps.warn"], by["steps.suspend"]) == ((30.0, 1), (20.0, 20))
    told = {cell.name: cell.value for cell in transparency.report(month, counted).cells}
    assert told["steps.warn"] is None
    more = [msgspec.structs.replace(one, n=30) if one.name.endswith("warn") else one for one in counted]
    told = {cell.name: cell.value for cell in transparency.report(month, more).cells}
    assert (told["steps.warn"], told["steps.suspend"]) == (30.0, 20.0)


FIGURES = ("records/crowd.py", "records/months.py")
"""Where rows about persons are counted: the one tells of no fewer than twenty, the other says of how many it tells."""
OF_PERSONS = {
    "person",
    "person_use",
    "strike",
    "standing_step",
    "choice",
    "guardian",
    "vault",
    "legal_hold",
    "rights_request",
}


def counts(source: str) -> bool:
    """Whether a module counts, and knows tables about persons."""
    nodes = list(ast.walk(ast.parse(source)))
    known = {
        alias.name for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "guiju.records.schema"
        for alias in node.names
    }  # fmt: skip
    return bool(known & OF_PERSONS) and any(
        isinstance(node, ast.Attribute) and ast.unparse(node.value) == "func" and node.attr in ("count", "sum", "avg")
        for node in nodes
    )


def test_nothing_else_counts_persons() -> None:
    package = Path(crowd.__file__).parents[1]
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if counts(path.read_text("utf-8"))}
    assert found == set(FIGURES)
    assert counts("from guiju.records.schema import strike\nselect(func.count()).select_from(strike)")


def test_an_exception_needs_two_persons_a_law_a_scope_and_an_end(store: Store) -> None:
    wanted = LawException(id="", duty="11.b", law="CSL 23", scope="logs", made_by="", made_at=NOW, until_at=NOW + DAY)
    for bad, by in (
        (wanted, ("li", "LI")),
        (msgspec.structs.replace(wanted, law=" "), TWO),
        (msgspec.structs.replace(wanted, scope=""), TWO),
        (msgspec.structs.replace(wanted, until_at=NOW), TWO),
    ):
        with pytest.raises(ConfigError):
            exceptions.make(store, bad, by)
    made = exceptions.make(store, wanted, TWO)
    assert [one.id for one in exceptions.every(store, NOW)] == [made.id]
    assert exceptions.every(store, NOW + DAY) == [], "it ends by itself"
    exceptions.end(store, made.id, "li", NOW + 5)
    assert exceptions.every(store, NOW + 6) == []
    [kept] = exceptions.every(store)
    assert (kept.made_by, kept.ended_by, kept.ended_at) == ("li + wang", "li", NOW + 5)
    assert [one.kind for one in changes.history(store, exceptions.KIND)] == [exceptions.KIND] * 2
    with pytest.raises(ConfigError):
        exceptions.end(store, made.id, "li", NOW + 7)


def run(folder: Path, *words: str) -> Any:
    """What a command says."""
    return json.loads(guiju(*words, "--data", "data", "--json", cwd=folder).stdout)


@pytest.mark.slow
def test_the_commands_do_what_people_ask_for_and_the_board_shows_exceptions(tmp_path: Path) -> None:
    store = Store.open("sqlite", tmp_path / "data")
    store.do(lambda c: c.execute(insert(schema.account).values(id=ACCOUNT, name="shop", created_at=1)).rowcount)
    now, person = int(time.time()), "b" * 32
    remember(store, ACCOUNT, Identity(person, "phone", "m", now, now + 900, token_hex(16)), now)
    store.close()
    whose = ("--account", "shop")
    assert run(tmp_path, "persons", "show", person, *whose)["training"] == "out"
    assert run(tmp_path, "persons", "training", person, "--opt", "in", *whose)["asked"] == "training"
    assert run(tmp_path, "persons", "show", person, *whose)["training"] == "in"
    run(tmp_path, "persons", "mask", person, *whose)
    assert set(run(tmp_path, "persons", "show", person, *whose)) == {"person", "account_id", "masked"}
    assert run(tmp_path, "standing", "show", person, *whose)["error"]["code"] == "person_masked"
    run(tmp_path, "persons", "mask", person, "--lift", *whose)
    run(tmp_path, "persons", "correct", person, "--what", "identity", *whose)
    assert run(tmp_path, "persons", "show", person, *whose)["identity"]["level"] == "none"
    assert run(tmp_path, "persons", "withdraw", person, *whose)["outcome"] == "done"
    assert run(tmp_path, "persons", "close", person, *whose)["outcome"] == "done"
    terms = ("--law", "网络安全法第二十三条", "--scope", "日志", "--days", "5")
    who = ("--by", "li", "--second", "wang")
    assert run(tmp_path, "privacy", "except", "--duty", "99.z", *terms, *who)["error"]["code"] == "not_found"
    made = run(tmp_path, "privacy", "except", "--duty", "11.b", *terms, *who)
    [shown] = run(tmp_path, "check")["exceptions"]
    assert (shown["id"], shown["duty"], shown["made_by"]) == (made["id"], "11.b", "li + wang")
    board = guiju("check", "--data", "data", cwd=tmp_path).stdout
    assert "网络安全法第二十三条" in board
    assert run(tmp_path, "privacy", "unexcept", made["id"])["ended"] == made["id"]
    assert run(tmp_path, "check")["exceptions"] == []
    assert len(run(tmp_path, "privacy", "exceptions")) == 1
    assert run(tmp_path, "privacy", "figures")["figures"] == []
