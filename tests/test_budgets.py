# SPDX-License-Identifier: Apache-2.0
"""A key's tokens a day: counted from the model service's usage, refused when spent, kept over a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from conftest import KEY, Running, Start
from fault_upstream import DONE, Call, FaultUpstream, answer, chunk, say, whole
from guiju.config import Limits
from guiju.errors import OutsideError
from guiju.records import accounts, usage
from guiju.records.accounts import KeyRecord
from guiju.records.db import Store
from guiju.records.secrets import Secrets
from guiju.records.usage import Tally, Used
from guiju.records.use import day_of
from places import BOTH, Place, place
from serving import served

MINE = "gj-budget"
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
NOON = 1_800_000_000


def with_key(gateway: Running, budget: int, secret: str = MINE) -> None:
    """Give the gateway a key of a budget."""
    record = gateway.house.live.keyring.find(KEY, 0)
    assert record is not None
    mine = msgspec.structs.replace(record, id=secret, tokens_per_day=budget)
    gateway.house.live.keyring.with_static(secret, mine)


def spent(gateway: Running, secret: str = MINE) -> int:
    """What the gateway knows of a key."""
    return gateway.house.live.tally.spent(secret, time.time())


def stored(gateway: Running) -> dict[str, Used]:
    """What the store holds, once the gateway has written."""
    live, store = gateway.house.live, gateway.house.store
    asyncio.run_coroutine_threadsafe(live.tally.settle(store, time.time()), gateway.loop).result(10)
    with store.read() as connection:
        return usage.of_day(connection, day_of(time.time()))


async def counts(call: Call) -> None:
    """An answer with usage."""
    if call.stream:
        made = b"".join(say("好")) + chunk(finish="stop") + b'data: {"choices":[],"usage":%s}\n\n' + DONE
        await call.send(answer(True, made % msgspec.json.encode(USAGE)))
    else:
        await call.send(answer(False, whole("好", usage=USAGE)))


async def counts_nothing(call: Call) -> None:
    """An answer without usage."""
    await call.send(answer(call.stream))


async def counts_nonsense(call: Call) -> None:
    """An answer whose usage can't be true."""
    await call.send(answer(False, whole("四个字呀", usage=dict.fromkeys(USAGE, -5))))


async def refuses(call: Call) -> None:
    """No answer."""
    await call.send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


async def vectors(call: Call) -> None:
    """One vector."""
    made = {"data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 9, "total_tokens": 9}}
    await call.send(answer(False, msgspec.json.encode(made)))


@pytest.fixture(scope="module")
def service() -> Iterator[FaultUpstream]:
    """The service whose usage is known."""
    scripts = {"counts": counts, "nothing": counts_nothing, "nonsense": counts_nonsense, "refuses": refuses}
    with FaultUpstream({**scripts, "vectors": vectors}) as one:
        yield one


def test_usage_is_counted_and_a_spent_budget_refuses(start: Start, service: FaultUpstream) -> None:
    gateway = start(upstream=service.url)
    with_key(gateway, 20)
    for stream in (False, True):
        assert gateway.chat("hi", model="counts", stream=stream, key=MINE).status == 200
    assert spent(gateway) == 14
    assert gateway.ask("POST", "/v1/embeddings", {"model": "vectors", "input": "x"}, key=MINE).status == 200
    assert spent(gateway) == 23
    asked = len(service.asked)
    for path, body in (
        ("/v1/chat/completions", {"model": "counts", "messages": [{"role": "user", "content": "hi"}]}),
        ("/v1/embeddings", {"model": "vectors", "input": "x"}),
    ):
        refused = gateway.ask("POST", path, body, key=MINE)
        assert (refused.status, refused.json["error"]["code"]) == (403, "quota_exceeded")
        assert refused.headers["x-should-retry"] == "false"
    assert len(service.asked) == asked
    assert gateway.ask("POST", "/v1/moderations", {"input": "x"}, key=MINE).status == 200, "no model is asked"
    assert gateway.chat("hi", model="counts").status == 200, "the operator's own key has no budget"
    assert stored(gateway) == {MINE: Used("operator", 23, 0)}
    assert spent(gateway) == 23


@pytest.mark.slow
def test_without_usage_half_of_the_characters_are_counted_as_an_estimate(start: Start, service: FaultUpstream) -> None:
    gateway = start(upstream=service.url)
    with_key(gateway, 10_000)
    answered = gateway.chat("七个字的问题呀", model="nothing", key=MINE)
    characters = len("七个字的问题呀" + answered.json["choices"][0]["message"]["content"])
    assert spent(gateway) == (characters + 1) // 2
    assert gateway.chat("七个字的问题呀", model="nothing", stream=True, key=MINE).status == 200
    assert spent(gateway) == (characters + 1) // 2 * 2
    before = spent(gateway)
    gateway.chat("四个字吧", model="nonsense", key=MINE)
    assert spent(gateway) == before + 4
    gateway.chat("hi", model="counts", key=MINE)
    assert stored(gateway) == {MINE: Used("operator", before + 4 + 7, before + 4)}


def test_what_the_model_did_not_work_on_is_not_counted(start: Start, service: FaultUpstream) -> None:
    gateway = start(upstream=service.url)
    with_key(gateway, 10_000)
    assert gateway.chat("hi", model="refuses", key=MINE).status == 502
    assert gateway.chat("规矩金丝雀", model="counts", key=MINE).status == 400
    assert spent(gateway) == 0


@pytest.mark.slow
def test_the_budget_of_the_settings(start: Start, service: FaultUpstream) -> None:
    """0 takes that of the settings, below 0 is none, above 0 a key's own."""
    limits = msgspec.structs.replace(Limits(), tokens_per_day=7)
    gateway = start(upstream=service.url, overlay=(("limits", limits),))
    for secret, budget, second in (("gj-as-said", 0, 403), ("gj-none", -1, 200), ("gj-own", 8, 200)):
        with_key(gateway, budget, secret)
        assert [gateway.chat("hi", model="counts", key=secret).status for _ in range(2)] == [200, second], secret
    assert "gj-none" not in stored(gateway)


# ---------------------------------------------------------------- the store
@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with one account."""
    with place(request.param, tmp_path / "data") as made:
        opened = made.open()
        accounts.ensure_account(opened, "a", NOON)
        yield opened
        opened.close()


def test_sums_of_all_processes_and_after_a_restart(store: Store) -> None:
    one, two = Tally(), Tally()
    for tally, tokens in ((one, 5), (two, 30)):
        tally.load(store, NOON)
        tally.take("k", "a", NOON, tokens, estimated=tokens == 30)
        asyncio.run(tally.settle(store, NOON))
    assert (one.spent("k", NOON), two.spent("k", NOON)) == (5, 35)
    asyncio.run(one.settle(store, NOON))
    assert one.spent("k", NOON) == 35
    later = Tally()
    later.load(store, NOON)
    assert later.spent("k", NOON) == 35
    with store.read() as connection:
        assert usage.of_day(connection, day_of(NOON)) == {"k": Used("a", 35, 30)}


def test_a_new_day_begins_at_midnight_in_utc_8_and_old_days_go(store: Store) -> None:
    midnight = (day_of(NOON) + 1) * 86_400 - 8 * 3600
    tally = Tally()
    tally.load(store, NOON)
    tally.take("k", "a", midnight - 1, 5, estimated=False)
    assert (tally.spent("k", midnight - 1), tally.spent("k", midnight)) == (5, 0)
    tally.take("k", "a", midnight, 2, estimated=False)
    asyncio.run(tally.settle(store, midnight))
    assert tally.spent("k", midnight) == 2
    with store.read() as connection:
        assert usage.of_day(connection, day_of(NOON)) == {"k": Used("a", 5)}
    asyncio.run(tally.settle(store, NOON + (usage.KEPT_DAYS + 1) * 86_400))
    with store.read() as connection:
        assert usage.of_day(connection, day_of(NOON)) == {}


def test_what_could_not_be_written_is_written_later(store: Store) -> None:
    tally = Tally()
    tally.take("k", "a", NOON, 5, estimated=True)
    store.do(lambda c: c.execute(text("ALTER TABLE key_usage RENAME TO away")))
    with pytest.raises(OutsideError):
        asyncio.run(tally.settle(store, NOON))
    tally.take("k", "a", NOON, 1, estimated=False)
    assert tally.spent("k", NOON) == 6
    store.do(lambda c: c.execute(text("ALTER TABLE away RENAME TO key_usage")))
    asyncio.run(tally.settle(store, NOON))
    with store.read() as connection:
        assert usage.of_day(connection, day_of(NOON)) == {"k": Used("a", 6, 5)}


@pytest.mark.slow
def test_a_restart_does_not_forget(tmp_path: Path, service: FaultUpstream) -> None:
    data = Place("sqlite", tmp_path / "data")
    store = data.open()
    accounts.ensure_account(store, "a", 0)
    wanted = KeyRecord(id="", account="a", prefix="", name="app", tokens_per_day=14)
    secret, _ = accounts.create_key(store, Secrets.open(data.data / "keys"), wanted)
    store.close()
    settings = f'[[upstream]]\nname = "u"\nurl = "{service.url}"\n'
    body = msgspec.json.encode({"model": "counts", "messages": [{"role": "user", "content": "hi"}]})
    statuses = []
    for _ in range(3):
        with served(tmp_path, settings) as gateway:
            head = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
            statuses.append(gateway.ask("POST", "/v1/chat/completions", body, head).status)
    assert statuses == [200, 200, 403]
