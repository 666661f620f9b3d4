# SPDX-License-Identifier: Apache-2.0
"""What is measured on one system: CPU, latency, first token, sentences, hostile bodies, long conversations."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import socket
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import material
import rig
from rig import Rig
from systems import System

CONNECTIONS = 32
RATE = 50
PACE_US = 20_000
"""Between two pieces of a paced stream: 50 pieces a second, as a model of middling speed sends them."""
MODEL_US = 20_000
"""How long the upstream thinks where it does not answer at once."""
PAUSE_S = 0.02
"""From one hostile body to the next, at least."""
TURNS = 10
SLOW = 500
Figures = dict[str, float]


@dataclass
class Bench:
    """What all measures need.

    Attributes:
        upstream: port of the scripted upstream.
        pool: texts of 1 KB.
        seconds: length of one load.
    """

    rig: Rig
    upstream: int
    pool: list[str]
    listed: list[str]
    seconds: float
    rng: random.Random
    runs: int = 0

    def bodies(self, *, stream: bool, numbers: bool = False) -> Path:
        """Requests that no run has sent before; every tenth with a telephone number where so wanted."""
        self.runs += 1
        path = self.rig.work / "bodies.jsonl"
        pool = material.with_numbers(self.pool, self.rng) if numbers else self.pool
        material.bodies(path, pool, f"[{self.runs}]", stream=stream)
        return path


LOADS = {"whole": (False, 0), "burst": (True, 0), "paced": (True, PACE_US)}
"""Loads in a closed loop: whether the answer is streamed, and the microseconds between two pieces."""


def cpu(bench: Bench, system: System, made: Figures, loads: Sequence[str] = tuple(LOADS)) -> None:
    """CPU milliseconds a request in a closed loop, and the bytes of evidence and of other files that it leaves."""
    connections = system.connections or CONNECTIONS
    for name in loads:
        stream, gap = LOADS[name]
        rig.script(bench.upstream, gap_us=gap)
        path = bench.bodies(stream=stream, numbers=bool(system.headers))
        seconds = max(bench.seconds, 8 if system.connections else 4 if gap else 0)
        before, spent = rig.asked(bench.upstream), rig.cpu_ms(system.pid) if system.pid else 0.0
        held = rig.folder_bytes(system.data) if system.data else {}
        told = bench.rig.fire(system.port, path, seconds, system.headers, system.spare, c=connections)
        spent = rig.cpu_ms(system.pid) - spent if system.pid else 0.0
        count = rig.asked(bench.upstream) - before
        made[f"cpu_ms_{name}"] = spent / count
        made[f"per_s_{name}"] = told["rps"]
        if system.spare:
            made[f"refused_{name}"] = told["non200"] / told["reqs"]
        if system.data:
            now = rig.folder_bytes(system.data)
            made |= {f"{kind}_bytes_{name}": (now[kind] - size) / count for kind, size in held.items()}


def doors(bench: Bench, system: System, paths: list[str]) -> Figures:
    """CPU milliseconds a request at each door, whole and streamed at once; the doors in a shuffled order."""
    made: Figures = {}
    rig.script(bench.upstream)
    for path in bench.rng.sample(paths, len(paths)):
        for name, stream in (("whole", False), ("burst", True)):
            bench.runs += 1
            file = bench.rig.work / "bodies.jsonl"
            material.asked(file, path, bench.pool, f"[{bench.runs}]", stream=stream)
            before, spent = rig.asked(bench.upstream), rig.cpu_ms(system.pid)
            told = bench.rig.fire(system.port, file, bench.seconds, c=CONNECTIONS, u=path)
            spent = rig.cpu_ms(system.pid) - spent
            made[f"cpu_ms_{name} {path}"] = spent / (rig.asked(bench.upstream) - before)
            made[f"per_s_{name} {path}"] = told["rps"]
    return dict(sorted(made.items()))


def latency(bench: Bench, system: System, made: Figures, kinds: Sequence[str] = ("instant", "thinking")) -> None:
    """Latency at 50 requests a second, counted from the moment at which each was due."""
    for name in kinds:
        delay = MODEL_US if name == "thinking" else 0
        rig.script(bench.upstream, delay_us=delay)
        told = bench.rig.fire(system.port, bench.bodies(stream=False), bench.seconds, c=CONNECTIONS, r=RATE)["lat"]
        made[f"p50_ms_{name}"], made[f"p99_ms_{name}"] = told["p50"] / 1000, told["p99"] / 1000


def streams(bench: Bench, system: System, made: Figures) -> None:
    """Time to the first token, and from a sentence's end at the upstream to its arrival."""
    rig.script(bench.upstream, first_us=MODEL_US, gap_us=PACE_US, n=10)
    told = bench.rig.fire(system.port, bench.bodies(stream=True), bench.seconds, c=CONNECTIONS, r=RATE)["ttft"]
    made |= {"first_p50_ms": told["p50"] / 1000, "first_p99_ms": told["p99"] / 1000}
    # Each piece is one whole sentence with the moment of its sending in front.
    said = material.SENTENCE * 20
    rig.script(
        bench.upstream, first_us=MODEL_US, gap_us=PACE_US, n=20, kw=said, at=0, slice=len(material.SENTENCE), marks=1
    )
    told = bench.rig.fire(system.port, bench.bodies(stream=True), bench.seconds, c=CONNECTIONS, r=RATE / 5)
    made["sentence_p50_ms"] = told["chunk_delay"]["p50"] / 1000
    made["sentence_p99_ms"] = told["chunk_delay"]["p99"] / 1000


def hostile(bench: Bench, system: System, made: Figures) -> None:
    """p99 of small requests alone, and while one client sends hostile bodies of 1 MiB one after another."""
    rig.script(bench.upstream)
    shapes: dict[str, bytes | None] = {"": None, **material.hostile(bench.listed, bench.rng)}
    for shape, body in shapes.items():
        path = bench.bodies(stream=False)
        stop = threading.Event()
        took: list[float] = []
        thread = threading.Thread(target=_again, args=(system.port, body, stop, took))
        if body is not None:
            thread.start()
        told = bench.rig.fire(system.port, path, bench.seconds, c=CONNECTIONS, r=RATE)["lat"]
        stop.set()
        if body is None:
            made["p99_ms_alone"] = told["p99"] / 1000
            continue
        thread.join()
        made[f"p99_ms_beside {shape}"] = told["p99"] / 1000
        made[f"body_ms {shape}"] = statistics.median(took)


def slow(bench: Bench, system: System) -> Figures:
    """p99 of small requests while 500 connections send a byte of their head now and then."""
    rig.script(bench.upstream)
    stop = threading.Event()
    thread = threading.Thread(target=_drip, args=(system.port, stop))
    thread.start()
    told = bench.rig.fire(system.port, bench.bodies(stream=False), bench.seconds, c=CONNECTIONS, r=RATE)["lat"]
    stop.set()
    thread.join()
    return {f"p99_ms_beside {SLOW} slow sockets": told["p99"] / 1000}


def _drip(port: int, stop: threading.Event) -> None:
    """Hold connections open with a byte a second each; one that was closed is opened again."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    held: list[socket.socket | None] = [None] * SLOW
    while not stop.is_set():
        for i, sock in enumerate(held):
            with contextlib.suppress(OSError):
                if sock is None:
                    held[i] = sock = socket.create_connection(("127.0.0.1", port), timeout=5)
                    sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX: ")
                else:
                    sock.sendall(b"a")
                continue
            held[i] = None
        stop.wait(1)
    for sock in held:
        if sock is not None:
            sock.close()


def _again(port: int, body: bytes, stop: threading.Event, took: list[float]) -> None:
    """Send one body again and again, each a little different, so that it is looked at each time."""
    # The load generator shares this core; it goes first, and gets time between two bodies that are refused at once.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    made, at, number = bytearray(body), body.find(material.NUMBER), 0
    while not stop.is_set():
        number += 1
        if at > 0:
            made[at : at + len(material.NUMBER)] = b"%08d" % number
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        began = time.perf_counter()
        # The gateway may close before it has read all: that is an answer too.
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/v1/chat/completions", made, rig.HEADERS)
            connection.getresponse().read()
        took.append((time.perf_counter() - began) * 1000)
        connection.close()
        stop.wait(max(0.0, PAUSE_S - (time.perf_counter() - began)))


def turns(bench: Bench, system: System, conversations: int) -> Figures:
    """Latency and CPU of the first and the tenth turn of conversations that grow to 32 KB, one client."""
    rig.script(bench.upstream)
    took: dict[int, list[float]] = {}
    spent: dict[int, list[float]] = {}
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)
    for _ in range(conversations):
        for turn, body in enumerate(material.conversation(TURNS, bench.rng), 1):
            before, began = rig.cpu_ns(system.pid), time.perf_counter()
            connection.request("POST", "/v1/chat/completions", body, rig.HEADERS)
            answer = connection.getresponse()
            answer.read()
            took.setdefault(turn, []).append((time.perf_counter() - began) * 1000)
            spent.setdefault(turn, []).append((rig.cpu_ns(system.pid) - before) / 1e6)
            if answer.status != 200:
                raise SystemExit(f"turn {turn} was answered {answer.status}")
    connection.close()
    return {
        f"{what}_{turn}": statistics.median(values[turn])
        for what, values in (("turn_ms", took), ("turn_cpu_ms", spent))
        for turn in (1, TURNS)
    }
