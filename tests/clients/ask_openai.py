# SPDX-License-Identifier: Apache-2.0
"""openai-python at six doors."""

from __future__ import annotations

import warnings
from typing import Any

from openai import OpenAI

from seen import Question, Seen, ended, main


def client(asked: Question) -> OpenAI:
    """The client; it tries nothing again."""
    return OpenAI(base_url=f"{asked.base}/v1", api_key=asked.key, max_retries=0, timeout=20)


def chat(asked: Question) -> Seen:
    """/v1/chat/completions."""
    messages: Any = [{"role": "user", "content": asked.text}]
    made = client(asked).chat.completions.create(model=asked.model, messages=messages, stream=asked.stream)
    if not asked.stream:
        one = made.choices[0]
        return ended(one.finish_reason, {"refusal": one.message.refusal}, one.message.content or "", made)
    text = refusal = end = ""
    chunks = list(made)
    for one in (choice for chunk in chunks for choice in chunk.choices):
        text += one.delta.content or ""
        refusal += one.delta.refusal or ""
        end = one.finish_reason or end
    return ended(end, {"refusal": refusal}, text, chunks)


def completions(asked: Question) -> Seen:
    """/v1/completions."""
    made = client(asked).completions.create(model=asked.model, prompt=asked.text, stream=asked.stream)
    chunks = list(made) if asked.stream else [made]
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    end = [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1]
    guiju: Any = (chunks[-1].model_extra or {}).get("guiju") or {}
    whole = text if guiju and not asked.stream else ""
    return ended(end, {"text": whole, "guiju.message": guiju.get("message")}, text, chunks)


def responses(asked: Question) -> Seen:
    """/v1/responses."""
    made = client(asked).responses.create(model=asked.model, input=asked.text, stream=asked.stream)
    events = list(made) if asked.stream else []
    done = events[-1].response if asked.stream else made
    parts = [part for item in done.output if item.type == "message" for part in item.content]
    refusal = "".join(part.refusal for part in parts if part.type == "refusal")
    reason = done.incomplete_details.reason if done.incomplete_details else ""
    end = f"{done.status}: {reason}" if reason else done.status
    return ended(end, {"refusal": refusal}, done.output_text, [*events, made])


def embeddings(asked: Question) -> Seen:
    """/v1/embeddings."""
    made = client(asked).embeddings.create(model=asked.model, input=asked.text)
    return ended(made.object, {}, "", made)


def moderations(asked: Question) -> Seen:
    """/v1/moderations."""
    made = client(asked).moderations.create(model=asked.model, input=asked.text)
    one = made.results[0]
    hit = [name for name, met in (one.categories.model_extra or {}).items() if met]
    return ended(f"flagged: {str(one.flagged).lower()}", {"categories": " ".join(hit)}, "", made)


def videos(asked: Question) -> Seen:
    """/v1/videos."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of a service, not of the protocol
        made = client(asked).videos.create_and_poll(model=asked.model, prompt=asked.text, poll_interval_ms=20)
    return ended(made.status, {"error": made.error.message if made.error else None}, "", made)


if __name__ == "__main__":
    main({
        "chat": chat, "completions": completions, "responses": responses, "embeddings": embeddings,
        "moderations": moderations, "videos": videos,
    })  # fmt: skip
