# SPDX-License-Identifier: Apache-2.0
"""The rows of `guiju doctor` about others (Article 14), asked over real sockets, in both languages; it changes nothing."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli_kit import LANGUAGES, guiju
from conftest import CANARIES, Start, free_port
from guiju.cli import doctor_outside as rows
from guiju.cli.doctor import examine
from guiju.cli.doctor_row import Row
from guiju.config import Serve, Settings, Upstream, Witness
from guiju.config_mail import MailSettings
from guiju.config_telemetry import TelemetrySettings
from guiju.detect import lexicon
from guiju.records import lexicons
from guiju.records.db import Store
from smtp_kit import mailbox
from test_server import NOW
from tls_kit import certified

SECRET = "sk-of-the-test-0123456789"


@contextmanager
def service(status: int = 200, ahead: float = 0.0) -> Iterator[tuple[str, list[tuple[str, str, dict[str, str]]]]]:
    """An HTTP server with a clock of its own: its address up to /v1, and what it was asked."""
    asked: list[tuple[str, str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response_only(status)
            self.send_header("Date", formatdate(time.time() + ahead, usegmt=True))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
        server.shutdown()
        thread.join()


def told(settings: Settings, environ: dict[str, str] | None = None) -> dict[str, Row]:
    """Row by its name."""
    return {row.id: row for row in rows.outside(settings, environ or {})}


def served(url: str, **more: Any) -> Settings:
    """Settings with one model service."""
    return Settings(upstream=(Upstream(name="a", url=url, **more),))


def test_a_model_service_that_answers_is_asked_for_its_models_alone() -> None:
    with service() as (url, asked):
        found = told(served(url, key_env="THE_KEY"), {"THE_KEY": SECRET})
        assert [row.state for row in found.values()] == ["green", "green"]
        assert [(method, path) for method, path, _ in asked] == [("GET", "/v1/models")]
        assert asked[0][2]["authorization"] == f"Bearer {SECRET}"
        assert (
            told(served(url, kind="anthropic", key_env="THE_KEY"), {"THE_KEY": SECRET})["upstream a"].state == "green"
        )
        assert asked[1][2]["x-api-key"] == SECRET
        assert SECRET not in repr(found)


@pytest.mark.parametrize(("status", "state"), [(401, "red"), (403, "red"), (404, "green"), (503, "yellow")])
def test_what_a_model_service_says_counts(status: int, state: str) -> None:
    with service(status) as (url, _):
        row = told(served(url))["upstream a"]
        assert row.state == state
        assert bool(row.advice) == (state != "green")


def test_a_model_service_that_is_away_or_has_no_key_is_told() -> None:
    row = told(served(f"http://127.0.0.1:{free_port()}/v1"))["upstream a"]
    assert (row.state, "refused" in row.found, "curl" in row.advice) == ("red", True, True)
    row = told(served("http://127.0.0.1:9/v1", key_env="NOT_THERE"))["upstream a"]
    assert (row.state, row.advice) == ("yellow", "export NOT_THERE=…")


@pytest.mark.parametrize(("ahead", "state"), [(0.0, "green"), (30.0, "yellow"), (-3600.0, "red")])
def test_a_clock_that_is_wrong_shows_by_those_of_others(ahead: float, state: str) -> None:
    with service(ahead=ahead) as (url, _):
        row = told(served(url))["clock skew"]
        assert row.state == state
        assert ("timedatectl" in row.advice) == (state != "green")


def test_witnesses_are_looked_at_without_a_checkpoint(tmp_path: Path) -> None:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(str(tmp_path / "log"))
    with service() as (url, asked), receiver:
        good = (
            Witness(kind="file", path=str(tmp_path / "seen")),
            Witness(kind="syslog", path=str(tmp_path / "log")),
            Witness(kind="syslog", address="127.0.0.1:514"),
            Witness(kind="https", url=url),
        )
        assert [rows.witness(one).state for one in good] == ["green"] * 4
        assert not asked
    assert not (tmp_path / "seen").exists()
    bad = (
        Witness(kind="file", path=str(tmp_path / "none" / "seen")),
        Witness(kind="syslog", path=str(tmp_path / "no-log")),
        Witness(kind="https", url=f"http://127.0.0.1:{free_port()}/w"),
    )
    for one in bad:
        row = rows.witness(one)
        assert (row.state, "evidence.witness" in row.advice) == ("red", True), one


def test_mail_is_signed_in_and_no_letter_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox() as server:
        server.sign_in = True
        own = MailSettings(host="127.0.0.1", port=server.port, security="none", sender="a@b.example")
        assert told(Settings(mail=own))["mail"].state == "red", "it wants to know who comes"
        own = msgspec.structs.replace(own, user="me", password_env="MAIL_SECRET")
        assert told(Settings(mail=own))["mail"].found.endswith("password")
        monkeypatch.setenv("MAIL_SECRET", "pass")
        assert told(Settings(mail=own))["mail"].state == "green"
        assert not server.came
    assert told(Settings(mail=own))["mail"].state == "red"
    assert told(Settings(mail=msgspec.structs.replace(own, sender="")))["mail"].state == "red"


def test_who_takes_traces_is_only_missed() -> None:
    with service() as (url, asked):
        assert told(Settings(telemetry=TelemetrySettings(endpoint=url)))["telemetry"].state == "green"
        assert not asked
    away = Settings(telemetry=TelemetrySettings(endpoint=f"http://127.0.0.1:{free_port()}"))
    assert told(away)["telemetry"].state == "yellow"


@pytest.mark.slow
def test_a_port_is_free_taken_by_another_or_ours(start: Start) -> None:
    at = free_port()
    assert rows.port(Settings(serve=Serve(port=at))).state == "green"
    with socket.create_server(("127.0.0.1", at)):
        row = rows.port(Settings(serve=Serve(port=at)))
        assert (row.state, f":{at}" in row.advice) == ("red", True)
    gateway = start(lexicon="")
    row = rows.port(Settings(serve=Serve(port=gateway.port)))
    assert (row.state, "lexicon" in row.found) == ("yellow", True)
    with service() as (url, _):
        row = rows.port(Settings(serve=Serve(port=int(url.rpartition(":")[2].partition("/")[0]))))
        assert row.state == "red", "another service answers there"


def test_certificates_have_their_day(tmp_path: Path) -> None:
    cert, key = certified(tmp_path)
    settings = Settings(serve=Serve(tls_cert=str(cert), tls_key=str(key)))
    now = time.time()
    for at, state in ((now - 30 * 86_400, "green"), (now, "yellow"), (now + 2 * 86_400, "red")):
        [row] = rows.certificates(settings, at)
        assert (row.id, row.state) == ("certificate tls", state)
        assert ("systemctl" in row.advice) == (state != "green")
    cert.write_text("nonsense")
    [row] = rows.certificates(settings, now)
    assert (row.state, str(cert) in row.found) == ("red", True)
    assert list(rows.certificates(Settings(), now)) == []


def test_word_lists_are_counted(tmp_path: Path) -> None:
    bare = msgspec.structs.replace(Settings(), detect=msgspec.structs.replace(Settings().detect, packs=()))
    with_store = Store.open("sqlite", tmp_path)
    row = rows.words(tmp_path, bare)
    assert (row.state, row.advice) == ("yellow", "guiju lexicon apply FILE --name main")
    lexicons.apply(with_store, "main", lexicon.read(CANARIES.encode(), "main.csv"), NOW)
    with_store.close()
    row = rows.words(tmp_path, bare)
    assert (row.state, row.found.split()[0]) == ("green", "3")


def test_extras_are_named_by_what_is_there() -> None:
    row = rows.extras()
    assert row.state == "green"
    for extra in ("media", "postgres", "dossier"):
        assert extra in row.found


def test_all_rows_are_there_once_and_each_that_is_not_green_says_what_to_do(tmp_path: Path) -> None:
    Store.open("sqlite", tmp_path).close()
    made = list(examine(tmp_path, None))
    ids = [row.id for row in made]
    assert len(ids) == len(set(ids))
    assert {"python", "packages", "extras", "config", "port", "store", "words", "keys", "ledger", "disk", "sync",
            "clock", "time zones", "open files", "upstream", "witness", "documents"} <= set(ids)  # fmt: skip
    for row in made:
        assert bool(row.advice) == (row.state != "green"), row
    assert [path.name for path in tmp_path.iterdir()] == ["guiju.db"], "it changes nothing"


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_says_so_in_both_languages(language: str, tmp_path: Path) -> None:
    with service(401) as (url, _):
        (tmp_path / "guiju.toml").write_text(f'[[upstream]]\nname = "a"\nurl = "{url}"\n', "utf-8")
        ran = guiju("doctor", "--json", cwd=tmp_path, language=language)
        found = {row["id"]: row for row in json.loads(ran.stdout)["rows"]}
        assert ran.returncode == 1
        assert found["upstream a"]["state"] == "red"
        assert found["upstream a"]["found"].startswith(
            {"zh": "密钥不被接受", "en": "it does not take the key"}[language]
        )
