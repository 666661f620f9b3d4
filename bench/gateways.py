# SPDX-License-Identifier: Apache-2.0
"""Gateways of others that stand where Guiju stands, without guards, and with a list of terms where they have a place.

They get no key to check and nothing to record: what they cost is passing on, and looking for words. Terms are looked
for as each looks for them: as they stand, in what is asked and in what is answered where it can.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rig
import setup_peers
from rig import Rig
from systems import System

LITELLM, LITELLM_WORDS, PORTKEY = "litellm", "litellm, 10,000 words", "portkey"
NEMO, NEMO_WORDS = "nemo", "nemo, 10,000 words"
ALL = (LITELLM, LITELLM_WORDS, PORTKEY, NEMO, NEMO_WORDS)
START_S = 180.0
FEW = 2
"""How many ask at once where one answer takes a large part of a second: the load must end."""


def peer(name: str) -> str:
    """Which of `peers.toml` a system is."""
    return name.partition(",")[0]


def version(name: str) -> str:
    """Which version is measured; empty where it is not set up."""
    return "" if setup_peers.state(peer(name)) else setup_peers.version(peer(name))


@contextmanager
def started(rig_: Rig, name: str, upstream: int, listed: Sequence[str]) -> Iterator[System]:
    """Bring one up, and end it.

    Args:
        rig_: where it runs.
        name: one of `ALL`.
        upstream: port of the scripted model service.
        listed: terms, for those that look for words.

    Raises:
        SystemExit: it is not set up, or does not start.
    """
    if why := setup_peers.state(peer(name)):
        raise SystemExit(why)
    words = listed if name in (LITELLM_WORDS, NEMO_WORDS) else ()
    at, began = rig.port(), time.perf_counter()
    make = {"litellm": _litellm, "portkey": _portkey, "nemo": _nemo}[peer(name)]
    command, environ, path, headers = make(rig_.work, at, upstream, words)
    log = name.replace(", ", "-").replace(" ", "-")
    with rig_.running(command, rig_.system_core, log, environ) as child:
        try:
            rig.until(at, path, began, child, START_S)
        except SystemExit as error:
            said = setup_peers.last((rig_.work / f"{log}.log").read_text("utf-8", "replace"))
            raise SystemExit(f"{error}: {said}") from None
        yield System(name, at, child.pid, headers=headers, connections=FEW if words else 0)


Started = tuple[list[str | Path], dict[str, str], str, tuple[str, ...]]
"""Command, environment, the path that is 200 when it serves, and headers of each request."""


def _litellm(work: Path, at: int, upstream: int, words: Sequence[str]) -> Started:
    """LiteLLM's proxy, one worker."""
    model = {"model": "openai/mock", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "none"}
    told: dict[str, object] = {"model_list": [{"model_name": "mock", "litellm_params": model}]}
    if words:
        blocked = [{"keyword": word, "action": "BLOCK"} for word in words]
        guard = {"guardrail": "litellm_content_filter", "mode": ["pre_call", "post_call"], "default_on": True}
        told["guardrails"] = [{"guardrail_name": "words", "litellm_params": {**guard, "blocked_words": blocked}}]
    config = work / f"litellm-{len(words)}.yaml"
    config.write_text(json.dumps(told, ensure_ascii=False), "utf-8")  # JSON is YAML
    program = setup_peers.python("litellm").with_name("litellm")
    command: list[str | Path] = [program, "--config", config, "--port", str(at), "--host", "127.0.0.1"]
    environ = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"}
    return command, environ, "/health/liveliness", ()


def _portkey(work: Path, at: int, upstream: int, words: Sequence[str]) -> Started:
    """Portkey's gateway on Node.js."""
    folder = setup_peers.HOME / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build"
    headers = ("x-portkey-provider: openai", f"x-portkey-custom-host: http://127.0.0.1:{upstream}/v1")
    return ["node", folder / "start-server.js", f"--port={at}", "--headless"], {"NODE_ENV": "production"}, "/", headers


def _nemo(work: Path, at: int, upstream: int, words: Sequence[str]) -> Started:
    """NeMo Guardrails' server; with terms, its rails for expressions at both ends."""
    model = {"type": "main", "engine": "openai", "model": "mock"}
    model |= {"parameters": {"base_url": f"http://127.0.0.1:{upstream}/v1", "api_key": "none"}}  # type: ignore[dict-item] # one of many kinds
    told: dict[str, object] = {"models": [model], "passthrough": True}
    if words:
        looked = {"patterns": list(words), "case_insensitive": True}
        told["rails"] = {
            "config": {"regex_detection": {"input": looked, "output": looked}},
            "input": {"flows": ["regex check input"]},
            "output": {"flows": ["regex check output"], "streaming": {"enabled": True}},
        }
    folder = work / f"nemo-{len(words)}"
    (folder / "bench").mkdir(parents=True, exist_ok=True)
    (folder / "bench" / "config.yml").write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    program = setup_peers.python("nemo").with_name("nemoguardrails")
    command: list[str | Path] = [program, "server", "--config", folder, "--port", str(at), "--disable-chat-ui"]
    command += ["--default-config-id", "bench"]
    return command, {"OPENAI_API_KEY": "none"}, "/v1/rails/configs", ()
