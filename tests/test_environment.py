# SPDX-License-Identifier: Apache-2.0
"""Secrets that lie in files: a setting and a key of a model service are read from what `NAME_FILE` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from guiju.adapters.upstream import Upstream
from guiju.config import Limits, load
from guiju.config import Upstream as Service
from guiju.environment import variable
from guiju.errors import ConfigError


def test_a_variable_outranks_its_file_and_the_end_of_the_line_goes(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" from a file \r\n", "utf-8")
    assert variable("K", {"K_FILE": str(path)}) == " from a file "
    assert variable("K", {"K": "said", "K_FILE": str(path)}) == "said"
    assert variable("K", {}) == variable("", {"_FILE": "/nowhere"}) == variable("K", {"K": ""}) == ""


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "gone"
    if content:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="gone"):
        load(None, {"GUIJU_STORE__URL_FILE": str(path)})


def test_a_setting_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("postgresql://guiju:secret@db/guiju\n", "utf-8")
    environ = {"GUIJU_STORE__URL_FILE": str(path), "GUIJU_SERVE__PORT": "9000", "HOME_FILE": "/nowhere"}
    made = load(None, environ)
    assert (made.store.url, made.serve.port) == ("postgresql://guiju:secret@db/guiju", 9000)


def test_the_key_of_a_model_service_comes_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "upstream-key"
    path.write_text("sk-of-a-file\n", "utf-8")
    monkeypatch.setenv("GUIJU_TEST_KEY_FILE", str(path))
    service = Service(name="main", url="http://127.0.0.1:9/v1", key_env="GUIJU_TEST_KEY")
    assert Upstream(service, Limits())._headers["Authorization"] == "Bearer sk-of-a-file"
