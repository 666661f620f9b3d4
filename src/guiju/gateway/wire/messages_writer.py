# SPDX-License-Identifier: Apache-2.0
"""What is answered at /v1/messages: blocks that open, grow and close one after the other, in Anthropic's events.

A stopped answer ends with a block that says why, and `stop_reason` `refusal`. Calls of tools come at the end, each in
one piece: what is still held of one can't follow when the next has begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from guiju.errors import OutsideError
from guiju.gateway.wire.chat_reply import Piece, Usage
from guiju.gateway.wire.protocol import Call, Said, Silent

_encode = msgspec.json.encode
_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def event(name: str, data: bytes) -> bytes:
    """One event of a stream."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def _said(name: str, **facts: Any) -> bytes:
    return event(name, _encode({"type": name, **facts}))


class MessagesWriter(Silent):
    """Writes one exchange's answer; see `Writer`.

    Args:
        model: the model name that the caller asked for.
        exchange: the decision id.
        aigc: the label's envelope (Article 16).
    """

    def __init__(self, model: str, exchange: str, aigc: dict[str, str]) -> None:
        self._head: dict[str, Any] = {
            "id": f"msg_{exchange}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "aigc": aigc,
        }
        self._blocks = 0
        self._field = ""
        self._calls: dict[int, Call] = {}

    def start(self, mark: str) -> bytes:
        """The message begins."""
        message = {**self._head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(None)}
        made = _said("message_start", message=message)
        return made + self.piece(Piece(0, "content", mark)) if mark else made

    def piece(self, piece: Piece) -> bytes:
        """A delta of the open block; another block is closed first."""
        if piece.field == "arguments":
            self._calls[piece.tool].arguments += piece.text
            return b""
        thinks = piece.field == "reasoning_content"
        made = b""
        if self._field != piece.field:
            empty = {"type": "thinking", "thinking": "", "signature": ""} if thinks else {"type": "text", "text": ""}
            made = self._close() + self._open(empty)
            self._field = piece.field
        delta = {"type": "thinking_delta", "thinking": piece.text}
        if not thinks:
            delta = {"type": "text_delta", "text": piece.text}
        return made + _said("content_block_delta", index=self._blocks, delta=delta)

    def call(self, call: Call) -> bytes:
        """A call is kept to the end."""
        self._calls[call.tool] = call
        return b""

    def end(self, finishes: Iterable[tuple[int, str]], usage: Usage | None) -> bytes:
        """The calls, and the message's end."""
        made = self._close()
        for _, call in sorted(self._calls.items()):
            made += self._open({"type": "tool_use", "id": call.id, "name": call.name, "input": {}})
            delta = {"type": "input_json_delta", "partial_json": call.arguments}
            made += _said("content_block_delta", index=self._blocks, delta=delta)
            self._field = "arguments"
            made += self._close()
        reason = next((reason for _, reason in finishes), "stop")
        ours = self._ours(None)
        more = {} if ours is None else {"guiju": ours}
        return made + self._last(_REASONS.get(reason, "end_turn"), usage, **more)

    def stopped(self, sentence: str, usage: Usage | None, guiju: dict[str, Any]) -> bytes:
        """Why it goes no further, and `refusal`."""
        made = self.piece(Piece(0, "refusal", sentence)) + self._close()
        return made + self._last("refusal", usage, guiju=guiju)

    def broken(self, body: bytes) -> bytes:
        """An error in the middle of a stream."""
        return event("error", body)

    def whole(self, said: Sequence[Said], usage: Usage | None, guiju: dict[str, Any] | None) -> bytes:
        """A message that was not streamed."""
        one = said[0]
        blocks: list[dict[str, Any]] = []
        if guiju is not None:
            blocks.append({"type": "text", "text": one.texts["refusal"]})
        else:
            if thought := one.texts.get("reasoning_content"):
                blocks.append({"type": "thinking", "thinking": thought, "signature": ""})
            texts = [one.texts[name] for name in ("content", "refusal") if name in one.texts]
            blocks += [{"type": "text", "text": text} for text in texts]
        for _, call in sorted(one.calls.items()):
            blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": msgspec.Raw(_object(call))})
        reason = {"stop_reason": _REASONS.get(one.finish, "end_turn"), "stop_sequence": None}
        made: dict[str, Any] = {**self._head, "content": blocks, **reason, "usage": _usage(usage)}
        if (ours := self._ours(guiju)) is not None:
            made["guiju"] = ours
        return _encode(made)

    def _open(self, block: dict[str, Any]) -> bytes:
        return _said("content_block_start", index=self._blocks, content_block=block)

    def _close(self) -> bytes:
        if not self._field:
            return b""
        made = _said("content_block_stop", index=self._blocks)
        self._blocks += 1
        self._field = ""
        return made

    def _last(self, reason: str, usage: Usage | None, **more: Any) -> bytes:
        delta = {"stop_reason": reason, "stop_sequence": None}
        return _said("message_delta", delta=delta, usage=_usage(usage), **more) + _said("message_stop")


def _usage(usage: Usage | None) -> dict[str, int]:
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    return {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens}


def _object(call: Call) -> bytes:
    """A call's arguments as the JSON object that they must be.

    Raises:
        OutsideError: `upstream_failed`: the model wrote something else.
    """
    try:
        made = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise OutsideError("upstream_failed", what="the arguments of a tool call are not a JSON object") from None
    return msgspec.json.encode(made)
