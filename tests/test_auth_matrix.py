# SPDX-License-Identifier: Apache-2.0
"""Who may do what at the gateway: every operation of its own description with every state of key and person, each cell
with the answer that the table says (robustness S1; Articles 5, 9, 19)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from conftest import Answered, Running, Start
from doors import DOORS, EDITS, FILMS, GUARDS, HEARD, IMAGES, SPEECH, VECTORS, VIDEOS, consented, form
from guiju.adapters.scripted_media import picture, sound
from guiju.gateway.app import IDENTIFIED, App
from guiju.records import accounts
from guiju.records.accounts import KeyRecord
from guiju.records.standing import Step, decide_step
from rest_kit import person

CARRIERS = ("authorization", "x-api-key")
KEYS = ("none", "wrong", "expired", "revoked", "valid", "other account")
PEOPLE = ("nobody", "doubted", "known", "suspended", "ended")
OPEN = {"healthz", "readyz", "metrics", "openapi"}
"""Doors without a key: nothing that is anybody's is told there."""
KNOWN = {"accept"}
"""Doors at which nothing can be done for somebody who is not known."""


Operation = tuple[str, str]
"""A path, as the gateway describes it, and a method."""


class Sent(NamedTuple):
    """A request that an operation takes."""

    path: str
    body: bytes | None
    kind: str = "application/json"


def operations() -> dict[Operation, str]:
    """Operation → the short name of its door."""
    doors = App(None).doors  # type: ignore[arg-type] # only its table is read
    return {(path, method): door.name for path, row in doors.items() for method, door in row.items()}


def requests(gateway: Running, film: str) -> dict[Operation, Sent]:
    """Operation → a request that is answered there; `film` is one of the first account's."""
    version = gateway.house.live.notices.versions["guidance"]
    bodies: dict[str, Any] = {path: body("[[say:好]]") for path, body in {**DOORS, **GUARDS}.items()}
    bodies |= {
        VECTORS: {"model": "scripted", "input": "好"},
        IMAGES: {"model": "scripted", "prompt": "好"},
        SPEECH: {"model": "scripted", "input": "好", "voice": "alloy", "response_format": "wav"},
        "/v1/notices/accept": {"text": "guidance", "version": version},
    }
    made = {(path, "POST"): Sent(path, json.dumps(body).encode()) for path, body in bodies.items()}
    words = {"model": "scripted", "prompt": "[[say:好]]"}
    made[HEARD, "POST"] = Sent(HEARD, *form(words, {"file": ("a.wav", sound())}))
    made[EDITS, "POST"] = Sent(EDITS, *form({**words, "prompt": "好"}, {"image": ("a.png", picture("x"))}))
    made[VIDEOS, "POST"] = Sent(VIDEOS, *form({**words, "prompt": "好"}, {}))
    for path, method in operations():
        id = (
            film if (path, method) == (FILMS[0], "GET") else film[:-4] + "0000"
        )  # all else asks of one that is not there
        body = json.dumps({"prompt": "好"}).encode() if path == FILMS[2] else None
        made.setdefault((path, method), Sent(path.replace("{id}", id), body))
    return made


def expected(name: str, key: str, who: str) -> tuple[int, str]:
    """What the policy says of one cell: a status, and the code of the error.

    Args:
        name: of the door.
        key: the state of the key.
        who: the state of the person; persons are those of the first account.
    """
    if name in OPEN:
        return 200, ""
    if key not in ("valid", "other account"):
        return 401, "invalid_api_key"
    if name in KNOWN and who in ("nobody", "doubted"):
        return 403, "real_name_required"
    if name in ("videos.content", "videos.delete", "videos.remix") or (name == "videos.state" and key != "valid"):
        return 404, "job_not_found"  # another account's films do not exist
    if name not in IDENTIFIED:
        return 200, ""
    if name == "edits" and key == "other account":
        return 403, "consent_required"  # the consent is another account's
    if who == "doubted":
        return 403, "real_name_required"
    if key == "valid" and who in ("suspended", "ended"):
        return 403, f"account_{who}"
    return 200, ""  # in another account the same name is another person, who did nothing


class World:
    """A gateway with two accounts, keys in every state, and people in every state."""

    def __init__(self, gateway: Running) -> None:
        self.gateway, self.now = gateway, int(time.time())
        store, secrets = gateway.house.store, gateway.house.secrets
        first, other = (accounts.create_account(store, name, self.now) for name in ("first", "other"))
        self.accounts = {"valid": first.id, "other account": other.id}
        self.keys: dict[str, str] = {"wrong": "gj-" + "w" * 40}
        for state, account in (("expired", first), ("revoked", first), ("valid", first), ("other account", other)):
            record = KeyRecord(
                id="", account=account.id, prefix="", name=state, requests_per_minute=-1, streams=-1,
                created_at=self.now - 100, expires_at=self.now - 1 if state == "expired" else 0,
            )  # fmt: skip
            self.keys[state], made = accounts.create_key(store, secrets, record)
            if state == "revoked":
                accounts.revoke_key(store, account.id, made.id, self.now)
        gateway.house.live.keyring.refresh(store)
        self.people: dict[str, Mapping[str, str]] = {"nobody": {}, "doubted": {"x-guiju-identity": "a.b.c"}}
        for who in ("known", "suspended", "ended"):
            self.people[who] = person(gateway, who)
            if who != "known":
                self._decide(first.id, who)
        gateway.house.live.standings.take_up(-2, self.now)
        self.consent = consented(gateway, account=first.id)
        self.requests = requests(gateway, "")
        self.requests = requests(gateway, self.ask((VIDEOS, "POST"), "valid", "known", CARRIERS[0]).json["id"])

    def _decide(self, account: str, who: str) -> None:
        live = self.gateway.house.live
        known = asyncio.run(live.assertions.verify(self.people[who]["x-guiju-identity"], account, self.now)).person
        step = Step(
            id=f"s-{who}", account=account, person=known, rung="suspend" if who == "suspended" else "end", kind="spam",
            since=self.now, until=self.now + 86_400 if who == "suspended" else 0, automatic=False, decided_by="li",
        )  # fmt: skip
        decide_step(self.gateway.house.store, step, ("c", "r"), self.now)

    def ask(self, operation: Operation, key: str, who: str, carrier: str) -> Answered:
        """One cell."""
        sent = self.requests[operation]
        headers = {"content-type": sent.kind, "x-guiju-consent": self.consent, **self.people[who]}
        if key != "none":
            headers[carrier] = f"Bearer {self.keys[key]}" if carrier == "authorization" else self.keys[key]
        return self.gateway.ask(operation[1], sent.path, sent.body, headers, key="")


@pytest.fixture(scope="module")
def world(start_once: Start) -> World:
    return World(start_once())


def told(answer: Answered) -> str:
    """The code of an error; `""` for an answer."""
    if answer.status == 200:
        return ""
    said = answer.json
    error = said.get("error", said) if isinstance(said, dict) else {}
    return str(error.get("code") or error.get("type") or "") if isinstance(error, dict) else str(error)


@pytest.mark.slow
def test_the_table_is_the_one_that_the_gateway_describes(world: World) -> None:
    """The doors of the code, the doors of the description, and the requests of this test are the same."""
    described = world.gateway.ask("GET", "/openapi.json", key="").json["paths"]
    told = {(path, method.upper()): one for path, methods in described.items() for method, one in methods.items()}
    assert set(told) == set(operations()) == set(world.requests)
    for operation, name in operations().items():
        assert ("security" in told[operation]) == (name not in OPEN), operation


@pytest.mark.slow
def test_every_cell_is_answered_as_the_table_says(world: World) -> None:
    names = operations()
    cells = [
        (operation, key, who, carrier)
        for operation in names
        for key in KEYS
        for who in PEOPLE
        for carrier in (CARRIERS if key != "none" else CARRIERS[:1])
    ]
    wrong = {}
    for operation, key, who, carrier in cells:
        answer = world.ask(operation, key, who, carrier)
        given, wanted = (answer.status, told(answer)), expected(names[operation], key, who)
        ready = (
            names[operation] == "readyz" and answer.status == 503
        )  # told to anybody too: the canary has not sung yet
        if given != wanted and not ready:
            wrong[operation, key, who, carrier] = (given, wanted)
    assert wrong == {}
    assert len(cells) == len(names) * len(PEOPLE) * (1 + (len(KEYS) - 1) * len(CARRIERS))


@pytest.mark.slow
def test_an_answer_belongs_to_the_account_whose_key_asked(world: World) -> None:
    for key, account in world.accounts.items():
        answer = world.ask(("/v1/chat/completions", "POST"), key, "known", "authorization")
        assert world.gateway.entry("opened", answer.headers["x-guiju-decision-id"])["account"] == account
    world.people["fresh"] = person(world.gateway, "fresh")
    assert world.ask(("/v1/notices/accept", "POST"), "valid", "fresh", "authorization").status == 200
    accepted = [
        world.ask(("/v1/notices", "GET"), key, "fresh", "authorization").json["accepted"] for key in world.accounts
    ]
    assert [set(one) for one in accepted] == [{"guidance"}, set()], "what one account's person chose is not another's"


def test_two_keys_are_nobodys(world: World) -> None:
    """Which of two would be believed is not for us to guess."""
    both = {"authorization": f"Bearer {world.keys['valid']}", "x-api-key": world.keys["wrong"]}
    assert world.gateway.ask("GET", "/v1/models", headers=both, key="").status == 401
