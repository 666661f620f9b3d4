# SPDX-License-Identifier: Apache-2.0
"""What /metrics tells (Article 14): read by Prometheus' own parser, of every part of the house, and never of a text."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families as parsed

from conftest import CANARIES, Running, Start
from guard_server import GuardServer, judge
from guiju import gauging, rehearsing
from guiju.config import Guard, Witness
from guiju.controls.drills import USED
from guiju.errors import OutsideError
from guiju.gateway.metrics import BOUNDS, FIGURES, Counts, Metrics, Times
from guiju.gateway.timeline import Hold
from guiju.gateway.wire.chat_reply import Piece
from guiju.records.accounts import KeyRecord, create_account, create_key
from guiju.records.db import Store
from tls_kit import certified

ELSEWHERE = {
    "guiju_telemetry_dropped_total": "test_telemetry.py",
    "guiju_regen_retests_total": "test_regeneration.py",
}
"""Figures that appear only once something has happened that other tests make happen."""
TEXTS = ("规矩金丝雀", "留意此词", "海棠巷的邱师傅")
NAMES = {"app-of-somebody"}


def until(true: object, seconds: float = 10.0) -> None:
    """Wait for a predicate."""
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def scrape(gateway: Running) -> dict[str, Metric]:
    """One scrape, as an independent parser reads it."""
    page = gateway.ask("GET", "/metrics", key="")
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {one.name: one for one in parsed(page.body.decode())}


def value(found: dict[str, Metric], name: str, **labels: str) -> float:
    """The value of one series."""
    family = found[name.removesuffix("_total").removesuffix("_count")]
    return next(
        sample.value for sample in family.samples if sample.name == name and labels.items() <= sample.labels.items()
    )


@pytest.fixture(scope="module")
def gateway(start_once: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway of which each part has done something once."""
    folder = tmp_path_factory.mktemp("seen")
    cert, secret = certified(folder)
    with GuardServer(judge) as guard:
        settings = {"id": "main", "kind": "qwen3guard", "url": guard.url, "model": "g", "timeout_ms": 3000}
        running = start_once(
            overlay=(
                ("evidence.witness", (Witness(kind="file", path=str(folder / "witness")),)),
                ("evidence.checkpoint_every_s", 0.1),
                ("provider.c2pa_certificate", str(cert)),
                ("provider.c2pa_key", str(secret)),
                ("guard", (msgspec.convert(settings, Guard),)),
            ),
        )
        house = running.house
        account = create_account(house.store, "somebody", int(time.time()))
        later = int(time.time()) + 3600
        record = KeyRecord(id="", account=account.id, prefix="", name="app-of-somebody", expires_at=later)
        create_key(house.store, house.secrets, record)
        for stream in (False, True):
            assert running.chat("[[say:好的，这是一个回答。]]", stream=stream).status == 200
            assert running.chat(f"请说 {TEXTS[0]}", stream=stream).status == 400
        assert running.chat(f"请说 {TEXTS[1]}").status == 200
        assert running.ask("POST", "/v1/chat/completions", b"{").status == 400
        asyncio.run_coroutine_threadsafe(gauging.look(house, house.live.metrics.counts), running.loop).result(10)
        rehearsing.note(house)
        until(lambda: (folder / "witness").exists() and "guiju_canary_timestamp_seconds" in scrape(running))
        until(lambda: value(scrape(running), "guiju_witness_timestamp_seconds") > 0)
        yield running


@pytest.mark.slow
def test_a_scrape_is_what_the_table_says(gateway: Running) -> None:
    page = gateway.ask("GET", "/metrics", key="").body.decode()
    found = {one.name: one for one in parsed(page)}
    names = {name.removesuffix("_total"): name for name in FIGURES}
    assert set(found) == {bare for bare, name in names.items() if name not in ELSEWHERE}
    for bare, family in found.items():
        figure = FIGURES[names[bare]]
        assert (family.type, family.documentation) == (figure.kind, figure.en), bare
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(figure.labels), sample
    assert page.count("# HELP") == page.count("# TYPE") == len(found)


@pytest.mark.slow
def test_a_histogram_adds_up(gateway: Running) -> None:
    for family in scrape(gateway).values():
        if family.type != "histogram":
            continue
        series: dict[tuple[tuple[str, str], ...], list[float]] = {}
        counts: dict[tuple[tuple[str, str], ...], float] = {}
        for sample in family.samples:
            at = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            if sample.name.endswith("_bucket"):
                series.setdefault(at, []).append(sample.value)
            elif sample.name.endswith("_count"):
                counts[at] = sample.value
        for at, classes in series.items():
            assert classes == sorted(classes)
            assert classes[-1] == counts[at] > 0


def test_what_happened_is_counted(gateway: Running) -> None:
    found = scrape(gateway)
    assert value(found, "guiju_requests_total", door="chat", action="passed") == 3
    assert value(found, "guiju_requests_total", door="chat", action="refused") == 2
    assert value(found, "guiju_decisions_total", control="words.input", action="refuse") == 2
    assert value(found, "guiju_upstream_answers_total", service="test", outcome="answered") == 3
    assert value(found, "guiju_upstream_first_seconds_count", service="test") == 3
    assert value(found, "guiju_added_seconds_count", door="chat") >= 5
    assert value(found, "guiju_hold_seconds_count") >= 1
    assert value(found, "guiju_stream_unscanned_chars_total") == 0
    assert value(found, "guiju_tokens_total", direction="output") > 0
    assert value(found, "guiju_guard_down", guard="main") == 0
    assert value(found, "guiju_ledger_entries_total") >= 8
    assert abs(value(found, "guiju_checkpoint_timestamp_seconds") - time.time()) < 600
    assert abs(value(found, "guiju_witness_timestamp_seconds", witness="file") - time.time()) < 600
    assert value(found, "guiju_witness_lost", witness="file") == 0
    assert value(found, "guiju_store_up") == 1
    assert value(found, "guiju_drill_ok", drill=USED) == 1
    assert value(found, "guiju_workers") == value(found, "guiju_workers_wanted") == 1
    assert value(found, "guiju_cpu_seconds_total") > 0
    assert value(found, "guiju_memory_bytes") > 2**20
    assert 0 < value(found, "guiju_disk_free_bytes") < value(found, "guiju_disk_bytes")
    expires = {sample.labels["what"]: sample.value for sample in found["guiju_expires_timestamp_seconds"].samples}
    assert set(expires) == {"c2pa", "key"}
    assert all(time.time() < at < time.time() + 90_000 for at in expires.values())
    every = value(found, "guiju_duties_red") <= sum(sample.value for sample in found["guiju_duties"].samples)
    assert every


def test_no_label_holds_what_somebody_said_or_is(gateway: Running) -> None:
    page = gateway.ask("GET", "/metrics", key="").body.decode()
    assert not [text for text in (*TEXTS, *NAMES, str(gateway.data)) if text in page]
    for family in parsed(page):
        for sample in family.samples:
            for label, said in sample.labels.items():
                assert re.fullmatch(r"[a-zA-Z0-9_.+-]{1,40}", said), (family.name, label, said)


def test_asking_for_nonsense_makes_no_series(gateway: Running) -> None:
    before = sum(len(one.samples) for one in scrape(gateway).values())
    for n in range(40):
        gateway.ask("GET", f"/nothing/{n}")
        gateway.chat("x", model=f"no-such-model-{n}")
    after = sum(len(one.samples) for one in scrape(gateway).values())
    assert after - before <= 4


def test_a_store_that_is_away_is_counted(tmp_path: Path) -> None:
    store = Store.open("sqlite", tmp_path)
    (tmp_path / "guiju.db").rename(tmp_path / "away")
    (tmp_path / "guiju.db").mkdir()
    store.reader.dispose()
    with pytest.raises(OutsideError):
        store.versions()
    assert store.errors == 1
    store.close()


def test_witnesses_are_told_apart_without_their_addresses() -> None:
    told = gauging.named(["file:/mnt/w", "mail:a@b.example", "file:/mnt/v", "https:w.example"])
    assert list(told.values()) == ["file", "mail", "file-2", "https"]


def test_a_certificate_that_cannot_be_read_has_expired(tmp_path: Path) -> None:
    assert gauging.expiry(str(tmp_path / "none.pem")) == 0
    cert, _ = certified(tmp_path)
    assert 80_000 < gauging.expiry(str(cert)) - time.time() < 90_000


def counted(passed: int, at: float = 0.0, **gauges: float) -> Counts:
    """What a worker wrote down."""
    made = Counts(at=at)
    made.count("guiju_requests_total", "chat", "passed", by=passed)
    made.took("guiju_hold_seconds", seconds=0.003)
    for name, number in gauges.items():
        made.set(name, to=number)
    made.known("guiju_upstream_shut", {"main": True})
    made.set("guiju_ledger_refusing", to=False)
    return made


def test_workers_are_put_together() -> None:
    metrics, now = Metrics("1"), time.time()
    metrics.counts.add(counted(1, guiju_workers=1, guiju_canary_ok=1, guiju_loop_lag_seconds=0.1))
    others = [
        counted(10, now, guiju_workers=1, guiju_canary_ok=0, guiju_loop_lag_seconds=0.4, guiju_exchanges_open=3),
        counted(100, now - 60, guiju_workers=1, guiju_canary_ok=0, guiju_loop_lag_seconds=9, guiju_exchanges_open=5),
    ]
    metrics.others = lambda: [msgspec.json.decode(msgspec.json.encode(one), type=Counts) for one in others]
    found = {one.name: one for one in parsed(metrics.page().decode())}
    assert value(found, "guiju_requests_total", door="chat", action="passed") == 111
    assert value(found, "guiju_hold_seconds_count") == 3
    assert value(found, "guiju_workers") == 2, "who has been silent for a minute serves no more"
    assert value(found, "guiju_canary_ok") == 0
    assert value(found, "guiju_loop_lag_seconds") == 0.4
    assert value(found, "guiju_exchanges_open") == 3
    again = {one.name: one for one in parsed(metrics.page().decode())}
    assert value(again, "guiju_requests_total", door="chat", action="passed") == 111, "asking changes nothing"


def test_a_time_falls_into_its_class() -> None:
    counts = Counts()
    for seconds in (0.0001, 0.00011, 5.0):
        counts.took("guiju_check_seconds", seconds=seconds)
    times = counts.times["guiju_check_seconds"][""]
    assert times.counts == [1, 1, *[0] * (len(BOUNDS["short"]) - 2), 1]
    with pytest.raises(ValueError, match="argument"):
        times.add(Times([0]))


def test_what_the_screen_holds_is_timed_by_its_oldest_character() -> None:
    took: list[float] = []
    hold = Hold(took.append)
    hold.came([Piece(0, "content", "三个字"), Piece(0, "id", "call-1")])
    hold.went([])
    time.sleep(0.02)
    hold.came([Piece(0, "content", "又来")])
    hold.went([Piece(0, "content", "三")])
    hold.went([Piece(0, "content", "个字又")])
    hold.went([Piece(0, "content", "来")])
    hold.went([Piece(0, "content", "多出来的")])
    assert len(took) == 3
    assert took[0] >= 0.02
    assert took[1] >= took[0]
    assert took[2] < took[1]


def test_the_words_of_the_table_are_in_both_languages() -> None:
    assert CANARIES
    for name, figure in FIGURES.items():
        assert name.startswith("guiju_")
        assert (figure.kind == "counter") == name.endswith("_total"), name
        assert figure.zh, name
        assert figure.en.isascii(), name
        assert (figure.kind == "histogram") == name.endswith("_seconds") or figure.kind == "gauge", name
