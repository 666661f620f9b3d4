# SPDX-License-Identifier: Apache-2.0
"""The protocol of /v1/completions: one prompt in, text out. The prompt goes upstream as a user's message, so that every
model service can answer it; or as it is, to services whose settings say that they continue prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from guiju.adapters.upstream import CONTINUED, Address
from guiju.config import Limits
from guiju.errors import CallerError, GuijuError, Language
from guiju.gateway.wire import canonical, openai_errors, strict
from guiju.gateway.wire.canonical import Asked, ChatRequest, Message, Shape, StreamOptions, Treatment
from guiju.gateway.wire.chat_reply import Piece, Usage
from guiju.gateway.wire.protocol import Call, Canonical, Said, Silent

DROPPED: Final = frozenset({"user", "logprobs", "best_of"})
"""Known fields that do not go upstream; they are listed."""
_FINISHES: Final = frozenset({"stop", "length", "content_filter"})
"""Ways in which a text ends here; a call of a tool, which has no place here, is the end of the text."""
DONE: Final = b"data: [DONE]\n\n"
_encode = msgspec.json.encode


class CompletionRequest(Shape):
    model: str
    prompt: str | list[str | int | list[int]]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    echo: bool | None = None
    suffix: str | None = None


_KNOWN: Final = frozenset(CompletionRequest.__struct_fields__)


class PromptRequest(Shape):
    """A request as it goes to a service that continues prompts, in the order in which it is encoded.

    Attributes:
        user: keyed hash of the person (Article 11).
    """

    model: str
    prompt: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = None


class Completions(Canonical):
    """The protocol; see `Wire`."""

    name = "completions"
    path = CONTINUED
    fields = frozenset({"content"})

    def parse(self, body: bytes, table: Mapping[str, Treatment], limits: Limits) -> Asked:
        """Read a request."""
        raw = strict.decode(body, limits)
        extra, dropped = canonical.sift(raw, _KNOWN, DROPPED, table)
        asked = canonical.convert(raw, CompletionRequest)
        for name in ("echo", "suffix"):
            if getattr(asked, name):
                raise CallerError("invalid_request", what=f"{name} is not supported", param=name)
        request = ChatRequest(
            model=asked.model,
            messages=[Message("user", _prompt(asked.prompt))],
            stream=asked.stream,
            stream_options=asked.stream_options,
            n=asked.n,
            max_tokens=asked.max_tokens,
            temperature=asked.temperature,
            top_p=asked.top_p,
            presence_penalty=asked.presence_penalty,
            frequency_penalty=asked.frequency_penalty,
            seed=asked.seed,
            stop=asked.stop,
            logit_bias=asked.logit_bias,
        )
        return canonical.settle(request, extra, dropped, limits)

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The request as it goes upstream: as a chat, or the prompt as it is."""
        if to.kind != "completions":
            return super().encode(asked, to, person)
        request = asked.request
        (message,) = request.messages
        assert isinstance(message.content, str)  # `_prompt` made it, and what masks it keeps its kind
        made = PromptRequest(
            model=to.model,
            prompt=message.content,
            stream=request.stream,
            stream_options=StreamOptions(include_usage=True) if request.stream else None,
            n=request.n,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            presence_penalty=request.presence_penalty,
            frequency_penalty=request.frequency_penalty,
            seed=request.seed,
            stop=request.stop,
            logit_bias=request.logit_bias,
            user=person or None,
        )
        return canonical.joined(made, asked.extra)

    def writer(self, asked: Asked, exchange: str, created: int, aigc: dict[str, str]) -> CompletionsWriter:
        """What writes the answer to it."""
        return CompletionsWriter(asked.request, exchange, created, aigc)

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The error object of OpenAI's API."""
        return openai_errors.body(error, language, guiju)


def _prompt(prompt: str | list[str | int | list[int]]) -> str:
    """The one text of a prompt.

    Raises:
        CallerError: `not_checkable`: tokens, whose text only the model knows; or several prompts.
    """
    if isinstance(prompt, str):
        return prompt
    if len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    if prompt and isinstance(prompt[0], str):
        raise CallerError("invalid_request", what="one prompt a request", param="prompt")
    raise CallerError("not_checkable", what="tokens", param="prompt")


class CompletionsWriter(Silent):
    """Writes one exchange's answer; see `Writer`.

    Args:
        asked: the canonical request.
        exchange: the decision id.
        created: Unix seconds.
        aigc: the label's envelope (Article 16).
    """

    def __init__(self, asked: ChatRequest, exchange: str, created: int, aigc: dict[str, str]) -> None:
        self._choices = range(asked.n or 1)
        self._counts = bool(asked.stream_options and asked.stream_options.include_usage)
        self._head: dict[str, Any] = {
            "id": f"cmpl-{exchange}",
            "object": "text_completion",
            "created": created,
            "model": asked.model,
        }
        self._aigc = aigc

    def start(self, mark: str) -> bytes:
        """The first chunk: the label, and the visible mark where one is asked for."""
        return self._chunk([_choice(i, mark) for i in self._choices], aigc=self._aigc)

    def piece(self, piece: Piece) -> bytes:
        """One chunk with one released piece."""
        return self._chunk([_choice(piece.choice, piece.text)])

    def call(self, call: Call) -> bytes:
        """The protocol knows no calls."""
        return b""

    def end(self, finishes: Iterable[tuple[int, str]], usage: Usage | None) -> bytes:
        """The last chunks."""
        ours = self._ours(None)
        return self._end(finishes, usage, {} if ours is None else {"guiju": ours})

    def stopped(self, sentence: str, usage: Usage | None, guiju: dict[str, Any]) -> bytes:
        """`content_filter` for every choice. The protocol has no place for a refusal but beside our own facts."""
        finishes = [(i, "content_filter") for i in self._choices]
        return self._end(finishes, usage, {"guiju": {**guiju, "message": sentence}})

    def broken(self, body: bytes) -> bytes:
        """An error in the middle of a stream."""
        return b"data: " + body + b"\n\n" + DONE

    def whole(self, said: Sequence[Said], usage: Usage | None, guiju: dict[str, Any] | None) -> bytes:
        """A reply that was not streamed."""
        choices = [_choice(i, one.texts.get("content", ""), one.finish) for i, one in enumerate(said)]
        made: dict[str, Any] = {**self._head, "choices": choices, "aigc": self._aigc}
        if usage is not None:
            made["usage"] = usage
        if (ours := self._ours(guiju)) is not None:
            made["guiju"] = ours
        return _encode(made)

    def _end(self, finishes: Iterable[tuple[int, str]], usage: Usage | None, more: dict[str, Any]) -> bytes:
        made = self._chunk([_choice(i, "", finish) for i, finish in finishes], aigc=self._aigc, **more)
        if usage is not None and self._counts:
            made += self._chunk([], usage=usage)
        return made + DONE

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        return b"data: " + _encode({**self._head, "choices": choices, **more}) + b"\n\n"


def _choice(index: int, text: str, finish: str | None = None) -> dict[str, Any]:
    told = finish if finish is None or finish in _FINISHES else "stop"
    return {"index": index, "text": text, "logprobs": None, "finish_reason": told}
