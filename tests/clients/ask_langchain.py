# SPDX-License-Identifier: Apache-2.0
"""langchain-openai at two doors."""

from __future__ import annotations

from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from seen import Question, Seen, ended, main


def ask(asked: Question, responses: bool) -> AIMessage:
    """One question; the chunks of a stream are added up as LangChain's users do it."""
    model = ChatOpenAI(
        model=asked.model,
        base_url=f"{asked.base}/v1",
        api_key=SecretStr(asked.key),
        max_retries=0,
        timeout=20,
        use_responses_api=responses,
    )
    if not asked.stream:
        return model.invoke(asked.text)
    first, *rest = model.stream(asked.text)
    for chunk in rest:
        first += chunk
    return first


def chat(asked: Question) -> Seen:
    """/v1/chat/completions."""
    made = ask(asked, False)
    refusal = made.additional_kwargs.get("refusal")
    end = made.response_metadata["finish_reason"]
    return ended(end, {"additional_kwargs.refusal": refusal}, str(made.text), repr(made))


def responses(asked: Question) -> Seen:
    """/v1/responses."""
    made = ask(asked, True)
    refusals = [part.get("refusal") for part in made.content if isinstance(part, dict)]
    why = {
        "content.refusal": "".join(one for one in refusals if one),
        "additional_kwargs.refusal": made.additional_kwargs.get("refusal"),
    }
    facts = made.response_metadata
    reason = (facts.get("incomplete_details") or {}).get("reason")
    end = f"{facts.get('status')}: {reason}" if reason else facts.get("status")
    return ended(end, why, str(made.text), repr(made))


if __name__ == "__main__":
    main({"chat": chat, "responses": responses})
