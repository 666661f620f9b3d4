# SPDX-License-Identifier: Apache-2.0
"""Sign-in by an identity provider: code with PKCE, state and nonce, against a provider that checks them."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from conftest import Answered, Running, Start
from console_kit import Browser
from guiju.config_console import ConsoleSettings, OidcSettings
from guiju.records import acts, members
from oidc_kit import CLIENT, SECRET, OidcProvider, oidc_provider

ME = {"sub": "1", "email": "lin@example.cn", "email_verified": True}


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with oidc_provider() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(start_once: Start, provider: OidcProvider) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GUIJU_TEST_OIDC", SECRET)
        oidc = OidcSettings(
            issuer=provider.issuer, client=CLIENT, secret_env="GUIJU_TEST_OIDC", claim="email", scope="openid email"
        )
        made = start_once(overlay=(("console", ConsoleSettings(oidc=oidc)),))
        provider.back = {f"http://localhost:{made.port}/console/sign-in/back"}
        members.add(made.house.store, "林", "reviewer", "test", int(time.time()), "lin@example.cn")
        yield made


@pytest.fixture(autouse=True)
def _fresh(provider: OidcProvider) -> None:
    provider.login, provider.err, provider.signs = dict(ME), {}, None


def sent(browser: Browser, **more: str) -> str:
    """The address to which the browser is sent."""
    answer = browser.post("/console/sign-in/oidc", more)
    assert answer.status == 303
    return answer.headers["location"]


def agreed(address: str) -> str:
    """The path with which the provider sends the browser back."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    back = connection.getresponse().headers["location"]
    connection.close()
    return urlsplit(back).path + "?" + urlsplit(back).query


def back(browser: Browser, **more: str) -> Answered:
    """A whole sign-in."""
    return browser.get(agreed(sent(browser, **more)), sec_fetch_site="cross-site")


@pytest.mark.slow
def test_who_is_entered_signs_in_and_goes_on(gateway: Running) -> None:
    browser = Browser(gateway.port)
    assert b"Sign in with 127.0.0.1" in browser.get("/console/sign-in").body
    address = sent(browser, next="/console/help/shortcuts")
    asked = parse_qs(urlsplit(address).query)
    assert asked["scope"] == ["openid email"]
    assert len(asked["code_challenge"][0]) == 43
    answer = browser.get(agreed(address), sec_fetch_site="cross-site")
    assert answer.status == 200
    assert b'content="0;url=/console/help/shortcuts"' in answer.body
    assert browser.get("/console/me").status == 200
    signed = acts.latest(gateway.house.store, kind="sign_in", most=1)[0]
    assert (signed.subject, signed.role, bool(signed.evidence)) == ("oidc", "reviewer", True)


@pytest.mark.parametrize(
    "err",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another client"},
        {"aud": [CLIENT, "another client"]},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"email": "somebody@example.cn"},
        {"email": None},
        {"email": ["lin@example.cn"]},
        {"email_verified": False},
        {"email_verified": "true"},
    ],
    ids=str,
)
def test_a_token_that_does_not_hold_signs_nobody_in(
    gateway: Running, provider: OidcProvider, err: dict[str, object]
) -> None:
    provider.err = err
    browser = Browser(gateway.port)
    assert back(browser).status == 401
    assert "guiju_session" not in browser.cookies


def test_what_comes_back_must_be_what_was_asked(gateway: Running, provider: OidcProvider) -> None:
    browser, other = Browser(gateway.port), Browser(gateway.port)
    path = agreed(sent(browser))
    assert other.get(path).status == 401, "another browser"
    assert browser.get(path.replace("state=", "state=x")).status == 401
    assert browser.get(path).status == 401, "what was remembered is taken once"
    path = agreed(sent(browser))
    code = parse_qs(urlsplit(path).query)["code"][0]
    provider.codes[code]["code_challenge"] = "A" * 43
    assert browser.get(path).status == 401, "another verifier"
    path = agreed(sent(browser))
    assert browser.get(path + "&iss=http://127.0.0.1:1").status == 401, "another provider answers"
    path = agreed(sent(browser))
    first = browser.get(path)
    assert first.status == 200
    replayed = Browser(gateway.port)
    sent(replayed)
    assert replayed.get(path).status == 401, "a code of somebody else's sign-in"
    provider.signs = type(provider.key).generate_key(2048, {"kid": "one"})
    assert back(Browser(gateway.port)).status == 401, "another key"


def test_a_link_is_taken_up_with_a_login(gateway: Running, provider: OidcProvider) -> None:
    store, now = gateway.house.store, int(time.time())
    who = members.add(store, "陈", "lead", "test", now)
    provider.login = {**ME, "email": "chen@example.cn"}
    assert back(Browser(gateway.port)).status == 401, "nobody is entered by signing in"
    link = members.invite(store, who.id, "test", now)
    browser = Browser(gateway.port)
    assert b"Use 127.0.0.1 instead" in browser.get("/console/begin?link=" + link).body
    assert back(browser, link=link).status == 200
    assert b"\xe9\x99\x88" in browser.get("/console/me").body
    assert back(Browser(gateway.port)).status == 200
    assert back(Browser(gateway.port), link=link).status == 410
    members.remove(store, who.id, "test", now)
    assert back(Browser(gateway.port)).status == 401
    assert browser.get("/console/me").status == 303


def test_a_provider_that_is_away_is_told_so(gateway: Running, provider: OidcProvider) -> None:
    live = gateway.house.live
    before = live.settings
    nowhere = msgspec.structs.replace(before.console.oidc, issuer="http://127.0.0.1:9")
    live.settings = msgspec.structs.replace(before, console=ConsoleSettings(oidc=nowhere))
    answer = Browser(gateway.port).post("/console/sign-in/oidc")
    live.settings = before
    assert answer.status == 503
    assert b"can&#39;t be reached" in answer.body
