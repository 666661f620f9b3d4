# SPDX-License-Identifier: Apache-2.0
"""How an installation is, for `/metrics`: what this process knows at once, and what one of the workers looks up for all
beside the road (Article 14). Numbers alone."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from guiju.adapters.telemetry import Sender, Telemetry
from guiju.adapters.witness import Witnesses, open_witness
from guiju.config import Settings
from guiju.desk.kinds import kinds
from guiju.errors import ConfigError, GuijuError
from guiju.gateway.metrics import Counts
from guiju.house import House
from guiju.records.backlog import backlog
from guiju.records.sources import optional

log = logging.getLogger("guiju.gauging")
_EVERY_S: Final = 15.0
_BEAT_S: Final = 1.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Gauge:
    """Looks how one process is.

    Args:
        house: the open house.
        witnesses: of its evidence.
    """

    def __init__(self, house: House, witnesses: Witnesses) -> None:
        self._house = house
        self._witnesses = witnesses
        self._cpu = 0.0
        self._errors = 0
        self._dropped = {"full": 0, "failed": 0}
        counts, seat = house.live.metrics.counts, house.options.seat
        counts.set("guiju_start_timestamp_seconds", to=time.time())
        counts.set("guiju_workers_wanted", to=seat.of if seat else 1)
        counts.set("guiju_workers", to=1)
        counts.set("guiju_loop_lag_seconds", to=0)
        house.ledger.committed = self._committed
        house.live.metrics.look = self.look

    def _committed(self, seconds: float, entries: int) -> None:
        counts = self._house.live.metrics.counts
        counts.took("guiju_ledger_commit_seconds", seconds=seconds)
        counts.count("guiju_ledger_entries_total", by=entries)

    def look(self) -> None:
        """Look at what is known at once: nothing is waited for."""
        house, counts = self._house, self._house.live.metrics.counts
        ledger, store, live = house.ledger, house.store, house.live
        counts.set("guiju_exchanges_open", to=live.under_way)
        counts.set("guiju_workers_ready", to=all(live.facts.values()))
        counts.known("guiju_upstream_shut", live.upstreams.shut())
        counts.set("guiju_ledger_waiting", to=ledger.waiting)
        counts.set("guiju_ledger_refusing", to=ledger.refusing)
        if ledger.newest:
            counts.set("guiju_checkpoint_timestamp_seconds", to=ledger.newest.t / 1000)
        self._witnessed(counts)
        counts.set("guiju_store_waiting", to=store.waiting)
        counts.count("guiju_store_errors_total", by=store.errors - self._errors)
        self._errors = store.errors
        if live.telemetry:
            now = {"full": live.telemetry.full, "failed": live.telemetry.failed}
            for why, dropped in now.items():
                counts.count("guiju_telemetry_dropped_total", why, by=dropped - self._dropped[why])
            self._dropped = now
        cpu = time.process_time()
        counts.count("guiju_cpu_seconds_total", by=cpu - self._cpu)
        self._cpu = cpu
        counts.set("guiju_memory_bytes", to=_resident())

    def _witnessed(self, counts: Counts) -> None:
        """By kind and number: the names of witnesses hold addresses."""
        names = named(list(self._witnesses.taken_at))
        counts.set("guiju_witnesses", to=len(names))
        counts.known(
            "guiju_witness_timestamp_seconds", {names[name]: at for name, at in self._witnesses.taken_at.items()}
        )
        counts.known("guiju_witness_lost", {short: name in self._witnesses.lost for name, short in names.items()})


def opened(house: House) -> Witnesses:
    """Begin to watch over a house: its witnesses, its figures, and its traces where anybody takes them.

    Raises:
        ConfigError: a witness lacks its address, or the extra for traces is not installed.
    """
    settings = house.settings
    witnesses = Witnesses(house.ledger, [open_witness(one, settings.mail) for one in settings.evidence.witness])
    Gauge(house, witnesses)
    if settings.telemetry.endpoint:
        house.live.telemetry = Telemetry(settings.telemetry, sender(settings, house.live.version))
    return witnesses


def sender(settings: Settings, version: str) -> Sender:
    """Who brings traces to the receiver that the settings name.

    Raises:
        ConfigError: `config_invalid`: it is no address, or the extra is not installed.
    """
    endpoint = settings.telemetry.endpoint
    if urlsplit(endpoint).scheme not in ("http", "https"):
        raise ConfigError("config_invalid", what=f"telemetry.endpoint: {endpoint}", hint="http://127.0.0.1:4318")
    made: Sender = optional("guiju.adapters.otlp", "opentelemetry-sdk", "otel").Otlp(
        settings.telemetry, settings.upstream, version
    )
    return made


def closed(house: House) -> None:
    """Send the traces that wait."""
    if house.live.telemetry:
        house.live.telemetry.close()


def named(witnesses: Sequence[str]) -> dict[str, str]:
    """Witness → its kind, with a number from the second of a kind on."""
    made: dict[str, str] = {}
    for name in witnesses:
        kind = name.partition(":")[0]
        count = 1 + sum(short.partition("-")[0] == kind for short in made.values())
        made[name] = kind if count == 1 else f"{kind}-{count}"
    return made


async def beat(house: House) -> None:
    """Measure each second by how much the event loop is late, until the house closes."""
    loop, counts = asyncio.get_running_loop(), house.live.metrics.counts
    while True:
        began = loop.time()
        await asyncio.sleep(_BEAT_S)
        counts.set("guiju_loop_lag_seconds", to=max(0.0, loop.time() - began - _BEAT_S))


async def watch(house: House) -> None:
    """Look up what waits, what is full and what expires, until the house closes."""
    counts = house.live.metrics.counts
    while True:
        try:
            await look(house, counts)
        except GuijuError as error:
            log.error("backlog_not_read", extra={"code": error.code})
        await asyncio.sleep(_EVERY_S)


async def look(house: House, counts: Counts) -> None:
    """Look up once.

    Args:
        house: the open house.
        counts: told of it.

    Raises:
        OutsideError: `store_unavailable`; what does not stand in the store is told all the same.
    """
    settings, now = house.live.settings, int(house.live.clock())
    disk = await asyncio.to_thread(shutil.disk_usage, house.options.data)
    counts.set("guiju_disk_free_bytes", to=disk.free)
    counts.set("guiju_disk_bytes", to=disk.total)
    files = {"tls": settings.serve.tls_cert, "c2pa": settings.provider.c2pa_certificate}
    expires = {what: await asyncio.to_thread(expiry, path) for what, path in files.items() if path}
    found = await asyncio.to_thread(backlog, house.store, now)
    if found.key_expires:
        expires["key"] = found.key_expires
    counts.known("guiju_expires_timestamp_seconds", expires)
    counts.known("guiju_cases_open", {kind: found.open.get(kind, 0) for kind in kinds()})
    counts.known("guiju_cases_overdue", {kind: found.overdue.get(kind, 0) for kind in kinds()})
    counts.known("guiju_letters", found.letters)
    counts.known("guiju_bans_in_force", found.bans)


def expiry(path: str) -> float:
    """When the first certificate of a chain expires, in Unix seconds; 0 where it can't be read, which is as bad."""
    try:
        chain = x509.load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError):
        return 0.0
    return min(one.not_valid_after_utc.timestamp() for one in chain)


def _resident() -> int:
    """Memory of this process, in bytes."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * _PAGE
