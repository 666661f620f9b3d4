# SPDX-License-Identifier: Apache-2.0
"""Two worker processes over one store, and persons who ask them; their wall clock may be the test's."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from browser_kit import missing
from conftest import KEY, Answered
from guiju.adapters.scripted import ScriptedModel
from guiju.records.ids import _VALUES, tag
from identity_kit import SECRET, assertion
from places import Place, place
from serving import GUIJU, Served, served

LEXICON = "term,category,severity\n" + "".join(f"规矩垃圾{name},spam,block\n" for name in "甲乙丙丁戊")
SETTINGS = """
[serve]
workers = 2
[store]
url = "{store}"
[[upstream]]
name = "scripted"
url = "{model}"
[[issuer]]
issuer = "id.example"
audience = "guiju"
secret_env = "ISSUER_SECRET"
levels = {{ cn_mobile_realname = "phone" }}
{more}
"""
WORDS = "春夏秋冬风花雪月山川湖海日星云雨梅兰竹菊琴棋书画东南西北"
BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))
"""Both databases; these tests are slow whichever it is."""
FAKETIME = "libfaketimeMT.so.1"


class Clock:
    """The wall clock of the workers: it stands off from the machine's by some seconds; elapsed time is not touched.

    Args:
        folder: where the file lies by which libfaketime is told.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)

    def set(self, off_s: int) -> None:
        """Let it jump, in all processes at once."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{off_s:+d}s\n", "ascii")
        written.replace(self._file)
        self.off_s = off_s

    @property
    def now(self) -> int:
        """Unix seconds, as the workers see them."""
        return int(time.time()) + self.off_s

    def environment(self) -> dict[str, str]:
        """What makes a process take its time from here."""
        found = sorted(Path("/usr/lib").glob(f"*/faketime/{FAKETIME}"))
        if not found:
            missing("no libfaketime: apt-get install faketime")
        return {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


class Crew:
    """Two workers, and a person who asks them.

    Attributes:
        model: the model service that they ask.
        here: their store.
        clock: theirs, where it is the test's.
    """

    def __init__(self, gateway: Served, model: ScriptedModel, here: Place, clock: Clock | None) -> None:
        self.gateway, self.model, self.here, self.clock = gateway, model, here, clock

    def ask(self, text: str = "", who: str = "person-1", **claims: Any) -> Answered:
        """One question, on a connection of its own; each of another shape, as one text many times would be slowed."""
        text = text or "[[say:好]]" + "".join(random.sample(WORDS, 9))
        body = {"model": "scripted", "messages": [{"role": "user", "content": text}]}
        return self.send("POST", "/v1/chat/completions", body, self.vouched(who, **claims))

    def vouched(self, who: str = "person-1", **claims: Any) -> dict[str, str]:
        """The header with which somebody comes."""
        now = self.clock.now if self.clock else int(time.time())
        return {"x-guiju-identity": assertion(**{"sub": who, "iat": now, "exp": now + 300, **claims})}

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answered:
        """Any request, with the operator's key."""
        data = None if body is None else json.dumps(body).encode()
        return self.gateway.ask(method, path, data, {"authorization": f"Bearer {KEY}", **(headers or {})})

    def both(self, ask: Callable[[], Answered]) -> list[Answered]:
        """The same request until each worker has answered it."""
        answers: list[Answered] = []
        while len({self.worker(one) for one in answers}) < 2:
            assert len(answers) < 200, "one worker answers all"
            with ThreadPoolExecutor(8) as pool:
                answers += pool.map(lambda _: ask(), range(8))
        return answers

    def many(self, count: int = 24, who: str = "person-1", **claims: Any) -> list[Answered]:
        """Questions side by side, so that both are asked."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: self.ask(who=who, **claims), range(count)))

    def worker(self, answer: Answered) -> str:
        """Which of them answered: whose ledger has the decision."""
        number = 0
        for character in answer.headers["x-guiju-decision-id"]:
            number = number << 5 | _VALUES[character]
        mark = number.to_bytes(16, "big")[6:9]
        return next(path.name for path in (self.gateway.data / "ledger").iterdir() if tag(path.name) == mark)

    def guiju(self, *words: str, said: str = "") -> Any:
        """A command beside them."""
        ran = subprocess.run(
            [*GUIJU, *words, "--account", "operator", "--data", "data", "--json"], cwd=self.gateway.data.parent,
            capture_output=True, text=True, input=said, timeout=60, check=False,
        )  # fmt: skip
        return json.loads(ran.stdout)

    def person(self, who: str = "person-1") -> str:
        """The id of a person."""
        return str(self.guiju("persons", "find", "--issuer", "id.example", said=who + "\n")["person"])


@contextmanager
def crew(folder: Path, kind: str, more: str = "", clock: Clock | None = None) -> Iterator[Crew]:
    """Two workers over a store of one kind."""
    with place(kind, folder / "data") as here, ScriptedModel() as model:
        text = SETTINGS.format(store=here.url, model=model.url, more=more)
        env = {"ISSUER_SECRET": SECRET, **(clock.environment() if clock else {})}
        with served(folder, text, env=env, lexicon=LEXICON) as gateway:
            until(lambda: len(list(gateway.data.glob("worker-*.ready"))) == 2, 60)
            until(lambda: all(gateway.ask("GET", "/readyz").status == 200 for _ in range(20)), 60)
            yield Crew(gateway, model, here, clock)


def until(holds: Callable[[], bool], seconds: float = 20.0) -> float:
    """Wait until something holds; returns how long it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "it did not come to that"
        time.sleep(0.05)
    return time.monotonic() - began


def code(answer: Answered) -> str:
    """The code of an error; `""` for an answer."""
    return str(answer.json["error"]["code"]) if answer.status != 200 else ""
