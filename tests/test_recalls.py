# SPDX-License-Identifier: Apache-2.0
"""Recalls: accounts that received an answer which is banned since are told by a signed webhook until they have heard
(Article 13); nobody chooses an address inside the provider's network, and receipts are in the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest
from sqlalchemy.exc import IntegrityError

from cli_kit import guiju
from conftest import Running, Start
from guiju.adapters import webhooks
from guiju.errors import ConfigError
from guiju.records import accounts, bans, changes, recalls
from guiju.records.changes import Terms
from guiju.records.db import Store
from guiju.records.recalls import Received
from likeness_kit import HARMLESS
from places import BOTH, Place, place
from recall_kit import Receiver, until
from test_store_likeness import DECISION, OURS

NOW = 1_795_000_000
TERMS = Terms(weakens=False, by="王五", now=NOW, delay=0)
FACTS = ("A.4c", "case-7")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.mark.slow
def test_who_received_an_answer_is_told_and_the_receipt_is_in_the_ledger(start: Start, receiver: Receiver) -> None:
    gateway = start()
    number = gateway.chat("[[say:好]]").headers["x-guiju-decision-id"]
    account = gateway.entry("opened", number)["account"]
    store = gateway.house.store
    hook = recalls.set_address(store, account, receiver.url, TERMS, private=True)
    secret = recalls.shown(recalls.secret_of(gateway.house.secrets.digest, hook))
    made = recalls.add(store, Received(account, number), FACTS, TERMS)
    (headers, body) = until(lambda: receiver.came)[0]
    client = openai.OpenAI(api_key="x", webhook_secret=secret)
    client.webhooks.verify_signature(body.decode(), headers)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.verify_signature(body.decode() + " ", headers)
    said = json.loads(body)
    assert (said["type"], said["data"]) == (
        "content.recalled",
        {"produce_id": number, "category": "A.4c", "case": "case-7", "article": "13"},
    )
    told = until(lambda: [one for one in recalls.history(store) if one.state == "told"])[0]
    assert (told.id, told.answer, told.attempts) == (made.id, "200", 1)
    until(lambda: len([e for e in gateway.entries() if e["kind"] == "change" and e["body"]["subject"] == made.id]) == 2)


def test_a_ban_recalls_what_it_bans_or_does_not_stand(store: Store) -> None:
    account = accounts.create_account(store, "shop", NOW).id
    nobody = Received("nobody", "X8")
    mine = msgspec.structs.replace(DECISION, case="case-9")
    with pytest.raises(IntegrityError):
        bans.enact(store, mine, HARMLESS, OURS, TERMS, (Received(account, "X9"), nobody))
    assert (bans.history(store), recalls.history(store)) == ([], [])
    bans.enact(store, mine, HARMLESS, OURS, TERMS, (Received(account, "X9"),))
    [one] = recalls.history(store)
    assert (one.produce_id, one.category, one.case_id, one.state) == ("X9", "A.4c", "case-9", "waiting")


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    opened = here.open()
    yield opened
    opened.close()


def test_it_is_told_again_and_again_and_then_given_up(store: Store) -> None:
    account = accounts.create_account(store, "shop", NOW).id
    one = recalls.add(store, Received(account, "X1"), FACTS, TERMS)
    assert recalls.add(store, Received(account, "X1"), FACTS, TERMS) == one, "twice is once"
    assert recalls.due(store, NOW) == [], "no address yet"
    first = recalls.set_address(store, account, "https://a.example/", TERMS)
    now = NOW
    for wait in recalls.WAITS_S:
        [(due, to)] = recalls.due(store, now)
        assert to.url == "https://a.example/"
        assert recalls.attempted(store, due, "500", False, now).next_at == now + wait
        assert recalls.due(store, now + wait - 1) == []
        now += wait
    [(due, _)] = recalls.due(store, now)
    assert recalls.attempted(store, due, "timeout", False, now).state == "failed"
    assert recalls.due(store, now + 10**6) == []
    recalls.again(store, one.id, now)
    [(due, _)] = recalls.due(store, now)
    assert recalls.attempted(store, due, "204", True, now).told_at == now
    with pytest.raises(ConfigError):
        recalls.again(store, one.id, now)
    states = [change.target for change in changes.history(store, recalls.KIND)]
    assert sorted(states) == [0, 1, len(recalls.WAITS_S) + 1]
    second = recalls.set_address(store, account, "https://b.example/", TERMS)
    assert recalls.secret_of(b"k" * 32, first) != recalls.secret_of(b"k" * 32, second)
    assert [one.url for one in recalls.addresses(store)] == ["https://b.example/"]


INSIDE = (
    "http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://10.0.0.1/", "https://192.168.1.1/", "https://[::1]/",
    "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://[::ffff:127.0.0.1]/", "https://0/",
    "https://169.254.169.254/latest/meta-data", "https://user:pass@example.com/", "https://example.com/#x", "file:///etc/passwd",
    "gopher://example.com/", "https:///", "https://", "", "https://[fe80::1]/", "https://[fc00::1]/", "https://[2002:7f00:1::]/",
    "https://224.0.0.1/", "https://a.localhost/", "https://printer.local/", "https://intranet/", "https://100.64.0.1/",
    "https://0.0.0.0/", "https://[::]/", "//example.com/", "https://example.com." , "ftp://example.com/", "https://" + "a" * 1100 + ".example/",
)  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_no_address_inside_is_set(url: str) -> None:
    with pytest.raises(ConfigError):
        webhooks.check(url, private=False)


def deliver(url: str, private: bool) -> str:
    """Deliver one event."""
    return asyncio.run(webhooks.deliver(url, private, [b"k" * 32], ("r-1", {}), NOW))


def test_a_name_that_leads_inside_is_not_asked(receiver: Receiver) -> None:
    """`localtest.me` and the like: looked at when the connection is made, whatever it was when it was set."""

    async def resolved() -> None:
        await webhooks.Public().resolve("localhost", receiver.port)

    with pytest.raises(OSError, match="not public"):
        asyncio.run(resolved())
    assert deliver(receiver.url, private=False) == "address"
    assert not receiver.came


def test_no_redirect_is_followed_and_faults_are_told(receiver: Receiver) -> None:
    receiver.statuses = [302]
    assert deliver(receiver.url, private=True) == "302"
    assert len(receiver.came) == 1
    assert deliver("http://127.0.0.1:9/", private=True) == "connection"


@pytest.mark.slow
def test_the_event_keeps_its_id_over_attempts(start: Start, receiver: Receiver) -> None:
    gateway: Running = start()
    store = gateway.house.store
    account = accounts.create_account(store, "shop", NOW).id
    receiver.statuses = [500, 200]
    recalls.set_address(store, account, receiver.url, TERMS, private=True)
    made = recalls.add(store, Received(account, "X2"), FACTS, TERMS)
    until(lambda: len(receiver.came) == 2)
    assert {headers["webhook-id"] for headers, _ in receiver.came} == {made.id}
    told = until(lambda: [one for one in recalls.history(store) if one.state == "told"])[0]
    assert told.attempts == 2


@pytest.mark.slow
def test_the_command_line(start: Start, tmp_path: Path) -> None:
    gateway = start()
    answered = gateway.chat("[[say:好]]").headers["x-guiju-decision-id"]
    refused = gateway.chat("规矩金丝雀").headers["x-guiju-decision-id"]
    gateway.entry("closed", answered)
    data = gateway.data

    def run(*words: object) -> Any:
        return guiju("recalls", *words, "--data", data, cwd=tmp_path)

    assert run("address", "operator", "https://127.0.0.1/").returncode == 2
    made = json.loads(run("address", "operator", "https://app.example/hook", "--json").stdout)
    assert made["secret"].startswith("whsec_")
    assert not any(made["secret"][6:].encode() in path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert run("add", answered, "--case", "c-1").returncode == 0
    assert run("add", refused, "--case", "c-1").returncode == 2, "nobody received it"
    assert run("add", "not-an-id", "--case", "c-1").returncode == 2
    [one] = json.loads(run("list", "--json").stdout)
    assert one["produce_id"] == answered
    assert answered in run("list").stdout
    assert msgspec.json.decode(run("again", one["id"], "--json").stdout)["state"] == "waiting"
