# SPDX-License-Identifier: Apache-2.0
"""TLS by files: the gateway speaks it to callers and to its own canary, and says what is wrong with a file."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from conftest import CANARIES, KEY, Start, free_port
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Serve, Settings
from guiju.errors import ConfigError
from guiju.server import TLS_S, bind
from serving import GUIJU
from tls_kit import certified


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return certified(tmp_path)


def test_callers_and_the_canary_are_served_over_tls(start: Start, files: tuple[Path, Path]) -> None:
    serve = Serve(port=free_port(), tls_cert=str(files[0]), tls_key=str(files[1]))
    gateway = start(overlay=(("serve", serve),))
    trusted = ssl.create_default_context(cafile=str(files[0]))
    connection = http.client.HTTPSConnection("127.0.0.1", serve.port, context=trusted, timeout=10)
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "[[say:好]]"}]})
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {KEY}"})
    answer = connection.getresponse()
    assert (answer.status, answer.version) == (200, 11)
    assert "好" in answer.read().decode()
    until = time.monotonic() + 5
    while not gateway.house.live.alive["canary"]:
        assert time.monotonic() < until, "the canary did not find its own gateway"
        time.sleep(0.02)
    connection.close()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", serve.port), timeout=5) as plain,
        old.wrap_socket(plain, do_handshake_on_connect=False) as sock,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        sock.do_handshake()


@pytest.mark.parametrize(
    ("cert", "key", "said"),
    [("none.pem", "key.pem", "none.pem"), ("cert.pem", "cert.pem", "cert.pem"), ("cert.pem", "", "tls_key")],
)
def test_a_file_that_does_not_fit_is_named(files: tuple[Path, Path], cert: str, key: str, said: str) -> None:
    paths = [str(files[0].parent / name) if name else "" for name in (cert, key)]
    with pytest.raises(ConfigError) as refused:
        bind(Settings(serve=Serve(port=free_port(), tls_cert=paths[0], tls_key=paths[1])))
    assert said in refused.value.sentence("en")


@pytest.mark.slow
def test_the_command_says_so_and_ends(files: tuple[Path, Path]) -> None:
    folder = files[0].parent
    (folder / "words.csv").write_text(CANARIES, "utf-8")
    with ScriptedModel() as model:
        (folder / "guiju.toml").write_text(
            f'[serve]\nport = {free_port()}\ntls_cert = "none.pem"\ntls_key = "key.pem"\n'
            f'[[upstream]]\nname = "m"\nurl = "{model.url}"\n',
            "utf-8",
        )
        ran = subprocess.run(
            [*GUIJU, "serve", "--data", "data", "--lexicon", "words.csv", "--key", KEY],
            cwd=folder, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "none.pem" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_files_that_are_replaced_are_taken_up_and_a_pair_that_does_not_fit_is_not(
    start: Start, files: tuple[Path, Path], tmp_path: Path
) -> None:
    serve = Serve(port=free_port(), tls_cert=str(files[0]), tls_key=str(files[1]))
    start(overlay=(("serve", serve),))

    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", serve.port)).strip()

    (tmp_path / "next").mkdir()
    (tmp_path / "other").mkdir()
    before, fresh, other = files[0].read_text().strip(), certified(tmp_path / "next"), certified(tmp_path / "other")
    assert shown() == before
    other[1].replace(files[1])  # a key alone fits nothing
    time.sleep(TLS_S + 1)
    assert shown() == before
    wanted = fresh[0].read_text().strip()
    fresh[1].replace(files[1])
    fresh[0].replace(files[0])
    until = time.monotonic() + 60
    while shown() != wanted:
        assert time.monotonic() < until
        time.sleep(0.2)
