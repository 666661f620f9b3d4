# SPDX-License-Identifier: Apache-2.0
"""The real openai SDKs against the gateway: an answer, a refusal and a stopped stream, each noticed as they should be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from conftest import KEY, Start

NODE = Path(__file__).parent / "node"
TERM = "规矩金丝雀"


def missing(what: str) -> None:
    """Skip, saying what installs it; in CI nothing is skipped."""
    if os.environ.get("GUIJU_NO_SKIP") == "1":
        pytest.fail(what)
    pytest.skip(what)


@pytest.mark.slow
def test_the_python_sdk_notices_each(start_once: Start) -> None:
    gateway = start_once()
    with OpenAI(base_url=f"{gateway.base}/v1", api_key=KEY, max_retries=0, timeout=20) as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "[[say:好的]]"}])
        assert answer.choices[0].message.content == "好的"
        assert (answer.model_extra or {})["aigc"]["Label"] == "1"
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": TERM}])
        assert raised.value.code == "content_filter"
        assert isinstance(raised.value.body, dict)
        assert raised.value.body["guiju"]["stage"] == "input"
        text = refusal = finish = ""
        extra: dict[str, Any] = {}
        with client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "[[canary:2|15]]"}], stream=True
        ) as stream:
            for chunk in stream:
                extra |= (chunk.model_extra or {}).get("guiju") or {}
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    refusal += choice.delta.refusal or ""
                    finish = choice.finish_reason or finish
    assert text.startswith("好的。")
    assert "规矩" not in text
    assert refusal
    assert finish == "content_filter"
    assert extra["stage"] == "output"


@pytest.mark.node
def test_the_node_sdk_notices_each(start_once: Start) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("Node.js is missing: sudo apt-get install nodejs npm")
    if not (NODE / "node_modules" / "openai").is_dir():
        missing("the SDK is missing: npm ci --prefix tests/node")
    gateway = start_once()
    ran = subprocess.run(
        ["node", "ask.mjs", f"{gateway.base}/v1", KEY, TERM],
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert (seen["answer"]["text"], seen["answer"]["finish"]) == ("好的", "stop")
    assert seen["answer"]["aigc"]["Label"] == "1"
    assert (seen["stream"]["text"], seen["stream"]["finish"]) == ("一二三四五六", "stop")
    assert (seen["refused"]["name"], seen["refused"]["status"]) == ("BadRequestError", 400)
    assert (seen["refused"]["code"], seen["refused"]["guiju"]["stage"]) == ("content_filter", "input")
    assert seen["stopped"]["finish"] == "content_filter"
    assert seen["stopped"]["refusal"]
    assert seen["stopped"]["guiju"]["stage"] == "output"
    assert seen["stopped"]["error"] is None
    assert "规矩" not in seen["stopped"]["text"]
