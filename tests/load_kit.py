# SPDX-License-Identifier: Apache-2.0
"""Callers that ask all the time while something breaks, and what they were answered."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from guiju.records.sources import source_of
from guiju.records.verify import verify
from test_evidence_kill import rows_of

TERM = "规矩金丝雀"
PAUSE_S = 0.02
_HARMLESS = {"content": "你好[[say:好。We go out.]]"}
_ASKED = {"content": f"请说{TERM}"}
_ANSWERED = {"content": "[[canary:3]]"}
MESSAGES = {"harmless": _HARMLESS, "asked": _ASKED, "answered": _ANSWERED, "stranger": _HARMLESS}
"""What is asked: something harmless, a forbidden word, something whose answer holds it, and without a key that is good."""


@dataclass
class Seen:
    """One answer.

    Attributes:
        at: monotonic seconds when it was whole.
        took: seconds.
        status: 0 when the connection broke.
        decision: its id in the books, where it has one.
        whole: a good answer that came to its end.
        leaked: the forbidden word is in it.
    """

    kind: str
    at: float
    took: float
    status: int
    code: str = ""
    decision: str = ""
    whole: bool = False
    leaked: bool = False


@dataclass
class Traffic:
    """Callers of one gateway, and all that they have seen."""

    port: int
    key: str
    seen: list[Seen] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def ask(self, kind: str, *, stream: bool = False) -> Seen:
        """Ask once."""
        key = "gj-of-a-stranger" if kind == "stranger" else self.key
        body = {"model": "scripted", "stream": stream, "messages": [{"role": "user", **MESSAGES[kind]}]}
        head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Accept-Language": "en"}
        began, status, said, decision = time.monotonic(), 0, b"", ""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/v1/chat/completions", json.dumps(body).encode(), head)
            answer = connection.getresponse()
            decision, said = answer.headers.get("x-guiju-decision-id", ""), answer.read()
            status = answer.status
        now = time.monotonic()
        code = json.loads(said)["error"]["code"] if status >= 400 else ""
        whole = status == 200 and (not stream or (b"data: [DONE]" in said and b'"error":' not in said))
        made = Seen(kind, now, now - began, status, code, decision, whole, TERM.encode() in said)
        self.seen.append(made)
        return made

    def between(self, begin: float, end: float) -> list[Seen]:
        """What was answered within a time."""
        return [one for one in self.seen if begin <= one.at < end]

    def counted(self) -> Counter[tuple[str, int, str]]:
        """How often each kind got each answer."""
        return Counter((one.kind, one.status, one.code) for one in self.seen)

    def _go_on(self, kinds: Sequence[str], pause: float) -> None:
        turn = 0
        while not self._over.is_set():
            self.ask(kinds[turn % len(kinds)], stream=turn % 3 == 1)
            turn += 1
            time.sleep(pause)

    def stop(self) -> None:
        """No more questions."""
        self._over.set()


@contextmanager
def traffic(port: int, key: str, kinds: Iterable[str] = tuple(MESSAGES), pause: float = PAUSE_S) -> Iterator[Traffic]:
    """Ask in the background, two callers for each kind, until the end."""
    made = Traffic(port, key)
    callers = [
        threading.Thread(target=made._go_on, args=((kind,), pause), daemon=True) for kind in kinds for _ in range(2)
    ]
    for one in callers:
        one.start()
    try:
        yield made
    finally:
        made.stop()
        for one in callers:
            one.join(60)


def nothing_passed(seen: Iterable[Seen]) -> None:
    """No forbidden word came through, and nobody with a good key was told that it is none."""
    for one in seen:
        assert not one.leaked, one
        if one.kind != "stranger":
            assert one.status != 401, one
        if one.kind == "asked":
            assert one.status != 200, one
        assert one.status < 500 or one.status == 503, one


def all_in_the_books(seen: Sequence[Seen], ledger: str, public: bytes) -> int:
    """Each answer of which somebody got something was opened, each that came to its end was closed; how many did."""
    began = {one.decision for one in seen if one.status == 200}
    ended = {one.decision for one in seen if one.whole}
    with closing(source_of(ledger)) as source:
        entries = list(rows_of(source).values())
        report = verify(source, [public])
    assert report.whole, report.first
    for kind, seen_of in (("opened", began), ("closed", ended)):
        there = {str(entry.body.get("x")) for entry in entries if entry.kind == kind}
        missing = [one for one in seen if one.decision in seen_of - there]
        assert not missing, f"{len(missing)} answers without {kind}: {missing[:3]}"
    return len(ended)
