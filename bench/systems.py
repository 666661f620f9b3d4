# SPDX-License-Identifier: Apache-2.0
"""The systems under test: nobody in between, nginx's proxy_pass, a bare proxy in Python, and Guiju at two reaches."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rig
from joserfc import jwt
from joserfc.jwk import OctKey
from rig import Rig

DIRECT, NGINX, BARE, PATTERN, SENTENCE = "direct", "nginx", "bare", "guiju pattern", "guiju sentence"
WORKERS = "guiju pattern, two workers"
PEOPLE, EVERY = "guiju people", "guiju all"
CONTROLS = {PEOPLE: "people", EVERY: "all"}
"""Systems of which CPU alone is measured, and their `--controls`: a verified person asks, the model service is a third
party's, and every tenth text holds personal data that are masked."""
SYNCS = {f"guiju pattern, sync +{ms} ms": ms for ms in (0, 1, 5, 20)}
"""The gateway on a disk that takes so many milliseconds more for each sync; `slow_sync.c` stands in for it."""
ALL = (DIRECT, NGINX, BARE, PATTERN, SENTENCE, WORKERS)
_SETTINGS = """
[[upstream]]
name = "bench"
url = "http://127.0.0.1:{upstream}/v1"
party = "third_party"
purpose = "bench"
contract = "none"
[[issuer]]
issuer = "{issuer[iss]}"
audience = "{issuer[aud]}"
secret_env = "BENCH_ISSUER"
levels = {{ bench = "phone" }}
"""
_NGINX = """daemon off;
master_process off;
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/nginx-error.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    client_max_body_size 32m;
    keepalive_requests 1000000;
    upstream model {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://model;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class System:
    """One that serves.

    Attributes:
        pid: whose CPU time counts; 0 where there is nobody.
        alive_s, ready_s: from the start of its process to its first 200 at /healthz and /readyz.
        headers: what each request carries besides.
        data: its folder, whose growth is counted.
        spare: the share of the texts, which are no language, that a classifier may take for something.
        connections: how many ask at once where CPU is measured; 0: as everywhere.
    """

    name: str
    port: int
    pid: int = 0
    alive_s: float = 0.0
    ready_s: float = 0.0
    headers: tuple[str, ...] = ()
    data: Path | None = None
    connections: int = 0
    spare: float = 0.0


@contextmanager
def started(rig_: Rig, name: str, upstream: int, lexicon: Path, tag: str) -> Iterator[System]:
    """Bring one up on a fresh data directory, and end it."""
    if name == DIRECT:
        yield System(name, upstream)
    elif name == NGINX:
        with _nginx(rig_, upstream) as system:
            yield system
    elif name == BARE:
        with _bare(rig_, upstream) as system:
            yield system
    elif name in CONTROLS:
        with _people(rig_, name, upstream, lexicon, tag) as system:
            yield system
    else:
        with _guiju(rig_, name, upstream, lexicon, tag) as system:
            yield system


@contextmanager
def _nginx(rig_: Rig, upstream: int) -> Iterator[System]:
    at, path = rig.port(), rig_.work / "nginx.conf"
    path.write_text(_NGINX.format(work=rig_.work, upstream=upstream, port=at), "utf-8")
    began = time.perf_counter()
    with rig_.running(["nginx", "-c", path, "-p", rig_.work], rig_.system_core, "nginx") as child:
        rig.until(at, "/v1/models", began, child)
        yield System(NGINX, at, child.pid)


@contextmanager
def _bare(rig_: Rig, upstream: int) -> Iterator[System]:
    at, began = rig.port(), time.perf_counter()
    command = [sys.executable, Path(__file__).with_name("bare.py"), str(at), str(upstream)]
    with rig_.running(command, rig_.system_core, "bare") as child:
        rig.until(at, "/v1/models", began, child)
        yield System(BARE, at, child.pid)


@contextmanager
def _guiju(rig_: Rig, name: str, upstream: int, lexicon: Path, tag: str) -> Iterator[System]:
    at, data = rig.port(), rig_.work / f"data-{tag}"
    command: list[str | Path] = [
        *(Path(sys.executable).parent / "guiju", "serve", "--data", data, "--port", str(at)),
        *("--upstream", f"http://127.0.0.1:{upstream}/v1", "--lexicon", lexicon, "--key", rig.KEY),
        *("--reach", name.partition(",")[0].split()[1], "--controls", "exact"),
        *(("--workers", "2") if name == WORKERS else ()),
    ]
    slow = _slow(rig_, SYNCS[name]) if name in SYNCS else {}
    began = time.perf_counter()
    with rig_.running(command, rig_.system_core, f"guiju-{tag}", slow) as child:
        alive = rig.until(at, "/healthz", began, child)
        ready = rig.until(at, "/readyz", began, child)
        if name == WORKERS:
            _seated(data)
        yield System(name, at, child.pid, alive, ready, data=data)


def _slow(rig_: Rig, ms: int) -> dict[str, str]:
    """The environment in which each sync takes longer."""
    library = rig_.work / "slow_sync.so"
    source = Path(__file__).with_name("slow_sync.c")
    subprocess.run(["gcc", "-O2", "-w", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "BENCH_SYNC_US": str(ms * 1000)}


def _seated(data: Path) -> None:
    """Wait until the second worker serves too, so that what its start costs is not counted as requests.

    Raises:
        SystemExit: 60 s went by.
    """
    for _ in range(600):
        if any(data.glob("worker-*-1.ready")):
            time.sleep(3)  # its first rounds are done
            return
        time.sleep(0.1)
    raise SystemExit("the second worker did not start")


@contextmanager
def _people(rig_: Rig, name: str, upstream: int, lexicon: Path, tag: str) -> Iterator[System]:
    """A gateway that knows who asks; the person has accepted what is told before the first use."""
    at, data = rig.port(), rig_.work / f"data-{tag}"
    data.mkdir()
    (data / "guiju.toml").write_text(_SETTINGS.format(upstream=upstream, issuer=rig.ISSUER), "utf-8")
    command: list[str | Path] = [
        *(Path(sys.executable).parent / "guiju", "serve", "--data", data, "--port", str(at), "--lexicon", lexicon),
        *("--key", rig.KEY, "--reach", "pattern", "--controls", CONTROLS[name]),
    ]
    began = time.perf_counter()
    with rig_.running(command, rig_.system_core, f"guiju-{tag}") as child:
        alive = rig.until(at, "/healthz", began, child)
        ready = rig.until(at, "/readyz", began, child)
        now = int(time.time())
        claims = {**rig.ISSUER, "iat": now, "exp": now + 3600}
        token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(rig.SECRET))
        _accept(at, token)
        headers = (f"x-guiju-identity: {token}",)
        yield System(name, at, child.pid, alive, ready, headers, data, spare=0.02 if name == EVERY else 0.0)


def _accept(at: int, token: str) -> None:
    """Let the person accept the texts.

    Raises:
        SystemExit: the gateway does not know the person.
    """
    headers = {**rig.HEADERS, "x-guiju-identity": token}
    connection = http.client.HTTPConnection("127.0.0.1", at, timeout=10)
    connection.request("GET", "/v1/notices", headers=headers)
    for text in json.loads(connection.getresponse().read())["texts"]:
        body = json.dumps({"text": text["id"], "version": text["version"]})
        connection.request("POST", "/v1/notices/accept", body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"the person is not known: {answer.read()!r}")
        answer.read()
    connection.close()
