# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL goes away under load, in every way that it can: 503 and never 401, nothing passes unchecked, nothing that
was acknowledged is lost, and all is well again within ten seconds, without a restart (robustness F2).

`GUIJU_OUTAGES` says how often it goes (3; 20 in full).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster_kit import Cluster, cluster
from guiju.adapters.scripted import ScriptedModel
from guiju.records import accounts, usage
from guiju.records.accounts import KeyRecord
from guiju.records.db import Store
from guiju.records.secrets import Secrets
from guiju.records.use import day_of
from lengths import SPEED
from load_kit import Traffic, all_in_the_books, nothing_passed, traffic
from outage_proxy import OutageProxy
from serving import Served, served

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
OUTAGES = int(os.environ.get("GUIJU_OUTAGES", "3"))
BACK_S = 10.0 * SPEED
SETTINGS = """
[store]
url = "postgresql://postgres@127.0.0.1:{port}/postgres"
[evidence]
ledger = "{ledger}"
[[upstream]]
name = "scripted"
url = "{url}"
"""
Outage = tuple[Callable[[], None], Callable[[], None]]


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server that may be stopped."""
    with cluster() as one:
        yield one


def outages(server: Cluster, proxy: OutageProxy) -> dict[str, Outage]:
    """How each outage begins and ends."""
    return {
        "refuses": (lambda: proxy.leave("refuses"), proxy.come_back),
        "resets": (lambda: proxy.leave("resets"), proxy.come_back),
        "silent": (lambda: proxy.leave("silent"), proxy.come_back),
        "deaf": (lambda: proxy.leave("deaf"), proxy.come_back),
        "stopped": (lambda: server.stop("fast"), server.start),
        "crashed": (lambda: server.stop("immediate"), server.start),
        "halted": (server.halt, server.go_on),
    }


def a_key(url: str, data: Path) -> str:
    """A key in the store, made past the proxy."""
    store = Store.open(url, data)
    accounts.ensure_account(store, "a", 0)
    wanted = KeyRecord(
        id="", account="a", prefix="", name="app", requests_per_minute=-1, streams=-1, tokens_per_day=10**9
    )
    secret, _ = accounts.create_key(store, Secrets.open(data / "keys"), wanted)
    store.close()
    return secret


def spent(url: str, data: Path) -> int:
    """What the store knows of tokens that were used."""
    store = Store.open(url, data)
    with store.read() as connection:
        used = usage.of_day(connection, day_of(time.time()))
    store.close()
    return sum(one.tokens for one in used.values())


def back(gateway: Served, asking: Traffic, server: Cluster, began: float) -> float:
    """Wait until all is well: it says so, a key is known that was made a moment ago, and what was used is written down.
    Returns the seconds that it took."""
    fresh = Traffic(asking.port, a_key(server.url, gateway.data))
    before = spent(server.url, gateway.data)
    well: dict[str, float] = {}
    checks: dict[str, Callable[[], bool]] = {
        "ready": lambda: gateway.ask("GET", "/readyz").status == 200,
        "reads": lambda: fresh.ask("harmless").status == 200,
        "serves": lambda: asking.ask("harmless").status == 200,
        "writes": lambda: spent(server.url, gateway.data) > before,
    }
    while len(well) < len(checks):
        for name, check in checks.items():
            if name not in well and check():
                well[name] = time.monotonic() - began
        assert time.monotonic() - began < 90, f"{sorted(set(checks) - set(well))} did not come back"
        time.sleep(0.05)
    return max(well.values())


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("ledger", ["file", "store"])
def test_the_store_goes_away_under_load(ledger: str, server: Cluster, tmp_path: Path, model: ScriptedModel) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, {OUTAGES} outages")
    chance = random.Random(seed)
    server.ask(f"CREATE SCHEMA IF NOT EXISTS {ledger}; ALTER ROLE postgres SET search_path = {ledger}")
    data = tmp_path / "data"
    key = a_key(server.url, data)
    slowest = 0.0
    with OutageProxy(server.port) as proxy:
        every = outages(server, proxy)
        order = [*every] * (OUTAGES // len(every) + 1)
        chance.shuffle(order)
        settings = SETTINGS.format(port=proxy.port, ledger=ledger, url=model.url)
        with served(tmp_path, settings) as gateway, traffic(gateway.port, key) as asking:
            while not any(one.status == 200 for one in asking.seen):
                time.sleep(0.05)
            for name in order[:OUTAGES]:
                leave, come_back = every[name]
                leave()
                gone = time.monotonic()
                time.sleep(chance.uniform(0.3, 2.5))
                come_back()
                returned = time.monotonic()
                took = back(gateway, asking, server, returned)
                during = asking.between(gone, returned)
                print(
                    f"{gone:.2f} {returned:.2f} {name}: {returned - gone:.1f} s, back in {took:.1f} s, {len(during)} answers meanwhile"
                )
                slowest = max(slowest, took)
        public = Secrets.open(data / "keys").signing.public_key().public_bytes_raw()
    print(sorted(asking.counted().items()))
    nothing_passed(asking.seen)
    place = server.url if ledger == "store" else str(data / "ledger")
    print(
        f"{OUTAGES} outages, slowest return {slowest:.1f} s, {all_in_the_books(asking.seen, place, public)} answers in the books"
    )
    assert slowest <= BACK_S
