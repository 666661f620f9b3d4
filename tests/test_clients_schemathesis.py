# SPDX-License-Identifier: Apache-2.0
"""Schemathesis asks every door what the gateway's own description allows, and what it does not: no 5xx, no answer in
another shape than described, no door that opens without a key."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from clients_kit import BIN, environment, installed
from conftest import KEY, Start
from doors import EDITS, FILMS, HEARD

pytestmark = [pytest.mark.slow, pytest.mark.clients]

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,ignored_auth,unsupported_method"
)
SEED = 20261125


@pytest.mark.timeout(300)
def test_nothing_breaks_the_description(start: Start, tmp_path: Path) -> None:
    installed()
    gateway = start()
    ran = subprocess.run(
        [BIN / "schemathesis", "run", f"http://127.0.0.1:{gateway.port}/openapi.json", "-H", f"Authorization: Bearer {KEY}",
         "--checks", CHECKS, "--max-examples", "50", "--seed", str(SEED), "--no-color"],
        env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert "= ERRORS =" not in ran.stdout, ran.stdout[-6000:]
    # No bytes that are made up are a picture or a sound, no made-up id is that of a film, and nobody is known who could
    # accept a text, so that those doors are said to refuse all but everything.
    warned = set(re.findall(r"^  - [A-Z]+ (/\S+)$", ran.stdout, re.MULTILINE))
    assert warned <= {EDITS, HEARD, "/v1/notices/accept", *FILMS}, ran.stdout[-6000:]
    assert warned or "No issues found" in ran.stdout
    asked = re.search(r"(\d+) generated, (\d+) passed", ran.stdout)
    assert asked is not None
    assert int(asked[1]) > 1000, ran.stdout[-2000:]
    doors = re.search(r"Tested: (\d+)", ran.stdout)
    assert doors is not None
    described = gateway.ask("GET", "/openapi.json").json["paths"]
    assert int(doors[1]) >= len(described) - 1, "all but the description itself"
