# SPDX-License-Identifier: Apache-2.0
"""Real identity by signed assertion (Article 9): believed only when it verifies, kept only as a verdict."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select

import identity_kit
from conftest import Running, Start
from fast_kit import few
from guiju.adapters.scripted import ScriptedModel
from guiju.errors import ConfigError
from guiju.records import schema
from identity_kit import SECRET
from places import BOTH, Place, place

DOCUMENT = "110101199003070134"


def assertion(key: OctKey | RSAKey | None = None, **more: Any) -> str:
    """A signed assertion about a person whom the issuer calls by a document number."""
    return identity_kit.assertion(key, **{"sub": DOCUMENT, **more})


def asking(**more: Any) -> tuple[tuple[str, object], ...]:
    """Settings that ask for a phone-verified identity from one issuer."""
    return (("gateway.identity", "phone"), ("issuer", (identity_kit.issuer(**more),)))


@pytest.fixture
def gate(start: Start, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A gateway that asks for real names; the issuer signs with a shared secret."""
    monkeypatch.setenv("TEST_ISSUER", SECRET)
    return start(overlay=asking(secret_env="TEST_ISSUER"))


def test_a_verified_person_is_served_and_kept_as_a_verdict_alone(gate: Running) -> None:
    token = assertion(OctKey.import_key(SECRET))
    answer = gate.chat("[[say:好]]", headers={"x-guiju-identity": token})
    assert answer.status == 200
    deadline = time.monotonic() + 5
    rows: list[Any] = []
    while not rows and time.monotonic() < deadline:
        with gate.house.store.read() as connection:
            rows = list(connection.exec_driver_sql("select level, method, verified_at, expires_at from person"))
    assert [row[0] for row in rows] == ["phone"]
    assert [row[1] for row in rows] == ["cn_mobile_realname"]
    everything = b"".join(path.read_bytes() for path in gate.data.rglob("*") if path.is_file())
    assert DOCUMENT.encode() not in everything
    assert token.encode() not in everything


@pytest.mark.parametrize(
    "claims",
    few(
        [
            {"iss": "somebody.else"},
            {"aud": "another"},
            {"exp": 1},
            {"exp": None},
            {"iat": 9_999_999_999},
            {"sub": None},
            {"method": "unheard_of"},
        ]
    ),
    ids=str,
)
def test_an_assertion_that_does_not_fit_is_no_identity(gate: Running, claims: dict[str, Any]) -> None:
    token = assertion(OctKey.import_key(SECRET), **claims)
    answer = gate.chat("[[say:好]]", headers={"x-guiju-identity": token})
    assert (answer.status, answer.json["error"]["code"]) == (403, "real_name_required")


@pytest.mark.parametrize("token", few(["", "x", "a.b.c", "e30.e30.", assertion(OctKey.import_key("w" * 40))]))
def test_what_does_not_verify_is_no_identity(gate: Running, token: str) -> None:
    answer = gate.chat("[[say:好]]", headers={"x-guiju-identity": token})
    assert answer.status == 403
    assert answer.headers["x-should-retry"] == "false"


def test_the_user_field_and_other_headers_say_nothing_about_identity(gate: Running) -> None:
    answer = gate.chat("[[say:好]]", user="verified", headers={"x-user-level": "document", "x-forwarded-user": "li"})
    assert answer.status == 403


@pytest.mark.slow
def test_keys_of_an_issuer_come_from_a_file_or_an_address_and_may_rotate(start: Start, tmp_path: Path) -> None:
    first, second = RSAKey.generate_key(2048, auto_kid=True), RSAKey.generate_key(2048, auto_kid=True)
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [first.as_dict(private=False)]}))
    gateway = start(overlay=asking(jwks_file=str(path)))
    assert gateway.chat("[[say:好]]", headers={"x-guiju-identity": assertion(first)}).status == 200
    assert gateway.chat("[[say:好]]", headers={"x-guiju-identity": assertion(second)}).status == 403


@pytest.mark.slow
def test_an_issuer_that_is_down_closes_the_door_to_new_persons(start: Start) -> None:
    gateway = start(overlay=asking(jwks_url="http://127.0.0.1:9/jwks"))
    token = assertion(RSAKey.generate_key(2048, auto_kid=True))
    answer = gateway.chat("[[say:好]]", headers={"x-guiju-identity": token})
    assert (answer.status, answer.json["error"]["code"]) == (503, "guard_unavailable")


def test_the_model_gets_a_keyed_hash_of_the_person(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ISSUER", SECRET)
    with ScriptedModel() as model:
        gateway = start(upstream=model.url, overlay=asking(secret_env="TEST_ISSUER"))
        gateway.chat("[[say:好]]", user="li", headers={"x-guiju-identity": assertion(OctKey.import_key(SECRET))})
        sent = model.requests[-1]
    assert len(sent["safety_identifier"]) == 32
    assert "user" not in sent
    assert DOCUMENT not in json.dumps(sent)


def test_a_door_may_ask_for_more_than_the_others(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ISSUER", SECRET)
    doors = ("gateway.identity_doors", {"images": "document"})
    gateway = start(overlay=(*asking(secret_env="TEST_ISSUER"), doors))
    assert gateway.chat("[[say:好]]", headers={"x-guiju-identity": assertion()}).status == 200
    picture = {"model": "scripted", "prompt": "[[say:好]]"}
    for method, status in (("cn_mobile_realname", 403), ("cn_id_card", 200)):
        headers = {"x-guiju-identity": assertion(method=method)}
        answer = gateway.ask("POST", "/v1/images/generations", picture, headers)
        assert answer.status == status
        if status == 403:
            told = answer.json["error"]["guiju"]
            assert (told["level"], told["level_required"]) == ("phone", "document")


def test_a_door_that_is_none_can_ask_for_nothing(start: Start) -> None:
    with pytest.raises(ConfigError) as error:
        start(overlay=(("gateway.identity_doors", {"image": "document"}),))
    assert "image" in str(error.value)


PLANTED = ("11010519491231002X", "440308199901010012", "13800138000", "E12345678")
"""What an issuer might write into an assertion, and nobody here may keep."""


def planted(number: str) -> list[tuple[str, int]]:
    """Assertions that carry a number wherever one could stand, and the status with which each is answered."""
    about = {"given_name": number, "birthdate": "1949-12-31", "document": {"number": number}}
    verified = identity_kit.vouched("cn_id_card", about=about, txn=number, evidence=[{"document_details": number}])
    good = identity_kit.assertion(sub=number, jti=number, name=number, verified_claims=verified)
    return [
        (good, 200),
        (good[:-4] + "AAAA", 403),
        (identity_kit.assertion(sub=number, exp=1), 403),
        (identity_kit.assertion(sub=number, method=number), 403),
        (identity_kit.assertion(iss=number), 403),
        (identity_kit.assertion(sub=number, age_band=number, aud=number), 403),
        (number, 403),
    ]


@pytest.fixture
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place that outlives the gateways: a schema that goes away under them is one that they still write to."""
    with place(request.param, tmp_path / "here") as one:
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("here", BOTH, indirect=True)
def test_no_document_number_is_anywhere_afterwards(
    here: Place, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TEST_ISSUER", SECRET)
    caplog.set_level(0)
    with ScriptedModel() as model:
        overlay = (*asking(secret_env="TEST_ISSUER"), ("store.url", here.url))
        gateway = start(upstream=model.url, overlay=overlay, data=here.data)
        told = b""
        for number in PLANTED:
            for token, status in planted(number):
                answer = gateway.chat("[[say:好]]", headers={"x-guiju-identity": token})
                assert answer.status == status
                told += answer.body + repr(answer.headers).encode()
        assert until(lambda: len(rows(here)) == len(PLANTED)), "not all persons were kept"
        told += gateway.ask("GET", "/metrics", key="").body + caplog.text.encode() + repr(model.requests).encode()
        told += b"".join(repr(row).encode() for row in everything(here))
        told += b"".join(path.read_bytes() for path in here.data.rglob("*") if path.is_file())
        assert rows(here)[0][0].encode() in told, "this test looks at the wrong places"
        for number in PLANTED:
            for spelled in (number.encode(), number.encode("utf-16-le"), base64.b64encode(number.encode())[:-4]):
                assert spelled not in told


def until(holds: Callable[[], bool]) -> bool:
    """Wait a little until something holds."""
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def rows(here: Place) -> list[Any]:
    """The persons that are kept."""
    store = here.open()
    try:
        with store.read() as connection:
            return list(connection.execute(select(schema.person.c.id, schema.person.c.level)))
    finally:
        store.close()


def everything(here: Place) -> list[Any]:
    """All rows of all tables."""
    store = here.open()
    try:
        with store.read() as connection:
            return [row for table in schema.metadata.sorted_tables for row in connection.execute(select(table))]
    finally:
        store.close()
