# SPDX-License-Identifier: Apache-2.0
"""What the gateway says at chat completions: answers, stops and errors, in shapes that real clients notice.

A stopped stream is a refusal delta and a last chunk with `content_filter`; a stopped whole reply is a message whose
content and refusal both hold the approved sentence; never a bare cut, never an event of our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from guiju.gateway.wire.chat_reply import Piece, Usage

DONE: Final = b"data: [DONE]\n\n"
_encode = msgspec.json.encode


class Answer:
    """Writes one exchange's answer.

    Args:
        exchange: the decision id.
        model: the model name that the caller asked for.
        created: Unix seconds.
        aigc: the label's envelope (Article 16).
    """

    def __init__(self, exchange: str, model: str, created: int, aigc: dict[str, str]) -> None:
        self._head: dict[str, Any] = {"id": f"chatcmpl-{exchange}", "object": "", "created": created, "model": model}
        self._aigc = aigc
        base = _encode({**self._head, "object": "chat.completion.chunk"})[:-1]
        self._base = b"data: " + base + b',"choices":[{"index":'
        self._last = base

    def start(self, choices: int, mark: str) -> bytes:
        """The first chunks: the role, the label, and the visible mark where one is asked for."""
        said = [
            {"index": i, "delta": {"role": "assistant", "content": mark}, "finish_reason": None} for i in range(choices)
        ]
        return b"data: " + self._last + b',"choices":' + _encode(said) + b',"aigc":' + _encode(self._aigc) + b"}\n\n"

    def piece(self, piece: Piece) -> bytes:
        """One chunk with one released piece."""
        if piece.tool < 0:
            delta = b'{"' + piece.field.encode() + b'":' + _encode(piece.text) + b"}"
        else:
            delta = _encode({"tool_calls": [{"index": piece.tool, "function": {"arguments": piece.text}}]})
        return self._base + str(piece.choice).encode() + b',"delta":' + delta + b',"finish_reason":null}]}\n\n'

    def call(self, choice: int, tool: int, call_id: str, name: str) -> bytes:
        """The chunk that opens a tool call."""
        call = {"index": tool, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        delta = _encode({"tool_calls": [call]})
        return self._base + str(choice).encode() + b',"delta":' + delta + b',"finish_reason":null}]}\n\n'

    def end(
        self, finishes: Iterable[tuple[int, str]], usage: Usage | None, guiju: dict[str, Any] | None = None
    ) -> bytes:
        """The last chunks: a finish reason for each choice, label, our own facts, usage, `[DONE]`."""
        said = [{"index": i, "delta": {}, "finish_reason": reason} for i, reason in finishes]
        tail = b',"aigc":' + _encode(self._aigc)
        if guiju is not None:
            tail += b',"guiju":' + _encode(guiju)
        made = b"data: " + self._last + b',"choices":' + _encode(said) + tail + b"}\n\n"
        if usage is not None:
            made += b"data: " + self._last + b',"choices":[],"usage":' + _encode(usage) + b"}\n\n"
        return made + DONE

    def stopped(self, choices: int, sentence: str, usage: Usage | None, guiju: dict[str, Any]) -> bytes:
        """What ends a stream whose text may not go on: the refusal, then `content_filter`."""
        said = [{"index": i, "delta": {"refusal": sentence}, "finish_reason": None} for i in range(choices)]
        made = b"data: " + self._last + b',"choices":' + _encode(said) + b"}\n\n"
        return made + self.end([(i, "content_filter") for i in range(choices)], usage, guiju)

    def whole(
        self, messages: Sequence[tuple[dict[str, Any], str]], usage: Usage | None, guiju: dict[str, Any] | None
    ) -> bytes:
        """A reply that was not streamed.

        Args:
            messages: each choice's message and finish reason.
            usage: token counts, if the upstream told them.
            guiju: our own facts, when the reply was stopped.
        """
        said = [
            {"index": i, "message": message, "logprobs": None, "finish_reason": finish}
            for i, (message, finish) in enumerate(messages)
        ]
        made: dict[str, Any] = {**self._head, "object": "chat.completion", "choices": said}
        if usage is not None:
            made["usage"] = usage
        made["aigc"] = self._aigc
        if guiju is not None:
            made["guiju"] = guiju
        return _encode(made)


def stream_error(body: bytes) -> bytes:
    """An error in the middle of a stream, as OpenAI's clients notice it."""
    return b"data: " + body + b"\n\n" + DONE
