# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/chat/completions: requests in, answers, stops and errors out, in shapes that clients notice.

A stopped stream is a refusal delta and a last chunk with `content_filter`; a stopped whole reply is a message whose
content and refusal both hold the approved sentence; never a bare cut, never an event of our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from guiju.config import Limits
from guiju.errors import GuijuError, Language
from guiju.gateway.wire import canonical, openai_errors, strict
from guiju.gateway.wire.canonical import Asked, ChatRequest, Treatment
from guiju.gateway.wire.chat_reply import FIELDS, Piece, Usage
from guiju.gateway.wire.moderations import Wanted, beside
from guiju.gateway.wire.protocol import Call, Canonical, Said
from guiju.terms import Hearing

DROPPED: Final = frozenset({
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
    "logprobs", "top_logprobs",
})  # fmt: skip
"""Known fields that do not go upstream: they name people, or spell the answer's text beside it; they are listed."""

_KNOWN: Final = frozenset(ChatRequest.__struct_fields__) - DROPPED
DONE: Final = b"data: [DONE]\n\n"
_encode = msgspec.json.encode


class Chat(Canonical):
    """The protocol."""

    name = "chat"
    fields = FIELDS

    def parse(self, body: bytes, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request; see `Wire`."""
        raw = strict.decode(body, limits)
        wanted = raw.pop("moderation", None)  # answered here; it never goes on
        extra, dropped = canonical.sift(raw, _KNOWN, DROPPED, table)
        own = canonical.convert(wanted, Wanted) if wanted is not None else None
        return canonical.settle(canonical.convert(raw, ChatRequest), extra, dropped, limits, own)

    def writer(self, asked: Asked, exchange: str, created: int, aigc: dict[str, str]) -> ChatWriter:
        """What writes the answer to it."""
        return ChatWriter(asked.request, exchange, created, aigc, asked.own)

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)


class ChatWriter:
    """Writes one exchange's answer; see `Writer`.

    Args:
        asked: the canonical request.
        exchange: the decision id.
        created: Unix seconds.
        aigc: the label's envelope (Article 16).
        wanted: whether verdicts are wanted beside the answer.
    """

    def __init__(
        self, asked: ChatRequest, exchange: str, created: int, aigc: dict[str, str], wanted: Wanted | None = None
    ) -> None:
        self._wanted = wanted
        self._judged: dict[str, Any] | None = None
        self._choices = range(asked.n or 1)
        self._counts = bool(asked.stream_options and asked.stream_options.include_usage)
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{exchange}",
            "object": "",
            "created": created,
            "model": asked.model,
        }
        self._aigc = aigc
        base = _encode({**self._head, "object": "chat.completion.chunk"})[:-1]
        self._base = b"data: " + base + b',"choices":[{"index":'
        self._last = base

    def start(self, mark: str) -> bytes:
        """The first chunk: the role, the label, and the visible mark where one is asked for."""
        said = [
            {"index": i, "delta": {"role": "assistant", "content": mark}, "finish_reason": None} for i in self._choices
        ]
        return b"data: " + self._last + b',"choices":' + _encode(said) + b',"aigc":' + _encode(self._aigc) + b"}\n\n"

    def piece(self, piece: Piece) -> bytes:
        """One chunk with one released piece."""
        if piece.tool < 0:
            delta = b'{"' + piece.field.encode() + b'":' + _encode(piece.text) + b"}"
        else:
            delta = _encode({"tool_calls": [{"index": piece.tool, "function": {"arguments": piece.text}}]})
        return self._base + str(piece.choice).encode() + b',"delta":' + delta + b',"finish_reason":null}]}\n\n'

    def call(self, call: Call) -> bytes:
        """The chunk that opens a tool call."""
        delta = _encode({"tool_calls": [{"index": call.tool, **_function(call)}]})
        return self._base + str(call.choice).encode() + b',"delta":' + delta + b',"finish_reason":null}]}\n\n'

    def judged(self, asked: Sequence[Hearing], answered: Sequence[Hearing]) -> None:
        """See `Writer`."""
        if self._wanted is not None:
            model = self._wanted.model
            self._judged = {
                side: {"type": "moderation_results", "model": model, "results": [result]}
                for side, result in beside(model, asked, answered).items()
            }

    def end(self, finishes: Iterable[tuple[int, str]], usage: Usage | None) -> bytes:
        """The last chunks: a finish reason for each choice, label, usage, `[DONE]`."""
        return self._end(finishes, usage, None)

    def _end(self, finishes: Iterable[tuple[int, str]], usage: Usage | None, guiju: dict[str, Any] | None) -> bytes:
        said = [{"index": i, "delta": {}, "finish_reason": reason} for i, reason in finishes]
        tail = b',"aigc":' + _encode(self._aigc)
        if guiju is not None:
            tail += b',"guiju":' + _encode(guiju)
        if self._judged is not None:
            tail += b',"moderation":' + _encode(self._judged)
        made = b"data: " + self._last + b',"choices":' + _encode(said) + tail + b"}\n\n"
        if usage is not None and self._counts:
            made += b"data: " + self._last + b',"choices":[],"usage":' + _encode(usage) + b"}\n\n"
        return made + DONE

    def stopped(self, sentence: str, usage: Usage | None, guiju: dict[str, Any]) -> bytes:
        """What ends a stream whose text may not go on: the refusal, then `content_filter`."""
        said = [{"index": i, "delta": {"refusal": sentence}, "finish_reason": None} for i in self._choices]
        made = b"data: " + self._last + b',"choices":' + _encode(said) + b"}\n\n"
        return made + self._end([(i, "content_filter") for i in self._choices], usage, guiju)

    def broken(self, body: bytes) -> bytes:
        """An error in the middle of a stream, as OpenAI's clients notice it."""
        return b"data: " + body + b"\n\n" + DONE

    def whole(self, said: Sequence[Said], usage: Usage | None, guiju: dict[str, Any] | None) -> bytes:
        """A reply that was not streamed. A stopped one holds the sentence as content and as refusal."""
        choices = [
            {"index": i, "message": _message(one), "logprobs": None, "finish_reason": one.finish}
            for i, one in enumerate(said)
        ]
        made: dict[str, Any] = {**self._head, "object": "chat.completion", "choices": choices}
        if usage is not None:
            made["usage"] = usage
        made["aigc"] = self._aigc
        if guiju is not None:
            made["guiju"] = guiju
        if self._judged is not None:
            made["moderation"] = self._judged
        return _encode(made)


def _message(said: Said) -> dict[str, Any]:
    empty = None if said.calls else ""
    made: dict[str, Any] = {"role": "assistant", "content": empty, "refusal": None, **said.texts}
    if said.calls:
        made["tool_calls"] = [_function(call) for _, call in sorted(said.calls.items())]
    return made


def _function(call: Call) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
