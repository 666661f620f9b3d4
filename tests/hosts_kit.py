# SPDX-License-Identifier: Apache-2.0
"""Several hosts over one PostgreSQL: each a network namespace with a name of its own where that is permitted, else an
address of loopback. Between a host and the database stands a relay, as a network does."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conftest import CANARIES, KEY, Answered, free_port
from guiju.records.ids import _VALUES, tag
from places import SERVER
from serving import GUIJU

SETTINGS = """
[serve]
host = "{address}"
port = {port}
behind_proxy = true
[store]
url = "{store}"
[evidence]
ledger = "store"
[provider]
redress_url = "https://provider.test/contest"
[[upstream]]
name = "scripted"
url = "{model}"
party = "own"
"""

_BREATH_S = 0.02


def until(true: Callable[[], bool], seconds: float = 400.0) -> float:
    """Wait until something holds; returns how long it took. The bound is for a busy machine, not what is promised."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not come to that"
        time.sleep(0.05)
    return time.monotonic() - began


class Relay:
    """Passes connections on to another address of this machine."""

    def __init__(self, address: str, to: int) -> None:
        self._to = to
        self._listening = socket.create_server((address, 0), backlog=64)
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        """Take nothing more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _take(self) -> None:
        while True:
            try:
                one, _ = self._listening.accept()
            except OSError:
                return
            try:
                other = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                one.close()
                continue
            threading.Thread(target=_join, args=(one, other), daemon=True).start()


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass on in both directions until both have ended."""
    with one, other:
        back = threading.Thread(target=_pass, args=(other, one), daemon=True)
        back.start()
        _pass(one, other)
        back.join()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR if end is source else socket.SHUT_WR)


def namespaces() -> bool:
    """Whether hosts may be network namespaces here."""
    if os.geteuid() or not shutil.which("ip") or not shutil.which("unshare"):
        return False
    name = f"gj{secrets.token_hex(3)}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except (subprocess.CalledProcessError, OSError):
        return False
    return True


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


@dataclass
class Net:
    """Where a host stands: its own address, that of the outside, and what runs a command there."""

    address: str
    outside: str
    inside: tuple[str, ...] = ()


@contextmanager
def net(number: int, apart: bool) -> Iterator[Net]:
    """A place for a host, gone afterwards."""
    if not apart:
        yield Net(f"127.0.0.{number + 2}", "127.0.0.1")
        return
    name, here = f"gj{secrets.token_hex(3)}", f"10.{secrets.randbelow(55) + 200}.{secrets.randbelow(256)}"
    low = secrets.randbelow(60) * 4
    mine, theirs = f"{here}.{low + 1}", f"{here}.{low + 2}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        _ip("addr", "add", f"{mine}/30", "dev", f"{name}a")
        _ip("link", "set", f"{name}a", "up")
        _ip("-n", name, "addr", "add", f"{theirs}/30", "dev", f"{name}b")
        for link in ("lo", f"{name}b"):
            _ip("-n", name, "link", "set", link, "up")
        named = ("unshare", "--uts", "sh", "-c", f'hostname host-{number} && exec "$@"', "sh")
        yield Net(theirs, mine, ("ip", "netns", "exec", name, *named))
    finally:
        _ip("netns", "del", name)


@dataclass
class Host:
    """One host: its processes, its data directory, its address."""

    name: str
    data: Path
    net: Net
    port: int
    words: tuple[str, ...]
    child: subprocess.Popen[bytes] | None = None
    logs: list[Path] = field(default_factory=list)

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Serve; the process before, if there is one, is left alone."""
        log = self.data.parent / f"serve{len(self.logs)}.log"
        self.logs.append(log)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GUIJU_")}
        with log.open("wb") as out:
            self.child = subprocess.Popen(
                [*self.net.inside, *GUIJU, "serve", "--data", "data", "--key-file", "keys.txt", *self.words, *more],
                cwd=self.data.parent, stdout=out, stderr=out, env=clean,
            )  # fmt: skip
        return self.child

    def stop(self) -> int:
        """Stop what was started last."""
        assert self.child is not None
        self.child.terminate()
        return self.child.wait(90)

    def ask(self, method: str, path: str, body: Any = None, key: str = KEY) -> Answered:
        """One request on a connection of its own."""
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection(self.net.address, self.port, timeout=60)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers if key else {})
            answer = connection.getresponse()
            return Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def chat(self, text: str = "[[say:好]]", key: str = KEY) -> Answered:
        """One chat completion."""
        said = {"model": "scripted", "messages": [{"role": "user", "content": text}]}
        return self.ask("POST", "/v1/chat/completions", said, key)

    def ready(self) -> bool:
        """Whether it says so."""
        try:
            return self.ask("GET", "/readyz").status == 200
        except OSError:
            assert self.child is None or self.child.poll() is None, self.logs[-1].read_text("utf-8")
            return False

    def guiju(self, *words: str, said: str = "") -> Any:
        """A command on this host; its answer in JSON."""
        ran = subprocess.run(
            [*self.net.inside, *GUIJU, *words, "--data", "data", "--json"], cwd=self.data.parent, input=said,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return json.loads(ran.stdout)


@contextmanager
def hosts(folder: Path, store: str, model: int, parts: Sequence[tuple[str, ...]]) -> Iterator[list[Host]]:
    """Hosts over one database and one place of keys; each is told its words of the command line, none is started.

    Args:
        folder: where everything lies.
        store: the database's address, on this machine.
        model: the port of the model service on this machine.
        parts: words for `guiju serve`, by host.
    """
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    apart = namespaces()
    print("hosts are", "network namespaces" if apart else "addresses of loopback")
    server = int(SERVER.rpartition(":")[2].partition("/")[0])
    with ExitStack() as held:
        made: list[Host] = []
        for number, words in enumerate(parts):
            at = held.enter_context(net(number, apart))
            to_store, to_model = Relay(at.outside, server), Relay(at.outside, model)
            held.callback(to_store.close)
            held.callback(to_model.close)
            home = folder / f"host-{number}"
            (home / "data").mkdir(parents=True, mode=0o700)
            (home / "data" / "keys").symlink_to(keys)
            host = Host(f"host-{number}", home / "data", at, free_port(), words)
            _settled(host, store.replace(f"127.0.0.1:{server}", f"{at.outside}:{to_store.port}"), to_model.port)
            made.append(host)
        try:
            yield made
        finally:
            for host in made:
                if host.child and host.child.poll() is None:
                    host.child.terminate()
            for host in made:
                if host.child:
                    host.child.wait(90)


def _settled(host: Host, store: str, model: int) -> None:
    """Write the files of a host."""
    url = f"http://{host.net.outside}:{model}/v1"
    text = SETTINGS.format(address=host.net.address, port=host.port, store=store, model=url)
    (host.data.parent / "guiju.toml").write_text(text, "utf-8")
    (host.data.parent / "words.csv").write_text(CANARIES, "utf-8")
    (host.data.parent / "keys.txt").write_text(KEY + "\n", "ascii")


def writer(answer: Answered, names: Sequence[str]) -> str:
    """Which ledger an answer's decision is in."""
    number = 0
    for character in answer.headers["x-guiju-decision-id"]:
        number = number << 5 | _VALUES[character]
    mark = number.to_bytes(16, "big")[6:9]
    return next(name for name in names if tag(name) == mark)


class Load:
    """People who go on asking, each over connections that are kept; what was not answered with 200 is kept. They take a
    breath between two questions: what they would ask besides takes the time in which the next process begins.

    Args:
        targets: addresses and ports.
        people: how many ask at once.
        key: with which key.
        body: of each request.
    """

    def __init__(self, targets: Sequence[tuple[str, int]], people: int, key: str, body: dict[str, Any]) -> None:
        self.answered = 0
        self.wrong: list[str] = []
        self._targets = targets
        self._key = key
        self._body = json.dumps(body).encode()
        self._end = b"data: [DONE]" if body.get("stream") else b'"finish_reason":"stop"'
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._go, args=(number,)) for number in range(people)]

    def __enter__(self) -> Load:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ask no more; what is under way is waited for. Safe to call twice."""
        self._stop.set()
        for one in self._threads:
            one.join()

    def more(self, count: int) -> None:
        """Wait until so many more have been answered."""
        goal = self.answered + count
        until(lambda: self.answered >= goal or bool(self.wrong))

    def _go(self, number: int) -> None:
        kept: dict[tuple[str, int], http.client.HTTPConnection] = {}
        turn = number
        while not self._stop.wait(_BREATH_S):
            turn += 1
            target = self._targets[turn % len(self._targets)]
            connection = kept.get(target) or http.client.HTTPConnection(*target, timeout=120)
            kept[target] = connection
            try:
                headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
                connection.request("POST", "/v1/chat/completions", self._body, headers)
                answer = connection.getresponse()
                said = answer.read()
                if answer.status != 200 or self._end not in said:
                    self.wrong.append(f"{answer.status} {said[-300:]!r}")
                self.answered += 1
                if answer.will_close:
                    kept.pop(target).close()
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                kept.pop(target).close()
        for one in kept.values():
            one.close()
