# SPDX-License-Identifier: Apache-2.0
"""What tests share: a real gateway on a real socket, in front of a real (scripted) model service."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import pytest
import uvloop
from hypothesis import HealthCheck, settings

from guiju import composition
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Upstream
from guiju.gateway.live import Controls
from guiju.house import House, Options
from guiju.records.db import Store
from guiju.records.engine import FILE
from guiju.server import Server, serve
from guiju.terms import IdentityLevel

TOOLS = Path(os.environ.get("GUIJU_TOOLS") or Path(__file__).parents[2] / "shared" / "tools")
"""Where the streaming-leak checker lies, beside the repository unless the environment says otherwise."""
collect_ignore = [] if (TOOLS / "chunk_leak.py").is_file() else ["test_doors_leak.py"]
# How fast examples are made, and a test runs, says how busy the machine is, and nothing of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("few", settings.get_profile("busy"), max_examples=25)
gc.disable()  # what is collected stays: to look for garbage among it takes a third of the time


def pytest_configure(config: pytest.Config) -> None:
    """The fast suite tries a quarter of the examples; what states a number of its own keeps it."""
    settings.load_profile("few" if config.option.markexpr == "not slow" else "busy")
    if getattr(config.option, "numprocesses", None):
        gc.enable()  # its workers collect


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file of the long suite alone is not read for the fast one: what it imports takes a tenth of the start."""
    if config.option.markexpr != "not slow" or collection_path.suffix != ".py":
        return None
    slow = re.search(r"^pytestmark = .*mark\.slow", collection_path.read_text("utf-8"), re.MULTILINE)
    return True if slow else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that are given the longest time begin first, so that no worker has one of them left when all else is done."""
    longest: dict[Path, float] = {}
    for item in items:
        given = item.get_closest_marker("timeout")
        longest[item.path] = max(longest.get(item.path, 0.0), float(given.args[0]) if given else 0.0)
    items.sort(key=lambda item: -longest[item.path])


def pytest_collection_finish() -> None:
    """What is there now stays, as in a server."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


CONTINUED = "continued"
"""The model whose prompts go to the service as they are, where a gateway is started with `continues`."""
KEY = "gj-test-key-000000000000000000000000"
CANARIES = "term,category,severity\n规矩金丝雀,A.1f,block\nguijucanary,A.1f,block\n留意此词,A.2e,signal\n"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Answered:
    """A whole HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The stream's events, `[DONE]` left out."""
        data = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
        return [json.loads(one) for one in data if one != "[DONE]"]

    def text(self, field: str = "content", choice: int = 0) -> str:
        """The deltas of one field, put together."""
        made = ""
        for event in self.events:
            for one in event.get("choices", ()):
                if one["index"] == choice:
                    made += one["delta"].get(field) or ""
        return made


@dataclass
class Running:
    """A gateway that serves in a thread of this process."""

    house: House
    port: int
    data: Path
    loop: asyncio.AbstractEventLoop
    headers: dict[str, str] = field(default_factory=dict)
    """What every request of a test brings along."""

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, key: str = KEY
    ) -> Answered:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {"Authorization": f"Bearer {key}", "Accept-Language": "en"} if key else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body, ensure_ascii=False).encode()
        connection.request(method, path, data, {**sent, **self.headers, **(headers or {})})
        answer = connection.getresponse()
        made = Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return made

    def chat(self, text: str, *, headers: dict[str, str] | None = None, key: str = KEY, **more: Any) -> Answered:
        """One chat completion."""
        body = {"model": "scripted", "messages": [{"role": "user", "content": text}], **more}
        return self.ask("POST", "/v1/chat/completions", body, headers, key)

    def entries(self) -> list[dict[str, Any]]:
        """All ledger entries so far; a line that is still being written is none yet."""
        lines = [
            line
            for path in sorted(self.data.glob("ledger/*/*.log"))
            if path.stem.isdigit()
            for line in path.read_bytes().split(b"\n")[:-1]
        ]
        return [json.loads(line) for line in lines]

    def entry(self, kind: str, exchange: str) -> dict[str, Any]:
        """The body of one exchange's entry of one kind; waits for it a little."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for one in self.entries():
                if one["kind"] == kind and one["body"].get("x") == exchange:
                    body: dict[str, Any] = one["body"]
                    return body
            time.sleep(0.02)
        raise AssertionError(f"no {kind} entry of {exchange}")


Start = Callable[..., Running]
Client = TypeVar("Client", bound="Closes")
_CLIENTS: list[Closes] = []


class Closes(Protocol):
    """A client that keeps connections."""

    def close(self) -> None:
        """Close them."""


def ending(client: Client) -> Client:
    """A client that is closed with the test; else its sockets are found open whenever somebody looks for garbage."""
    _CLIENTS.append(client)
    return client


@pytest.fixture(autouse=True)
def _clients_end() -> Iterator[None]:
    yield
    while _CLIENTS:
        _CLIENTS.pop().close()


@pytest.fixture(scope="session")
def model() -> Iterator[ScriptedModel]:
    """A scripted model service."""
    with ScriptedModel() as one:
        yield one


@pytest.fixture
def start(tmp_path: Path, model: ScriptedModel) -> Iterator[Start]:
    """Starts gateways; they stop with the test."""
    yield from _starting(tmp_path, model)


@pytest.fixture(scope="module")
def start_once(tmp_path_factory: pytest.TempPathFactory, model: ScriptedModel) -> Iterator[Start]:
    """Starts gateways that serve all tests of a module: each takes half a second to begin. Whoever asks for one like one
    that is there gets that one; for tests that change nothing in it."""
    for go in _starting(tmp_path_factory.mktemp("once"), model):
        made: list[tuple[dict[str, Any], Running]] = []

        def once(go: Start = go, made: list[tuple[dict[str, Any], Running]] = made, **options: Any) -> Running:
            for asked, running in made:
                if asked == options:
                    return running
            made.append((options, go(**options)))
            return made[-1][1]

        yield once


def _starting(tmp_path: Path, model: ScriptedModel) -> Iterator[Start]:
    stops: list[Callable[[], None]] = []
    shared: list[str] = []  # a database that goes away next must not be in use any more

    def go(
        *,
        upstream: str = "",
        party: Literal["auto", "own", "third_party"] = "auto",
        lexicon: str = CANARIES,
        every: Callable[[IdentityLevel], Controls] = composition.controls,
        data: Path | None = None,
        overlay: tuple[tuple[str, object], ...] = (),
        keys: tuple[str, ...] = (KEY,),
        checked: bool | None = None,
        continues: bool = False,
        **options: Any,
    ) -> Running:
        data = data or tmp_path / f"data{len(stops)}"
        if "config" not in options and not any(name == "store.url" for name, _ in overlay):
            _with_store(data)
        lists: tuple[Path, ...] = ()
        if lexicon:
            path = tmp_path / f"words{len(stops)}.csv"
            path.write_text(lexicon, "utf-8")
            lists = (path,)
        port = free_port()
        services = (Upstream(name="test", url=upstream or model.url, party=party),)
        if continues:  # the same service, which gets prompts as they are when it is asked for under that name
            models = {CONTINUED: "*"}
            same = Upstream("continues", services[0].url, models=models, completions="native", party=party)
            services = (*services, same)
        flags = (("serve.port", port), ("upstream", services), *overlay)
        chosen = Options(data=data, lists=lists, keys=keys, overlay=flags, **options)
        whole = every is composition.controls if checked is None else checked
        running, stop = _in_thread(chosen, every, port, whole)
        stops.append(stop)
        shared.extend(name for name, value in overlay if name == "store.url" and "postgresql" in str(value))
        return running

    yield go
    for stop in stops:
        stop()
    ended(0 if shared else 8)


@cache
def _empty_store() -> bytes:
    """A store as a first start makes it, of a hundred statements; most tests need no other."""
    with tempfile.TemporaryDirectory() as folder:
        Store.open("sqlite", Path(folder)).close()
        return (Path(folder) / FILE).read_bytes()


def _with_store(data: Path) -> None:
    """Put an empty store where a gateway will look for it, unless there is one."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (data / FILE).exists():
        (data / FILE).write_bytes(_empty_store())


_ENDING: list[Callable[[], None]] = []
"""Waits for gateways that were told to stop. Each takes a fifth of a second, in which the next test may go on."""


def ended(left: int) -> None:
    """Wait for the gateways that were told first, until so many are left."""
    while len(_ENDING) > left:
        _ENDING.pop(0)()


@pytest.fixture(scope="session", autouse=True)
def _all_end() -> Iterator[None]:
    """No gateway outlives the tests."""
    yield
    ended(0)


def _in_thread(
    options: Options, every: Callable[[IdentityLevel], Controls], port: int, checked: bool
) -> tuple[Running, Callable[[], None]]:
    bound = threading.Event()
    made: dict[str, Any] = {}

    async def work() -> None:
        house = House.open(options, every, checked=checked)
        made["loop"] = asyncio.get_running_loop()
        made["house"] = house

        def told(_: House, server: Server) -> None:
            made["server"] = server
            bound.set()

        await serve(house, told)

    def body() -> None:
        try:
            uvloop.run(work())
        except BaseException as error:  # told to the test, which waits
            made["error"] = error
            bound.set()

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    assert bound.wait(90), "the gateway did not start"  # 100,000 entries take their time
    if "error" in made:
        raise made["error"]

    def end() -> None:
        thread.join(10)
        assert not thread.is_alive(), "the gateway did not stop"
        if "error" in made:
            raise made["error"]

    def stop() -> None:
        server: Server = made["server"]
        server.should_exit = True
        _ENDING.append(end)

    return Running(made["house"], port, options.data, made["loop"]), stop
