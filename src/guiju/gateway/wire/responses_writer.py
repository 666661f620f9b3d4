# SPDX-License-Identifier: Apache-2.0
"""What is answered at /v1/responses: items that open, grow and are done, in the events of OpenAI's Responses API.

A stopped answer ends `response.incomplete` with `content_filter`, a refusal beside what had been released.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from guiju.gateway.wire.canonical import Asked
from guiju.gateway.wire.chat_reply import Piece, Usage
from guiju.gateway.wire.moderations import Wanted, beside
from guiju.gateway.wire.protocol import Call, Noticing, Said
from guiju.terms import Hearing

_encode = msgspec.json.encode
_PARTS = {
    "content": ("output_text", "text", "response.output_text"),
    "refusal": ("refusal", "refusal", "response.refusal"),
    "reasoning_content": ("reasoning_text", "text", "response.reasoning_text"),
}
"""Field → type of the part, name of its text, prefix of its events."""


def event(name: str, data: bytes) -> bytes:
    """One event of a stream."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


class Item:
    """One item of the output while it grows.

    Attributes:
        at: its place in the output.
        document: the item as it is so far, without texts that still grow.
        parts: field → its place among the parts, and the text so far; of a call, `arguments` alone.
    """

    def __init__(self, at: int, document: dict[str, Any]) -> None:
        self.at = at
        self.document = document
        self.parts: dict[str, tuple[int, list[str]]] = {}

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.document["id"])

    def done(self) -> dict[str, Any]:
        """The item with all its text."""
        made = {**self.document, "status": "completed"}
        if made["type"] == "function_call":
            return {**made, "arguments": "".join(self.parts["arguments"][1])}
        made["content"] = [_part(field, "".join(text)) for field, (_, text) in self.parts.items()]
        return made


def _part(field: str, text: str) -> dict[str, Any]:
    kind, name, _ = _PARTS[field]
    made: dict[str, Any] = {"type": kind, name: text}
    return {**made, "annotations": [], "logprobs": []} if kind == "output_text" else made


class ResponsesWriter(Noticing):
    """Writes one exchange's answer; see `Writer`.

    Args:
        asked: the request.
        exchange: the decision id.
        created: Unix seconds.
        aigc: the label's envelope (Article 16).
    """

    def __init__(self, asked: Asked, exchange: str, created: int, aigc: dict[str, str]) -> None:
        request = asked.request
        self._head: dict[str, Any] = {
            "id": f"resp_{exchange}",
            "object": "response",
            "created_at": created,
            "model": request.model,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "previous_response_id": None,
            "store": False,
            "tool_choice": request.tool_choice or "auto",
            "tools": [{"type": "function", "name": tool.function.name} for tool in request.tools or ()],
            "aigc": aigc,
            **asked.own["echo"],
        }
        self._wanted: Wanted | None = asked.own["moderation"]
        self._judged: dict[str, Any] | None = None
        self._exchange = exchange
        self._items: list[Item] = []
        self._places: dict[tuple[str, int], Item] = {}
        self._number = 0

    def judged(self, asked: Sequence[Hearing], answered: Sequence[Hearing]) -> None:
        """See `Writer`."""
        if self._wanted is not None:
            self._judged = beside(self._wanted.model, asked, answered)

    def start(self, mark: str) -> bytes:
        """The response is made, and begins."""
        made = self._said("response.created", response=self._response("in_progress", None))
        made += self._said("response.in_progress", response=self._response("in_progress", None))
        return made + self.piece(Piece(0, "content", mark)) if mark else made

    def piece(self, piece: Piece) -> bytes:
        """A delta; its item and part are opened first."""
        if piece.field == "arguments":
            item = self._places["call", piece.tool]
            item.parts["arguments"][1].append(piece.text)
            return self._delta("response.function_call_arguments.delta", item, piece.text)
        made, item = self._message("reasoning" if piece.field == "reasoning_content" else "message")
        if piece.field not in item.parts:
            item.parts[piece.field] = (len(item.parts), [])
            part = {"part": _part(piece.field, ""), "content_index": item.parts[piece.field][0]}
            made += self._said("response.content_part.added", item_id=item.id, output_index=item.at, **part)
        place, text = item.parts[piece.field]
        text.append(piece.text)
        more: dict[str, Any] = {"logprobs": []} if piece.field == "content" else {}
        return made + self._delta(_PARTS[piece.field][2] + ".delta", item, piece.text, content_index=place, **more)

    def call(self, call: Call) -> bytes:
        """A function call opens."""
        return self._open("call", call.tool, {
            "type": "function_call", "id": f"fc_{self._exchange}_{call.tool}", "call_id": call.id, "name": call.name,
            "arguments": "", "status": "in_progress",
        })[0]  # fmt: skip

    def end(self, finishes: Iterable[tuple[int, str]], usage: Usage | None) -> bytes:
        """Every item is done, and so is the response."""
        reason = next((reason for _, reason in finishes), "stop")
        return self._done() + self._last(_CUT.get(reason, ""), usage, None)

    def stopped(self, sentence: str, usage: Usage | None, guiju: dict[str, Any]) -> bytes:
        """A refusal, and a response that is incomplete for `content_filter`."""
        return self.piece(Piece(0, "refusal", sentence)) + self._done() + self._last("content_filter", usage, guiju)

    def broken(self, body: bytes) -> bytes:
        """An error in the middle of a stream: the protocol's own event, with the error object that OpenAI's clients
        look for beside it."""
        error = msgspec.json.decode(body)["error"]
        told = {name: error[name] for name in ("code", "message", "param")}
        return self._said("error", **told, error=error)

    def whole(self, said: Sequence[Said], usage: Usage | None, guiju: dict[str, Any] | None) -> bytes:
        """A response that was not streamed."""
        one = said[0]
        texts = {"refusal": one.texts["refusal"]} if guiju else one.texts
        for field in ("reasoning_content", "content", "refusal"):
            if texts.get(field):
                self.piece(Piece(0, field, texts[field]))
        for _, call in sorted(one.calls.items()):
            self.call(call)
            self.piece(Piece(0, "arguments", call.arguments, call.tool))
        return _encode(self._finished(_CUT.get(one.finish, ""), usage, guiju))

    def _message(self, kind: str) -> tuple[bytes, Item]:
        document: dict[str, Any] = {"type": kind, "id": f"{kind[:3]}_{self._exchange}", "status": "in_progress"}
        if kind == "reasoning":
            document["summary"] = []
        else:
            document["role"] = "assistant"
        return self._open(kind, 0, {**document, "content": []})

    def _open(self, kind: str, number: int, document: dict[str, Any]) -> tuple[bytes, Item]:
        """The item of a kind and number; it is opened where it is not there yet."""
        if item := self._places.get((kind, number)):
            return b"", item
        item = self._places[kind, number] = Item(len(self._items), document)
        self._items.append(item)
        if kind == "call":
            item.parts["arguments"] = (0, [])
        return self._said("response.output_item.added", output_index=item.at, item=document), item

    def _done(self) -> bytes:
        """Each text whole, each part, each item."""
        made = b""
        for item in self._items:
            place = {"item_id": item.id, "output_index": item.at}
            for field, (index, parts) in item.parts.items():
                text = "".join(parts)
                if field == "arguments":
                    name = item.document["name"]
                    made += self._said("response.function_call_arguments.done", **place, name=name, arguments=text)
                    continue
                _, key, prefix = _PARTS[field]
                told = {key: text, **({"logprobs": []} if field == "content" else {})}
                made += self._said(prefix + ".done", **place, content_index=index, **told)
                part = _part(field, text)
                made += self._said("response.content_part.done", **place, content_index=index, part=part)
            made += self._said("response.output_item.done", output_index=item.at, item=item.done())
        return made

    def _last(self, cut: str, usage: Usage | None, guiju: dict[str, Any] | None) -> bytes:
        name = "response.incomplete" if cut else "response.completed"
        return self._said(name, response=self._finished(cut, usage, guiju))

    def _finished(self, cut: str, usage: Usage | None, guiju: dict[str, Any] | None) -> dict[str, Any]:
        made = self._response("incomplete" if cut else "completed", usage)
        if cut:
            made["incomplete_details"] = {"reason": cut}
        if (ours := self._ours(guiju)) is not None:
            made["guiju"] = ours
        if self._judged is not None:
            made["moderation"] = self._judged
        return made

    def _response(self, status: str, usage: Usage | None) -> dict[str, Any]:
        made = {**self._head, "status": status, "output": [], "usage": None}
        if status != "in_progress":
            made["output"] = [item.done() for item in self._items]
        if usage is not None:
            made["usage"] = {
                "input_tokens": usage.prompt_tokens,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": usage.completion_tokens,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": usage.total_tokens,
            }
        return made

    def _delta(self, name: str, item: Item, text: str, **more: Any) -> bytes:
        return self._said(name, item_id=item.id, output_index=item.at, **more, delta=text)

    def _said(self, name: str, /, **facts: Any) -> bytes:
        data = _encode({"type": name, "sequence_number": self._number, **facts})
        self._number += 1
        return event(name, data)


_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""How a choice ended → why the response is incomplete."""
