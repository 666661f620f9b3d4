# SPDX-License-Identifier: Apache-2.0
"""Label Studio itself, a real server: what it exports goes in and out unchanged, and what we write it takes (Article 8)."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from annotation_kit import publish, qualify, ran, rules
from conftest import free_port
from guiju.annotation import formats

BIN = Path(__file__).parents[1] / ".venv-annotators" / "bin" / "label-studio"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
CONFIG = (
    '<View><Text name="text" value="$text"/>'
    '<Choices name="label" toName="text" choice="single"><Choice value="safe"/><Choice value="harm"/></Choices>'
    '<Labels name="span" toName="text"><Label value="PER"/></Labels></View>'
)
pytestmark = [pytest.mark.slow, pytest.mark.annotators, pytest.mark.timeout(1200)]


@dataclass
class Studio:
    """A running server."""

    base: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, data, headers, method=method)  # noqa: S310 # on this machine
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 # the same
            return json.loads(answer.read())

    def project(self, tasks: Any) -> int:
        """A project with tasks."""
        id = int(self.ask("POST", "/api/projects", {"title": "annotation", "label_config": CONFIG})["id"])
        self.ask("POST", f"/api/projects/{id}/import", tasks)
        return id

    def export(self, project: int) -> list[dict[str, Any]]:
        """All tasks of a project, with and without annotations."""
        path = f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true"
        rows: list[dict[str, Any]] = self.ask("GET", path)
        return sorted(rows, key=lambda row: int(row["id"]))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A server on a fresh database."""
    if not BIN.exists():
        if os.environ.get("GUIJU_NO_SKIP") == "1":
            pytest.fail("no Label Studio: scripts/setup.sh annotators")
        pytest.skip("no Label Studio: scripts/setup.sh annotators")
    folder, port = tmp_path_factory.mktemp("studio"), free_port()
    command = [BIN, "start", "--no-browser", "--port", str(port), "--data-dir", folder, "--username", "a@example.com"]
    command += ["--password", "secret-123", "--user-token", TOKEN, "--enable-legacy-api-token", "--log-level", "ERROR"]
    quiet = {"LATEST_VERSION_CHECK": "false", "COLLECT_ANALYTICS": "false", "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=os.environ | quiet)
    made = Studio(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + 900  # it makes its tables one migration at a time
        while True:
            try:
                made.ask("GET", "/api/projects")
                break
            except (OSError, urllib.error.URLError):
                assert time.monotonic() < deadline, (folder / "log").read_text("utf-8")[-2000:]
                assert child.poll() is None, (folder / "log").read_text("utf-8")[-2000:]
                time.sleep(1)
        yield made
    finally:
        child.terminate()
        child.wait(30)


def choice(label: str) -> dict[str, Any]:
    """A region that says a label."""
    return {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}


def span(start: int, end: int) -> dict[str, Any]:
    """A region that marks a piece of text."""
    return {
        "from_name": "span",
        "to_name": "text",
        "type": "labels",
        "value": {"start": start, "end": end, "text": "", "labels": ["PER"]},
    }


def test_what_the_server_exports_goes_in_and_out_unchanged_and_back_into_it(studio: Studio) -> None:
    project = studio.project([{"data": {"text": f"第{n}段，张三说。", "deep": {"n": [n, None]}}} for n in range(6)])
    for number, task in enumerate(studio.export(project)):
        body = {"result": [choice("harm" if number == 2 else "safe"), span(4, 6)], "lead_time": 2.5 + number}
        if number < 5:
            studio.ask("POST", f"/api/tasks/{task['id']}/annotations/", body | {"ground_truth": number == 3})
        if number == 4:
            studio.ask("POST", f"/api/tasks/{task['id']}/annotations/", {"result": [], "was_cancelled": True})
    rows = studio.export(project)
    given = formats.read(json.dumps(rows).encode(), "label-studio")
    out = formats.write(given, "label-studio")
    assert json.loads(out) == rows
    assert [mark.label for one in given for mark in one.marks] == [
        "PER@4-6|safe",
        "PER@4-6|safe",
        "PER@4-6|harm",
        "PER@4-6|safe",
    ]
    assert given[3].gold == "PER@4-6|safe"
    assert given[0].marks[0].seconds == 2.5
    again = studio.export(studio.project(json.loads(out)))

    def kept(tasks: list[dict[str, Any]]) -> Any:
        """What a server does not number anew."""
        return [
            (
                task["data"],
                sorted(
                    (
                        one["lead_time"] or 0,
                        one["was_cancelled"],
                        one["ground_truth"],
                        [r["value"] for r in one["result"]],
                    )
                    for one in task["annotations"]
                ),
            )
            for task in tasks
        ]

    assert kept(again) == kept(rows)


def test_a_batch_is_annotated_on_the_server(studio: Studio, tmp_path: Path) -> None:
    document = rules("functional")
    publish(tmp_path, document)
    for member in ("甲", "乙"):
        qualify(tmp_path, member, document)
    rows = studio.export(studio.project([{"data": {"text": f"第{n}段"}} for n in range(10)]))
    (tmp_path / "tasks.json").write_text(json.dumps(rows), "utf-8")
    ran(tmp_path, "open", "b", "--rules", "chat-functional", "--from", "tasks.json", "--format", "label-studio")
    files = ran(tmp_path, "deal", "b", "--member", "甲", "--member", "乙", "-o", "work")
    for member, file in files.items():
        blind = json.loads((tmp_path / file["file"]).read_text("utf-8"))
        project = studio.project(blind)
        for task in studio.export(project):
            studio.ask("POST", f"/api/tasks/{task['id']}/annotations/", {"result": [choice("safe")], "lead_time": 4.0})
        (tmp_path / "done.json").write_text(json.dumps(studio.export(project)), "utf-8")
        made = ran(tmp_path, "import", "b", "done.json", "--who", f"*={member}")
        assert made["entered"] == len(blind)
    counted = ran(tmp_path, "quality", "b")["counted"]
    assert (counted["missing"], counted["splits"]) == (0, 0)
