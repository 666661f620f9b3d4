# SPDX-License-Identifier: Apache-2.0
"""What people are told before the first use, and what is kept of their acceptance (Articles 10, 18)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from conftest import Running, Start
from fast_kit import few
from guiju import composition
from guiju.config import Gateway, Rest, Settings
from guiju.controls import guidance
from guiju.errors import ConfigError
from guiju.records import choices, schema
from guiju.records.choices import Choices
from guiju.weakening import weakenings
from identity_kit import Time
from places import BOTH, Place, place
from rest_kit import at_night, person, suspended

CRY = "我不想活了，想自杀"
LEXICON = "term,category,severity\n想自杀,self_harm,block\n规矩金丝雀,A.1f,block\n"
TERMS = """
[[text]]
id = "terms"
title = { zh = "用户协议", en = "Terms of use" }
line = { zh = "请先接受用户协议。", en = "Please accept the terms of use first." }
[[text.point]]
zh = "第一条。"
en = "One."
"""


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once(lexicon=LEXICON, overlay=(("provider.authority_url", "https://authority.example.zz/"),))


def test_the_texts_are_given_in_both_languages_with_what_was_accepted(gateway: Running) -> None:
    told = gateway.ask("GET", "/v1/notices").json
    [text] = told["texts"]
    assert text["version"] == guidance.shipped().versions["guidance"]
    assert {"18.a", "18.b", "c.18.ai", "10.b", "18.c", "d.17.2"} == {one["duty"] for one in text["points"]}
    assert "accepted" not in told, "nobody is known"
    assert told["service"] is None, "the provider has said nothing yet"
    assert told["authority_url"] == "https://authority.example.zz/"
    assert gateway.ask("GET", "/v1/notices", headers=person(gateway, "new")).json["accepted"] == {}
    said = {"text": "guidance", "version": text["version"]}
    made = gateway.ask("POST", "/v1/notices/accept", said, headers=person(gateway, "new")).json
    assert made["version"] == text["version"]
    again = gateway.ask("GET", "/v1/notices", headers=person(gateway, "new")).json
    assert again["accepted"]["guidance"] == {"version": text["version"], "at": made["accepted_at"]}
    assert gateway.ask("GET", "/v1/notices", headers=person(gateway, "other")).json["accepted"] == {}


def test_what_was_not_shown_is_not_accepted_and_nobody_accepts_nothing(gateway: Running) -> None:
    right = {"text": "guidance", "version": guidance.shipped().versions["guidance"]}
    for said, status in (
        ({**right, "version": "0" * 16}, 400),
        ({**right, "text": "terms"}, 400),
        ({**right, "more": 1}, 400),
        ({"text": "guidance"}, 400),
    ):
        assert gateway.ask("POST", "/v1/notices/accept", said, headers=person(gateway, "p")).status == status, said
    assert gateway.ask("POST", "/v1/notices/accept", right).json["error"]["code"] == "real_name_required"
    assert gateway.ask("POST", "/v1/notices/accept", right, key="gj-no").status == 401
    assert gateway.ask("GET", "/v1/notices", headers=person(gateway, "p")).json["accepted"] == {}


def test_the_header_comes_until_the_text_was_accepted_and_at_each_door(gateway: Running) -> None:
    version = guidance.shipped().versions["guidance"]
    known = person(gateway, "header")
    embed = {"model": "scripted", "input": "好"}
    for headers in ({}, known):
        assert gateway.chat("[[say:好]]", headers=headers).headers["x-guiju-notice"] == f"guidance={version}"
        assert gateway.ask("POST", "/v1/embeddings", embed, headers).headers["x-guiju-notice"] == f"guidance={version}"
    stream = gateway.chat("[[say:好]]", headers=known, stream=True)
    [told] = stream.events[-1]["guiju"]["notices"]
    assert (told["kind"], told["version"], stream.text()) == ("use", version, "好")
    gateway.ask("POST", "/v1/notices/accept", {"text": "guidance", "version": version}, headers=known)
    assert "x-guiju-notice" not in gateway.chat("[[say:好]]", headers=known).headers
    assert "x-guiju-notice" in gateway.chat("[[say:好]]").headers, "of nobody nothing is recorded"


@pytest.mark.slow
def test_a_new_version_asks_again(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "texts.toml"
    file.write_text(TERMS, "utf-8")
    gateway = start(overlay=(("gateway.texts", str(file)), ("gateway.first_use", "wait")), lexicon=LEXICON)
    known = person(gateway)
    refused = gateway.chat("[[say:好]]", headers=known)
    assert (refused.status, refused.json["error"]["code"]) == (403, "notice_not_accepted")
    assert refused.json["error"]["guiju"]["unread"] == ["terms"]
    assert refused.headers["x-should-retry"] == "false"
    assert refused.headers["x-guiju-notice"] == "terms=" + gateway.house.live.notices.versions["terms"]
    assert gateway.chat(CRY, headers=known).status == 200, "a cry for help does not wait"
    said = {"text": "terms", "version": gateway.house.live.notices.versions["terms"]}
    assert gateway.ask("POST", "/v1/notices/accept", said, headers=known).status == 200
    assert gateway.chat("[[say:好]]", headers=known).status == 200
    gateway.house.live.notices = guidance.read(TERMS.replace("One.", "Two."), "texts.toml")
    assert gateway.chat("[[say:好]]", headers=known).status == 403
    assert gateway.ask("POST", "/v1/notices/accept", said, headers=known).status == 400, "the old one is over"


def test_what_is_kept_is_the_persons_keyed_id_the_version_and_the_time(gateway: Running) -> None:
    said = {"text": "guidance", "version": guidance.shipped().versions["guidance"]}
    before = int(time.time())
    gateway.ask("POST", "/v1/notices/accept", said, headers=person(gateway, "a-name-nobody-keeps"))
    with gateway.house.store.read() as connection:
        rows = [row._asdict() for row in connection.execute(select(schema.choice))]
    assert any(row["chosen_at"] >= before for row in rows)
    assert {row["subject"] for row in rows} == {"notice:guidance"}
    assert "a-name-nobody-keeps" not in json.dumps(rows)
    assert all(len(row["person_id"]) == 32 for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("why", few(["content", "suspended", "night", "doubted"]))
def test_every_refusal_says_where_to_report_to_the_authority(start: Start, why: str) -> None:
    overlay = (("provider.authority_url", "https://authority.example.zz/"),)
    gateway = start(overlay=(*overlay, ("gateway.identity", "phone")) if why == "doubted" else overlay)
    if why in ("suspended", "night"):
        (suspended if why == "suspended" else at_night)(gateway)
    answer = gateway.chat("说 规矩金丝雀" if why == "content" else "[[say:好]]")
    assert answer.status in (400, 403)
    assert answer.json["error"]["guiju"]["authority_url"] == "https://authority.example.zz/"


@pytest.fixture
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as one:
        yield one


@pytest.mark.parametrize("here", BOTH, indirect=True)
def test_an_acceptance_in_one_process_acts_in_the_other_and_a_withdrawal_too(here: Place) -> None:
    store, clock = here.open(), Time()
    one, other = Choices(store, clock), Choices(store, clock)
    who, wanted = ("a", "p" * 32), {"guidance": "v1"}

    def unread(process: Choices, whose: tuple[str, str] = who, **more: str) -> tuple[str, ...]:
        return asyncio.run(process.unread(whose, {**wanted, **more}))

    assert unread(one) == unread(other) == ("guidance",)
    asyncio.run(one.accept(who, "guidance", "v1", 10))
    assert unread(one) == ()
    assert unread(other) == ("guidance",), "it is asked again after some seconds"
    clock.now += choices.AGAIN_S + 1
    assert unread(other) == ()
    assert unread(other, terms="v9") == ("terms",)
    assert choices.of(store, ("b", "p" * 32)) == [], "another account is another person"
    assert choices.withdraw(store, who) == 1
    other.clear()
    assert unread(other) == ("guidance",)
    store.do(lambda connection: schema.choice.drop(connection))
    assert unread(one, ("a", "q" * 32)) == (), "what can't be read is a help, not a ban"
    store.close()


@pytest.mark.parametrize(
    "raw", ["", "x", TERMS + TERMS, TERMS.replace('en = "One."', ""), TERMS.replace("terms", "Te")]
)
def test_texts_that_are_not_well_formed_are_refused(raw: str) -> None:
    with pytest.raises(ConfigError):
        guidance.read(raw, "texts.toml")


def test_to_wait_no_longer_is_a_weakening() -> None:
    waits = Settings(gateway=Gateway(first_use="wait"), rest=Rest())
    assert weakenings(waits, Settings()) == ["gateway.first_use"]
    assert weakenings(Settings(), waits) == []


def test_production_wants_it_said_in_public_what_the_service_is_for(tmp_path: Path) -> None:
    file = tmp_path / "texts.toml"
    file.write_text(TERMS, "utf-8")
    for texts in ("", str(file)):
        gateway = Gateway(texts=texts)
        assert composition.unstated(Settings(mode="production", gateway=gateway)) == ["gateway.texts: [service]"]
        assert composition.unstated(Settings(gateway=gateway)) == []
    said = {name: {"zh": f"{name}甲", "en": f"{name} A"} for name in ("people", "occasions", "uses")}
    rows = "".join(f'{name} = {{ zh = "{one["zh"]}", en = "{one["en"]}" }}\n' for name, one in said.items())
    file.write_text(f"[service]\n{rows}{TERMS}", "utf-8")
    settings = Settings(mode="production", gateway=Gateway(texts=str(file)))
    assert composition.unstated(settings) == []
    made = composition.notices(settings)
    assert made.service is not None
    assert made.service.people.within("zh") == "people甲"


@pytest.mark.slow
def test_the_page_tells_what_the_service_is_for_and_escapes_what_a_provider_writes(start: Start) -> None:
    gateway = start(overlay=(("provider.authority_url", "https://authority.example.zz/"),))
    page = gateway.ask("GET", "/about?lang=zh", key="").body.decode()
    assert "尚未填写" in page
    assert "https://authority.example.zz/" in page
    assert guidance.shipped().versions["guidance"] in page
    said = "".join(f'{name} = {{ zh = "<b>", en = "<b>{name}" }}\n' for name in ("people", "occasions", "uses"))
    gateway.house.live.notices = guidance.read(f"[service]\n{said}{TERMS}", "t.toml")
    page = gateway.ask("GET", "/about?lang=en", key="").body.decode()
    assert "&lt;b&gt;people" in page
    assert "<b>" not in page
    assert gateway.ask("POST", "/about", key="").status == 405
