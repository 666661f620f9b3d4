# SPDX-License-Identifier: Apache-2.0
"""A scripted model service that speaks OpenAI's protocol over a real socket. It stands in where no model is at hand.

It is no model and says so in every answer: header `x-guiju-scripted`, `system_fingerprint`, and the words of its
default answer. What it answers depends on nothing but the request, so that every run is the same. Directives in the
last user message steer it (table: docs/en/how-to/scripted-upstream.md). Used by `guiju upstream`, the demo and tests.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from typing import Any, Final, Self

import msgspec
import uvicorn

from guiju.adapters import scripted_films, scripted_media

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

FINGERPRINT: Final = "guiju-scripted-not-a-model"
MODEL: Final = "scripted"
CREATED: Final = 1_700_000_000  # a fixed second: answers are the same in every run
CANARY: Final = "好的。先说一句无关的话。接着说那个词：规矩金丝雀。这后面的话谁也不该看到。"
DEFAULT_PIECE: Final = 4  # characters in one streamed piece
BODY_LIMIT: Final = 64 * 1024 * 1024

DIRECTIVES: Final[Mapping[str, tuple[str, str]]] = {
    "say:TEXT": ("逐字回答 TEXT", "answers TEXT exactly"),
    "stream:TEXT|N|MS": (
        "回答 TEXT，每段 N 个字符，段间 MS 毫秒（可省略）",
        "answers TEXT in pieces of N characters, MS milliseconds apart (may be left out)",
    ),
    "canary:N|MS": (
        "回答一句含演示词“规矩金丝雀”的话（请求本身不含该词），N、MS 同上",
        "answers a sentence that holds the demo's word, which the request does not hold; N and MS as above",
    ),
    "shift:TEXT": (
        "回答 TEXT 中每个字符的前一个码位，使请求本身不含所答文字",
        "answers TEXT with each character one code point lower, so that the request does not hold the answer",
    ),
    "big:N": ("回答 N 个字符", "answers N characters"),
    "tool:NAME|JSON": ("调用工具 NAME，参数 JSON", "calls tool NAME with arguments JSON"),
    "reasoning:TEXT": ("先在 reasoning_content 中写 TEXT", "writes TEXT in reasoning_content first"),
    "refusal:TEXT": ("在 refusal 中写 TEXT", "writes TEXT in refusal"),
    "finish:REASON": ("以 REASON 作为 finish_reason", "ends with REASON as finish_reason"),
    "job:N": ("视频被询问 N 次之后才生成", "a film is made only after it has been asked about N times"),
    "status:CODE": ("返回 HTTP 错误 CODE", "answers HTTP error CODE"),
    "wait:MS": ("首字节之前等待 MS 毫秒", "waits MS milliseconds before its first byte"),
    "hang": ("不作任何应答", "never answers"),
    "hang:K": ("流式输出 K 段之后停住", "stops after K pieces of a stream and stays silent"),
    "reset:K": ("K 段之后断开连接", "drops the connection after K pieces"),
    "no-done": ("流末尾没有 finish_reason 与 [DONE]", "ends a stream without finish_reason and [DONE]"),
    "garbage:K": ("K 段之后插入一段不是 JSON 的数据", "puts data that is not JSON after K pieces"),
    "error:K": ("K 段之后插入 error 对象并结束", "puts an error object after K pieces and ends"),
    "json-reply": ("流式请求也以整份 JSON 应答", "answers a streamed request with one JSON document"),
}

_DIRECTIVE = re.compile(r"\[\[([a-z-]+)(?::(.*?))?\]\]", re.DOTALL)
_ERROR_TYPES: Final = {401: "authentication_error", 404: "invalid_request_error", 429: "rate_limit_error"}
_HEADERS: Final = ((b"x-guiju-scripted", b"true"), (b"server", b"guiju-scripted"))


class _Script(msgspec.Struct, frozen=True):
    """What the last user message asks for. Numbers of -1 mean never."""

    text: str
    piece: int = DEFAULT_PIECE
    gap_s: float = 0.0
    wait_s: float = 0.0
    reasoning: str = ""
    refusal: str = ""
    tool: tuple[str, str] | None = None
    finish: str = "stop"
    status: int = 0
    hang: int = -1
    reset: int = -1
    garbage: int = -1
    error: int = -1
    done: bool = True
    json_reply: bool = False
    job: int = 1

    def parts(self) -> Iterator[dict[str, Any]]:
        """The deltas of one choice, in order."""
        for name, text in (("reasoning_content", self.reasoning), ("content", self.text), ("refusal", self.refusal)):
            for start in range(0, len(text), self.piece):
                yield {name: text[start : start + self.piece]}
        if self.tool is not None:
            name, arguments = self.tool
            yield {"tool_calls": [{"index": 0, "id": "call_0", "type": "function", "function": {"name": name}}]}
            for start in range(0, len(arguments), self.piece):
                function = {"arguments": arguments[start : start + self.piece]}
                yield {"tool_calls": [{"index": 0, "function": function}]}

    def message(self) -> dict[str, Any]:
        """The whole message of one choice."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if self.refusal:
            message["refusal"] = self.refusal
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.tool is not None:
            function = {"name": self.tool[0], "arguments": self.tool[1]}
            message["tool_calls"] = [{"id": "call_0", "type": "function", "function": function}]
        return message

    def finish_reason(self) -> str:
        """`tool_calls` where a tool is called, else what was asked for."""
        return "tool_calls" if self.tool is not None and self.finish == "stop" else self.finish


def last_user_text(body: Mapping[str, Any]) -> str:
    """The text of the last user message, whose text parts are put together; the prompt, where one is continued."""
    if "prompt" in body:
        return str(body["prompt"] or "")
    for message in reversed(body.get("messages") or []):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
            return str(content or "")
    return ""


def _number(value: str, default: int) -> int:
    return int(value) if value.isascii() and value.isdigit() else default


def _read_script(prompt: str) -> _Script:
    """Turn the directives of a prompt into a script; a prompt without any gets the default answer."""
    said = dict(_DIRECTIVE.findall(prompt))
    text = "这是脚本应答，不是模型生成的内容。 This answer is scripted; no model wrote it."
    shape = ""
    if "stream" in said:
        text, _, shape = said["stream"].partition("|")
    if "canary" in said:
        text, shape = CANARY, said["canary"]
    if "shift" in said:
        text = "".join(chr(max(0, ord(c) - 1)) for c in said["shift"])
    piece, _, gap = shape.partition("|")
    if "big" in said:
        text = ("脚本应答。" * (_number(said["big"], 1) // 5 + 1))[: _number(said["big"], 1)]
    if "say" in said:
        text = said["say"]
    tool = None
    if "tool" in said:
        name, _, arguments = said["tool"].partition("|")
        tool, text = (name, arguments or "{}"), said.get("say", "")
    if "refusal" in said:
        text = said.get("say", "")
    return _Script(
        text=text,
        piece=max(1, _number(piece, DEFAULT_PIECE)),
        gap_s=_number(gap, 0) / 1000,
        wait_s=_number(said.get("wait", ""), 0) / 1000,
        reasoning=said.get("reasoning", ""),
        refusal=said.get("refusal", ""),
        tool=tool,
        finish=said.get("finish", "stop"),
        status=_number(said.get("status", ""), 0),
        hang=_number(said["hang"], 0) if "hang" in said else -1,
        reset=_number(said["reset"], 0) if "reset" in said else -1,
        garbage=_number(said["garbage"], 0) if "garbage" in said else -1,
        error=_number(said["error"], 0) if "error" in said else -1,
        done="no-done" not in said,
        json_reply="json-reply" in said,
        job=_number(said.get("job", ""), 1),
    )


def _usage(body: Mapping[str, Any], script: _Script, choices: int) -> dict[str, int]:
    """One character counts as one token."""
    texts = [m.get("content") for m in body.get("messages") or [] if isinstance(m, dict)]
    asked = sum(len(str(text or "")) for text in (*texts, body.get("prompt")))
    said = choices * (len(script.text) + len(script.reasoning) + len(script.refusal))
    said += choices * (len(script.tool[1]) if script.tool is not None else 0)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


class _Dropped(Exception):
    """The script asks that the connection be dropped; uvicorn closes the socket when the app raises."""


class ScriptedApp:
    """The ASGI application.

    Args:
        keep: whether `requests` keeps the bodies that arrived (tests look at them); off in `guiju upstream`.
    """

    def __init__(self, keep: bool = False) -> None:
        self.requests: deque[dict[str, Any]] = deque(maxlen=1000 if keep else 0)
        self.headers: deque[dict[str, str]] = deque(maxlen=1000 if keep else 0)
        self.jobs = scripted_films.Jobs()
        self.left = 0  # how many callers went away before their answer was finished
        self.prompt: Callable[[Mapping[str, Any]], str] = last_user_text  # a demonstration sets its own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        route = (scope["method"], scope["path"])
        if route == ("GET", "/v1/models"):
            model = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": FINGERPRINT}
            await _reply(send, 200, {"object": "list", "data": [model]})
        elif route in (("POST", "/v1/chat/completions"), ("POST", "/v1/completions")):
            await self._chat(scope, receive, send)
        elif route == ("POST", "/v1/embeddings"):
            await self._vectors(receive, send)
        elif route == ("POST", "/v1/images/generations"):
            if (body := await self._asked(receive, send)) is not None:
                await _reply(send, 200, scripted_media.pictures(body))
        elif route == ("POST", "/v1/images/edits"):
            form = scripted_media.form(_kind(scope), await _read(receive))
            self.requests.append(form)
            asked = {name: said[0] for name, said in form.items()}
            await _reply(send, 200, scripted_media.pictures(asked))
        elif route == ("POST", "/v1/audio/speech"):
            if await self._asked(receive, send) is not None:
                await _send(send, 200, b"audio/wav", scripted_media.sound())
        elif route == ("POST", "/v1/audio/transcriptions"):
            await self._heard(scope, receive, send)
        elif scope["path"].startswith("/v1/videos"):
            await self._films(scope, receive, send)
        else:
            await _reply(send, 404, _error(404, "no such path on the scripted model service"))

    async def _heard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is heard is what the form's prompt directs."""
        body = scripted_media.form(_kind(scope), await _read(receive))
        self.requests.append(body)
        script = _read_script("".join(body.get("prompt", ())))
        if script.status:
            await _reply(send, script.status, _error(script.status, f"scripted error {script.status}"))
        elif script.finish != "stop":
            await _reply(send, 400, {"error": {"message": "scripted refusal", "code": script.finish}})
        elif body.get("stream") == ["true"] and not script.json_reply:
            await _spoken(send, script)
        else:
            timed = body["response_format"] == ["verbose_json"]
            await _reply(send, 200, scripted_media.transcript(script.text, timed))

    async def _films(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A film is begun, asked about, fetched, made into another one, or deleted."""
        asked, script = {}, _Script("")
        if scope["method"] == "POST":
            kind, raw = _kind(scope), await _read(receive)
            whole = scripted_media.form(kind, raw) if kind.startswith("multipart/") else msgspec.json.decode(raw)
            self.requests.append(whole)
            asked = {name: said[0] if isinstance(said, list) else said for name, said in whole.items()}
            script = _read_script(str(asked.get("prompt", "")))
        if script.status:
            await _reply(send, script.status, _error(script.status, f"scripted error {script.status}"))
            return
        parts, query = scope["path"].split("/")[3:], scope["query_string"]
        await _send(send, *self.jobs.answer(scope["method"], parts, query, asked, (script.job, script.finish)))

    async def _vectors(self, receive: Receive, send: Send) -> None:
        """A vector of four numbers for each text; they mean nothing."""
        body = await self._asked(receive, send)
        if body is None:
            return
        asked = body.get("input")
        texts = asked if isinstance(asked, list) else [asked]
        digests = [hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).digest() for text in texts]
        data = [
            {"object": "embedding", "index": i, "embedding": [byte / 255 for byte in digest[:4]]}
            for i, digest in enumerate(digests)
        ]
        usage = {"prompt_tokens": len(str(asked)), "total_tokens": len(str(asked))}
        await _reply(send, 200, {"object": "list", "data": data, "model": body.get("model", MODEL), "usage": usage})

    async def _asked(self, receive: Receive, send: Send) -> dict[str, Any] | None:
        """The request as it came; none when it is no object, which is told."""
        try:
            body = msgspec.json.decode(await _read(receive), type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            await _reply(send, 400, _error(400, "the body is not a JSON object"))
            return None
        self.requests.append(body)
        return body

    async def _chat(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await self._asked(receive, send)
        if body is None:
            return
        self.headers.append({k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]})
        script = _read_script(self.prompt(body))
        gone = asyncio.Event()
        watch = asyncio.create_task(_watch(receive, gone))
        try:
            if await _sleep(gone, script.wait_s) or (script.hang == 0 and await _sleep(gone, None)):
                self.left += 1
            elif script.status:
                await _reply(send, script.status, _error(script.status, f"scripted error {script.status}"))
            elif body.get("stream") and not script.json_reply:
                self.left += await _stream(send, body, script, gone)
            else:
                await _whole(send, body, script)
        finally:
            watch.cancel()


def _kind(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"), "")


async def _spoken(send: Send, script: _Script) -> None:
    """A transcript as server-sent events."""
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    parts = [part["content"] for part in script.parts() if "content" in part]
    events: list[dict[str, Any]] = [{"type": "transcript.text.delta", "delta": part} for part in parts]
    events.append({"type": "transcript.text.done", "text": script.text})
    for number, event in enumerate(events):
        if number == script.reset:
            raise _Dropped
        data = b"data: " + msgspec.json.encode(event) + b"\n\n"
        await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _read(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size, more = 0, True
    while more and size <= BODY_LIMIT:
        message = await receive()
        piece = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        more = bool(message.get("more_body", False))
    return b"".join(pieces)


async def _watch(receive: Receive, gone: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()


async def _sleep(gone: asyncio.Event, seconds: float | None) -> bool:
    """Wait; None waits for as long as the caller stays. True when the caller left meanwhile."""
    if seconds == 0:
        return gone.is_set()
    try:
        await asyncio.wait_for(gone.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _error(status: int, message: str) -> dict[str, Any]:
    kind = _ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": FINGERPRINT}}


async def _reply(send: Send, status: int, document: Mapping[str, Any]) -> None:
    await _send(send, status, b"application/json", msgspec.json.encode(document))


async def _send(send: Send, status: int, kind: bytes, raw: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(raw)), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": raw})


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": kind,
        "created": CREATED,
        "model": str(body.get("model", MODEL)),
        "system_fingerprint": FINGERPRINT,
    }


def _choices(body: Mapping[str, Any]) -> int:
    n = body.get("n")
    return n if isinstance(n, int) and 1 <= n <= 64 else 1


async def _whole(send: Send, body: Mapping[str, Any], script: _Script) -> None:
    if script.reset >= 0:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100"), *_HEADERS]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise _Dropped
    n = _choices(body)
    said: dict[str, Any] = {"text": script.text} if "prompt" in body else {"message": script.message()}
    kind = "text_completion" if "prompt" in body else "chat.completion"
    choices = [{"index": i, **said, "logprobs": None, "finish_reason": script.finish_reason()} for i in range(n)]
    await _reply(send, 200, {**_head(body, kind), "choices": choices, "usage": _usage(body, script, n)})


async def _stream(send: Send, body: Mapping[str, Any], script: _Script, gone: asyncio.Event) -> bool:
    """Send the answer as server-sent events. True when the caller left before its end."""
    continued, n = "prompt" in body, _choices(body)
    head = _head(body, "text_completion" if continued else "chat.completion.chunk")

    async def event(document: object) -> None:
        line = document if isinstance(document, bytes) else msgspec.json.encode(document)
        await send({"type": "http.response.body", "body": b"data: " + line + b"\n\n", "more_body": True})

    def chunk(index: int, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        said = {"text": delta.get("content", "")} if continued else {"delta": delta}
        choice = {"index": index, **said, "logprobs": None, "finish_reason": finish}
        return {**head, "choices": [choice]}

    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"), *_HEADERS]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for index in range(n):
        await event(chunk(index, {"role": "assistant", "content": ""}))
    parts = list(script.parts())
    for number in range(len(parts) + 1):
        if number == script.hang and await _sleep(gone, None):
            return True
        if number == script.reset:
            raise _Dropped
        if number == script.garbage:
            await event(b"{this is not JSON")
        if number == script.error:
            await event(_error(500, "scripted error in mid-stream"))
            break
        if number < len(parts):
            for index in range(n):
                await event(chunk(index, parts[number]))
            if await _sleep(gone, script.gap_s):
                return True
    if script.done and script.error < 0:
        for index in range(n):
            await event(chunk(index, {}, script.finish_reason()))
        if (body.get("stream_options") or {}).get("include_usage"):
            await event({**head, "choices": [], "usage": _usage(body, script, n)})
        await event(b"[DONE]")
    await send({"type": "http.response.body", "body": b""})
    return False


def server(app: ScriptedApp, host: str, port: int) -> uvicorn.Server:
    """A uvicorn server for the application; the caller runs it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            lifespan="off",
            log_level="critical",  # a dropped connection is the script's wish, not news
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


class ScriptedModel:
    """The scripted service on a free loopback port, in a thread: `with ScriptedModel() as model: model.url`.

    Attributes:
        url: the base address up to and with `/v1`.
        requests, headers: bodies and headers that arrived, oldest first, the last 1,000.
    """

    def __init__(self) -> None:
        self.app = ScriptedApp(keep=True)
        self.requests = self.app.requests
        self.headers = self.app.headers
        self.url = ""

    @property
    def left(self) -> int:
        """How many callers went away before their answer was finished."""
        return self.app.left

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._server = server(self.app, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the scripted model service did not start within 10 s")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
