# SPDX-License-Identifier: Apache-2.0
"""anthropic-python at /v1/messages."""

from __future__ import annotations

from typing import Any

from anthropic import Anthropic

from seen import Question, Seen, ended, main


def messages(asked: Question) -> Seen:
    """/v1/messages."""
    client = Anthropic(base_url=asked.base, api_key=asked.key, max_retries=0, timeout=20)
    said: Any = [{"role": "user", "content": asked.text}]
    if asked.stream:
        with client.messages.stream(model=asked.model, max_tokens=100, messages=said) as stream:
            events = list(stream)
            made = stream.get_final_message()
    else:
        events = []
        made = client.messages.create(model=asked.model, max_tokens=100, messages=said)
    texts = [block.text for block in made.content if block.type == "text"]
    last = texts[-1] if made.stop_reason == "refusal" else ""
    return ended(made.stop_reason, {"text": last}, "".join(texts), [*events, made])


if __name__ == "__main__":
    main({"messages": messages})
