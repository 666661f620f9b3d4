# SPDX-License-Identifier: Apache-2.0
"""However a model service cuts its answer, no door lets a term out, changes clean text, or ends in silence: the
streaming-leak checker's cases, sent through each door. Collected only where the checker is at hand (see conftest)."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conftest import CONTINUED, KEY, TOOLS, Running, Start, free_port
from fault_upstream import renamed
from guiju.terms import Reach

sys.path.append(str(TOOLS))
leak: Any = importlib.import_module("chunk_leak")

Collected = tuple[dict[Any, str], set[str], bool, bool, str]


def documents(raw: bytes) -> tuple[list[Any], str]:
    """The JSON documents of a body or stream, and its text."""
    text = raw.decode()
    try:
        return [json.loads(text)], text
    except ValueError:
        lines = [line[6:] for line in text.split("\n") if line.startswith("data: ") and line != "data: [DONE]"]
        return [json.loads(line) for line in lines], text


def gathered(raw: bytes, told: Callable[[Any], Iterator[tuple[str, str]]], how: Callable[[Any], str]) -> Collected:
    """What a client gathers: deltas joined by kind, every other string by itself; how it ended."""
    texts: dict[Any, str] = collections.defaultdict(str)
    finishes: set[str] = set()
    broken = False
    made, text = documents(raw)
    for number, document in enumerate(made):
        broken = broken or bool(document.get("error")) or document.get("type") == "error"
        for kind, piece in told(document):
            texts[kind,] += piece
        for path, piece in leak.walk(document):
            texts[number, path, ""] += piece
        if finish := how(document):
            finishes.add(finish)
    return texts, finishes, "[DONE]" in text, broken, text


def responses(raw: bytes) -> Collected:
    """Reads /v1/responses."""

    def told(document: Any) -> Iterator[tuple[str, str]]:
        kind = document.get("type", "")
        if kind.endswith(".delta"):
            yield "content" if kind == "response.output_text.delta" else kind, document["delta"]
        for item in document.get("output", ()) if document.get("object") == "response" else ():
            for part in item.get("content", ()):
                yield "content", part.get("text", "")

    def how(document: Any) -> str:
        made = document.get("response", document)
        if made.get("status") == "incomplete":
            return str(made["incomplete_details"]["reason"])
        return "stop" if made.get("status") == "completed" and made.get("object") == "response" else ""

    return gathered(raw, told, how)


def messages(raw: bytes) -> Collected:
    """Reads /v1/messages."""

    def told(document: Any) -> Iterator[tuple[str, str]]:
        delta = document.get("delta", {})
        if text := delta.get("text"):
            yield "content", text
        for name in ("thinking", "partial_json"):
            if text := delta.get(name):
                yield f"{name} {document['index']}", text
        for block in document.get("content", ()):
            yield "content", block.get("text", "")

    def how(document: Any) -> str:
        reason = document.get("delta", document).get("stop_reason")
        return {"end_turn": "stop", "max_tokens": "length", "refusal": "content_filter"}.get(reason, "")

    return gathered(raw, told, how)


def completions(raw: bytes) -> Collected:
    """Reads /v1/completions."""

    def told(document: Any) -> Iterator[tuple[str, str]]:
        for choice in document.get("choices", ()):
            yield "content" if choice["index"] == 0 else f"choice {choice['index']}", choice["text"]

    def how(document: Any) -> str:
        return next((c["finish_reason"] for c in document.get("choices", ()) if c["finish_reason"]), "")

    return gathered(raw, told, how)


def ask(door: str, case: Any) -> dict[str, Any]:
    """A request through a door whose answer is a case."""
    stream = case.ctype == "text/event-stream" or case.family == "json_reply"
    asked: dict[str, Any] = {"model": "m", "stream": stream}
    said = "case:" + case.id
    if door == "responses":
        return {**asked, "input": said}
    if door == "messages":
        return {**asked, "max_tokens": 100, "messages": [{"role": "user", "content": said}]}
    if door == NATIVE:
        asked["model"] = CONTINUED
    return {**asked, "prompt": said, **({"n": case.n} if case.n > 1 else {})}


READ: dict[str, Callable[[bytes], Collected]] = {
    "completions": completions,
    "messages": messages,
    "responses": responses,
}
NATIVE = "completions, as it is"
"""The door of completions where the service gets prompts, and answers texts, as they are."""
HIDDEN = {
    "completions": {"reasoning", "refusal", "tool_args"},
    "messages": {"n2"},
    "responses": {"n2"},
    NATIVE: {"reasoning", "refusal", "tool_args", "parts"},
}
"""Families whose answers a protocol can't carry: what it has no place for is dropped, which is no silence."""


def answered_so(case: Any) -> Any:
    """A case, cut at the same bytes, as a service answers it that continues prompts."""
    whole, at, segs = renamed(b"".join(part for part, _ in case.segs if part is not None)), 0, []
    for part, pause in case.segs:
        size = len(part or b"")
        segs.append((part and whole[at : at + size], pause))
        at += size
    return dataclasses.replace(case, segs=segs)


async def play(gateway: Running, door: str, length: int, random: int, port: int) -> dict[str, list[str]]:
    """Send all cases; returns what went wrong: kind → cases."""
    service = leak.Upstream()
    server = await asyncio.start_server(service.handle, "127.0.0.1", port, limit=2**24)
    wrong: dict[str, list[str]] = collections.defaultdict(list)
    at_once = asyncio.Semaphore(16)
    count = 0

    async def one(case: Any) -> None:
        nonlocal count
        async with at_once:
            service.cases[case.id] = case
            path = door.partition(",")[0]
            status, raw, clean = await leak.post(f"{gateway.base}/v1/{path}", KEY, ask(door, case), 30)
            said = leak.verdict(case, status, raw, clean)
            if not service.hits[case.id]:
                said["unreached"] = True
            del service.cases[case.id]
            count += 1
            for kind in ("leak", "false", "fake", "no_finish", "silent", "timeout", "unreached"):
                if said.get(kind) and not (kind == "silent" and case.family in HIDDEN[door]):
                    wrong[kind].append(f"{case.id} {status} {raw[-300:]!r}")

    cases = leak.make_cases(leak.TERMS, length, random, 7)
    cases = [answered_so(case) if door == NATIVE else case for case in cases]
    await asyncio.gather(*(one(case) for case in cases if case.n == 1 or door.startswith("completions")))
    server.close()
    assert count > 400
    return wrong


def sent_through(start: Start, door: str, reach: Reach, length: int, random: int) -> None:
    """All cases through one door."""
    port = free_port()
    lexicon = "term,category,severity\n" + "".join(f"{term},own.test,block\n" for term in leak.TERMS)
    upstream = f"http://127.0.0.1:{port}/v1"
    gateway = start(upstream=upstream, lexicon=lexicon, overlay=(("gateway.reach", reach),), continues=True)
    leak.collect = READ[door.partition(",")[0]]  # the checker reads what a client gathers through it
    wrong = asyncio.run(play(gateway, door, length, random, port))
    assert not wrong, {kind: (len(cases), cases[:3]) for kind, cases in wrong.items()}


@pytest.mark.slow
@pytest.mark.parametrize("reach", ["pattern", "sentence"])
@pytest.mark.parametrize("door", [*READ, NATIVE])
def test_no_door_leaks(start: Start, door: str, reach: Reach) -> None:
    sent_through(start, door, reach, 11, 120)
