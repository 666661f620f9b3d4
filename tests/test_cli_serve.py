# SPDX-License-Identifier: Apache-2.0
"""`guiju serve` as an operator types it, by flags alone: start, stop, and what it says when it can't start."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from cli_kit import (
    FLAGS,
    LANGUAGES,
    Gateway,
    begin,
    ended,
    entries,
    guiju,
    serving,
    typed,
    until_ready,
    verified,
)
from conftest import CANARIES, KEY, free_port
from guiju import composition
from guiju.adapters.scripted import ScriptedModel
from guiju.records.chain import writer_name
from test_server import until

KILLS = int(os.environ.get("GUIJU_KILLS", "6"))
CALLERS = 6
SLOW = "[[stream:今天天气很好，我们去散步。明天再来。|2|40]]"
"""An answer of half a second."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, model: ScriptedModel) -> Iterator[Gateway]:
    """One gateway for the tests that leave it as it is, and for the last of them, which ends it."""
    made = begin(tmp_path_factory.mktemp("serve"), model.url)
    try:
        until_ready(made, "/healthz")
        until_ready(made)
        yield made
    finally:
        ended(made)


@pytest.mark.slow
def test_flags_are_enough_and_no_settings_are_written(shared: Gateway) -> None:
    folder = shared.data.parent
    assert {path.name for path in folder.iterdir()} == {"words.csv", "serve.log", "data"}
    assert not list(folder.rglob("*.toml"))
    assert (shared.data / "guiju.pid").read_text() == f"{shared.child.pid}\n"
    first, *rest = shared.said().splitlines()
    assert first == f"Guiju  {shared.base}/v1  (interim-2023, development)"
    assert re.fullmatch(r"  http://localhost:\d+/console/begin\?link=[\w-]{43}", rest[1])
    assert rest[2:]
    assert all(re.fullmatch(r"  ! .+  →  .+", line) for line in rest[2:])
    assert not [line for line in rest if "is off" in line]


@pytest.mark.slow
def test_every_model_name_goes_to_the_one_upstream(shared: Gateway, model: ScriptedModel) -> None:
    for name in ("qwen/any-7b", "gpt-4o:latest", "m"):
        assert shared.chat("[[say:好]]", model=name).json["model"] == name
        assert model.requests[-1]["model"] == name


@pytest.mark.slow
def test_a_word_list_with_three_columns_is_in_force_as_written(shared: Gateway, model: ScriptedModel) -> None:
    assert (shared.data.parent / "words.csv").read_text("utf-8").startswith("term,category,severity\n")
    before = len(model.requests)
    assert shared.chat("说说 规矩金丝雀").json["error"]["code"] == "content_filter"
    assert len(model.requests) == before
    said = shared.chat("[[canary:3|1]]", stream=True)
    assert [c["finish_reason"] for e in said.events for c in e["choices"]][-1] == "content_filter"
    assert "规矩金丝雀" not in said.body.decode()
    assert shared.chat("[[say:留意此词]]").json["choices"][0]["message"]["content"] == "留意此词"
    assert shared.chat("[[say:好]]", key="gj-nobody-has-this-key").status == 401


@pytest.mark.slow
def test_sigterm_lets_a_stream_end_and_closes_the_ledger(shared: Gateway) -> None:
    with shared.stream(SLOW) as stream:
        begun = stream.read1(64)
        shared.child.send_signal(signal.SIGTERM)
        whole = begun + stream.read()
        decision = stream.headers["x-guiju-decision-id"]
    assert shared.child.wait(10) == 0
    assert whole.endswith(b"data: [DONE]\n\n")
    assert not (shared.data / "guiju.pid").exists()
    assert '"level"' not in shared.said(), "nothing was worth a line of the log"
    kinds = [entry["kind"] for entry in entries(shared.data) if entry["body"].get("x") == decision]
    assert kinds == ["opened", "closed"]
    (ledger,) = verified(shared.data.parent)["writers"]
    assert (ledger["interrupted"], ledger["unsigned"], ledger["being_written"]) == (0, 0, False)
    assert ledger["inside"] >= 1


# ---------------------------------------------------------------------- starts that fail
@dataclass(frozen=True)
class Fault:
    """A start that can't work, and what is said about it: sentence and advice, in Chinese and in English."""

    flags: tuple[str, ...]
    zh: tuple[str, str]
    en: tuple[str, str]


WRONG = ("配置有误：", "The configuration is not valid: ")


def word_list(name: str, line: int, zh: str, en: str) -> Fault:
    """A fault of a word list."""
    return Fault(
        ("--lexicon", name),
        (f"词表“{name}”第 {line} 行有误：{zh}。", "请改正后重新导入；原词表仍在使用。"),
        (
            f"Line {line} of the word list “{name}” is not valid: {en}.",
            "Correct it and import again; the list in force stays.",
        ),
    )


def faults(taken: int) -> dict[str, Fault]:
    """The table; the later of two flags wins."""
    path_zh, path_en = "请检查 --lexicon 给出的路径。", "Look at the path given with --lexicon."
    wrong_zh, wrong_en = WRONG
    port_zh, port_en = (
        "请用 --port 另选端口（或 --host 另选地址），或先停下占用它的程序。",
        "Choose another with --port or --host, or stop the program that holds it.",
    )
    return faults_of_places() | {
        "header": word_list("header.csv", 1, "表头缺少 severity 列", "the header has no column severity"),
        "row": word_list("row.csv", 3, "severity 须为 block 或 signal", "severity must be block or signal"),
        "no list": Fault(
            ("--lexicon", "none.csv"),
            (f"{wrong_zh}none.csv：不存在。", path_zh),
            (f"{wrong_en}none.csv: No such file or directory.", path_en),
        ),
        "taken port": Fault(
            ("--port", str(taken)),
            (f"{wrong_zh}127.0.0.1:{taken}：地址已被占用。", port_zh),
            (f"{wrong_en}127.0.0.1:{taken}: Address already in use.", port_en),
        ),
        "no port": Fault(
            ("--port", "70000"),
            (f"{wrong_zh}serve.port 70000。", "--port 1–65535"),
            (f"{wrong_en}serve.port 70000.", "--port 1–65535"),
        ),
        "unknown flag": Fault(
            ("--upstreams", "http://127.0.0.1:1/v1"),
            ("命令有误：没有 --upstreams 选项（相近的有 --upstream）。", "用法见 guiju serve --help。"),
            (
                "The command can't be understood: No such option: --upstreams (Possible options: --upstream).",
                "See `guiju serve --help`.",
            ),
        ),
    }


def faults_of_places() -> dict[str, Fault]:
    """Data directories and files of keys that can't be used."""
    data = ("请用 --data 指定一个可由本用户写入的目录。", "Name a directory with --data that this user may write to.")
    wrong_zh, wrong_en = WRONG
    return {
        "data in a file": Fault(
            ("--data", "row.csv/data"),
            (f"{wrong_zh}row.csv/data：不是目录。", data[0]),
            (f"{wrong_en}row.csv/data: Not a directory.", data[1]),
        ),
        "data closed": Fault(
            ("--data", "closed/data"),
            (f"{wrong_zh}closed/data：没有权限。", data[0]),
            (f"{wrong_en}closed/data: Permission denied.", data[1]),
        ),
        "ledger in the way": Fault(
            ("--data", "odd"),
            (f"{wrong_zh}odd/ledger/{writer_name(0)}：不是目录。", data[0]),
            (f"{wrong_en}odd/ledger/{writer_name(0)}: Not a directory.", data[1]),
        ),
        "no keys": Fault(
            ("--key-file", "none.txt"),
            (f"{wrong_zh}none.txt：不存在。", "请检查 --key-file 给出的路径。"),
            (f"{wrong_en}none.txt: No such file or directory.", "Look at the path given with --key-file."),
        ),
        "keys of another encoding": Fault(
            ("--key-file", "keys.bin"),
            (f"{wrong_zh}keys.bin：不是 UTF-8 文本。", "请检查 --key-file 给出的路径。"),
            (f"{wrong_en}keys.bin: not UTF-8 text.", "Look at the path given with --key-file."),
        ),
    }


BY_THEMSELVES = {"data closed", "taken port", "unknown flag"}
"""Those that are typed to a process of its own: root is bound by modes there, the system and the parser have the word. All
others end within this one, where nothing is brought in anew."""


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", faults(0))
def test_a_start_that_fails_says_what_and_what_to_do(name: str, language: str, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text(CANARIES, "utf-8")
    (tmp_path / "header.csv").write_text("term,category\n规矩金丝雀,A.1f\n", "utf-8")
    (tmp_path / "row.csv").write_text("term,category,severity\n规矩金丝雀,A.1f,block\n另一词,A.1f,maybe\n", "utf-8")
    (tmp_path / "keys.bin").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "closed").mkdir(mode=0o500)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "ledger").touch()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fault = faults(listening.getsockname()[1])[name]
        serve = ("serve", "--port", free_port(), "--upstream", "http://127.0.0.1:1/v1", *FLAGS, *fault.flags)
        if name in BY_THEMSELVES:
            ran = guiju(*serve, cwd=tmp_path, language=language, bound=True)
        else:
            ran = typed(*serve, cwd=tmp_path, language=language)
    expected = fault.zh if language == "zh" else fault.en
    assert (ran.returncode, ran.stdout, ran.stderr.splitlines()) == (2, "", list(expected))
    assert not list(tmp_path.rglob("crash"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["taken port", "unknown flag"])
def test_a_program_that_starts_it_gets_json(name: str, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text(CANARIES, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fault = faults(listening.getsockname()[1])[name]
        serve = ("serve", "--port", free_port(), "--upstream", "http://127.0.0.1:1/v1", *FLAGS, *fault.flags)
        ran = typed(*serve, "--json", cwd=tmp_path)
    error = json.loads(ran.stdout)["error"]
    assert (ran.returncode, ran.stderr) == (2, "")
    assert error["code"] == {"taken port": "config_invalid", "unknown flag": "usage_invalid"}[name]
    assert (error["message"], error["advice"]) == fault.en


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_production_refuses_a_choice_of_controls(language: str, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text(CANARIES, "utf-8")
    (tmp_path / "production.toml").write_text('mode = "production"\n')
    serve = ("serve", "--port", free_port(), "--upstream", "http://127.0.0.1:1/v1", *FLAGS)
    for controls in ("exact", "people"):
        ran = typed(*serve, "--config", "production.toml", "--controls", controls, cwd=tmp_path, language=language)
        sentence = {
            "zh": f"尚不能在生产模式下启动：--controls {controls}。",
            "en": f"Production mode can't start yet: --controls {controls}.",
        }[language]
        assert (ran.returncode, ran.stderr.splitlines()[0]) == (2, sentence)
        assert not (tmp_path / "data").exists()
    ran = typed(*serve, "--config", "production.toml", "--controls", "all", cwd=tmp_path, language=language)
    assert "--controls" not in ran.stderr
    unknown = typed(*serve, "--controls", "few", cwd=tmp_path, language=language)
    assert (unknown.returncode, unknown.stderr.splitlines()[1]) == (2, "exact | people | all")


# ---------------------------------------------------------------------- what flags turn on and off
WHOLE = composition.controls("none")
IN_FORCE = [one for one in WHOLE.ids if one not in {other.id for other in WHOLE.elsewhere}]
"""Those that a setting of the gateway may turn off: what is heard on no exchange is not its."""
OFF = {
    "exact": [control for control in IN_FORCE if control not in composition.EXACT],
    "people": [control for control in IN_FORCE if control not in composition.PEOPLE],
    "all": [],
}


@pytest.mark.slow
def test_settings_turn_off_what_their_names_say() -> None:
    assert {"identity", "personal.input", "bans.input", "content.output"} <= set(OFF["exact"])
    assert {"bans.input", "content.input", "rumours.output"} <= set(OFF["people"]) < set(OFF["exact"])
    assert not {"identity", "personal.input", "personal.output"} & set(OFF["people"])


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("controls", sorted(OFF))
def test_what_is_off_is_said_at_the_start(controls: str, language: str, tmp_path: Path, model: ScriptedModel) -> None:
    off = OFF[controls]
    with serving(tmp_path, model.url, "--controls", controls, language=language) as gateway:
        lines = gateway.said().splitlines()
        said = {"zh": "  ! 控制“{}”已按启动参数关闭", "en": "  ! control “{}” is off, as the flags say"}[language]
        told = [line for line in lines if line.startswith("  !") and "→" not in line]
        assert sorted(told) == sorted(said.format(control) for control in off)
        assert gateway.chat("规矩金丝雀").status == 400
        proofs = [entry["body"] for entry in entries(gateway.data) if entry["kind"] == "proof"]
        proof = next(one for one in proofs if "words.input" in one["controls"])
        assert proof["passed"]
        assert not set(off) & set(proof["controls"])
        assert ("identity" in proof["controls"]) == ("identity" not in off)


@pytest.mark.slow
@pytest.mark.parametrize("controls", sorted(OFF))
def test_what_is_off_is_said_to_programs(controls: str, tmp_path: Path, model: ScriptedModel) -> None:
    with serving(tmp_path, model.url, "--controls", controls, "--json") as gateway:
        facts = json.loads(gateway.said())
        assert (sorted(facts["off"]), facts["mode"]) == (sorted(OFF[controls]), "development")
        assert facts["address"] == f"{gateway.base}/v1"
        assert all(set(row) == {"what", "fix"} for row in facts["missing"])


@pytest.mark.slow
def test_the_reach_is_the_largest_hold(tmp_path: Path, model: ScriptedModel) -> None:
    counts = {}
    for reach in ("pattern", "sentence", "whole"):
        with serving(tmp_path, model.url, "--reach", reach) as gateway:
            answer = gateway.chat("[[stream:今天很好。明天再来。|1|5]]", stream=True)
            assert answer.text() == "今天很好。明天再来。"
            counts[reach] = len([e for e in answer.events if e["choices"][0]["delta"].get("content")])
            assert ("control “words.sentence” is off" in gateway.said()) == (reach == "pattern")
    assert counts["pattern"] > counts["sentence"] == 2
    assert counts["whole"] == counts["sentence"], "no control looks at more than a sentence yet"
    refused = guiju("serve", *FLAGS, "--reach", "far", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.splitlines()[1]) == (2, "pattern | sentence | whole")


@pytest.mark.slow
def test_keys_come_from_a_file_too(tmp_path: Path, model: ScriptedModel) -> None:
    (tmp_path / "keys.txt").write_text("gj-first-of-two-keys\n\n  gj-second-of-two-keys\n", "utf-8")
    given = ("--data", "data", "--lexicon", "words.csv", "--key-file", "keys.txt")
    with serving(tmp_path, model.url, given=given) as gateway:
        for key, status in (("gj-first-of-two-keys", 200), ("gj-second-of-two-keys", 200), (KEY, 401), ("", 401)):
            assert gateway.chat("[[say:好]]", key=key).status == status
        listed = guiju("keys", "list", "--data", "data", "--json", cwd=tmp_path)
        assert "of-two-keys" not in listed.stdout + gateway.said()


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_alive_is_not_ready(language: str, tmp_path: Path, model: ScriptedModel) -> None:
    """Without a word list the process answers, says what is missing, and lets nothing through."""
    gateway = begin(tmp_path, model.url, language=language, given=("--data", "data", "--key", KEY))
    try:
        until_ready(gateway, "/healthz")
        answer = gateway.ask("GET", "/readyz")
        assert (answer.status, answer.json["facts"]["lexicon"]) == (503, False)
        assert gateway.chat("[[say:好]]").json["error"]["code"] == "guard_unavailable"
        missing = {"zh": "  ! 未载入词表，因此一律拒绝", "en": "  ! no word list, so everything is refused"}[language]
        assert f"{missing}  →  guiju lexicon apply FILE --name main" in gateway.said().splitlines()
    finally:
        ended(gateway)
    assert gateway.child.returncode == 0


# ---------------------------------------------------------------------- ends
@pytest.mark.slow
def test_a_stream_that_does_not_end_is_cut_and_recorded(tmp_path: Path, model: ScriptedModel) -> None:
    """SIGTERM waits for thirty seconds; then what is still under way ends without a made-up finish."""
    with serving(tmp_path, model.url) as gateway, gateway.stream(f"[[stream:{'今天很好。' * 20}|1|500]]") as stream:
        stream.read1(64)
        began = time.monotonic()
        assert gateway.stop(signal.SIGTERM) == 0
        assert 29 < time.monotonic() - began < 40
        try:
            rest = stream.read()
        except http.client.IncompleteRead as cut:
            rest = cut.partial
        assert b"[DONE]" not in rest
        assert b'"finish_reason":"stop"' not in rest
        decision = stream.headers["x-guiju-decision-id"]
    bodies = [entry["body"] for entry in entries(gateway.data) if entry["body"].get("x") == decision]
    assert [body.get("end") for body in bodies] == [None, "client_gone"]
    assert 0 < bodies[1]["chars_released"] < 100
    assert verified(tmp_path)["writers"][0]["interrupted"] == 0


@dataclass
class Seen:
    """What a caller saw of one streamed answer."""

    decision: str
    octets: int = 0
    whole: bool = False


def watch(gateway: Gateway, seen: list[Seen]) -> None:
    """Ask for streams, one after another, until the gateway is gone."""
    while True:
        try:
            with gateway.stream(SLOW) as stream:
                if stream.status != 200:
                    return
                one = Seen(stream.headers["x-guiju-decision-id"])
                seen.append(one)
                tail = b""
                while part := stream.read1(4096):
                    one.octets += len(part)
                    tail = (tail + part)[-20:]
                one.whole = tail.endswith(b"[DONE]\n\n")
        except (OSError, http.client.HTTPException):
            return


def begun(seen: list[Seen]) -> bool:
    """Whether some caller has seen something."""
    return any(one.octets for one in seen)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_in_mid_stream_loses_nothing_that_a_caller_saw(tmp_path: Path, model: ScriptedModel) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, {KILLS} kills")
    chance = random.Random(seed)
    seen: list[Seen] = []
    for _ in range(KILLS):
        gateway, now = begin(tmp_path, model.url), list[Seen]()
        until_ready(gateway)
        verified(tmp_path)
        with ThreadPoolExecutor(CALLERS) as callers:
            for _ in range(CALLERS):
                callers.submit(watch, gateway, now)
            until(partial(begun, now))
            time.sleep(chance.uniform(0.0, 0.8))
            assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL
        seen += now
        verified(tmp_path)
    with serving(tmp_path, model.url) as gateway:
        verified(tmp_path)
        assert gateway.stop(signal.SIGTERM) == 0
    report = verified(tmp_path)
    opened = {entry["body"]["x"] for entry in entries(gateway.data) if entry["kind"] == "opened"}
    closed = {entry["body"]["x"] for entry in entries(gateway.data) if entry["kind"] == "closed"}
    cut = [one for one in seen if one.octets and not one.whole]
    print(f"{len(seen)} streams, {len(cut)} of them cut while a caller read")
    assert len(cut) >= KILLS
    assert {one.decision for one in seen if one.octets} <= opened
    assert {one.decision for one in seen if one.whole} <= closed
    assert sum(ledger["interrupted"] for ledger in report["writers"]) == len(opened - closed)
    assert report["writers"][0]["unsigned"] == 0
