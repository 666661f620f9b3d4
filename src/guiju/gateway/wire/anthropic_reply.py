# SPDX-License-Identifier: Apache-2.0
"""What a model service answers in Anthropic's Messages API, parsed into the same Delta as one of chat completions.

An unknown field or event is dropped and named; a wrong shape is an error, never passed on. A stream has ended well
only when `message_stop` has come; what follows it is looked at too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from guiju.adapters import refusals
from guiju.gateway.wire.chat_reply import CALL_ID, Delta, Piece, Usage, decoded, gather, wrong
from guiju.gateway.wire.strict import shown

CALLS: Final = 128
"""Tool calls in one answer at most."""
FINISHES: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}
"""`stop_reason` → what it is called in the canonical answer; refusals stand in `refusals.STOPS`."""
_TEXTS: Final = {"text": ("content", "text"), "thinking": ("reasoning_content", "thinking")}
"""Kind of a block → the field of its pieces, and where its text stands."""
_DELTAS: Final = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("tool_use", "partial_json"),
}
"""Kind of a delta → the kind of its block, and where its text stands."""
_SEALED: Final = "redacted_thinking"
_MESSAGE: Final = frozenset({"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"})
_BLOCKS: Final = {
    "text": frozenset({"type", "text"}),
    "thinking": frozenset({"type", "thinking"}),
    "tool_use": frozenset({"type", "id", "name", "input"}),
}
_EVENT: Final = frozenset({"type", "index", "delta", "content_block", "message", "usage"})
_END: Final = frozenset({"stop_reason", "stop_sequence"})


class Counts(msgspec.Struct):
    """Token counts; what came from a cache or went into one is counted beside `input_tokens`."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None


class AnthropicAnswer:
    """Reads one answer; see `Answer`. A block's deltas make sense only to whoever saw it begin."""

    def __init__(self) -> None:
        self._begun = False
        self._finish = ""
        self._kinds: dict[int, str] = {}
        self._tools: dict[int, int] = {}
        self._called: set[int] = set()
        self._counts = Counts()

    def events(self, came: Iterable[bytes]) -> Delta:
        """Parse events that came together."""
        return gather(self._event, came)

    def whole(self, body: bytes) -> Delta:
        """Parse a reply that was not streamed."""
        return gather(self._message, [body])

    # ------------------------------------------------------------------ a stream
    def _event(self, data: bytes, made: Delta) -> None:
        raw = _object(data, made)
        if raw is None:
            return
        kind = raw.get("type")
        if not isinstance(kind, str):
            wrong("an event without a type")
        if kind == "ping":
            return
        if kind not in _STEPS:
            made.dropped.add(shown(kind))
            return
        _unknown(raw, _EVENT, made)
        if not self._begun and kind != "message_start":
            wrong("a stream that does not begin with message_start")
        _STEPS[kind](self, raw, made)

    def _start(self, raw: dict[str, Any], made: Delta) -> None:
        message = raw.get("message")
        if self._begun or not isinstance(message, dict) or message.get("content") or message.get("stop_reason"):
            wrong("message_start has the wrong form")
        self._begun = True
        _unknown(message, _MESSAGE, made)
        self._count(message.get("usage"), made)

    def _open(self, raw: dict[str, Any], made: Delta) -> None:
        index, block = raw.get("index"), raw.get("content_block")
        if type(index) is not int or index < 0 or index in self._kinds:
            wrong("a block of a wrong number")
        self._block(index, block, made, whole=False)

    def _delta(self, raw: dict[str, Any], made: Delta) -> None:
        kind, delta = self._kind(raw), raw.get("delta")
        if not isinstance(delta, dict):
            wrong("a delta is not an object")
        name = delta.get("type")
        if not isinstance(name, str):
            wrong("a delta without a type")
        if kind == _SEALED or name not in _DELTAS:
            made.dropped.add(shown(name))
            return
        fits, where = _DELTAS[name]
        text = delta.get(where)
        if fits != kind or not isinstance(text, str):
            wrong("a delta does not fit its block")
        _unknown(delta, {"type", where}, made)
        if not text:
            return
        if kind == "tool_use":
            tool = self._tools[raw["index"]]
            self._called.add(tool)
            made.pieces.append(Piece(0, "arguments", text, tool))
        else:
            made.pieces.append(Piece(0, _TEXTS[kind][0], text))

    def _close(self, raw: dict[str, Any], made: Delta) -> None:
        """A block ends; a call that brought no arguments has an empty object of them."""
        if self._kind(raw) == "tool_use" and (tool := self._tools[raw["index"]]) not in self._called:
            self._called.add(tool)
            made.pieces.append(Piece(0, "arguments", "{}", tool))

    def _end(self, raw: dict[str, Any], made: Delta) -> None:
        """How the message ends; it has ended only with `message_stop`."""
        delta = raw.get("delta")
        if not isinstance(delta, dict):
            wrong("a delta is not an object")
        _unknown(delta, _END, made)
        if delta.get("stop_reason") is not None:
            self._finish = _finish(delta["stop_reason"], made)
        self._count(raw.get("usage"), made)
        made.usage = self._usage()

    def _stop(self, raw: dict[str, Any], made: Delta) -> None:
        if not self._finish:
            wrong("a message that stops without a stop_reason")
        made.finishes.append((0, self._finish))

    def _kind(self, raw: dict[str, Any]) -> str:
        """The kind of the block that an event is about."""
        index = raw.get("index")
        if type(index) is not int or index not in self._kinds:
            wrong("a block that has not begun")
        return self._kinds[index]

    # ------------------------------------------------------------------ a whole reply
    def _message(self, data: bytes, made: Delta) -> None:
        raw = _object(data, made)
        if raw is None:
            return
        blocks = raw.get("content")
        if raw.get("type") != "message" or not isinstance(blocks, list):
            wrong("what it sent is not a message")
        _unknown(raw, _MESSAGE, made)
        for index, block in enumerate(blocks):
            self._block(index, block, made, whole=True)
        made.finishes.append((0, _finish(raw.get("stop_reason"), made)))
        self._count(raw.get("usage"), made)
        made.usage = self._usage()

    # ------------------------------------------------------------------ both
    def _block(self, index: int, block: Any, made: Delta, *, whole: bool) -> None:
        """A block: the whole of it, or what it begins with."""
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(kind, str) or (kind not in _BLOCKS and kind != _SEALED):
            wrong("a block of an unknown type")
        self._kinds[index] = kind
        if kind == _SEALED:  # encrypted: nobody can look at it
            made.dropped.add(kind)
            return
        _unknown(block, _BLOCKS[kind], made)
        if kind == "tool_use":
            self._call(index, block, made, whole=whole)
            return
        field, where = _TEXTS[kind]
        text = block.get(where)
        if not isinstance(text, str):
            wrong(f"{where} is not text")
        if text:
            made.pieces.append(Piece(0, field, text))

    def _call(self, index: int, block: dict[str, Any], made: Delta, *, whole: bool) -> None:
        """A tool call: id, name and arguments are pieces of their own."""
        tool = len(self._tools)
        name, own, given = block.get("name"), block.get("id"), block.get("input")
        if not isinstance(own, str) or not CALL_ID.fullmatch(own) or not isinstance(name, str) or not name:
            wrong("a tool call has the wrong form")
        if tool >= CALLS or not isinstance(given, dict) or (given and not whole):
            wrong("a tool call has the wrong form")
        self._tools[index] = tool
        made.pieces += [Piece(0, "id", own, tool), Piece(0, "name", name, tool)]
        if whole:
            made.pieces.append(Piece(0, "arguments", msgspec.json.encode(given).decode(), tool))

    def _count(self, said: Any, made: Delta) -> None:
        """Take token counts; those of a stream come in parts, the last one holds."""
        if said is None:
            return
        try:
            came = msgspec.convert(said, Counts)
        except msgspec.ValidationError:
            made.dropped.add("usage")
            return
        for name in Counts.__struct_fields__:
            if (number := getattr(came, name)) is not None:
                setattr(self._counts, name, number)

    def _usage(self) -> Usage | None:
        counts = self._counts
        if counts.input_tokens is None or counts.output_tokens is None:
            return None
        cached = (counts.cache_creation_input_tokens or 0) + (counts.cache_read_input_tokens or 0)
        asked = counts.input_tokens + cached
        return Usage(asked, counts.output_tokens, asked + counts.output_tokens)


_STEPS: Final = {
    "message_start": AnthropicAnswer._start,
    "content_block_start": AnthropicAnswer._open,
    "content_block_delta": AnthropicAnswer._delta,
    "content_block_stop": AnthropicAnswer._close,
    "message_delta": AnthropicAnswer._end,
    "message_stop": AnthropicAnswer._stop,
}


def _object(data: bytes, made: Delta) -> dict[str, Any] | None:
    """One event, or one whole reply; none when it is an error by which the service refuses for content."""
    raw = decoded(data)
    if raw.get("error") or raw.get("type") == "error":
        made.refused = refusals.read(raw, "output") or wrong("it reported an error")
        return None
    return raw


def _finish(reason: Any, made: Delta) -> str:
    """What a `stop_reason` is called; a refusal is heard by the controls."""
    if not isinstance(reason, str):
        wrong("a message without a stop_reason")
    if refused := refusals.STOPS.get(reason):
        made.refused = refused
        return "content_filter"
    return FINISHES.get(reason) or wrong("an unknown stop_reason")


def _unknown(raw: dict[str, Any], known: frozenset[str] | set[str], made: Delta) -> None:
    if unknown := raw.keys() - known:
        made.dropped.update(shown(name) for name in unknown if raw[name] is not None)
