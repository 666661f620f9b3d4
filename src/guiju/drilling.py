# SPDX-License-Identifier: Apache-2.0
"""How a drill asks doors and pages that listen nowhere, and the drills about what is known of persons (Articles 11,
12) and about labels (Article 16; Labelling Measures, 11); see `rehearsing`."""

from __future__ import annotations

import asyncio
import io
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select

from guiju.adapters.canary import SayingModel
from guiju.adapters.upstreams import Upstreams
from guiju.controls.drills import Drill
from guiju.errors import ConfigError
from guiju.gateway.http import Receive, Scope, Send
from guiju.house import House
from guiju.marking.families import labelled as written
from guiju.marking.family import MarkingError
from guiju.marking.label import Aigc, parse
from guiju.marking.samples import SAMPLES
from guiju.marking.verify import verified
from guiju.marking.words import WORDS, fault
from guiju.records import rights
from guiju.records.daykeys import DayKeys
from guiju.records.schema import person

App = Callable[[Scope, Receive, Send], Awaitable[None]]
MODEL: Final = "guiju-rehearsal"
KEY: Final = "gj-rehearsal-0000000000000000"
_CHUNK: Final = 1 << 20
_TRIES: Final = 100
_OWN: Final = ("person", "identity", "account_id")
"""What is each person's own in all that is kept of them."""
_TOPICS: Final = (
    ("怎样给月季修枝？", "月季几月开花？", "月季怎样越冬？"),
    ("夜校怎样报名？", "夜校收费吗？", "夜校几点下课？"),
)
_SAME: Final = "请写一句祝福的话。"


class Answer(msgspec.Struct):
    """An answer of the scratch house."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode("utf-8", "replace")


async def talk(scratch: House, app: App, asked: str, who: str) -> Answer:
    """Ask the model of a drill as somebody does."""
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": asked}]}
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    headers["x-guiju-identity"] = scratch.identity(who)
    answer = await ask(app, "POST", "/v1/chat/completions", msgspec.json.encode(body), headers)
    if answer.status != 200:
        raise ConfigError("not_found", what="answer")
    return answer


def heard(answer: Answer) -> str:
    """What the model said."""
    return "".join(re.findall(r'"content":"([^"]*)"', answer.text))


async def says(scratch: House, app: App, text: str) -> bool:
    """Whether a model that says a text is heard."""
    scratch.live.upstreams = Upstreams([SayingModel(MODEL, text)])
    return text in heard(await talk(scratch, app, "请说。", "drill"))


async def unkept(scratch: House, app: App) -> Drill:
    """Whether what somebody asks and gets stands in no file of the house afterwards."""
    asked, got = ("".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(24)) for _ in range(2))
    scratch.live.upstreams = Upstreams([SayingModel(MODEL, got)])
    if got not in heard(await talk(scratch, app, f"请记下 {asked}。", "drill-a")):
        return Drill(False, "not_answered")
    await _settled(scratch)
    left = await asyncio.to_thread(_stands, scratch.options.data, (asked.encode(), got.encode()))
    return Drill(not left, "kept" if left else "")


def _stands(folder: Path, words: tuple[bytes, ...]) -> bool:
    """Whether a word stands in a file below a folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                end = b""
                while part := file.read(_CHUNK):
                    if any(word in end + part for word in words):
                        return True
                    end = part[-64:]
    return False


async def plain(scratch: House, app: App) -> Drill:
    """Whether all that is kept of two persons, who asked about different things, is the same but for who they are."""
    scratch.live.upstreams = Upstreams([SayingModel(MODEL, "好的。")])
    before = set(await asyncio.to_thread(_persons, scratch))
    for number in range(3):
        for who, topics in enumerate(_TOPICS):
            await talk(scratch, app, topics[number], f"drill-topic-{who}")
    await _settled(scratch)
    for _ in range(_TRIES):  # a verdict is kept beside the road
        two = [one for one in await asyncio.to_thread(_persons, scratch) if one not in before]
        if len(two) == len(_TOPICS):
            break
        await asyncio.sleep(0.05)
    else:
        return Drill(False, "not_known")
    a, b = [await asyncio.to_thread(_kept, scratch, who) for who in two]
    return Drill(a == b, "" if a == b else ",".join(name for name in a if a[name] != b[name]))


def _persons(scratch: House) -> list[tuple[str, str]]:
    with scratch.store.read() as connection:
        return [(row.account_id, row.id) for row in connection.execute(select(person.c.account_id, person.c.id))]


def _kept(scratch: House, who: tuple[str, str]) -> dict[str, Any]:
    keys = DayKeys(scratch.options.data / "keys")
    made = rights.everything(scratch.store, keys, who, int(scratch.live.clock()))
    return {name: value for name, value in made.items() if name not in _OWN}


async def alike(scratch: House, app: App) -> Drill:
    """Whether two persons who ask the same are asked for with the same words, and get the same."""
    model = SayingModel(MODEL, "祝您一切顺利。")
    scratch.live.upstreams = Upstreams([model])
    got = [heard(await talk(scratch, app, _SAME, who)) for who in ("drill-one", "drill-other")]
    sent = [_words(body) for body in model.asked]
    same = len(sent) == 2 and sent[0] == sent[1] and got[0] == got[1]
    return Drill(same, "" if same else "differs")


async def labelled(scratch: House, app: App) -> Drill:
    """Whether an answer in text carries its label, whether that label goes into a file of each kind and is read back
    from it, and whether all of it is as the standard writes (GB 45438-2025, 5.1, 6.1 and Annex E)."""
    scratch.live.upstreams = Upstreams([SayingModel(MODEL, "好的。")])
    answer = await talk(scratch, app, "请说。", "drill")
    found = [one for one in map(parse, re.findall(r'"aigc":(\{[^}]*\})', answer.text)) if one is not None]
    if not found:
        return Drill(False, "text")
    wrong = await asyncio.to_thread(_departs, found[0].aigc)
    wrong += ["text"] * any(one.faults for one in found)
    wrong += ["words"] * any(fault(word) for words in WORDS.values() for word in words.values())
    return Drill(not wrong, ",".join(wrong))


def _departs(aigc: Aigc) -> list[str]:
    """Kinds of files that do not carry a label as they must."""
    made = []
    for ending, file in SAMPLES.items():
        target = io.BytesIO()
        try:
            written(io.BytesIO(file), target, aigc, ending)
            read = verified(target, io.BytesIO(), ending)
        except MarkingError:
            made.append(ending)
            continue
        if read.label != aigc.fields() or read.faults or read.producer_fault or aigc.kind != "1":
            made.append(ending)
    return made


def _words(body: bytes) -> object:
    """What a model is asked, without the keyed numbers that stand for a person."""
    made = msgspec.json.decode(body)
    return {name: value for name, value in made.items() if name not in ("user", "safety_identifier", "metadata")}


async def _settled(scratch: House) -> None:
    """Write what is counted in memory."""
    await scratch.live.uses.settle(scratch.live.clock())
    await scratch.live.hits.settle(scratch.store, scratch.live.clock())
    await scratch.live.tally.settle(scratch.store, scratch.live.clock())


async def ask(app: App, method: str, place: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """One request to doors and pages that listen nowhere."""
    parts = urlsplit(place)
    fields = {"host": "guiju.invalid", "accept": "*/*", "content-length": str(len(body)), **(headers or {})}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
        "extensions": {},
    }
    made, sent = Answer(headers={}), False

    async def receive() -> Any:
        nonlocal sent
        if sent:
            await asyncio.sleep(3600)
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            made.status = message["status"]
            made.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            made.body += message.get("body", b"")

    await app(scope, receive, send)
    return made
