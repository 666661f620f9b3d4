# SPDX-License-Identifier: Apache-2.0
"""What docs/*/how-to/put-it-in-front.md shows works as it stands there: both SDKs, and nginx in front."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conftest import KEY, Running, Start, free_port

ROOT = Path(__file__).parents[1]
NODE = ROOT / "tests" / "node"
TERM = "规矩金丝雀"
ID = r"01[0-9A-Z]{24}"
pytestmark = pytest.mark.slow


@pytest.fixture(params=["zh", "en"])
def page(request: pytest.FixtureRequest) -> str:
    """The page in one language."""
    return (ROOT / "docs" / request.param / "how-to" / "put-it-in-front.md").read_text("utf-8")


def blocks(page: str, kind: str) -> list[str]:
    """The page's blocks of code of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def missing(what: str) -> None:
    """Skip, saying what installs it; in CI nothing is skipped."""
    if os.environ.get("GUIJU_NO_SKIP") == "1":
        pytest.fail(what)
    pytest.skip(what)


def placed(code: str, gateway: Running, content: str) -> str:
    """Code of the page with this gateway, a key and a question in it."""
    return code.replace("https://ai.example.com/v1", f"{gateway.base}/v1").replace("gj-…", KEY).replace("你好", content)


def test_the_python_of_the_page(page: str, start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    gateway = start()
    whole, streamed = blocks(page, "python")
    said = []
    names: dict[str, Any] = {}
    for content in ("[[say:好的]]", TERM, "[[canary:2|15]]"):
        if "client" in names:
            names["client"].close()
        exec(placed(whole, gateway, content), names)  # noqa: S102 # the page's own code
        said.append(capsys.readouterr().out)
    exec(streamed, names)  # noqa: S102 # as above
    said.append(capsys.readouterr().out)
    names["client"].close()
    assert said[0] == "好的\n"
    for one in said[1:3]:
        assert re.fullmatch(rf".+ {ID}\n", one), one
    assert re.fullmatch(rf"好的。先说一句无关的话。\n.+\n{ID}\n", said[3]), said[3]


@pytest.mark.node
def test_the_javascript_of_the_page(page: str, start: Start) -> None:
    if shutil.which("node") is None or not (NODE / "node_modules" / "openai").is_dir():
        missing("Node.js or the SDK is missing: sudo apt-get install nodejs npm; npm ci --prefix tests/node")
    gateway = start()
    (code,) = blocks(page, "js")
    said = []
    for content in (TERM, "[[canary:2|15]]"):
        command = ["node", "--input-type=module", "-e", placed(code, gateway, content)]
        ran = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
        said.append(ran.stdout)
    assert re.fullmatch(rf".+ {ID}\n", said[0])
    assert re.fullmatch(rf"好的。先说一句无关的话。\n.+\n{ID}\n", said[1])


@contextmanager
def nginx(config: str, folder: Path) -> Iterator[None]:
    """nginx with some lines of the page, on a folder of its own."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        missing("nginx is missing: sudo apt-get install nginx-light")
    paths = "".join(
        f"{one}_temp_path {folder}/{one};\n" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        f"events {{ worker_connections 64; }}\nhttp {{\naccess_log off;\n{paths}{config}}}\n",
        "utf-8",
    )
    with subprocess.Popen([program, "-c", str(path), "-p", str(folder)], stderr=subprocess.PIPE) as child:
        try:
            yield
        finally:
            child.terminate()


def test_the_nginx_of_the_page_lets_pieces_through_as_they_come(page: str, start: Start, tmp_path: Path) -> None:
    gateway, port = start(), free_port()
    (config,) = blocks(page, "nginx")
    config = config.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace("8080", str(gateway.port))
    config = re.sub(r"^ *ssl_.*\n", "", config, flags=re.MULTILINE)
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "[[stream:一。二。三。|2|400]]"}]}
    with nginx(config, tmp_path):
        deadline = time.monotonic() + 10
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                connection.request("GET", "/healthz")
                assert connection.getresponse().status == 404, "only /v1/ is public"
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, (tmp_path / "error.log").read_text()
                time.sleep(0.05)
        connection.close()
        large = {"model": "m", "messages": [{"role": "user", "content": "a" * 2_000_000}]}
        came = []
        for sent in (body, large):
            connection.request("POST", "/v1/chat/completions", json.dumps(sent), {"Authorization": f"Bearer {KEY}"})
            answer = connection.getresponse()
            while piece := answer.read1():
                came.append((time.monotonic(), answer.status, piece))
            connection.close()
    stream = [(at, piece) for at, status, piece in came if status == 200]
    first = next(at for at, piece in stream if "一。".encode() in piece)
    last = next(at for at, piece in stream if b"[DONE]" in piece)
    assert last - first > 0.5
    assert came[-1][1] == 413
    assert b"request_too_large" in came[-1][2], "the gateway's own answer, not nginx's"
