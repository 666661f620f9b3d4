# SPDX-License-Identifier: Apache-2.0
"""Real clients at the doors: what their users see in each situation is what docs/{zh,en}/reference/clients.md says.

The tables of the page are the tests' own: each cell is asked through its client and compared with what came."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from clients_kit import Seen, ask, installed, table
from conftest import KEY, Running, Start, free_port
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Issuer, Upstream

pytestmark = [pytest.mark.slow, pytest.mark.clients]

CLIENTS = ("openai-python", "anthropic-python", "langchain-openai", "pydantic-ai", "litellm")
TERM = "规矩金丝雀"
STOPPED = "[[canary:2|15]]"
BROKEN = "[[stream:你好，世界。再说一句。还有一句。|4|15]][[reset:3]]"
REDRESS = "https://ai.example.com/redress"
ISSUER = Issuer(issuer="i", audience="a", jwks_url="http://127.0.0.1:9/none", levels={"phone": "phone"})
LIMITED, AGENT = "gj-limited", "gj-agent"
SILENT = {("langchain-openai", "chat", "stopped stream"), ("litellm", "chat", "stopped stream")}
"""Where the client throws away the reason that it was sent; the page names them, and what to do."""


class Situation(NamedTuple):
    """One row of the tables.

    Attributes:
        why: words of the reason that a person must be able to read.
        contested: whether the reason must say the decision and where it can be contested.
        gated: whether the gateway asks for real names.
    """

    text: str
    stream: bool = False
    key: str = KEY
    model: str = "scripted"
    why: str = ""
    contested: bool = False
    gated: bool = False


BLOCK: dict[str, Any] = {"why": "暴力与色情", "contested": True}
SITUATIONS = {
    "answer": Situation("[[say:你好，世界。]]"),
    "stream": Situation("[[stream:你好，世界。再见。|3|5]]", stream=True),
    "refused": Situation(TERM, **BLOCK),
    "stopped": Situation(STOPPED, **BLOCK),
    "stopped stream": Situation(STOPPED, stream=True, **BLOCK),
    "stopped, error": Situation(STOPPED, key=AGENT, **BLOCK),
    "stopped stream, error": Situation(STOPPED, stream=True, key=AGENT, **BLOCK),
    "real name": Situation("你好", why="真实身份", contested=True, gated=True),
    "rate": Situation("你好", key=LIMITED, why="过于频繁"),
    "key": Situation("你好", key="gj-wrong", why="密钥缺失"),
    "failed": Situation("你好", model="failed", why="模型服务出错"),
    "broken stream": Situation(BROKEN, stream=True, why="模型服务出错"),
}
"""The rows of each table, in their order."""


@pytest.fixture
def gateways(start: Start, model: ScriptedModel) -> dict[bool, Running]:
    """A gateway, and one that asks for real names. The model `failed` lies where nobody listens."""
    installed()
    nobody = Upstream(name="nobody", url=f"http://127.0.0.1:{free_port()}/v1", models={"failed": "*"})
    overlay = (
        ("upstream", (nobody, Upstream(name="test", url=model.url))),
        ("provider.redress_url", REDRESS),
    )
    open_one = start(overlay=overlay)
    keyring = open_one.house.live.keyring
    record = keyring.find(KEY, 0)
    assert record is not None
    keyring.with_static(LIMITED, msgspec.structs.replace(record, id="limited", requests_per_minute=1))
    keyring.with_static(AGENT, msgspec.structs.replace(record, id="agent", on_block="error"))
    assert open_one.chat("你好", key=LIMITED).status == 200  # the one request of this minute
    return {False: open_one, True: start(overlay=(*overlay, ("gateway.identity", "phone"), ("issuer", (ISSUER,))))}


def question(gateways: dict[bool, Running], door: str, asked: Situation) -> dict[str, Any]:
    """What a client program is asked."""
    return {
        "door": door,
        "base": gateways[asked.gated].base,
        "key": asked.key,
        "model": asked.model,
        "text": asked.text,
        "stream": asked.stream,
    }


def understood(asked: Situation, seen: Seen, silent: bool) -> None:
    """Whether a person can read why and where to contest it, and nothing came that may not come."""
    if asked.text == STOPPED:
        assert TERM not in seen.text
        assert TERM not in seen.all
        assert re.search("content_filter|refusal", seen.cell) or not seen.cell.startswith("`stop")
    if silent:
        assert "`content_filter`" in seen.cell
        assert not seen.why
    elif asked.why:
        assert asked.why in seen.why
        assert asked.contested == bool(re.search(r"决定编号：[0-9A-Z]{26}", seen.why))
        assert asked.contested == (REDRESS in seen.why)
    else:
        assert not seen.why


@pytest.mark.parametrize("client", CLIENTS)
def test_users_see_what_the_page_says(gateways: dict[bool, Running], client: str, tmp_path: Path) -> None:
    zh, en = (table(language, client, list(SITUATIONS)) for language in ("zh", "en"))
    assert zh == en
    places = list(zh)
    came = ask(client, [question(gateways, door, SITUATIONS[name]) for door, name in places], tmp_path)
    observed = dict(zip(places, came, strict=True))
    assert {place: seen.cell for place, seen in observed.items()} == zh
    for (door, name), seen in observed.items():
        if door != "moderations" or name != "refused":  # its answer is a verdict, which names the category alone
            understood(SITUATIONS[name], seen, (client, door, name) in SILENT)
    if ("chat", "stream") in observed:
        assert observed["chat", "stream"].text == "你好，世界。再见。"
        assert observed["chat", "stopped stream"].text == "好的。先说一句无关的话。"
