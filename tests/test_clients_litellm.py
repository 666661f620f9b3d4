# SPDX-License-Identifier: Apache-2.0
"""LiteLLM's real proxy in front of a model service, with the gateway as its guardrail, as the page of the docs configures
it: what is harmless passes, what is forbidden is stopped, asked or answered, whole or streamed."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clients_kit import BIN, ask, environment, installed, section, table
from conftest import KEY, Running, Start, free_port
from guiju.adapters.scripted import ScriptedModel
from test_clients import REDRESS, SITUATIONS, STOPPED, TERM, understood

pytestmark = [pytest.mark.slow, pytest.mark.clients]

MASTER = "sk-litellm-test"
ROWS = ("answer", "stream", "refused", "stopped", "stopped stream")
HELD = "      streaming_buffer_until_moderated: true\n"
GONE = """\
  - guardrail_name: gone
    litellm_params: {{guardrail: generic_guardrail_api, mode: pre_call, api_base: "http://127.0.0.1:{}", api_key: none}}
general_settings:
"""
"""A guardrail that nobody answers; it is asked only where a request names it."""


@pytest.fixture
def guard(start: Start) -> Running:
    """The gateway."""
    installed()
    return start(overlay=(("provider.redress_url", REDRESS),))


@pytest.fixture(scope="module")
def shown() -> str:
    """The configuration that the page shows."""
    (config,) = re.findall(r"^```yaml\n(.*?)^```$", section("en", "litellm-proxy"), re.MULTILINE | re.DOTALL)
    assert config in section("zh", "litellm-proxy")
    assert HELD in config
    return str(config)


@contextmanager
def litellm(config: str, guard: Running, model: ScriptedModel, tmp_path: Path) -> Iterator[str]:
    """LiteLLM's proxy, with the addresses of a test; its own address."""
    port = free_port()
    config = config.replace("http://127.0.0.1:9000/v1", model.url).replace("http://127.0.0.1:8080", guard.base)
    config = config.replace("general_settings:\n", GONE.format(free_port()))
    (tmp_path / "config.yaml").write_text(config)
    command = [BIN / "litellm", "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    env = {**environment(tmp_path), "GUIJU_KEY": KEY, "LITELLM_MASTER_KEY": MASTER}
    log = tmp_path / "litellm.log"
    with log.open("wb") as out, subprocess.Popen(
        [*command, "--telemetry", "False"], cwd=tmp_path, env=env, stdout=out, stderr=out
    ) as child:  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while not answers(port):
                assert child.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
            child.wait(20)


def answers(port: int) -> bool:
    """Whether the proxy listens."""
    try:
        return post(f"http://127.0.0.1:{port}", {})[0] > 0
    except OSError:
        return False


def post(proxy: str, body: dict[str, Any]) -> tuple[int, str]:
    """One chat completion: status and body."""
    connection = http.client.HTTPConnection(proxy.removeprefix("http://"), timeout=30)
    headers = {"Authorization": f"Bearer {MASTER}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def chat(content: Any, **more: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    return {"model": "scripted", "messages": [{"role": "user", "content": content}], **more}


def test_the_guard_decides_for_litellm(shown: str, guard: Running, model: ScriptedModel, tmp_path: Path) -> None:
    with litellm(shown, guard, model, tmp_path) as proxy:
        clients_see(proxy, tmp_path)
        checked = {one["body"]["state"] for one in guard.entries() if one["kind"] == "checked"}
        assert checked == {"passed", "stopped"}
        before = len(model.requests)
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        status, said = post(proxy, chat([{"type": "text", "text": "你好"}, picture]))
        assert (status, "无法检查" in said, REDRESS in said) == (400, True, True)
        tool = {"type": "function", "function": {"name": "f", "description": TERM}}
        assert post(proxy, chat("你好", tools=[tool]))[0] == 400
        assert post(proxy, chat("你好", guardrails=["gone"]))[0] == 500
        assert len(model.requests) == before


def test_litellm_must_be_told_to_hold_streams(shown: str, guard: Running, model: ScriptedModel, tmp_path: Path) -> None:
    """What the page warns of is so: without the setting, what was passed on by then has left."""
    with litellm(shown.replace(HELD, ""), guard, model, tmp_path) as proxy:
        status, said = post(proxy, chat(STOPPED, stream=True))
    assert status == 200
    assert TERM in "".join(re.findall(r'"content":"([^"]*)"', said))
    assert REDRESS in said


def clients_see(proxy: str, home: Path) -> None:
    """What users of two clients see behind the proxy is what the page says."""
    zh, en = (table(language, "litellm-proxy", ROWS) for language in ("zh", "en"))
    assert zh == en
    for client, door in (("openai-python", "chat"), ("anthropic-python", "messages")):
        told = {"door": door, "base": proxy, "key": MASTER, "model": "scripted"}
        asked = [SITUATIONS[row] for row in ROWS]
        came = ask(client, [{**told, "text": one.text, "stream": one.stream} for one in asked], home)
        assert {row: seen.cell for row, seen in zip(ROWS, came, strict=True)} == {row: en[door, row] for row in ROWS}
        for situation, seen in zip(asked, came, strict=True):
            understood(situation, seen, silent=False)
        assert [seen.text for seen in came[:2]] == ["你好，世界。", "你好，世界。再见。"]
