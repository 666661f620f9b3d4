# SPDX-License-Identifier: Apache-2.0
"""No secret and no content is left behind: not in a log, a metric, the ledger, the store or another caller's error
(robustness S3; DESIGN §8; threats 12, 13 and 26)."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from canaries import Search, han_mark, mark, spellings
from conftest import Answered, Start
from doors import DOORS, GUARDS, VECTORS
from fault_upstream import CHUNKED, CLOSED, DONE, EVENT_STREAM, LAST, WHOLE, Call, FaultUpstream, chunk, framed, whole
from guiju import logs
from guiju.cli.main import main
from pages_kit import BORDER, form
from personal_kit import id_card
from raw_client import Case, talk
from serving import Served, served
from test_marking_verify import OURS, labelled

LOUD = """
import logging, sys
for name in ("guiju", "uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "aiohttp", "sqlalchemy.engine", "sqlalchemy.pool", "alembic"):
    logging.getLogger(name).setLevel(logging.DEBUG)
from guiju.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""Runs `guiju` with every logger turned up; no flag of ours does that."""
TERM = "规矩金丝雀"
BROKEN = ("refuse", "fail", "moved", "header", "nothing")
"""Models that fail before anything can be told; and those that fail in the middle of a stream."""
BREAKING = ("error", "garbage", "line", "finish")
MODELS = ("good", "stop", "tool", "field", *BROKEN, *BREAKING)


@dataclass
class World:
    """The marks, and who knows which of them."""

    rng: random.Random
    marks: dict[str, str] = field(default_factory=dict)

    def new(self, what: str, han: bool = False) -> str:
        """A new mark."""
        self.marks[what] = made = han_mark(self.rng) if han else mark(self.rng)
        return made


def secrets_of(world: World) -> dict[str, str]:
    """Keys and tokens, each with a mark in it."""
    issuer = "issuer-" + world.new("secret of the issuer") + "-0123456789"
    now = int(time.time())
    claims = {
        "iss": "id.example", "aud": "guiju", "sub": "person-" + world.new("person"), "jti": world.new("transaction"),
        "name": world.new("name of the person", han=True), "iat": now, "exp": now + 300, "method": "cn_mobile_realname",
    }  # fmt: skip
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(issuer))
    world.marks["signature of the assertion"] = token.rsplit(".", 1)[1][8:32]
    late = jwt.encode(
        {"alg": "HS256"}, {**claims, "exp": 5, "sub": world.new("person of old")}, OctKey.import_key(issuer)
    )
    return {
        "key": "gj-own-" + world.new("key"),
        "issuer": issuer,
        "upstream": "sk-" + world.new("key of the model service"),
        "token": token,
        "late": late,
        "wrong": "gj-" + world.new("wrong key"),
    }


def scripts(world: World) -> dict[str, Any]:
    """A model service that answers with marks, and that says again, in its errors, all that it was sent."""
    said, last = world.new("answer", han=True), world.new("answer of a broken stream")
    good = [chunk({"reasoning_content": said}), chunk({"content": f"好。{said}。"}), chunk(finish="stop"), DONE]

    def stream(*events: bytes) -> bytes:
        return EVENT_STREAM + LAST + CHUNKED + framed(b"".join(events))

    def body(data: bytes, status: bytes = b"200 OK") -> bytes:
        return WHOLE.replace(b"200 OK", status) + LAST + b"Content-Length: %d\r\n\r\n" % len(data) + data

    async def answer(call: Call) -> None:
        echo = json.dumps(call.asked, ensure_ascii=False)
        event = chunk({"content": last + "。一二三。"})
        tools = [
            {
                "index": 0,
                "id": "c1",
                "type": "function",
                "function": {"name": "find", "arguments": json.dumps({"q": said})},
            }
        ]
        made = {
            "good": stream(*good) if call.stream else body(whole(f"好。{said}。", note=said)),
            "stop": stream(event, chunk({"content": last + TERM + last})) if call.stream else body(whole(last + TERM)),
            "tool": stream(chunk({"tool_calls": tools}), chunk(finish="tool_calls"), DONE),
            "refuse": body(json.dumps({"error": {"message": echo, "code": echo}}).encode(), b"400 Bad Request"),
            "fail": body(echo.encode(), b"500 Internal Server Error"),
            "moved": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/" + last.encode() + b"\r\n" + CLOSED,
            "error": stream(event, b"data: " + json.dumps({"error": {"message": echo}}).encode() + b"\n\n"),
            "garbage": stream(event, b"data: {" + last.encode() + b"\n\n"),
            "line": stream(event, b"<html>" + echo.encode() + b"</html>\n\n"),
            "finish": stream(event, chunk(finish=last)),
            "field": stream(chunk({said: last, "content": "好"}), chunk(finish="stop", **{said: last}), DONE),
            "header": b"HTTP/1.1 200 OK\r\nX: " + last.encode() + b"\x00\r\n\r\n",
            "nothing": b"",
        }[call.asked["model"]]
        await call.send(made)

    return dict.fromkeys(MODELS, answer)


def visit(gateway: Served, world: World, secrets: dict[str, str], created: str) -> list[tuple[str, Answered]]:
    """Go down every path; returns the answers that are errors, each with whose it is."""
    told, asked = world.new("request"), world.new("question", han=True)
    cookie, hidden = world.new("session"), world.new("field of nobody", han=True)
    errors: list[tuple[str, Answered]] = []

    def ask(
        model: str, text: str = "", key: str = secrets["key"], path: str = "/v1/chat/completions", **more: Any
    ) -> int:
        headers = {
            "Authorization": f"Bearer {key}", "Cookie": f"session={cookie}", "X-Session-Id": cookie,
            "x-guiju-identity": more.pop("token", secrets["token"]), "User-Agent": told, "Accept-Language": "en",
        }  # fmt: skip
        document = {"model": model, "user": told, "metadata": {told: asked}, **more}
        document.setdefault("messages", [{"role": "user", "content": f"{text}{asked} {told}"}])
        answer = gateway.ask("POST", path, json.dumps(document, ensure_ascii=False).encode(), headers)
        if answer.status != 200:
            errors.append((model, answer))
        return answer.status

    tools = [{"type": "function", "function": {"name": "find", "description": asked, "parameters": {"title": told}}}]
    assert ask("good") == ask("good", stream=True) == ask("good", key=created, tools=tools) == 200
    assert ask("tool", stream=True, tools=tools) == ask("field", stream=True) == 200
    assert ask("stop") == ask("stop", stream=True) == 200
    assert ask("good", text=TERM) == ask("good", text=TERM, stream=True) == 400
    for model in BROKEN:
        assert ask(model) == 502
    for model in BREAKING:
        assert ask(model, stream=True) in (200, 502)
    about = f"身份证号{world.marks['id number']}，手机{world.marks['phone']}"
    for model in ("good", "stop", "fail", "error", "refuse", "garbage"):
        ask(model, text=about)
        ask(model, text=about, stream=True)
    assert ask("good", key=secrets["wrong"]) == 401
    assert ask("good", token=secrets["late"]) == ask("good", token=secrets["token"][:-3] + "abc") == 403
    assert ask("good", path=f"/v1/{told}") == 404
    assert ask("good", **{hidden: 1}) == ask("good", n=asked) == ask("good", messages=[{"role": asked}]) == 400
    assert (
        ask("good", messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": told}}]}]) == 400
    )
    errors += through_doors(gateway, secrets, told, asked)
    malformed(gateway, secrets["key"], told, asked)
    for path, status in (("/v1/models", 200), ("/metrics", 200), (f"/{told}?q={told}", 404)):
        assert (
            gateway.ask("GET", path, headers={"Authorization": f"Bearer {created}", "Cookie": cookie}).status == status
        )
    return errors


def through_doors(gateway: Served, secrets: dict[str, str], told: str, asked: str) -> list[tuple[str, Answered]]:
    """The same secrets through every other door: answered, stopped, refused, broken and misunderstood."""
    errors: list[tuple[str, Answered]] = []
    headers = {"Authorization": f"Bearer {secrets['key']}", "x-guiju-identity": secrets["token"], "User-Agent": told}
    asks: list[tuple[str, dict[str, Any]]] = []
    for path, body in DOORS.items():
        for model in ("good", "stop", "fail", "error", "garbage"):
            asks += [(path, {**body(asked + told), "model": model, "stream": stream}) for stream in (False, True)]
        asks += [(path, {**body(asked + TERM + told), "model": "good"}), (path, {**body(told), asked: told})]
    for path, body in {**GUARDS, VECTORS: lambda text: {"model": "good", "input": text}}.items():
        asks += [(path, body(asked + told)), (path, body(told + TERM + asked)), (path, {asked: told})]
    for path, document in asks:
        answer = gateway.ask("POST", path, json.dumps(document, ensure_ascii=False).encode(), headers)
        if answer.status != 200:
            errors.append((path, answer))
    return errors


def malformed(gateway: Served, key: str, told: str, asked: str) -> None:
    """Requests that break HTTP or JSON in the middle of a secret; and a caller that leaves."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n".encode()
    text = f'{{"model":"good","messages":[{{"role":"user","content":"{asked}{told}"}}]'.encode()
    for body in (
        text,
        text + b',"x":NaN}',
        text + f',"{asked}":1,"{asked}":2}}'.encode(),
        text.replace(b"good", b"\xff"),
        text[:-1] + b"\\ud800",
    ):
        talk(gateway.port, Case("json", [head + b"Content-Length: %d\r\n\r\n" % len(body) + body]))
    for raw in (
        head + f"X: {told}\x00\r\n\r\n".encode(), f"{told} / HTTP/1.1\r\n\r\n".encode(), head + f"{told}\r\n\r\n".encode(),
        head + f"{told}_{told}: 1\r\n\r\n".encode(), head + b"Content-Encoding: " + told.encode() + b"\r\n\r\n",
        f"GET http://{told}@[::1/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode(),
        head + f"Connection: upgrade\r\nUpgrade: {told}\r\nContent-Length: 2\r\n\r\n{{}}".encode(),
    ):  # fmt: skip
        talk(gateway.port, Case("http", [raw]))
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as sock:
        body = text + b',"stream":true}'
        sock.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        sock.recv(100)


def through_pages(gateway: Served, world: World) -> Iterator[tuple[int, str]]:
    """Secrets into every page: into its address, its forms, its cookies and its files; yields what was answered."""
    told, said = world.new("field of a form"), world.new("complaint", han=True)
    file = labelled(msgspec.structs.replace(OURS, producer=told, produce_id=told, reserved1=told))
    headers = {"Cookie": f"guiju_language={told}; session={told}", "Accept-Language": told, "User-Agent": told}

    def ask(method: str, path: str, body: bytes | None = None, kind: str = "") -> Answered:
        return gateway.ask(method, path, body, {**headers, **({"Content-Type": kind} if kind else {})})

    upload = f"multipart/form-data; boundary={BORDER}"
    choices = re.findall(r'href="(/complain/[a-z_-]+)', ask("GET", "/complain").body.decode())
    assert choices
    asks: list[tuple[str, str, bytes | None, str]] = [
        ("POST", "/verify", form(("file", f"{told}.png", file)), upload),
        ("POST", "/verify", form((told, told, said.encode())), upload),
        ("POST", "/verify", form(("file", told, file))[:-20], upload),
        ("POST", "/verify", said.encode(), f"text/{told}"),
        ("GET", f"/verify?lang={told}&{told}={said.encode().hex()}", None, ""),
        ("DELETE", "/verify", None, ""),
        ("GET", f"/static/{told}", None, ""),
        ("GET", f"/complain/{told}", None, ""),
        ("GET", f"/c/{told}", None, ""),
        ("GET", f"/appeal/{told}", None, ""),
        ("GET", f"/report?q={told}", None, ""),
    ]
    for path in choices[:3]:
        names = re.findall(r'name="([a-z_]+)"', ask("GET", path).body.decode())
        filled = urlencode(dict.fromkeys(names, f"{said} {told}"))
        asks.append(("POST", path, filled.encode(), "application/x-www-form-urlencoded"))
        asks.append(("POST", path, form(*((name, "", told.encode()) for name in names)), upload))
    for method, path, body, kind in asks:
        yield ask(method, path, body, kind).status, path


def through_commands(folder: Path, world: World, env: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Secrets into commands that fail: on standard input, in the environment, in files; yields what is printed, by name.

    What somebody types as an argument stands on their own screen, and is no secret there."""
    subject, password = world.new("name on standard input"), world.new("password of the store")
    written = world.new("answer in a policy that is not well formed", han=True)
    (folder / "bad.toml").write_text(f'[[answer]]\nid = 1\nzh = "{written}"\nen = "{written}"\n', "utf-8")
    away = {"GUIJU_STORE__URL": f"postgresql://guiju:{password}@127.0.0.1:9/none"}
    data, nobody = ("--data", "data"), "0" * 32
    rows: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
        ("persons find", ("persons", "find", "--issuer", "id.example", *data), {}),
        ("persons find", ("persons", "find", "--issuer", "id.example", "--account", "none", *data, "--json"), {}),
        ("persons show", ("persons", "show", nobody, *data), {}),
        ("persons export", ("persons", "export", nobody, *data, "--json"), {}),
        ("standing uphold", ("standing", "uphold", nobody, "--kind", "spam", *data), {}),
        ("policy apply", ("policy", "apply", "bad.toml", *data), {}),
        ("store away", ("persons", "show", nobody, *data), away),
        ("store away", ("keys", "list", *data, "--json"), away),
        ("store away", ("doctor", *data), away),
        ("check", ("check", *data), {"GUIJU_STORE__URL": f"mysql://{password}@x"}),
        ("evidence", ("evidence", "verify", *data), {}),
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GUIJU_")}
    for name, words, more in rows:
        command = [sys.executable, "-X", "dev", "-c", LOUD, *words]
        ran = subprocess.run(
            command, cwd=folder, env=clean | env | more, input=f"{subject}\n".encode(), capture_output=True, check=False
        )
        assert b"Traceback" not in ran.stderr, (name, ran.stderr)
        yield name, ran.stdout + ran.stderr


def sinks(gateway: Served) -> Iterator[tuple[str, bytes]]:
    """What the process left on disk and shows of itself."""
    yield "log", gateway.log.read_bytes()
    for path in sorted(gateway.data.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()
    for name in ("cmdline", "comm"):
        with contextlib.suppress(OSError):
            yield name, Path(f"/proc/{gateway.child.pid}/{name}").read_bytes()


def create(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A key by command."""
    capsys.readouterr()
    assert main(["keys", "create", "app", "--data", str(folder / "data"), "--json"]) == 0
    return str(json.loads(capsys.readouterr().out)["key"])


@pytest.mark.slow
def test_no_sink_holds_a_secret_or_what_was_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    world = World(random.Random(seed))
    secrets = secrets_of(world)
    created = create(tmp_path, capsys)
    world.marks["created key, but for what lists show of it"] = created[8:]
    world.marks |= {"id number": id_card(world.rng), "phone": f"139{world.rng.randrange(10**8):08}"}
    world.marks |= {"whole " + what: secret for what, secret in (*secrets.items(), ("created", created))}
    with FaultUpstream(scripts(world)) as model:
        settings = (
            f'[[upstream]]\nname = "test"\nurl = "{model.url}"\nkey_env = "MODEL_KEY"\n[limits]\ncircuit_failures = 100\n'
            '[[issuer]]\nissuer = "id.example"\naudience = "guiju"\nsecret_env = "ISSUER_SECRET"\n'
            'levels = { cn_mobile_realname = "phone" }\n'
        )
        env = {"MODEL_KEY": secrets["upstream"], "ISSUER_SECRET": secrets["issuer"]}
        command = (sys.executable, "-X", "dev", "-c", LOUD)
        with served(tmp_path, settings, command=command, keys=[secrets["key"]], env=env) as gateway:
            errors = visit(gateway, world, secrets, created)
            paged = list(through_pages(gateway, world))
            typed = list(through_commands(tmp_path, world, env))
            gateway.child.send_signal(signal.SIGHUP)
            page = gateway.ask("GET", "/metrics").body
            running = list(sinks(gateway))
    search = Search(world.marks)
    left = [
        *running,
        *sinks(gateway),
        ("metrics", page),
        *typed,
        *((f"error of {model}", answer.body) for model, answer in errors),
    ]
    assert not list(search.faults(left))
    assert b'"level":"debug"' in gateway.log.read_bytes(), "the loggers were not turned up"
    assert {"guiju.db", "log", "cmdline", "metrics", "error of fail"} <= {name for name, _ in left}
    assert len(errors) > 40
    assert {400, 404, 405} <= {status for status, _ in paged}
    assert {"persons find", "store away", "policy apply"} <= {name for name, _ in typed}
    assert {*DOORS, *GUARDS, VECTORS} - {"/beta/litellm_basic_guardrail_api"} <= {name for name, _ in errors}
    assert person_kept(gateway.data), "the person went down another path than the one that keeps a verdict"
    assert list(planted(gateway, world, search)) == []


def person_kept(data: Path) -> bool:
    with contextlib.closing(sqlite3.connect(data / "guiju.db")) as connection:
        return bool(connection.execute("select count(*) from person where level = 'phone'").fetchone()[0])


def planted(gateway: Served, world: World, search: Search) -> Iterator[str]:
    """Marks put into each sink in a spelling or other; yields those that the search then misses."""
    for what, marked in world.marks.items():
        for name, spelling in spellings(marked).items():
            if f"{what}, {name}" not in search.find(b"before" + spelling + b"after"):
                yield f"{what}, {name}"
    what, marked = next(iter(world.marks.items()))
    with contextlib.closing(sqlite3.connect(gateway.data / "guiju.db")) as connection:
        connection.execute("create table planted (a)")
        connection.execute("insert into planted values (?)", (marked.encode("utf-16-le"),))
        connection.commit()
    ledger = next(gateway.data.glob("ledger/*/*.log"))
    for path in (gateway.log, ledger):
        path.write_bytes(path.read_bytes() + json.dumps({"x": marked.encode().hex()}).encode())
    found = set(search.faults(sinks(gateway)))
    yield from {f"log: {what}, hex", f"{ledger.name}: {what}, hex", f"guiju.db: {what}, utf-16-le"} - found


def test_the_books_name_few_of_the_fields_that_a_model_service_makes_up(start: Start) -> None:
    """It decides how many there are, and what they are called; names of words alone are told, and not all of them."""

    async def answer(call: Call) -> None:
        fields = {f"made_up_{i}": 1 for i in range(5000)} | {"说出来的话": 1}
        made = whole("好", **fields)
        await call.send(WHOLE + LAST + b"Content-Length: %d\r\n\r\n" % len(made) + made)

    with FaultUpstream({"m": answer}) as model:
        gateway = start(upstream=model.url)
        answered = gateway.chat("你好", model="m")
        dropped = gateway.entry("closed", answered.headers["x-guiju-decision-id"])["dropped"]
    assert 10 < len(dropped) <= 64
    assert all(name.startswith("made_up_") or name == "…" for name in dropped)


def test_a_log_line_shows_nothing_of_what_a_library_says_about_an_error() -> None:
    """asyncio puts the error's own words, and a task's, into the text of its record, line by line."""
    record = logging.LogRecord(
        "asyncio", logging.ERROR, "", 0, "Task exception was never retrieved\nfuture: ValueError('said')", (), None
    )
    line = json.loads(logs.Lines().format(record))
    assert line["event"] == "Task exception was never retrieved"
    record = logging.LogRecord("x", logging.ERROR, "", 0, "%s", ("said",), (ValueError, ValueError("said"), None))
    assert "said" not in logs.Lines().format(record)
