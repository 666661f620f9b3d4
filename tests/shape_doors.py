# SPDX-License-Identifier: Apache-2.0
"""The shapes of chat completions as the other doors' clients would say the same (robustness E3).

A translator turns the body of a chat into its door's; what its protocol has no name for goes over as it is, so that it
is seen what becomes of it there. `NoPlaceError`: the door's protocol knows nothing that is like it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from shape_table import Body


class NoPlaceError(Exception):
    """A protocol has no place for it."""


Translate = Callable[[Body], Body]


def _blocks(content: Any, kinds: dict[str, str]) -> Any:
    """Parts under the names that another protocol has for them."""
    if not isinstance(content, list):
        return content
    return [
        _picture(one, kinds["image_url"]) or {**one, "type": kinds.get(one["type"], one["type"])} for one in content
    ]


def _picture(part: Body, kind: str) -> Body | None:
    """A part with a picture, in the form that another protocol has for it."""
    if part["type"] != "image_url":
        return None
    url = part["image_url"]["url"]
    return (
        {"type": kind, "source": {"type": "url", "url": url}} if kind == "image" else {"type": kind, "image_url": url}
    )


def _turn(message: Body) -> Body:
    """One message as a turn of /v1/messages."""
    kinds = {"image_url": "image", "file": "document"}
    rest = {name: one for name, one in message.items() if name not in _SAID}
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
        return {"role": "user", "content": [result]}
    if message["role"] != "assistant" or not _SAID & message.keys() - {"content"}:
        return {**rest, "content": _text_only(_blocks(message["content"], kinds))}
    blocks: list[Body] = []
    if message.get("reasoning_content"):
        blocks.append({"type": "thinking", "thinking": message["reasoning_content"], "signature": ""})
    blocks += [{"type": "text", "text": message[name]} for name in ("content", "refusal") if message.get(name)]
    for call in message.get("tool_calls", ()):
        made = call["function"]
        blocks.append(
            {"type": "tool_use", "id": call["id"], "name": made["name"], "input": json.loads(made["arguments"])}
        )
    return {**rest, "content": blocks}


_SAID = {"content", "refusal", "reasoning_content", "tool_calls"}


def _text_only(content: Any) -> Any:
    """A refusal is a text like any other there."""
    if not isinstance(content, list):
        return content
    return [{"type": "text", "text": one["refusal"]} if one["type"] == "refusal" else one for one in content]


def messages(chat: Body) -> Body:
    """What /v1/messages is asked."""
    made = {"max_tokens": 9, **chat}
    said = made.pop("messages")
    system = [one["content"] for one in said if one["role"] in ("system", "developer")]
    if system:
        made["system"] = system[0]
    made["messages"] = [_turn(one) for one in said if one["role"] not in ("system", "developer")]
    if "stop" in made:
        stop = made.pop("stop")
        made["stop_sequences"] = stop if isinstance(stop, list) else [stop]
    if "tools" in made:
        made["tools"] = [_anthropic_tool(one) for one in made["tools"]]
    if "tool_choice" in made:
        made["tool_choice"] = {"type": "tool", "name": made["tool_choice"]["function"]["name"]}
    if "response_format" in made:
        made["output_config"] = {"format": made.pop("response_format")}
    if "user" in made:
        made["metadata"] = {"user_id": made.pop("user")}
    return made


def _anthropic_tool(tool: Body) -> Body:
    """One tool as /v1/messages knows it."""
    if tool["type"] != "function":
        return {"type": tool["custom"]["name"], "name": "f"}
    made = {**tool, **tool["function"]}
    del made["function"], made["type"]
    made["input_schema"] = made.pop("parameters")
    return made


def responses(chat: Body) -> Body:
    """What /v1/responses is asked."""
    if "input" in chat:
        raise NoPlaceError
    made = dict(chat)
    said = made.pop("messages")
    made["input"] = [item for one in said for item in _items(one)]
    if said[0]["role"] == "system" and isinstance(said[0]["content"], str):
        made["instructions"] = said[0]["content"]
        del made["input"][0]
    if "tools" in made:
        made["tools"] = [{**one, **one.get("function", one.get("custom", {}))} for one in made["tools"]]
        for one in made["tools"]:
            one.pop("function", None)
            one.pop("custom", None)
    if "tool_choice" in made:
        made["tool_choice"] = {"type": "function", "name": made["tool_choice"]["function"]["name"]}
    if "response_format" in made:
        form = made.pop("response_format")
        made["text"] = {"format": {"type": form["type"], **form.get("json_schema", {})}}
    if "reasoning_effort" in made:
        made["reasoning"] = {"effort": made.pop("reasoning_effort")}
    if "web_search_options" in made:
        made["tools"] = [{"type": "web_search", **made.pop("web_search_options")}]
    if "prompt" in made:
        made["prompt"] = {"id": made["prompt"]}
    return made


def _items(message: Body) -> Iterator[Body]:
    """One message as items of /v1/responses."""
    kinds = {"text": "input_text", "image_url": "input_image", "file": "input_file"}
    if message["role"] == "tool":
        yield {"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}
        return
    rest = {name: one for name, one in message.items() if name not in _SAID}
    if message["role"] == "assistant":
        kinds["text"] = "output_text"
    if reason := message.get("reasoning_content"):
        yield {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": reason}]}
    if message.get("content") is not None:
        yield {**rest, "content": _blocks(message["content"], kinds)}
    if message.get("refusal"):
        yield {**rest, "content": [{"type": "refusal", "refusal": message["refusal"]}]}
    for call in message.get("tool_calls", ()):
        yield {"type": "function_call", "call_id": call["id"], **call["function"]}
    if "function_call" in message:
        yield {**rest, "content": ""}


def _one_text(chat: Body) -> tuple[Any, Body]:
    """The text of a body that has one message, as a list where it has parts, and the fields beside."""
    made = dict(chat)
    said = made.pop("messages")
    if len(said) != 1 or said[0].keys() != {"role", "content"} or said[0]["role"] != "user":
        raise NoPlaceError
    if made.keys() & {"tools", "tool_choice", "response_format", "prompt", "input"}:
        raise NoPlaceError
    content = said[0]["content"]
    if isinstance(content, list):
        if any(one.keys() != {"type", "text"} for one in content):
            raise NoPlaceError
        content = [one["text"] for one in content] if all(one["type"] == "text" for one in content) else content
    return content, made


def completions(chat: Body) -> Body:
    """What /v1/completions is asked."""
    text, made = _one_text(chat)
    return {**made, "prompt": text}


def embeddings(chat: Body) -> Body:
    """What /v1/embeddings is asked."""
    text, made = _one_text(chat)
    return {**made, "input": text}


def moderations(chat: Body) -> Body:
    """What /v1/moderations is asked; parts stay parts."""
    _one_text(chat)
    made = {**chat, "input": chat["messages"][0]["content"]}
    del made["messages"]
    return made


def litellm(chat: Body) -> Body:
    """What LiteLLM asks: it sends the chat itself, and nothing is left to the list of texts."""
    if not chat.keys() <= {"model", "messages", "tools"}:
        raise NoPlaceError
    made = {"texts": [], "input_type": "request", "structured_messages": chat["messages"]}
    return made | {name: one for name, one in chat.items() if name == "tools"}


def dify(chat: Body) -> Body:
    """What Dify asks: the question, and each variable of the application."""
    text, made = _one_text(chat)
    if made.keys() != {"model"}:
        raise NoPlaceError
    params = {"app_id": "a", "query": text} if isinstance(text, str) else {"query": "", "inputs": {"q": text}}
    return {"point": "app.moderation.input", "params": params}


def detector(chat: Body) -> Body:
    """What a detector is asked."""
    text, made = _one_text(chat)
    if made.keys() != {"model"} or not isinstance(text, str):
        raise NoPlaceError
    return {"contents": [text], "detector_params": {}}


ASKS: Final[dict[str, Translate]] = {
    "/v1/completions": completions,
    "/v1/messages": messages,
    "/v1/responses": responses,
    "/v1/embeddings": embeddings,
    "/v1/moderations": moderations,
    "/beta/litellm_basic_guardrail_api": litellm,
    "/v1/guard/dify": dify,
    "/api/v1/text/contents": detector,
}
"""Door → what turns a chat into its body."""


def spelt_as(chat: bytes, door: str) -> bytes:
    """A body that is spelt in a way of its own, every escape and every key twice, for another door."""
    said = b'"messages":[{"role":"user",'
    inner = chat[chat.index(said) + len(said) : -len(b"}]}")]
    place = ASKS[door](json.loads(json.dumps({"model": "m", "messages": [{"role": "user", "content": "@"}]})))
    made = json.dumps(place, ensure_ascii=False).encode()
    name = next(
        one
        for one in (b'"content": "@"', b'"prompt": "@"', b'"input": "@"', b'"query": "@"', b'"contents": ["@"]')
        if one in made
    )
    key = name[1 : name.index(b'"', 1)]
    texts = [one.partition(b":") for one in inner.split(b",")]
    escapes = b"\\u" in texts[0][0]
    written = b"".join(b"\\u%04x" % c for c in key) if escapes else key
    many = name.endswith(b"]")
    return made.replace(
        name, b",".join(b'"%b":%b' % (written, b"[%b]" % text if many else text) for _, _, text in texts)
    )
