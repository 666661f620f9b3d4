# SPDX-License-Identifier: Apache-2.0
"""A release: the same bytes from the same sources, all that belongs into the wheel and nothing else, installed on a machine
without a network as the docs say, and the tutorial followed word for word with what was installed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from release_kit import ROOT, TOOLS, VERSION, WHEEL, Typed, alone, answers, program, released, session, tool, typed
from test_docs_examples import blocks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def tracked() -> list[str]:
    """The files of the repository."""
    said = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [one for one in said.stdout.split("\0") if one and (ROOT / one).is_file()]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, built twice: in folders of different names, with different times and modes of the files."""
    made = []
    for name, umask in (("one", 0o022), ("an other", 0o077)):
        folder = tmp_path_factory.mktemp("built") / name
        for path in tracked():
            if path.startswith(("src/", "LICENSE", "NOTICE", "README.md", "pyproject.toml", ".gitignore")):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, folder / path)
                os.utime(folder / path, (umask, umask + 1_000_000))
                (folder / path).chmod(0o666 & ~umask)
        environment = os.environ | {
            "SOURCE_DATE_EPOCH": "1767225600",
            "TZ": "Asia/Shanghai" if umask == 0o077 else "UTC",
        }
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "out")]
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, umask=umask
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        made.append(folder / "out" / WHEEL)
    return made[0], made[1]


def test_the_same_sources_make_the_same_wheel(twice: tuple[Path, Path]) -> None:
    one, other = (hashlib.sha256(path.read_bytes()).hexdigest() for path in twice)
    assert one == other


def test_the_wheel_holds_every_file_of_the_package_and_no_other(twice: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(twice[0]) as wheel:
        held = {name for name in wheel.namelist() if not name.startswith(f"guiju-{VERSION}.dist-info/")}
        wanted = {path.removeprefix("src/") for path in tracked() if path.startswith("src/guiju/")}
        assert held == wanted
        for kind in (".html", ".toml", ".txt", ".npz", ".otf", ".jsonl", ".js", ".css", ".mp4", ".csv"):
            assert any(name.endswith(kind) for name in held), kind
        assert not any(name.endswith(".pth") for name in wheel.namelist()), "nothing runs at every start of Python"
        about = f"guiju-{VERSION}.dist-info"
        told = Parser().parsestr(wheel.read(f"{about}/METADATA").decode())
        assert told["License-Expression"] == "Apache-2.0 AND OFL-1.1"
        assert {f"{about}/licenses/{one}" for one in told.get_all("License-File", [])} <= set(wheel.namelist())
        assert "postgres" in told.get_all("Provides-Extra", [])
        assert wheel.read(f"{about}/entry_points.txt").decode().split("\n")[1] == "guiju = guiju.cli.main:main"
        record = csv.reader(io.StringIO(wheel.read(f"{about}/RECORD").decode()))
        assert {row[0] for row in record} == set(wheel.namelist())


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released(tmp_path_factory)


@pytest.mark.deploy
def test_a_release_says_what_it_is_made_of(release: Path) -> None:
    lines = (release / "SHA256SUMS").read_text().splitlines()
    sums = {name: told for told, name in (line.split() for line in lines)}
    assert set(sums) == {one.name for one in release.iterdir() if one.is_file()} - {"SHA256SUMS"}
    assert all(hashlib.sha256((release / name).read_bytes()).hexdigest() == told for name, told in sums.items())
    bom = json.loads((release / f"guiju-{VERSION}.cdx.json").read_text("utf-8"))
    assert (bom["bomFormat"], bom["metadata"]["component"]["name"]) == ("CycloneDX", "guiju")
    components = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in bom["components"]}
    wheels = {re.sub(r"_", "-", one.name.split("-")[0]).lower() for one in (release / "wheelhouse").iterdir()}
    assert components.keys() == wheels
    pins = dict(re.findall(r"^([a-z0-9.-]+)(?:\[\w+\])?==([^ ;\\]+)", (release / "requirements.txt").read_text(), re.M))
    assert components.keys() <= pins.keys()
    assert str(release) not in json.dumps(bom)
    assert (release / "audit.txt").read_text().strip()


@pytest.mark.deploy
def test_an_audit_that_nobody_answered_is_not_clean(tmp_path: Path) -> None:
    asked = (
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', "Not audited, since nobody answered: a.", 0),
        ("", "Not audited: the list of known vulnerabilities could not be asked.", 0),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}',
            "1 of 1 looked up, 0 known vulnerabilities.",
            0,
        ),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}]}',
            "a 1: X-1, fixed in 2",
            1,
        ),
    )
    for answer, line, status in asked:
        (tmp_path / "pip-audit").write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
        (tmp_path / "pip-audit").chmod(0o755)
        script = (
            "import sys, pathlib; sys.path.insert(0, 'scripts'); import audit; "
            f"audit.TOOL = pathlib.Path({str(tmp_path / 'pip-audit')!r}); "
            f"sys.exit(audit.main('lock', {str(tmp_path / 'out')!r}))"
        )
        ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
        assert ran.returncode == status, ran.stderr
        assert line in (tmp_path / "out").read_text().splitlines()


def clean(folder: Path, language: str, **more: str) -> dict[str, str]:
    """The environment of somebody who just sat down at the machine."""
    base = {
        "PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/usr/sbin:/bin",
        "HOME": str(folder),
        "LANG": f"{language}.UTF-8",
        "COLUMNS": "120",
    }
    return base | {"NO_COLOR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "TZ": "Asia/Shanghai", **more}


@pytest.mark.deploy
def test_it_installs_and_works_without_a_network_as_the_page_says(release: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "en" / "how-to" / "offline.md").read_text("utf-8")
    install, once = blocks(page, "sh")
    subprocess.run(["tar", "-C", str(release), "-cf", str(tmp_path / "guiju.tar"), "."], check=True)
    (tmp_path / "words.jsonl").write_text('{"text": "稳赚不赔的投资神器"}\n{"text": "今天天气很好"}\n', "utf-8")
    (tmp_path / "a.md").write_text("一段文字。\n", "utf-8")
    lines = [*install.splitlines(), *once.splitlines()]
    lines = [re.sub(r"\s+#.*$", "", line) for line in lines]
    more = [
        "guiju/bin/guiju check --json",
        "guiju/bin/guiju try 稳赚不赔的投资神器 --json",
        "guiju/bin/guiju detect ../words.jsonl -o ../found.jsonl --json",
        "guiju/bin/guiju label write ../a.md --out ../labelled.md --json",
        "guiju/bin/guiju label verify ../labelled.md --json",
        "guiju/bin/python -c 'import guiju, sys; print(guiju.__file__, [one for one in sys.path if \"src\" in one])'",
    ]
    steps = [Typed(line if "doctor" not in line else f"{line} || true", ()) for line in lines]
    steps += [Typed(f"{line} || [ $? = 1 ]", ()) for line in more]
    tools = f"{sys.base_prefix}/bin:{TOOLS}:/usr/local/bin:/usr/bin:/bin"
    environment = clean(
        tmp_path,
        "en_GB",
        PATH=tools,
        PIP_NO_COMPILE="1",
        UV_PYTHON_DOWNLOADS="never",
        UV_PYTHON=f"{sys.version_info[0]}.{sys.version_info[1]}",
    )
    tool("uvx")
    said = session(steps, tmp_path, environment, alone())
    assert [one.strip().splitlines()[-1] for one in said[len(lines) - 2 : len(lines)]] == [f"guiju {VERSION}"] * 2
    check, tried, detected, _, verified, where = said[-6:]
    assert json.loads(check)["duties"]
    assert "refuse" in tried
    assert json.loads(detected)
    assert len((tmp_path / "found.jsonl").read_text("utf-8").splitlines()) == 2
    assert json.loads(verified)
    assert re.match(
        rf"{re.escape(str(tmp_path))}/dist/guiju/lib/.*/site-packages/guiju/__init__.py \[\]", where.strip()
    )


@pytest.mark.deploy
@pytest.mark.parametrize("language", ["zh"])
def test_the_tutorial_is_followed_word_for_word(release: Path, tmp_path: Path, language: str) -> None:
    page = (ROOT / "docs" / language / "tutorial.md").read_text("utf-8")
    other = (ROOT / "docs" / "en" / "tutorial.md").read_text("utf-8")
    parts = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert parts == re.findall(r"^```(\w+)\n(.*?)^```$", other, re.DOTALL | re.MULTILINE)
    assert f"./{WHEEL}[dossier]" in page
    steps: list[Typed] = []
    for kind, text in parts:
        if kind == "python":
            steps.append(Typed(f"{sys.executable} - <<'END'\n{text}END", ("…", "{…}")))
        else:
            steps += typed(text)
    steps = [one for one in steps if not one.command.startswith(("sudo apt-get", "make run"))]
    for needed in ("curl", "fc-list"):
        program(needed, {"curl": "curl", "fc-list": "fontconfig fonts-noto-cjk"}[needed])
    shutil.copy(release / WHEEL, tmp_path)
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(release / "wheelhouse"), "PIP_NO_COMPILE": "1"}
    began = time.monotonic()
    said = session(steps, tmp_path, clean(tmp_path, "zh_CN", **pip), alone())
    print(f"{len(steps)} commands in {time.monotonic() - began:.0f} s")
    for step, answer in zip(steps, said, strict=True):
        line = answers(answer, step.answer)
        assert not line, f"{step.command}\nwanted: {line}\ncame: {answer}"
    log = (tmp_path / "serve.log").read_text("utf-8")
    assert "Traceback" not in log
    with zipfile.ZipFile(next((tmp_path / "package").glob("*.zip"))) as package:
        assert {Path(name).suffix for name in package.namelist()} >= {".pdf", ".docx"}
