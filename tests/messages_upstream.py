# SPDX-License-Identifier: Apache-2.0
"""Answers of a model service that speaks Anthropic's Messages API, byte by byte, for the fault upstream to send."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fault_upstream import CHUNKED, EVENT_STREAM, LAST, WHOLE, framed

USAGE = {"input_tokens": 7, "output_tokens": 1}


def event(kind: str, **facts: Any) -> bytes:
    """One event."""
    said = json.dumps({"type": kind, **facts}, ensure_ascii=False).encode()
    return b"event: " + kind.encode() + b"\ndata: " + said + b"\n\n"


def begin(**more: Any) -> bytes:
    """The message begins."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "own", "content": []}
    ends = {"stop_reason": None, "stop_sequence": None, "usage": USAGE}
    return event("message_start", message={**message, **ends, **more}) + event("ping")


def end(reason: str = "end_turn", **more: Any) -> bytes:
    """The message ends."""
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return event("message_delta", delta=delta, usage={"output_tokens": 5}) + event("message_stop")


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    """One block from its start to its stop."""
    grown = b"".join(event("content_block_delta", index=index, delta=delta) for delta in deltas)
    opened = event("content_block_start", index=index, content_block=start)
    return opened + grown + event("content_block_stop", index=index)


def text(*pieces: str, index: int = 0) -> bytes:
    """A block of text."""
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def thinking(*pieces: str, index: int = 0) -> bytes:
    """A block of thinking, with its signature."""
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    start = {"type": "thinking", "thinking": "", "signature": ""}
    return block(index, start, *deltas, {"type": "signature_delta", "signature": "c2lnbmVk"})


def call(*pieces: str, index: int = 0, name: str = "look", id: str = "toolu_1") -> bytes:
    """A tool call."""
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block(index, {"type": "tool_use", "id": id, "name": name, "input": {}}, *deltas)


def whole(*blocks: dict[str, Any], reason: str | None = "end_turn", **more: Any) -> bytes:
    """A whole answer."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "own", "content": list(blocks)}
    tail = {"stop_reason": reason, "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 5}}
    return json.dumps({**head, **tail, **more}, ensure_ascii=False).encode()


def said(words: str) -> dict[str, Any]:
    """A block of text in a whole answer."""
    return {"type": "text", "text": words}


def streamed(parts: Sequence[bytes], size: int = 40) -> bytes:
    """A well-framed stream of these events."""
    return EVENT_STREAM + LAST + CHUNKED + framed(b"".join(parts), size)


def plain(body: bytes, status: bytes = WHOLE) -> bytes:
    """A well-framed whole body."""
    return status + LAST + b"Content-Length: %d\r\n\r\n" % len(body) + body
