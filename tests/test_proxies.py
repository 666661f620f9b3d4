# SPDX-License-Identifier: Apache-2.0
"""What docs/*/how-to/proxy.md shows works as it stands there: Caddy in front, and nginx in front of a gateway below a path."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import KEY, Start, free_port
from release_kit import ROOT, program
from test_docs_examples import blocks, nginx

PAGE = (ROOT / "docs" / "en" / "how-to" / "proxy.md").read_text("utf-8")
pytestmark = pytest.mark.slow


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, list[tuple[float, bytes]]]:
    """One request through a proxy that may still be starting; its status, and the pieces as they came."""
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {KEY}", "Host": f"127.0.0.1:{port}"})
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    answer = connection.getresponse()
    came = []
    while piece := answer.read1():
        came.append((time.monotonic(), piece))
    connection.close()
    return answer.status, came


def streams(port: int, before: str) -> None:
    """Pieces come one by one, pages are found, and what is for monitoring is hidden."""
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "[[stream:一。二。三。|2|400]]"}]}
    status, came = ask(port, f"{before}/v1/chat/completions", "POST", json.dumps(asked).encode())
    assert status == 200
    first = next(at for at, piece in came if "一。".encode() in piece)
    last = next(at for at, piece in came if b"[DONE]" in piece)
    assert last - first > 0.5
    assert ask(port, f"{before}/complain")[0] == 200
    assert [ask(port, f"{before}/{hidden}")[0] for hidden in ("metrics", "readyz", "healthz")] == [404] * 3


@contextmanager
def caddy(config: str, folder: Path) -> Iterator[None]:
    """Caddy with a file of its own."""
    path = folder / "Caddyfile"
    path.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + config, "utf-8")
    command = [program("caddy", "caddy"), "run", "--config", str(path), "--adapter", "caddyfile"]
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with subprocess.Popen(command, cwd=folder, env=home, stderr=subprocess.DEVNULL) as child:
        try:
            yield
        finally:
            child.terminate()


@pytest.mark.deploy
def test_the_caddy_of_the_page(start: Start, tmp_path: Path) -> None:
    gateway, port = start(overlay=(("serve.behind_proxy", True),)), free_port()
    (config,) = blocks(PAGE, "caddyfile")
    config = config.replace("ai.example.com {", f"http://127.0.0.1:{port} {{").replace("8080", str(gateway.port))
    with caddy(config, tmp_path):
        streams(port, "")


@pytest.mark.parametrize("below", [False, True], ids=["root", "path"])
def test_the_nginx_of_the_page(start: Start, tmp_path: Path, below: bool) -> None:
    whole, part = blocks(PAGE, "nginx")
    base = "/guiju" if below else ""
    gateway, port = start(overlay=(("serve.behind_proxy", True), ("serve.base_path", base))), free_port()
    if below:
        upstream = whole.partition("server {\n    listen")[0]
        config = f"{upstream}server {{ listen 127.0.0.1:{port};\n{part}\n}}\n"
    else:
        config = re.sub(r"^ *ssl_.*\n", "", whole, flags=re.MULTILINE)
        config = config.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    config = config.replace("server 127.0.0.1:8080", f"server 127.0.0.1:{gateway.port}")
    with nginx(config, tmp_path):
        streams(port, base)
