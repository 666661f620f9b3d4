# SPDX-License-Identifier: Apache-2.0
"""Rest and standing over two worker processes that share one store: a person is one person, whichever of them is asked
(Articles 10, 19). Time is real time here: these tests take minutes."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conftest import KEY, Answered
from guiju.adapters.scripted import ScriptedModel
from guiju.records.ids import _VALUES, tag
from identity_kit import SECRET, assertion
from places import place
from serving import GUIJU, Served, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
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


class Crew:
    """Two workers, and a person who asks them."""

    def __init__(self, gateway: Served) -> None:
        self.gateway = gateway

    def ask(self, text: str = "", who: str = "person-1") -> Answered:
        """One question, on a connection of its own; each of another shape, as one text many times would be slowed."""
        text = text or "[[say:好]]" + "".join(random.sample(WORDS, 9))
        body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": text}]}).encode()
        headers = {"authorization": f"Bearer {KEY}", "x-guiju-identity": assertion(sub=who)}
        return self.gateway.ask("POST", "/v1/chat/completions", body, headers)

    def many(self, count: int = 24, who: str = "person-1") -> list[Answered]:
        """Questions side by side, so that both are asked."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: self.ask(who=who), range(count)))

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
def crew(folder: Path, kind: str, more: str = "") -> Iterator[Crew]:
    """Two workers over a store of one kind."""
    with place(kind, folder / "data") as here, ScriptedModel() as model:
        text = SETTINGS.format(store=here.url, model=model.url, more=more)
        with served(folder, text, env={"ISSUER_SECRET": SECRET}, lexicon=LEXICON) as gateway:
            until(lambda: len(list(gateway.data.glob("worker-*.ready"))) == 2)
            until(lambda: all(gateway.ask("GET", "/readyz").status == 200 for _ in range(20)))
            yield Crew(gateway)


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


@pytest.mark.parametrize("kind", BOTH)
def test_a_day_of_one_minute_is_one_minute_over_both(tmp_path: Path, kind: str) -> None:
    with crew(tmp_path, kind, "[rest]\nday_minutes = 1\nremind_minutes = 0\n") as both:
        began, seen = time.monotonic(), set()
        while (answer := both.ask()).status == 200:
            seen.add(both.worker(answer))
            assert time.monotonic() - began < 90, "what one counted the other does not know"
            time.sleep(1)
        took = time.monotonic() - began
        assert code(answer) == "usage_break"
        assert len(seen) == 2
        assert took >= 55, "what both counted was added up"
        until(lambda: {code(one) for one in both.many()} == {"usage_break"}, 75)  # a row is read again once a minute
        assert len({both.worker(one) for one in both.many()}) == 2
        assert {one.status for one in both.many(who="person-2")} == {200}


@pytest.mark.parametrize("kind", BOTH)
def test_a_decision_reaches_both_within_seconds_and_so_does_its_end(tmp_path: Path, kind: str) -> None:
    with crew(tmp_path, kind) as both:
        assert {one.status for one in both.many()} == {200}
        who = both.person()
        grounds = ("--kind", "spam", "--case", "C-1", "--reason", "r")
        until(lambda: "error" not in both.guiju("standing", "show", who))
        step = both.guiju("standing", "decide", who, "--rung", "suspend", "--days", "3", *grounds)
        took = until(lambda: {code(one) for one in both.many()} == {"account_suspended"}, 5)
        answers = both.many()
        assert {code(one) for one in answers} == {"account_suspended"}
        assert len({both.worker(one) for one in answers}) == 2
        assert took < 5
        assert {one.status for one in both.many(who="person-2")} == {200}, "it is bound to the person, not to the key"
        lifted = subprocess.run(
            [*GUIJU, "standing", "lift", step["id"], "--data", "data"], cwd=tmp_path, capture_output=True, check=False
        )
        assert lifted.returncode == 0, lifted.stderr
        until(lambda: {one.status for one in both.many()} == {200}, 5)


@pytest.mark.parametrize("kind", BOTH)
def test_strikes_of_both_add_up_and_what_follows_holds_in_both(tmp_path: Path, kind: str) -> None:
    with crew(tmp_path, kind) as both:
        both.many()
        struck = set()
        for name in "甲乙丙丁戊":
            answer = both.ask(f"写一条规矩垃圾{name}")
            assert code(answer) == "content_filter"
            struck.add(both.worker(answer))
            both.many(4)  # harmless requests between them: nothing is in a row, and others get a turn
        who = both.person()
        until(lambda: len(both.guiju("standing", "show", who)["strikes"]) == 5)
        rungs = {one["rung"] for one in both.guiju("standing", "show", who)["steps"]}
        assert {"notice", "warn", "limit"} <= rungs
        time.sleep(2.5)  # all processes know within two seconds
        answers = both.many(40)
        limited = [one for one in answers if code(one) == "usage_limited"]
        assert len(limited) >= 30
        assert len({both.worker(one) for one in limited}) == 2
        assert {one.status for one in both.many(who="person-2")} == {200}
