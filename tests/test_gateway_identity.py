# SPDX-License-Identifier: Apache-2.0
"""Real identity by signed assertion (Article 9): believed only when it verifies, kept only as a verdict."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from conftest import Running, Start
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Issuer

SECRET = "s" * 40
DOCUMENT = "110101199003070134"


def assertion(key: OctKey | RSAKey, **more: Any) -> str:
    """A signed assertion; `more` replaces or adds claims."""
    now = int(time.time())
    claims = {"iss": "id.example", "aud": "guiju", "sub": DOCUMENT, "jti": "t-1", "iat": now, "exp": now + 300}
    header = {"alg": "HS256"} if isinstance(key, OctKey) else {"alg": "RS256", "kid": key.kid or ""}
    return jwt.encode(header, {**claims, "method": "cn_mobile_realname", **more}, key)


def issuer(**where: str) -> tuple[tuple[str, object], ...]:
    """Settings that ask for a phone-verified identity from one issuer."""
    one = Issuer(
        issuer="id.example", audience="guiju", levels={"cn_mobile_realname": "phone", "cn_netid": "network_id"}, **where
    )
    return (("gateway.identity", "phone"), ("issuer", (one,)))


@pytest.fixture
def gate(start: Start, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A gateway that asks for real names; the issuer signs with a shared secret."""
    monkeypatch.setenv("TEST_ISSUER", SECRET)
    return start(overlay=issuer(secret_env="TEST_ISSUER"))


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
    [
        {"iss": "somebody.else"},
        {"aud": "another"},
        {"exp": 1},
        {"exp": None},
        {"iat": 9_999_999_999},
        {"sub": None},
        {"method": "unheard_of"},
    ],
    ids=str,
)
def test_an_assertion_that_does_not_fit_is_no_identity(gate: Running, claims: dict[str, Any]) -> None:
    token = assertion(OctKey.import_key(SECRET), **claims)
    answer = gate.chat("[[say:好]]", headers={"x-guiju-identity": token})
    assert (answer.status, answer.json["error"]["code"]) == (403, "real_name_required")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.", assertion(OctKey.import_key("w" * 40))])
def test_what_does_not_verify_is_no_identity(gate: Running, token: str) -> None:
    answer = gate.chat("[[say:好]]", headers={"x-guiju-identity": token})
    assert answer.status == 403
    assert answer.headers["x-should-retry"] == "false"


def test_the_user_field_and_other_headers_say_nothing_about_identity(gate: Running) -> None:
    answer = gate.chat("[[say:好]]", user="verified", headers={"x-user-level": "document", "x-forwarded-user": "li"})
    assert answer.status == 403


def test_keys_of_an_issuer_come_from_a_file_or_an_address_and_may_rotate(start: Start, tmp_path: Path) -> None:
    first, second = RSAKey.generate_key(2048, auto_kid=True), RSAKey.generate_key(2048, auto_kid=True)
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [first.as_dict(private=False)]}))
    gateway = start(overlay=issuer(jwks_file=str(path)))
    assert gateway.chat("[[say:好]]", headers={"x-guiju-identity": assertion(first)}).status == 200
    assert gateway.chat("[[say:好]]", headers={"x-guiju-identity": assertion(second)}).status == 403


def test_an_issuer_that_is_down_closes_the_door_to_new_persons(start: Start) -> None:
    gateway = start(overlay=issuer(jwks_url="http://127.0.0.1:9/jwks"))
    token = assertion(RSAKey.generate_key(2048, auto_kid=True))
    answer = gateway.chat("[[say:好]]", headers={"x-guiju-identity": token})
    assert (answer.status, answer.json["error"]["code"]) == (503, "guard_unavailable")


def test_the_model_gets_a_keyed_hash_of_the_person(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ISSUER", SECRET)
    with ScriptedModel() as model:
        gateway = start(upstream=model.url, overlay=issuer(secret_env="TEST_ISSUER"))
        gateway.chat("[[say:好]]", user="li", headers={"x-guiju-identity": assertion(OctKey.import_key(SECRET))})
        sent = model.requests[-1]
    assert len(sent["safety_identifier"]) == 32
    assert "user" not in sent
    assert DOCUMENT not in json.dumps(sent)
