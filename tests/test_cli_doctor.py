# SPDX-License-Identifier: Apache-2.0
"""`guiju doctor` and `guiju reload` beside a running gateway, as the operator of that gateway types them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cli_kit import LANGUAGES, Gateway, begin, ended, entries, guiju, until_ready
from guiju.adapters.scripted import ScriptedModel
from guiju.cli.doctor import documents, films
from guiju.config import Settings
from test_server import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
VERIFY = "guiju evidence verify --data data"


@pytest.fixture
def gateway(tmp_path: Path, model: ScriptedModel) -> Iterator[Gateway]:
    """A gateway with a guiju.toml beside it, which has answered once."""
    (tmp_path / "guiju.toml").write_text("")
    made = begin(tmp_path, model.url)
    try:
        until_ready(made)
        assert made.chat("[[say:好]]").status == 200
        yield made
    finally:
        ended(made)


def row(ran: subprocess.CompletedProcess[str], id: str = "ledger") -> dict[str, str]:
    """One row of the JSON answer."""
    found: dict[str, str] = next(row for row in json.loads(ran.stdout)["rows"] if row["id"] == id)
    return found


def doctor(folder: Path, *words: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    """Examine, as somebody whom the modes of files bind."""
    return guiju("doctor", *words, cwd=folder, language=language, bound=True)


def test_a_machine_without_a_chinese_font_is_told() -> None:
    [told] = documents()
    assert told.state == "green"
    [told] = documents(("No Such Song",))
    assert told.state == "yellow"
    assert "No Such Song" in told.found
    assert "fonts-noto-cjk" in told.advice


def test_what_films_need_is_named_where_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(films(Settings())) == []
    monkeypatch.setenv("PATH", "/nowhere")
    [told] = films(Settings())
    assert (told.state, "ffmpeg" in told.found, "ffmpeg" in told.advice) == ("yellow", True, True)
    shown = msgspec.structs.replace(Settings().gateway, label_film="envelope")
    assert list(films(msgspec.structs.replace(Settings(), gateway=shown))) == []


def test_the_ledger_is_whole_beside_a_running_gateway(gateway: Gateway) -> None:
    folder = gateway.data.parent
    for language in LANGUAGES:
        said = {"zh": "条记录，完整", "en": "entries, whole"}[language]
        ran = doctor(folder, "--json", language=language)
        assert (ran.returncode, row(ran)["state"]) == (0, "green")
        count, found = row(ran)["found"].split(" ", 1)
        assert found == said
        assert int(count) <= len(entries(gateway.data))
        text = doctor(folder, language=language)
        assert text.returncode == 0
        (line,) = (line for line in text.stdout.splitlines() if " ledger " in line)
        assert line.startswith("✓ ledger")
        assert line.endswith(said)
    assert gateway.chat("[[say:好]]").status == 200, "nobody was disturbed"
    assert gateway.stop(signal.SIGTERM) == 0


def test_a_ledger_that_can_not_be_written_or_was_changed_is_red(gateway: Gateway) -> None:
    folder = gateway.data.parent
    (log,) = gateway.data.glob("ledger/*/*.log")
    for language in LANGUAGES:
        for place in (gateway.data / "ledger", log.parent, log):
            unwritable(folder, place, language)
    assert doctor(folder).returncode == 0
    assert gateway.stop(signal.SIGTERM) == 0
    raw = bytearray(log.read_bytes())
    raw[len(raw) // 2] ^= 1
    log.write_bytes(raw)
    for language in LANGUAGES:
        broken(folder, language)


def unwritable(folder: Path, place: Path, language: str) -> None:
    """What is said while a place of the ledger can't be written."""
    mode = place.stat().st_mode
    place.chmod(mode & 0o500)
    ran = doctor(folder, "--json", language=language)
    place.chmod(mode)
    short = place.relative_to(folder)
    found = {"zh": f"{short} 不可写", "en": f"{short} can't be written"}[language]
    assert (ran.returncode, row(ran)["state"], row(ran)["found"]) == (1, "red", found)
    assert row(ran)["advice"].endswith(f"chmod u+w {short}")


def broken(folder: Path, language: str) -> None:
    """What is said of a ledger that was changed, and that what is advised says the same."""
    ran = doctor(folder, language=language)
    assert ran.returncode == 1
    lines = ran.stdout.splitlines()
    (place,) = (number for number, line in enumerate(lines) if line.startswith("✗"))
    assert lines[place].split(None, 2)[1:] == [
        "ledger",
        {"zh": "证据链有损", "en": "the evidence is broken"}[language],
    ]
    assert lines[place + 1].strip() == f"→ {VERIFY}"
    advised = guiju(*VERIFY.split()[1:], cwd=folder, language=language)
    assert advised.returncode == 1
    assert {"zh": "第一处问题", "en": "The first bad record"}[language] in advised.stdout


def text_of(gateway: Gateway) -> str:
    """What a caller gets now."""
    said: str = gateway.chat("[[say:好]]").json["choices"][0]["message"]["content"]
    return said


@pytest.mark.parametrize("language", LANGUAGES)
def test_good_settings_are_taken_and_bad_ones_are_not(language: str, gateway: Gateway) -> None:
    folder = gateway.data.parent
    settings = folder / "guiju.toml"
    assert text_of(gateway) == "好"
    settings.write_text('[gateway]\nlabel = "start"\n')
    taken = guiju("reload", "--data", "data", cwd=folder, language=language)
    said = {"zh": "已换用新配置。\n", "en": "The new settings are in force.\n"}[language]
    assert (taken.returncode, taken.stdout, taken.stderr) == (0, said, "")
    assert text_of(gateway) == "【AI生成】\n好"
    kept = {"zh": "沿用原配置：", "en": "The old settings stay: "}[language]
    wrong = {"zh": "配置有误：", "en": "The configuration is not valid: "}[language]
    for text, reason in (
        ('[gateway]\nlabel = "sideways"\n', "$.gateway.label"),
        ("[gateway\n", "guiju.toml"),
        ('[store]\nurl = "postgresql://127.0.0.1/none"\n', f"{wrong}store"),
    ):
        settings.write_text(text)
        ran = guiju("reload", "--data", "data", cwd=folder, language=language)
        assert (ran.returncode, ran.stderr) == (1, "")
        assert ran.stdout.startswith(kept)
        assert wrong in ran.stdout
        assert reason in ran.stdout
        assert len(ran.stdout.splitlines()) == 1
        assert text_of(gateway) == "【AI生成】\n好", text
    settings.write_text("")
    as_json = guiju("reload", "--data", "data", "--json", cwd=folder, language=language)
    assert (as_json.returncode, json.loads(as_json.stdout)["ok"]) == (0, True)
    assert text_of(gateway) == "好"
    # The start, and the two changes that were taken, are evidence within a second or two.
    told = lambda: [one["body"]["kind"] for one in entries(gateway.data) if one["kind"] == "change"]  # noqa: E731 # asked often
    until(lambda: told().count("settings") == 3)
    assert gateway.stop(signal.SIGTERM) == 0
    gone = guiju("reload", "--data", "data", cwd=folder, language=language)
    assert gone.returncode == 2
