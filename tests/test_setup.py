# SPDX-License-Identifier: Apache-2.0
"""The two commands of the README: what set-up says when something is missing, and the demonstration from end to end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import free_port

ROOT = Path(__file__).parents[1]
ENGLISH = os.environ | {"GUIJU_LANG": "en"}


def set_up(what: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["scripts/setup.sh", what],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def stub(folder: Path, answers: str) -> str:
    """A stand-in for an interpreter that lacks something."""
    path = folder / "python3.12"
    path.write_text(f"#!/bin/sh\n{answers}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ("exit 1", "    sudo apt-get install python3 python3-venv"),
        ('case "$2" in *ensurepip*) exit 1 ;; esac', "    sudo apt-get install python3.12-venv"),
    ],
)
def test_what_is_missing_is_one_apt_line(tmp_path: Path, answers: str, line: str) -> None:
    ran = set_up("run", PYTHON=stub(tmp_path, answers))
    assert ran.returncode == 1
    assert [one for one in ran.stderr.splitlines() if "apt-get" in one] == [line]


def test_the_locks_are_hashed_and_name_no_index() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text("utf-8")
        pins = re.findall(r"^[a-z0-9.-]+(?:\[[a-z,]+\])?==.*$", text, re.MULTILINE)
        assert pins
        assert all(pin.rstrip().endswith("\\") for pin in pins)
        assert "://" not in text


def demo(data: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--port", str(free_port()), *more]
    return subprocess.Popen(
        command,
        cwd=data,
        env=ENGLISH,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children_of(folder: Path) -> list[str]:
    """Processes that still work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").resolve(strict=True) == folder.resolve():
                found.append(process.joinpath("cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
    return found


@pytest.mark.slow
def test_the_demonstration_shows_three_decisions_and_cleans_up(tmp_path: Path) -> None:
    with demo(tmp_path, "--once") as ran:
        out, err = ran.communicate(timeout=90)
    assert ran.returncode == 0, out + err
    assert re.findall(r"\(HTTP (\d+), (\w+)\)", out) == [
        ("200", "stop"),
        ("400", "content_filter"),
        ("200", "content_filter"),
    ]
    assert "text received: 好的。" in out
    assert re.search(r"^ +answer +words\.output +✗ refuse$", out, re.MULTILINE)
    assert "规矩金丝雀" not in out
    assert re.search(r"^curl http://127\.0\.0\.1:\d+/v1/chat/completions", out, re.MULTILINE)
    assert (tmp_path / "guiju.toml").is_file()
    assert not children_of(tmp_path)


@pytest.mark.slow
def test_the_stack_stays_up_until_it_is_told_to_end(tmp_path: Path) -> None:
    with demo(tmp_path) as ran:
        assert ran.stdout is not None
        for line in ran.stdout:
            if "Ctrl-C" in line:
                break
        assert ran.poll() is None
        assert len(children_of(tmp_path)) == 3
        ran.send_signal(signal.SIGINT)
        out, err = ran.communicate(timeout=30)
    assert ran.returncode == 0, out + err
    assert "Traceback" not in err
    assert not children_of(tmp_path)
