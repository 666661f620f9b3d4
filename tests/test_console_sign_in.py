# SPDX-License-Identifier: Apache-2.0
"""Sign-in by passkey, links, sessions and their ends (robustness §5, threat 18; A1)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cli_kit import typed
from conftest import Running, Start
from console_kit import FLAGS, Authenticator, Browser, begun, signed_in
from guiju.cli.serve import first_link
from guiju.errors import CallerError, ConfigError
from guiju.records import members, sessions
from guiju.records.db import Store
from places import BOTH, Place, place

NOW = 1_800_000_000


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture
def store(here: Place) -> Iterator[Store]:
    made = here.open()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once()


def test_a_session_ends_when_it_idles_when_it_is_old_and_when_its_member_leaves(store: Store) -> None:
    who = members.add(store, "甲", "reviewer", "test", NOW)
    members.add(store, "root", "admin", "test", NOW)
    token = sessions.begin(store, who.id, "passkey", NOW)
    found = sessions.found(store, token, NOW + sessions.IDLE_S - 1)
    assert found is not None
    assert (found.member.name, found.csrf) == ("甲", sessions.csrf(token))
    assert token not in repr(found)
    assert sessions.found(store, token, NOW + sessions.IDLE_S) is None
    assert sessions.found(store, token[:-1], NOW) is None
    for late in range(0, sessions.LONGEST_S, sessions.IDLE_S - 1):
        sessions.note(store, token, NOW + late)
    last = NOW + sessions.LONGEST_S
    sessions.note(store, token, last - 1)
    store.do(lambda connection: None)
    assert sessions.found(store, token, last - 1) is not None
    assert sessions.found(store, token, last) is None
    token = sessions.begin(store, who.id, "passkey", NOW)
    members.remove(store, who.id, "test", NOW)
    assert sessions.found(store, token, NOW) is None


def test_the_first_half_of_a_sign_in_is_recalled_once_and_in_time(store: Store) -> None:
    secret = sessions.remember(store, "passkey", "state", NOW)
    assert sessions.recall(store, "oidc", secret, NOW) is None
    assert sessions.recall(store, "passkey", secret, NOW + 299) == "state"
    assert sessions.recall(store, "passkey", secret, NOW) is None
    secret = sessions.remember(store, "join", "state", NOW)
    assert sessions.recall(store, "join", secret, NOW + 300) is None


def test_a_link_works_once_and_in_time_and_the_first_one_makes_only_the_first(store: Store) -> None:
    first = members.invite(store, "", "start", NOW, members.FIRST_S)
    assert members.invited(store, first, NOW + 899) == ""
    assert members.invited(store, first, NOW + 900) is None
    root = members.join(store, first, b"credential", b"id", "根", NOW)
    assert (root.role, root.name) == ("admin", "根")
    with pytest.raises(CallerError, match="link_spent"):
        members.join(store, first, b"credential", b"other", "again", NOW)
    again = members.invite(store, "", "start", NOW)
    with pytest.raises(CallerError, match="link_spent"):
        members.join(store, again, b"credential", b"other", "again", NOW)
    who = members.add(store, "乙", "reviewer", "根", NOW, "b@example.org")
    old = members.invite(store, who.id, "根", NOW)
    new = members.invite(store, who.id, "根", NOW)
    assert members.invited(store, old, NOW) is None
    with pytest.raises(ConfigError, match="exists_already"):
        members.join(store, new, b"credential", b"id", "", NOW)
    assert members.join(store, new, b"credential", b"another", "", NOW).name == "乙"
    with pytest.raises(ConfigError, match="exists_already"):
        members.add(store, "乙", "reviewer", "根", NOW)
    with pytest.raises(ConfigError, match="exists_already"):
        members.add(store, "丙", "reviewer", "根", NOW, "b@example.org")
    with pytest.raises(ConfigError, match="last_admin"):
        members.remove(store, root.id, "根", NOW)
    gone = members.remove(store, who.id, "根", NOW)
    assert gone.left_at == NOW
    assert members.by_login(store, "b@example.org") is None
    assert members.passkeys(store, who.id) == []


def test_a_passkey_whose_count_stands_still_has_been_copied(store: Store) -> None:
    who = members.add(store, "甲", "admin", "test", NOW)
    for uses in ((0, 0, True), (0, 1, True), (1, 1, False), (5, 4, False)):
        before, after, good = uses
        id_ = bytes([before, after])
        members.join(store, members.invite(store, who.id, "test", NOW), b"c", id_, "", NOW)
        key = members.passkey_of(store, id_)
        assert key is not None
        assert members.used(store, key, before, NOW) is True
        assert members.used(store, key, after, NOW) is good, uses


def test_from_the_first_link_to_a_second_member(start: Start, tmp_path: Path) -> None:
    gateway = start()
    link = first_link(gateway.house)
    assert link.startswith(f"http://localhost:{gateway.port}/console/begin?link=")
    secret = link.partition("=")[2]
    assert Browser(gateway.port).get("/console/begin?link=" + secret).status == 200
    admin, _ = begun(gateway, secret, "根")
    assert admin.get("/console/people").status == 200
    assert first_link(gateway.house) == ""
    assert Browser(gateway.port).get("/console/begin?link=" + secret).status == 410
    page = admin.post("/console/people", {"name": "乙", "role": "reviewer", "login": ""})
    second = page.body.decode().partition("/console/begin?link=")[2].partition("<")[0]
    reviewer, key = begun(gateway, second)
    assert reviewer.get("/console/people").status == 403
    assert "乙" in reviewer.get("/console/me").body.decode()
    reviewer.post("/console/sign-out")
    assert reviewer.cookies == {"guiju_step": reviewer.cookies["guiju_step"]}
    assert reviewer.get("/console/me").status == 303
    asked = reviewer.send("/console/sign-in/asked", {})
    assert "allowCredentials" not in asked.json["publicKey"], "whoever asks learns nobody's passkeys"
    back = reviewer.send("/console/sign-in/passkey?next=/console/d", key.sign(asked.json, reviewer.origin))
    assert back.json == {"next": "/console/d"}
    assert reviewer.get("/console/me").status == 200


def refusals(gateway: Running, key: Authenticator, browser: Browser) -> Iterator[tuple[str, Any]]:
    """Answers to a sign-in that must not hold, by what is wrong with them."""

    def asked() -> Any:
        return browser.send("/console/sign-in/asked", {}).json

    yield "another origin", key.sign(asked(), "http://localhost:1")
    yield "an origin below ours", key.sign(asked(), f"http://evil.localhost:{gateway.port}")
    yield "another host", key.sign(asked(), browser.origin, host="example.org")
    yield "nobody was verified", key.sign(asked(), browser.origin, flags=FLAGS.UP)
    yield "nobody was there", key.sign(asked(), browser.origin, flags=FLAGS.UV)
    yield "another challenge", key.sign({"publicKey": {**asked()["publicKey"], "challenge": "AAAA"}}, browser.origin)
    stranger = Authenticator()
    yield "an unknown passkey", stranger.sign(asked(), browser.origin)
    stranger.id = key.id
    yield "another key under its id", stranger.sign(asked(), browser.origin)
    key.uses = 0
    yield "a count that went back", key.sign(asked(), browser.origin)
    for nonsense in ([], {}, {"rawId": 3}, {"rawId": "AAAA", "response": {}}, {"rawId": "A" * 2000}):
        yield "nonsense", nonsense


@pytest.mark.slow
def test_an_answer_that_does_not_hold_signs_nobody_in(gateway: Running) -> None:
    store, now = gateway.house.store, int(time.time())
    who = members.add(store, "丁", "reviewer", "test", now)
    browser, key = begun(gateway, members.invite(store, who.id, "test", now))
    for _ in range(2):
        asked = browser.send("/console/sign-in/asked", {}).json
        assert browser.send("/console/sign-in/passkey", key.sign(asked, browser.origin)).status == 200
    stranger = Browser(gateway.port)
    for why, answer in refusals(gateway, key, stranger):
        failed = stranger.send("/console/sign-in/passkey", answer)
        assert (failed.status, failed.json["error"]["code"]) == (401, "sign_in_failed"), why
        assert "guiju_session" not in stranger.cookies, why
    asked = stranger.send("/console/sign-in/asked", {}).json
    key.uses = 100
    answer = key.sign(asked, stranger.origin)
    step = stranger.cookies["guiju_step"]
    assert stranger.send("/console/sign-in/passkey", answer).status == 200
    replayed = Browser(gateway.port, {"guiju_step": step})
    assert replayed.send("/console/sign-in/passkey", answer).status == 401


@pytest.mark.slow
def test_the_cookie_is_for_this_console_alone(gateway: Running) -> None:
    store, now = gateway.house.store, int(time.time())
    who = members.add(store, "戊", "reviewer", "test", now)
    link = members.invite(store, who.id, "test", now)
    browser, key = Browser(gateway.port), Authenticator()
    asked = browser.send("/console/begin/asked", {"link": link})
    step = asked.headers["set-cookie"].lower()
    answer = browser.send("/console/begin/passkey", key.make(asked.json, browser.origin))
    cookie = answer.headers["set-cookie"].lower()
    for said in (step, cookie):
        assert "httponly" in said
        assert "samesite=strict" in said
    assert "path=/;" in cookie + ";"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.slow
def test_the_console_serves_this_machine_alone_until_its_address_is_set(gateway: Running) -> None:
    browser = signed_in(gateway, "admin")
    assert browser.get("/console").status == 200
    assert browser.get("/console", host=f"evil.example:{gateway.port}").status == 403
    assert browser.get("/console", x_forwarded_for="192.0.2.1").status == 403


def test_a_click_elsewhere_goes_on_through_a_page_of_ours(gateway: Running) -> None:
    browser = Browser(gateway.port)
    page = browser.get("/console/d/x?a=%22", sec_fetch_site="cross-site")
    assert page.status == 200
    assert b'content="0;url=/console/d/x?a=%22"' in page.body
    assert browser.get("/console/d/x?a=1").headers["location"] == "/console/sign-in?next=%2Fconsole%2Fd%2Fx%3Fa%3D1"
    for bad in ("https://evil.example", "//evil.example", "/consolex", "/verify", "/console\\x"):
        body = browser.get("/console/sign-in?next=" + bad).body.decode()
        onward = body.partition("data-answer=")[2].partition('"')[2].partition('"')[0]
        assert onward == "/console/sign-in/passkey?next=/console", bad


@pytest.mark.slow
def test_a_page_that_breaks_leaves_a_stream_running(gateway: Running) -> None:
    browser = signed_in(gateway, "admin")
    said = "春天来了，花都开了，孩子们在公园里放风筝，老人们在树下下棋，远处传来阵阵歌声。"
    (gateway.data / "notes.toml").write_text("not = [toml", "utf-8")
    try:
        with ThreadPoolExecutor(1) as aside:
            answer = aside.submit(gateway.chat, f"[[stream:{said}|1|60]]", stream=True)
            broken = [browser.get("/console").status for _ in range(3)]
            assert not answer.done(), "the page broke while the answer streamed"
            assert answer.result(30).text() == said
        assert broken == [500, 500, 500]
    finally:
        (gateway.data / "notes.toml").unlink()
    assert browser.get("/console").status == 200


@pytest.mark.slow
def test_members_by_the_command_line(tmp_path: Path) -> None:
    made = typed("member", "add", "甲", "--role", "admin", cwd=tmp_path)
    assert made.returncode == 0
    assert "http://localhost:8080/console/begin?link=" in made.stdout
    assert typed("member", "add", "甲", "--role", "admin", cwd=tmp_path).returncode == 2
    assert typed("member", "add", "乙", "--role", "emperor", cwd=tmp_path).returncode == 2
    assert typed("member", "add", "乙", "--role", "rater", "--login", "b", "--json", cwd=tmp_path).returncode == 0
    assert typed("member", "link", "乙", cwd=tmp_path).stdout.startswith("http://localhost:8080/console/begin")
    assert typed("member", "remove", "甲", cwd=tmp_path).returncode == 2, "the last administrator"
    assert typed("member", "remove", "乙", cwd=tmp_path).returncode == 0
    assert typed("member", "link", "乙", cwd=tmp_path).returncode == 2
    listed = typed("member", "list", cwd=tmp_path).stdout
    assert "甲" in listed
    assert "rater" in listed
