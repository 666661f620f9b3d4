# SPDX-License-Identifier: Apache-2.0
"""pydantic-ai at three doors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.messages import TextPart
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from seen import Question, Seen, ended, main


async def run(model: Model, asked: Question, in_text: bool = False) -> Seen:
    """One run of an agent; the text of a stream is gathered as it comes.

    Args:
        model: the model.
        asked: the question.
        in_text: whether the protocol says why as a text of its own, the last.
    """
    agent = Agent(model, retries=0)
    if asked.stream:
        async with agent.run_stream(asked.text) as stream:
            text = "".join([piece async for piece in stream.stream_text(delta=True)])
            made = stream.response
    else:
        result = await agent.run(asked.text)
        text, made = result.output, result.response
    texts = [part.content for part in made.parts if isinstance(part, TextPart)]
    why = {
        "provider_details.refusal": (made.provider_details or {}).get("refusal"),
        "text": texts[-1] if in_text and made.finish_reason == "content_filter" else "",
    }
    return ended(made.finish_reason, why, text, made)


async def openai(make: Callable[[OpenAIProvider], Model], asked: Question) -> Seen:
    """Ask in one of OpenAI's protocols; nothing is tried again."""
    async with AsyncOpenAI(base_url=f"{asked.base}/v1", api_key=asked.key, max_retries=0, timeout=20) as client:
        return await run(make(OpenAIProvider(openai_client=client)), asked)


async def anthropic(asked: Question) -> Seen:
    """Ask in Anthropic's protocol; nothing is tried again."""
    async with AsyncAnthropic(base_url=asked.base, api_key=asked.key, max_retries=0, timeout=20) as client:
        model = AnthropicModel(asked.model, provider=AnthropicProvider(anthropic_client=client))
        return await run(model, asked, in_text=True)


def chat(asked: Question) -> Seen:
    """/v1/chat/completions."""
    return asyncio.run(openai(lambda provider: OpenAIChatModel(asked.model, provider=provider), asked))


def responses(asked: Question) -> Seen:
    """/v1/responses."""
    return asyncio.run(openai(lambda provider: OpenAIResponsesModel(asked.model, provider=provider), asked))


def messages(asked: Question) -> Seen:
    """/v1/messages."""
    return asyncio.run(anthropic(asked))


if __name__ == "__main__":
    main({"chat": chat, "responses": responses, "messages": messages})
