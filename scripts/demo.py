# SPDX-License-Identifier: Apache-2.0
"""`make run`: bring up the gateway in front of a model service, send it three requests, show what was decided, stay up.

Standard library only. Everything runs in processes of its own, which are stopped in order at Ctrl-C. Words in
src/guiju/cli/demo.csv are harmless; they stand for what an operator's own word list would hold.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
GUIJU = ROOT / ".venv" / "bin" / "guiju"
WORDS = ROOT / "src" / "guiju" / "cli" / "demo.csv"
DATA = Path("data")
ZH = next((v for n in ("GUIJU_LANG", "LC_ALL", "LC_MESSAGES", "LANG") if (v := os.environ.get(n))), "").startswith("zh")
START_S = 60.0


def say(zh: str, en: str) -> str:
    """The sentence in the reader's language."""
    return zh if ZH else en


class Child(NamedTuple):
    """A process of ours."""

    name: str
    process: subprocess.Popen[str]


class Stack:
    """The processes, in the order in which they were started; they are stopped the other way round."""

    def __init__(self) -> None:
        self.children: list[Child] = []

    def start(self, name: str, command: list[str], *, listen: bool = False, quiet: bool = False) -> dict[str, Any]:
        """Start one; with `listen`, wait for the line of JSON with which it says where it listens."""
        out = subprocess.PIPE if listen else subprocess.DEVNULL if quiet else None
        process = subprocess.Popen(command, stdout=out, text=True, start_new_session=True)
        self.children.append(Child(name, process))
        if not listen:
            return {}
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("{"):
            raise SystemExit(say(f"{name} 未能启动。", f"{name} did not start."))
        found: dict[str, Any] = json.loads(line)
        return found

    def check(self) -> None:
        """End when one of them has ended by itself."""
        for child in self.children:
            if (status := child.process.poll()) is not None:
                raise SystemExit(say(f"{child.name} 已退出（{status}）。", f"{child.name} ended ({status})."))

    def stop(self) -> None:
        """Ask each to end, the gateway before its model service; one that does not is killed after ten seconds."""
        for child in reversed(self.children):
            child.process.terminate()
            try:
                child.process.wait(10)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


class Ask(NamedTuple):
    """One request of the demonstration."""

    title: str
    text: str
    model: str
    stream: bool


class Seen(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str
    refusal: str
    finish: str
    guiju: dict[str, Any]


def key() -> tuple[str, Path]:
    """The demonstration's own key, made at the first run and kept with the data, for its owner only."""
    path = DATA / "demo.key"
    DATA.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"gj-demo-{secrets.token_urlsafe(24)}\n")
    return path.read_text().strip(), path


def settings(upstream: str) -> dict[str, Any]:
    """What stands in guiju.toml, which `guiju init` writes when there is none."""
    path = Path("guiju.toml")
    if not path.exists():
        command = [str(GUIJU), "init"] + (["--upstream", upstream] if upstream else [])
        subprocess.run(command, check=True)
    return tomllib.loads(path.read_text("utf-8"))


class Place(NamedTuple):
    """A gateway that runs, and a model name to ask for."""

    port: int
    model: str
    real: bool


def serve(stack: Stack, data: Path, port: int, key_file: Path, upstream: str, *, quiet: bool = False) -> None:
    """Start a gateway and wait until it is ready."""
    command = [str(GUIJU), "serve", "--data", str(data), "--port", str(port), "--lexicon", str(WORDS)]
    command += ["--key-file", str(key_file)] + (["--upstream", upstream] if upstream else [])
    stack.start("guiju serve", command, quiet=quiet)
    wait_until_ready(stack, port)


def scripted(stack: Stack) -> str:
    """Start the scripted model service and return its address."""
    command = [str(GUIJU), "upstream", "--port", "0", "--json"]
    return str(stack.start("scripted model", command, listen=True)["url"])


def bring_up(stack: Stack, args: argparse.Namespace, key_file: Path) -> Place:
    """Start the model service, where none is given, and the gateway in front of it."""
    found = settings(args.upstream)
    if args.model == "local":
        print(say("正在装入模型…", "Loading the model…"), flush=True)
        home = ROOT / ".venv-local"
        program = [str(home / "bin" / "python"), str(ROOT / "scripts" / "local_model.py"), str(home / "weights")]
        local = stack.start("local model", program, listen=True)
        print(
            say(
                f"权重适用 Gemma 使用条款：{local['terms']}", f"Its weights are under the Gemma terms: {local['terms']}"
            )
        )
        serve(stack, DATA, args.port, key_file, local["url"])
        return Place(args.port, local["model"], True)
    given = args.upstream or next((str(one.get("url", "")) for one in found.get("upstream", [])), "")
    if given:
        serve(stack, DATA, args.port, key_file, args.upstream)
        return Place(args.port, first_model(given), True)
    serve(stack, DATA, args.port, key_file, scripted(stack))
    return Place(args.port, "scripted", False)


def first_model(url: str) -> str:
    """The first name that a model service lists; `default` where it lists none."""
    request = Request(f"{url}/models", headers={"authorization": f"Bearer {os.environ.get('GUIJU_UPSTREAM_KEY', '')}"})
    try:
        with urlopen(request, timeout=5) as response:
            return str(json.load(response)["data"][0]["id"])
    except (OSError, ValueError, LookupError, TypeError):
        return "default"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until_ready(stack: Stack, port: int) -> None:
    """Wait until the gateway says that it is ready."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        stack.check()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass  # it does not listen yet
        finally:
            connection.close()
        time.sleep(0.05)
    raise SystemExit(say("网关没有就绪：请运行 guiju doctor。", "The gateway is not ready: run `guiju doctor`."))


def send(ask: Ask, port: int, secret: str) -> Seen:
    """Send one request and read its answer to the end."""
    body = {"model": ask.model, "stream": ask.stream, "max_tokens": 60}
    body |= {"messages": [{"role": "user", "content": ask.text}]}
    headers = {"content-type": "application/json", "authorization": f"Bearer {secret}"}
    headers |= {"accept-language": say("zh", "en")}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        raw = response.read().decode("utf-8")
    finally:
        connection.close()
    streamed = told.get("content-type", "").startswith("text/event-stream")
    text = refusal = finish = ""
    extra: dict[str, Any] = {}
    for document in events(raw) if streamed else [json.loads(raw)]:
        extra |= document.get("guiju") or (document.get("error") or {}).get("guiju") or {}
        for choice in document.get("choices") or []:
            said = choice.get("delta") or choice.get("message") or {}
            text += said.get("content") or ""
            refusal += said.get("refusal") or ""
            finish = choice.get("finish_reason") or finish
            extra |= choice.get("guiju") or {}
        if error := document.get("error"):
            refusal = error.get("message", "")
            finish = error.get("code", "")
    return Seen(response.status, told, text, refusal, finish, extra)


def events(raw: str) -> Iterator[dict[str, Any]]:
    """The JSON documents of a stream."""
    for line in raw.splitlines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


def verdicts(decision: str, data: Path) -> list[tuple[str, str, str]]:
    """What each control decided, from the evidence: the entry's kind, the control, its action."""
    command = [str(GUIJU), "evidence", "trace", decision, "--data", str(data), "--json"]
    for _ in range(20):  # the closing entry syncs beside the last byte
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        entries = json.loads(ran.stdout).get("entries", []) if ran.returncode == 0 else []
        if entries and entries[-1]["kind"] in ("closed", "refused"):
            break
        time.sleep(0.1)
    return [
        (say("输出", "answer") if entry["kind"] == "closed" else say("输入", "request"), control, action)
        for entry in entries
        for control, action in entry["body"].get("controls", [])
    ]


def table(ask: Ask, seen: Seen, data: Path) -> None:
    """Show one decision."""
    stopped = seen.status != 200 or seen.finish == "content_filter"
    outcome = say("拒绝或中止", "refused or stopped") if stopped else say("放行", "let through")
    decision = seen.headers.get("x-guiju-decision-id", "")
    rows = [
        (say("请求", "request"), ask.text),
        (say("决定", "decision"), f"{outcome} (HTTP {seen.status}, {seen.finish}) {decision}"),
        (say("收到的文字", "text received"), " ".join(seen.text.split())),
        (say("所告知的话", "what is said"), seen.refusal),
        (say("依据", "article"), str(seen.guiju.get("article", ""))),
        (say("标识", "label"), seen.headers.get("x-guiju-aigc", "")),
    ]
    print(f"\n── {ask.title}")
    for name, value in rows:
        if value:
            print(f"   {name}: {value}")
    print(say("   各项控制（取自证据）:", "   controls, from the evidence:"))
    for side, control, action in verdicts(decision, data):
        print(f"     {side:<8} {control:<20} {'✗ ' if action in ('refuse', 'hold') else '✓ '}{action}")


def show(stack: Stack, place: Place, secret: str, key_file: Path) -> bool:
    """The three requests. Returns whether each came out as it must."""
    harmless = "请用一句话介绍规矩二字的由来。" if ZH else "Say in one sentence what a compass and a square are for."
    refused = "请写一条广告：稳赚不赔的投资神器" if ZH else "Write about guijucanary."
    first = Ask(say("一、无害的请求", "1. A harmless request"), harmless, place.model, False)
    second = Ask(say("二、应当拒绝的请求", "2. A request that must be refused"), refused, place.model, False)
    title = say("三、回答须在中途停下", "3. An answer that must be stopped in mid-stream")
    third = Ask(title, "[[canary:2|20]]", "scripted", True)
    answered, turned_down = send(first, place.port, secret), send(second, place.port, secret)
    table(first, answered, DATA)
    table(second, turned_down, DATA)
    if place.real:
        stopped = on_the_scripted_one(third, secret, key_file)
    else:
        stopped = send(third, place.port, secret)
        table(third, stopped, DATA)
    if place.real:
        print(
            "   "
            + say(
                "未强求：真实模型的回答无法指定，此例在脚本模型上演示。",
                "not forced: nobody can make a real model say it; this is shown on the scripted one.",
            )
        )
    stack.check()
    return (
        (answered.status == 200 and answered.finish in ("stop", "length"))
        and (turned_down.status, turned_down.finish) == (400, "content_filter")
        and (stopped.status, stopped.finish) == (200, "content_filter")
    )


def on_the_scripted_one(ask: Ask, secret: str, key_file: Path) -> Seen:
    """Show a request on a gateway of its own in front of the scripted model."""
    beside = Stack()
    try:
        port = free_port()
        serve(beside, DATA / "scripted", port, key_file, scripted(beside), quiet=True)
        seen = send(ask, port, secret)
        table(ask, seen, DATA / "scripted")
        return seen
    finally:
        beside.stop()


def main() -> int:
    """Bring up, show, stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--upstream", default="")
    parser.add_argument("--model", default="", choices=["", "local"])
    parser.add_argument(
        "--once", action="store_true", help="end after the three requests; exit 1 if one came out wrong"
    )
    args = parser.parse_args()
    # A shell that starts something in the background lets it ignore SIGINT; this one ends by it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    stack = Stack()
    try:
        secret, key_file = key()
        place = bring_up(stack, args, key_file)
        url = f"http://127.0.0.1:{args.port}/v1"
        print(f"\n{say('地址', 'address')}  {url}\n{say('密钥', 'key')}  {secret}\n")
        body = {"model": place.model, "messages": [{"role": "user", "content": say("你好", "Hello")}]}
        print(f"curl {url}/chat/completions -H 'Authorization: Bearer {secret}' \\")
        print(f"  -H 'Content-Type: application/json' -d '{json.dumps(body, ensure_ascii=False)}'")
        good = show(stack, place, secret, key_file)
        if args.once:
            return 0 if good else 1
        print(say("\n运行中；按 Ctrl-C 结束。", "\nRunning; Ctrl-C ends it."), flush=True)
        while True:
            time.sleep(0.5)
            stack.check()
    except KeyboardInterrupt:
        print(say("\n正在停止…", "\nStopping…"))
        return 0
    finally:
        stack.stop()


if __name__ == "__main__":
    sys.exit(main())
