# SPDX-License-Identifier: Apache-2.0
"""A gateway that asks for real identity can be evaluated all the same (Articles 4, 9): by the proof account, which passes
no gate that others don't, is nobody, and is counted nowhere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from conftest import KEY, Running, Start
from evaluation_kit import content, evaluate, settings, write
from guiju.adapters.scripted import ScriptedModel
from guiju.cli.evaluate_opening import proven
from guiju.errors import ConfigError
from guiju.law import book
from guiju.probe.targets import Target
from guiju.records import proof
from guiju.records.repeats import OWN_KEYS
from guiju.records.schema import person
from guiju.records.secrets import Secrets

pytestmark = pytest.mark.slow
RISKS = [one.id for one in book.risks()]


def drawn(gateway: Running, model: ScriptedModel) -> tuple[object, ...]:
    """The words of an evaluation of a running gateway, in whose own data directory it is kept."""
    settings(gateway.data, model.url)
    rows, _ = content(RISKS[:4], 2, 0.0, 1)
    file = write(gateway.data, "content", rows)
    whom = ("--bank", file, "--target", "gateway", "--gateway", gateway.base, "--data", gateway.data)
    return ("run", *whom, "--sample", "8")


def test_it_is_asked_as_nobody_and_counted_nowhere(
    start: Start, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = start(overlay=(("gateway.identity", "phone"),))
    words = drawn(gateway, model)
    monkeypatch.setenv("GUIJU_KEY", KEY)
    bare = evaluate(*words, cwd=gateway.data, status=None)["outcome"]["asked"]
    assert (bare["answered"], bare["failed"]) == (0, 8), "without an assertion nobody comes in, and this proves nothing"
    before = told(gateway)
    asked = evaluate(*words, "--seed", "2", "--as-proof", cwd=gateway.data, status=None)["outcome"]["asked"]
    assert (asked["answered"], asked["failed"]) == (8, 0)
    assert told(gateway) == before, "no figure moves"
    assert not gateway.house.known
    with gateway.house.store.read() as connection:
        kept = {row.account_id for row in connection.execute(person.select())}
    assert kept <= {"desk"}, "nobody is kept of it; the desk's are keys of what was asked"
    opened = [
        one["body"] for one in gateway.entries() if one["kind"] == "opened" and one["body"]["key"] == proof.KEY_ID
    ]
    assert len(opened) == 8, "the ledger has each exchange all the same"
    assert proof.KEY_ID in OWN_KEYS


def told(gateway: Running) -> list[str]:
    """What is counted of exchanges."""
    lines = gateway.ask("GET", "/metrics", key="").body.decode().splitlines()
    return [one for one in lines if one.startswith(("guiju_exchanges_total", "guiju_requests", "guiju_tokens"))]


@pytest.mark.parametrize("level", ["none", "phone"])
def test_its_key_alone_and_its_assertion_alone_open_nothing(start: Start, level: str) -> None:
    gateway = start(overlay=(("gateway.identity", level),))
    secrets, now = gateway.house.secrets, int(gateway.house.live.clock())
    key, good = proof.key(secrets), proof.assertion(secrets, now)

    def code(key: str, assertion: str = "") -> tuple[int, Any]:
        answer = gateway.chat("你好", key=key, headers={"x-guiju-identity": assertion} if assertion else None)
        return answer.status, (answer.json.get("error") or {}).get("code")

    assert code(key, good)[0] == 200
    wrong = (403, "real_name_required")
    assert code(key) == wrong, "the key asks for an assertion, whatever the gateway asks for"
    assert code(key, proof.assertion(secrets, now - 2 * proof.LONGEST_S)) == wrong
    assert code(KEY, good) == wrong, "its assertion is nobody's with another key"
    assert code("gj-proof-" + "0" * 32, good)[0] == 401


def test_another_installation_can_make_neither(start: Start, tmp_path: Any) -> None:
    gateway, other = start(), Secrets.open(tmp_path / "other")
    now = int(gateway.house.live.clock())
    assert proof.key(other) != proof.key(gateway.house.secrets)
    assert (
        gateway.chat("你好", key=proof.key(other), headers={"x-guiju-identity": proof.assertion(other, now)}).status
        == 401
    )
    forged = {"x-guiju-identity": proof.assertion(other, now)}
    assert gateway.chat("你好", key=proof.key(gateway.house.secrets), headers=forged).status == 403


def test_it_is_sent_nowhere_in_the_clear(tmp_path: Any) -> None:
    here = Target(kind="gateway", url="http://127.0.0.1:8080/v1", model="m", key_env="GUIJU_KEY")
    made = proven(here, tmp_path)
    assert (made.key_env, made.key[:9]) == ("", "gj-proof-")
    assert made.headers is not None
    assert set(made.headers()) == {"x-guiju-identity"}
    assert made.key not in repr(made)
    assert proven(msgspec.structs.replace(here, url="https://gate.example.zz/v1"), tmp_path).key == made.key
    for wrong in ({"url": "http://gate.example.zz/v1"}, {"kind": "url"}, {"kind": "raw"}):
        with pytest.raises(ConfigError):
            proven(msgspec.structs.replace(here, **wrong), tmp_path)
