# SPDX-License-Identifier: Apache-2.0
"""litellm as a library at two doors."""

from __future__ import annotations

import litellm

from seen import Question, Seen, ended, main


def ask(asked: Question, model: str, base: str, in_text: bool = False) -> Seen:
    """One completion; the chunks of a stream are read as litellm's users do it.

    Args:
        asked: the question.
        model: the model's name with litellm's own prefix.
        base: the address.
        in_text: whether the protocol says why in the text.
    """
    made = litellm.completion(
        model=model,
        api_base=base,
        api_key=asked.key,
        messages=[{"role": "user", "content": asked.text}],
        stream=asked.stream,
        max_tokens=100,
        max_retries=0,
        timeout=20,
    )
    chunks = list(made) if asked.stream else [made]
    text = refusal = end = ""
    for one in (choice for chunk in chunks for choice in chunk.choices):
        said = one.delta if asked.stream else one.message
        text += said.content or ""
        refusal += getattr(said, "refusal", None) or (said.provider_specific_fields or {}).get("refusal") or ""
        end = one.finish_reason or end
    why = {"refusal": refusal, "text": text if in_text and end == "content_filter" else ""}
    return ended(end, why, text, chunks)


def chat(asked: Question) -> Seen:
    """/v1/chat/completions."""
    return ask(asked, f"openai/{asked.model}", f"{asked.base}/v1")


def messages(asked: Question) -> Seen:
    """/v1/messages."""
    return ask(asked, f"anthropic/{asked.model}", asked.base, in_text=True)


if __name__ == "__main__":
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    main({"chat": chat, "messages": messages})
