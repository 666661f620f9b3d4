# SPDX-License-Identifier: Apache-2.0
"""`guiju regeneration add` and `run`: a ban is entered by hand and replayed at once, and the ledger has it (Article 15)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli_kit import entries, typed
from conftest import KEY, Start
from guiju.adapters.scripted import ScriptedModel
from likeness_kit import OTHER, enact
from regeneration_kit import ABOUT, SETTINGS, shifted


@pytest.mark.slow
def test_a_ban_is_entered_and_replayed_by_hand(
    start: Start, model: ScriptedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = start(overlay=(SETTINGS,))
    ban = enact(gateway, OTHER)
    settings = f'[regeneration]\nmodels = ["scripted"]\nper_minute = 0\ndisguises = 5\n[[upstream]]\nname = "test"\nurl = "{model.url}"\n'
    (gateway.data / "guiju.toml").write_text(settings, "utf-8")
    (tmp_path / "banned.txt").write_text(OTHER, "utf-8")
    (tmp_path / "seeds.txt").write_text(shifted(OTHER) + "\n", "utf-8")
    data = ("--data", str(gateway.data), "--json")
    add = (
        "regeneration",
        "add",
        "--case",
        "26-000009",
        "--text",
        "banned.txt",
        "--about",
        ABOUT,
        "--seeds",
        "seeds.txt",
    )
    assert typed(*add, "--ban", "b-none", "--reported", "2026-11-01", *data, cwd=tmp_path).returncode == 2
    assert typed(*add, "--ban", ban, *data, cwd=tmp_path).returncode == 2, "no date, no deadline"
    made = json.loads(typed(*add, "--ban", ban, "--found", "2020-01-31", *data, cwd=tmp_path).stdout)
    assert (made["state"], made["why"], made["case_id"]) == ("red", "untested", "26-000009"), "it is long overdue"
    monkeypatch.setenv("REPLAY_KEY", KEY)
    run = ("regeneration", "run", made["id"], "--gateway", gateway.base, "--key-env", "REPLAY_KEY", "--by", "li")
    ran = typed(*run, *data, cwd=tmp_path)
    assert ran.returncode == 1, ran.stderr
    [told] = json.loads(ran.stdout)
    assert (told["state"], told["why"], told["clean"]) == ("red", "comes_back", 0)
    said = [
        one["body"] for one in entries(gateway.data) if one["kind"] == "replayed" and one["body"]["reason"] == "asked"
    ]
    assert [(one["route"], one["asked"], one["came_back"]) for one in said] == [
        ("gateway", made["size"], 0), ("raw:test", made["size"], 1),
    ]  # fmt: skip
    assert "Finch" not in str(said)
