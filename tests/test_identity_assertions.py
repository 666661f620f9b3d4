# SPDX-License-Identifier: Apache-2.0
"""Assertions of identity: what is believed, for how long, under which keys, and while the issuer is down (Article 9)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey
from sqlalchemy import select

from guiju.adapters import issuers
from guiju.adapters.claims import line_claims, signed_line, told
from guiju.adapters.identity import Assertions
from guiju.config import Issuer
from guiju.errors import CallerError, ConfigError, OutsideError
from guiju.records import assertions, retention, schema
from guiju.records.daykeys import DayKeys
from guiju.terms import Identity
from identity_kit import SECRET, Keys, Time, assertion, claims, generated, issuer, line, vouched
from places import BOTH, place

PEPPER = bytes(32)
ACCOUNT = "a" * 32


class Kept:
    """Knows some persons, and which assertions came."""

    def __init__(self) -> None:
        self.persons: set[str] = set()
        self.spent: set[bytes] = set()

    async def known(self, account: str, person: str, now: int) -> bool:
        """Whether the person is among them."""
        return person in self.persons

    async def spend(self, mark: bytes, until: int) -> bool:
        """Note that an assertion came."""
        new = mark not in self.spent
        self.spent.add(mark)
        return new


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return generated()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ISSUER", SECRET)


def shared(**more: Any) -> Assertions:
    """Who believes one issuer with a shared secret."""
    return Assertions([issuer(secret_env="TEST_ISSUER", **more)], PEPPER, books=Kept())


def verified(by: Assertions, token: str, account: str = ACCOUNT, later: int = 0) -> Identity:
    """One assertion, verified some seconds later than now."""
    return asyncio.run(by.verify(token, account, int(time.time()) + later))


def refused(by: Assertions, token: str, **more: Any) -> str:
    """The code with which one is refused."""
    with pytest.raises((CallerError, OutsideError)) as error:
        verified(by, token, **more)
    return error.value.code


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ({}, "phone"),
        ({"method": "cn_netid"}, "network_id"),
        ({"method": "unheard_of"}, "none"),
        ({"method": 7}, "none"),
        ({"verified_claims": vouched("cn_id_card")}, "document"),
        ({"verified_claims": [vouched("cn_mobile_realname"), vouched("cn_netid"), vouched("x")]}, "network_id"),
        ({"verified_claims": vouched("unheard_of")}, "none"),
        ({"verified_claims": {}}, "none"),
        ({"verified_claims": ["x", {"verification": 1}]}, "none"),
    ],
    ids=str,
)
def test_the_level_is_what_the_issuers_word_means_here(more: dict[str, Any], level: str) -> None:
    assert verified(shared(), assertion(**more)).level == level


@pytest.mark.parametrize(
    ("said", "band"),
    [
        ({"age_band": "16to17"}, "16to17"),
        ({"age_band": "child"}, "under14"),
        ({"age_band": "1988-02-03"}, ""),
        ({"birthdate": "1988-02-03"}, ""),
        ({"age_equal_or_over": {"18": True}}, "adult"),
        ({"age_equal_or_over": {"14": True, "16": True, "18": False}}, "16to17"),
        ({"age_equal_or_over": {"18": False}}, "under14"),
        ({"age_equal_or_over": {"18": "yes"}}, ""),
    ],
    ids=str,
)
def test_an_age_is_a_band_and_never_a_date(said: dict[str, Any], band: str) -> None:
    by = shared(ages={"child": "under14"})
    assert verified(by, assertion(**said)).age == band
    assert verified(by, assertion(verified_claims=vouched("cn_netid", about=said))).age == band


def test_verified_claims_outrank_what_stands_beside_them() -> None:
    token = assertion(method="cn_netid", age_band="adult", verified_claims=vouched("cn_mobile_realname"))
    identity = verified(shared(), token)
    assert (identity.level, identity.age) == ("phone", "")


def test_a_verification_grows_old_and_must_be_made_again() -> None:
    by = shared(reverify_days=30)
    time_of = lambda days: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86_400))  # noqa: E731 # one line, used three times
    for days, level in ((29, "document"), (31, "none")):
        assert verified(by, assertion(verified_claims=vouched("cn_id_card", time=time_of(days)))).level == level
    token = assertion(verified_claims=vouched("cn_id_card", time=time_of(29.999)))
    assert verified(by, token).level == "document"
    assert verified(by, token, later=100).level == "none", "it grew old while its assertion still held"
    assert refused(by, assertion(verified_claims=vouched("cn_id_card", time="2024-01-01"))) == "real_name_required"
    assert refused(by, assertion(verified_at=int(time.time()) + 3600)) == "real_name_required"


@pytest.mark.parametrize("jump", [-3600, 3600, 100 * 86_400])
def test_an_assertion_holds_by_the_clock_also_after_it_jumped(jump: int) -> None:
    by, token = shared(), assertion()
    assert verified(by, token).level == "phone"
    assert refused(by, token, later=jump) == "real_name_required"
    assert verified(by, token).level == "phone"


def test_an_assertion_that_holds_for_too_long_is_none() -> None:
    now = int(time.time())
    assert refused(shared(), assertion(exp=now + 86_401, iat=now)) == "real_name_required"
    assert verified(shared(longest_s=100_000), assertion(exp=now + 86_401, iat=now)).level == "phone"
    assert refused(shared(), assertion(nbf=now + 120)) == "real_name_required"


def test_an_assertion_may_be_for_some_accounts_alone() -> None:
    by = shared(accounts=(ACCOUNT,))
    token = assertion()
    assert verified(by, token).level == "phone"
    assert refused(by, token, account="b" * 32) == "real_name_required"
    one, other = (verified(shared(), token, account=account).person for account in (ACCOUNT, "b" * 32))
    assert one != other, "the same person is not known again in another account"


def test_an_assertion_that_may_come_once_comes_once() -> None:
    by, token = shared(replay="once"), assertion()
    assert verified(by, token).level == "phone"
    assert refused(by, token) == "real_name_required"
    assert refused(by, assertion(jti="")) == "real_name_required"
    assert verified(by, assertion(jti="t-2")).level == "phone"


@pytest.mark.parametrize("kind", BOTH)
def test_what_came_once_comes_to_no_process_again_also_when_the_clock_jumps_and_comes_back(
    kind: str, tmp_path: Path
) -> None:
    """Robustness F8: no token is valid twice."""
    with place(kind, tmp_path / "data") as here:
        stores = [here.open(), here.open()]
        one, other = (
            Assertions([issuer(secret_env="TEST_ISSUER", replay="once")], PEPPER, books=assertions.Kept(store))
            for store in stores
        )
        token = assertion()
        assert verified(one, token).level == "phone"
        for jump in (0, 3600, 100 * 86_400, -3600, 0):
            later = assertion(jti=f"t{jump}", iat=int(time.time()) + jump, exp=int(time.time()) + jump + 300)
            with contextlib.suppress(CallerError):
                verified(other, later, later=jump)  # another one comes while the clock is wrong
            assert refused(other, token) == "real_name_required"
        keys, over = DayKeys(here.data / "keys"), int(time.time()) + 400
        for at, kept in ((over + 86_000, 1), (over + 200 * 86_400, 0)):
            retention.sweep(stores[0], keys, at)
            with stores[0].read() as connection:
                marks = connection.execute(select(schema.assertion_seen)).all()
            assert bool(marks) == bool(kept), "a day after it ended it is forgotten"
        for store in stores:
            store.close()


def test_the_providers_own_application_may_sign_a_line() -> None:
    by = shared(kind="header")
    identity = verified(by, line(sub="user%2C7", age_band="adult"))
    assert (identity.level, identity.age) == ("phone", "adult")
    assert verified(by, line(sub="user%2C7")).person == identity.person
    good = line()
    for bad in (
        good.replace("phone", "netid").replace("cn_mobile_realname", "cn_netid"),
        good.replace("sub=person-1", "sub=person-2"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.partition(",v1=")[0],
        good.partition(",v1=")[0] + ",v1=zz",
        signed_line(b"w" * 40, claims()),
        line(aud="another"),
        line(exp=1),
        signed_line(SECRET.encode(), claims()).replace("iss=", "iss=x,iss="),
        assertion(),
    ):
        assert refused(by, bad) == "real_name_required", bad
    assert refused(shared(), good) == "real_name_required", "a line is no token"


@pytest.mark.slow
@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_nothing_that_is_written_in_the_header_breaks_it(text: str) -> None:
    by = Assertions([issuer(jwks_url="http://127.0.0.1:9/none")], PEPPER)
    assert refused(by, text) == "real_name_required"


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(sorted(claims())), st.none() | st.integers() | st.text() | st.lists(st.text())))
@settings(max_examples=300, deadline=None)
def test_claims_of_any_shape_are_read_or_refused(more: dict[str, Any]) -> None:
    told(issuer(), {**claims(), **more, "verified_claims": more}, int(time.time()))
    told(issuer(), {**claims(), **more}, int(time.time()))


@given(st.text(max_size=100))
def test_a_line_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        line_claims(text + ",v1=00")


@pytest.mark.parametrize("given_", [{"kind": "header", "jwks_url": "http://127.0.0.1:9/"}, {}])
def test_an_issuer_without_its_key_is_no_issuer(given_: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Assertions([issuer(**given_)], PEPPER)


# ------------------------------------------------------------------ keys at an address
Go = Callable[[Assertions, Keys, Time, Kept], Awaitable[None]]


@pytest.fixture
def server(key: RSAKey) -> Iterator[Keys]:
    with Keys(key) as made:
        yield made


def go(server: Keys, what: Go, **more: Any) -> None:
    """Run a test within one event loop, before issuers whose keys come from a server."""
    time_, kept = Time(), Kept()
    trusts: list[Issuer] = [issuer(jwks_url=server.url, **more)]
    asyncio.run(what(Assertions(trusts, PEPPER, books=kept, clock=time_), server, time_, kept))


async def code(by: Assertions, token: str) -> str:
    """`""` when it is believed, else why not."""
    try:
        await by.verify(token, ACCOUNT, int(time.time()))
    except (CallerError, OutsideError) as error:
        return error.code
    return ""


async def becomes(by: Assertions, token: str, wanted: str) -> bool:
    """Wait a little for a code: what is fetched beside the road comes when it comes."""
    for _ in range(500):
        if await code(by, token) == wanted:
            return True
        await asyncio.sleep(0.01)
    return False


def test_keys_rotate_and_those_that_were_taken_back_are_not_believed(server: Keys, key: RSAKey) -> None:
    second = generated()

    async def what(by: Assertions, server: Keys, clock: Time, kept: Kept) -> None:
        assert await code(by, assertion(key)) == ""
        assert await code(by, assertion(second)) == "real_name_required"
        asked = server.asked
        server.keys = (second,)
        assert await code(by, assertion(second)) == "real_name_required", "looked for once a minute, not more"
        assert server.asked == asked
        clock.now += issuers.AGAIN_S + 1
        assert await code(by, assertion(second)) == ""
        assert await code(by, assertion(key)) == "real_name_required", "believed a moment ago, under a key that is gone"

    go(server, what)


def test_keys_are_fetched_again_beside_the_road(server: Keys, key: RSAKey) -> None:
    async def what(by: Assertions, server: Keys, clock: Time, kept: Kept) -> None:
        assert await code(by, assertion(key)) == ""
        server.keys = (generated(),)
        clock.now += issuers.FRESH_S + 1
        assert await code(by, assertion(key)) == "", "the road does not wait"
        assert await becomes(by, assertion(key), "real_name_required")

    go(server, what)


def test_while_the_issuer_is_down_those_go_on_who_are_known_for_a_while(server: Keys, key: RSAKey) -> None:
    async def what(by: Assertions, server: Keys, clock: Time, kept: Kept) -> None:
        known, new = assertion(key), assertion(key, sub="person-2")
        kept.persons.add((await by.verify(known, ACCOUNT, int(time.time()))).person)
        server.down = True
        clock.now += issuers.FRESH_S + 1
        assert await becomes(by, new, "guard_unavailable")
        assert await code(by, known) == ""
        clock.now += issuers.GRACE_S - 10
        assert await code(by, known) == ""
        clock.now += 20
        assert await code(by, known) == "guard_unavailable"
        server.down = False
        clock.now += issuers.AGAIN_S + 1
        assert await becomes(by, new, "")
        assert (await code(by, known), await code(by, new)) == ("", "")

    go(server, what)


def test_an_issuer_that_was_never_there_is_asked_again_soon(server: Keys, key: RSAKey) -> None:
    async def what(by: Assertions, server: Keys, clock: Time, kept: Kept) -> None:
        server.down = True
        assert await code(by, assertion(key)) == "guard_unavailable"
        server.down = False
        assert await code(by, assertion(key)) == "guard_unavailable"
        assert server.asked == 1
        clock.now += issuers.SOON_S + 1
        assert await code(by, assertion(key)) == ""

    go(server, what)
