# SPDX-License-Identifier: Apache-2.0
"""Floods of complaints over real sockets from many addresses: limits hold, reviewers see few groups, and an honest person
is answered meanwhile (robustness, threat 20, C4)."""

from __future__ import annotations

import http.client
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlencode

import pytest

from guiju.config import Complain, Settings
from guiju.desk.choices import OFFERED
from guiju.desk.public import Front
from guiju.records import cases
from guiju.records.cases import Found
from guiju.records.ids import ExchangeIds
from guiju.records.secrets import Secrets
from lengths import NOTICES
from pages_kit import desk_front, serving
from public_kit import BORDER, PLAIN, STORY
from public_kit import number as number_of

NOW = 1_795_500_000.0
ADDRESSES = 500


class Desk(NamedTuple):
    """A desk whose pages are served, as if this machine had no privilege."""

    port: int
    front: Front
    ids: ExchangeIds


class Sender:
    """Somebody at one address, who keeps a connection open."""

    def __init__(self, port: int, address: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(address, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, bytes, str]:
        body = urlencode(fields).encode() if fields is not None else None
        self._connection.request(method, path, body, PLAIN if fields is not None else {})
        answer = self._connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("location", "")

    def token(self, choice: str) -> str:
        found = re.search(rb'name="token" value="([^"]+)"', self.ask("GET", f"/complain/{choice}")[1])
        assert found
        return found[1].decode()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_front(tmp_path, lambda: NOW) as front, serving(Settings(), frozenset(), front=front) as site:
        yield Desk(site.port, front, ExchangeIds(Secrets.open(tmp_path / "keys").ids, "w"))


def groups(desk: Desk) -> list[tuple[cases.Case, int]]:
    return cases.groups(desk.front.desk.store, Found(limit=10**6))


def address(number: int) -> str:
    return f"127.1.{number // 250}.{number % 250 + 1}"


@pytest.mark.slow
def test_thousands_from_one_address_get_twenty_turns(desk: Desk) -> None:
    with Sender(desk.port, address(0)) as sender:
        tokens = {choice: sender.token(choice) for choice in OFFERED}
        answers: Counter[int] = Counter()
        for number in range(2_000):
            choice = OFFERED[number % len(OFFERED)]
            status, body, _ = sender.ask(
                "POST", f"/complain/{choice}", {**STORY[choice], "note": f"第{number}件", "token": tokens[choice]}
            )
            answers[status] += 1
            if status == 429:
                assert f"第{number}件".encode() in body
        assert answers[303] in (20, 21)
        assert sum(answers.values()) - answers[303] == answers[429]
        assert len(groups(desk)) <= 20


@pytest.mark.slow
def test_a_contact_gets_five_turns_however_it_is_written(desk: Desk) -> None:
    answers: Counter[int] = Counter()
    for number, contact in enumerate(("a@example.com", "A@Example.com ", "ａ@example.com") * 4):
        with Sender(desk.port, address(number)) as sender:
            given = {**STORY["other"], "contact": contact, "note": f"{number}", "token": sender.token("other")}
            answers[sender.ask("POST", "/complain/other", given)[0]] += 1
    assert answers == {303: 5, 429: 7}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_from_five_hundred_addresses_stand_in_twenty_groups(desk: Desk) -> None:
    each = NOTICES // ADDRESSES
    sent: Counter[int] = Counter()
    over = threading.Event()

    def flood(who: int) -> None:
        with Sender(desk.port, address(who)) as sender:
            choice = OFFERED[who % len(OFFERED)]
            token = sender.token(choice)
            for number in range(each):
                given = {
                    **STORY[choice],
                    "token": token,
                    "note": f"{who} {number}",
                    "text": f"编造的第{who}段第{number}句。",
                }
                sent[sender.ask("POST", f"/complain/{choice}", given)[0]] += 1

    waited: list[float] = []

    def honest() -> None:
        number = 0
        while not over.is_set() and number < 400:
            with Sender(desk.port, address(1_000 + number)) as sender:
                given = {
                    **STORY["harm"],
                    "token": sender.token("harm"),
                    "decision": desk.ids.new(int(NOW * 1000) + number),
                    "text": f"真的第{number}段，各不相同。",
                }
                begun = time.monotonic()
                status, _, place = sender.ask("POST", "/complain/harm", given)
                waited.append(time.monotonic() - begun)
                assert status == 303
                assert sender.ask("GET", place)[0] == 200
                number += 1

    person = threading.Thread(target=honest)
    person.start()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(flood, range(ADDRESSES)))
    over.set()
    person.join()
    assert sent[303] + sent[429] == each * ADDRESSES
    assert sent[303] >= min(each, 20) * ADDRESSES
    found = groups(desk)
    false = [one for one in found if not one[0].produce_id]
    assert sum(many for _, many in false) == sent[303]
    assert len(false) <= 20
    assert len(found) - len(false) == len(waited)
    assert len(waited) >= 5
    assert statistics.quantiles(waited, n=100)[98] <= 1.0


@pytest.mark.slow
def test_a_thousand_about_one_answer_are_one_group(desk: Desk) -> None:
    decision = desk.ids.new(int(NOW * 1000))
    for who in range(50):
        with Sender(desk.port, address(who)) as sender:
            token = sender.token("harm")
            for number in range(20):
                given = {**STORY["harm"], "token": token, "decision": decision, "note": f"{who} {number}"}
                assert sender.ask("POST", "/complain/harm", given)[0] == 303
    assert [many for _, many in groups(desk)] == [1_000]


@pytest.mark.slow
def test_codes_can_t_be_guessed_and_who_guesses_is_slowed(desk: Desk) -> None:
    with Sender(desk.port, address(0)) as sender:
        token = sender.token("other")
        place = sender.ask("POST", "/complain/other", {**STORY["other"], "token": token})[2]
        path = place.partition("?")[0]
        answers = Counter(sender.ask("GET", f"{path}?key={guess:032x}")[0] for guess in range(500))
        assert answers[404] <= 32
        assert answers[404] + answers[429] == 500
        assert sender.ask("GET", place)[0] == 200
        assert sum(desk.front.desk.find(number_of(place), f"{guess:032x}") is not None for guess in range(3_000)) == 0


def test_limits_are_settings(tmp_path: Path) -> None:
    settings = Settings(complain=Complain(per_address=1, per_contact=0))
    with (
        desk_front(tmp_path) as front,
        serving(settings, frozenset(), front=front) as site,
        Sender(site.port, address(0)) as sender,
    ):
        answers = [
            sender.ask("POST", "/complain/other", {**STORY["other"], "note": note, "token": sender.token("other")})
            for note in ("一", "二")
        ]
        assert [one[0] for one in answers] == [303, 429]


@pytest.mark.slow
def test_files_have_a_quota_and_a_complaint_without_room_for_them_is_taken(tmp_path: Path) -> None:
    settings = Settings(complain=Complain(hour_bytes=40_000))
    with (
        desk_front(tmp_path) as front,
        serving(settings, frozenset(), front=front) as site,
        Sender(site.port, address(0)) as sender,
    ):
        token = sender.token("other")
        parts = [("note", "", "写不下".encode()), ("token", "", token.encode())]
        parts += [("files", f"{name}.txt", name.encode() * 3_000) for name in "ab"]
        body = b"".join(
            f'--{BORDER}\r\nContent-Disposition: form-data; name="{name}"'.encode()
            + (f'; filename="{file}"'.encode() if file else b"")
            + b"\r\n\r\n"
            + data
            + b"\r\n"
            for name, file, data in parts
        )
        kind = f"multipart/form-data; boundary={BORDER}"
        answer = site.ask("POST", "/complain/other", body + f"--{BORDER}--\r\n".encode(), content_type=kind)
        assert answer.status == 303
        assert "not=full" in answer.headers["location"]
        mine = number_of(answer.headers["location"])
        assert len(front.desk.papers.all(mine, front.desk.now(), ("evidence",))) == 1


def test_somebody_who_always_meets_one_of_eight_processes_has_five_turns(tmp_path: Path) -> None:
    with (
        desk_front(tmp_path) as front,
        serving(Settings(), frozenset(), workers=8, front=front) as site,
        Sender(site.port, address(0)) as sender,
    ):
        token, answers = sender.token("other"), []
        for turn in range(7):
            given = {"note": str(turn), "contact": "a@example.com", "token": token}
            answers.append(sender.ask("POST", "/complain/other", given)[0])
        assert answers == [303] * 5 + [429] * 2
