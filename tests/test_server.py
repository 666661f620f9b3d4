# SPDX-License-Identifier: Apache-2.0
"""What changes while the service runs, and what stops it from starting."""

from __future__ import annotations

import asyncio
import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from conftest import CANARIES, KEY, Running, Start
from guiju import composition, renewal
from guiju.config import parse
from guiju.controls.drills import LATER, READ_BACK, TOLD
from guiju.controls.evaluation import LATER as UNASKED
from guiju.controls.matters import ALL as MATTERS
from guiju.detect import lexicon
from guiju.errors import ConfigError, OutsideError
from guiju.records import accounts, changes, lexicons
from guiju.server import exempt
from notices_kit import SERVICE
from test_law import without

NOW = changes.Terms(weakens=False, by="a person", now=int(time.time()), delay=0)


def until(true: Callable[[], object], seconds: float = 8.0) -> Any:
    """Wait for something to become true; returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if made := true():
            return made
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def apply(gateway: Running, text: str) -> None:
    """Put a word list into force, as `guiju lexicon apply` does in another process."""
    lexicons.apply(gateway.house.store, "main", lexicon.read(text.encode(), "main.csv"), NOW)


@pytest.mark.slow
def test_lists_and_keys_of_the_store_reach_a_running_gateway(start: Start) -> None:
    gateway = start(lexicon="")
    assert gateway.chat("你好").status == 503
    apply(gateway, CANARIES)
    until(lambda: gateway.chat("[[say:好]]").status == 200)
    assert gateway.chat("规矩金丝雀").status == 400
    apply(gateway, CANARIES + "新词汇表,A.1f,block\n")
    until(lambda: gateway.chat("说 新词汇表").status == 400)
    house = gateway.house
    account = accounts.create_account(house.store, "shop", int(time.time()))
    record = accounts.KeyRecord(id="", account=account.id, prefix="", name="app")
    secret, made = accounts.create_key(house.store, house.secrets, record)
    until(lambda: gateway.chat("[[say:好]]", key=secret).status == 200)
    accounts.revoke_key(house.store, account.id, made.id, int(time.time()))
    until(lambda: gateway.chat("[[say:好]]", key=secret).status == 401)


def test_every_change_is_evidence(start: Start) -> None:
    gateway = start(lexicon="")
    apply(gateway, CANARIES)
    apply(gateway, CANARIES.replace("guijucanary,A.1f,block\n", ""))
    found = until(
        lambda: [
            e["body"]
            for e in gateway.entries()
            if e["kind"] == "change" and e["body"]["kind"] == "lexicon" and e["body"]["weakens"]
        ]
    )
    assert found[0]["single_mode"] is True
    assert found[0]["proposed_by"] == "a person"
    until(lambda: not changes.without_evidence(gateway.house.store))
    assert [e for e in gateway.entries() if e["kind"] == "change" and e["body"]["kind"] == "settings"]


def reload(gateway: Running) -> dict[str, Any]:
    """Have the gateway read its settings again, as SIGHUP does."""
    asyncio.run_coroutine_threadsafe(renewal.reload(gateway.house, gateway.base), gateway.loop).result(10)
    return json.loads((gateway.data / "reload.json").read_text())


@pytest.mark.slow
def test_settings_are_swapped_when_they_parse_and_kept_when_they_do_not(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "guiju.toml"
    config.write_text("")
    gateway = start(config=config)
    assert gateway.chat("[[say:好]]").json["choices"][0]["message"]["content"] == "好"
    config.write_text('[gateway]\nlabel = "start"\n')
    assert reload(gateway)["ok"]
    assert gateway.chat("[[say:好]]").json["choices"][0]["message"]["content"] == "【AI生成】\n好"
    for broken in (
        "[gateway\n",
        '[gateway]\nlabel = "sideways"\n',
        "[gateway]\nno_such = 1\n",
        'mode = "production"\n',
    ):
        config.write_text(broken)
        outcome = reload(gateway)
        assert not outcome["ok"]
        assert outcome["what"]
    assert gateway.chat("[[say:好]]").json["choices"][0]["message"]["content"] == "【AI生成】\n好"


def test_a_canary_that_is_answered_is_not_ready(start: Start) -> None:
    gateway = start()
    until(lambda: gateway.ask("GET", "/readyz", key="").status == 200)
    every = set(gateway.house.live.policy.controls.ids) - LATER - READ_BACK - UNASKED - {one.id for one in MATTERS}

    def proved() -> list[dict[str, Any]]:
        """The proofs, once each control has one: of the canary, of replays, of how complaints stand."""
        proofs = [e["body"] for e in gateway.entries() if e["kind"] == "proof"]
        return proofs if {control for one in proofs for control in one["controls"]} == every else []

    proofs = until(proved)
    assert all(one["passed"] is True for one in proofs if one["controls"] != [TOLD]), (
        "who says nothing in public is told"
    )
    page = gateway.ask("GET", "/metrics", key="").body.decode()
    assert "guiju_requests_total{" not in page


@pytest.mark.parametrize("control", ["words.input", "words.output", "label"])
def test_a_gateway_with_a_control_asleep_does_not_start(start: Start, control: str) -> None:
    with pytest.raises(ConfigError) as caught:
        start(every=without(control), checked=True)
    assert control in str(caught.value)


@pytest.mark.slow
def test_production_refuses_gaps_and_names_them(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "guiju.toml"
    config.write_text('mode = "production"\n')
    with pytest.raises(ConfigError) as caught:
        start(config=config)
    assert "provider.code" in str(caught.value)
    said = tmp_path / "texts.toml"
    said.write_text(SERVICE, "utf-8")
    named = 'mode = "production"\n[provider]\ncode = "001191110000600037341L10000"\n'
    config.write_text(named)
    with pytest.raises(ConfigError) as caught:
        start(config=config)
    assert "gateway.texts" in str(caught.value)
    config.write_text(f'{named}[gateway]\ntexts = "{said}"\n')
    with pytest.raises(ConfigError) as caught:
        start(config=config)
    assert "15.a" in str(caught.value)
    assert "6.b" in str(caught.value)
    config.write_text('[provider]\ncode = "001191110000600037342L10000"\n')
    with pytest.raises(ConfigError):
        start(config=config)


def test_an_address_beyond_loopback_needs_tls_or_a_proxy(start: Start) -> None:
    with pytest.raises(ConfigError) as caught:
        start(overlay=(("serve.host", "192.0.2.1"),))
    assert "behind_proxy" in str(caught.value)


def test_a_second_process_on_the_same_data_has_its_own_ledger(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "shared"
    one, two = start(data=data), start(data=data)
    assert one.house.ledger.writer != two.house.ledger.writer
    assert one.chat("[[say:好]]").status == two.chat("[[say:好]]").status == 200


class Down:
    """A store that can't be reached."""

    def __getattr__(self, name: str) -> NoReturn:
        raise OutsideError("store_unavailable")


@pytest.mark.slow
def test_store_down_is_503_and_never_401(start: Start) -> None:
    """From the first read that fails on; a key that the operator gave goes on, and a store that is back is believed."""
    gateway = start()
    store = gateway.house.store

    def becomes(status: int) -> None:
        deadline = time.monotonic() + 20
        while gateway.chat("hi", key="gj-made-since").status != status:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    becomes(401)
    gateway.house.store = Down()  # type: ignore[assignment] # it answers nothing
    try:
        becomes(503)
        assert gateway.chat("[[say:好]]", key=KEY).status == 200
        for _ in range(5):
            assert gateway.chat("hi", key="gj-made-since").status == 503
    finally:
        gateway.house.store = store
    becomes(401)


def test_connections_are_limited_by_address_where_addresses_mean_something() -> None:
    """Behind a proxy one address stands for everybody; in development this machine is exempt."""
    assert exempt(parse({"serve": {"behind_proxy": True}, "mode": "production"})) is None
    assert exempt(parse({"mode": "production"})) == frozenset()
    assert exempt(parse({})) == {"127.0.0.1", "::1"}


@pytest.mark.slow
def test_an_entry_goes_out_of_force_with_its_last_day(start: Start, tmp_path: Path) -> None:
    """A gateway that runs over midnight (UTC+8) reads its lists again, and their version says how many entries went."""
    listed = "term,category,severity,expires\n规矩金丝雀,own.a,block,{}\n别的词,own.b,block,\n"
    today = composition.today()
    gateway = start(lexicon=listed.format(today))
    assert gateway.chat("规矩金丝雀").status == 400
    (tmp_path / "words0.csv").write_text(listed.format(today - datetime.timedelta(days=1)), "utf-8")
    gateway.house.day -= datetime.timedelta(days=1)  # as if the lists had been read yesterday
    deadline = time.monotonic() + 10
    while gateway.chat("规矩金丝雀").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert gateway.house.live.policy.lexicon.partition("+")[0].endswith("-1")
    assert gateway.chat("别的词").status == 400


@pytest.mark.slow
def test_without_a_list_there_is_no_canary_and_no_proof(start: Start) -> None:
    gateway = start(lexicon="")
    time.sleep(2.5)
    assert gateway.ask("GET", "/readyz").json["facts"]["canary"] is False
    proved = {
        control for entry in gateway.entries() if entry["kind"] == "proof" for control in entry["body"]["controls"]
    }
    assert proved <= {one.id for one in gateway.house.live.policy.controls.looked}


def test_a_list_that_stays_the_same_keeps_its_matcher() -> None:
    every = composition.controls("none")

    def made(terms: str, version: str = "1") -> object:
        entries = lexicon.read(f"term,category,severity\n{terms},A.1f,block\n".encode(), "own.csv")
        return composition.policy(entries, version, "canary", every, "sentence").words

    one = made("规矩金丝雀")
    assert made("规矩金丝雀") is one
    assert made("规矩金丝雀", "2") is not one
    assert made("另一个金丝雀", "2") is not one
