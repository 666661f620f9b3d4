# SPDX-License-Identifier: Apache-2.0
"""`guiju label verify`, and the child in which files of strangers are read (Article 16)."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli_kit import guiju, typed
from conftest import Start
from guiju.adapters.reader_request import Request
from guiju.adapters.reading import Reader
from guiju.marking.label import generated
from guiju.terms import Label
from hostile_files import FILES
from test_marking_verify import PUBLIC, bound, labelled, picture

OURS = generated(Label("001191110000600037341L10000", "06EXAMPLE0000000000000000"))


@pytest.mark.slow
def test_one_file_is_one_object_with_its_label_and_sentences_in_both_languages(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(labelled(OURS))
    done = guiju("label", "verify", "a.png", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["verdict"], row["label"]) == ("unbound", OURS.fields())
    assert [len(row["explanation"][name]) for name in ("zh", "en")] == [3, 3]


@pytest.mark.slow
def test_a_folder_is_a_list_and_what_is_altered_fails(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "whole.png").write_bytes(bound())
    (tmp_path / "in" / "none.png").write_bytes(picture())
    (tmp_path / "keys").write_text(f"# ours\n{PUBLIC}  # of 2026\n")
    done = typed("label", "verify", "in", "--trust", "keys", "--json", cwd=tmp_path)
    assert {Path(row["file"]).name: row["verdict"] for row in json.loads(done.stdout)} == {
        "whole.png": "whole",
        "none.png": "none",
    }
    assert done.returncode == 0
    broken = labelled(OURS)[:-20]
    (tmp_path / "in" / "cut.png").write_bytes(broken)
    assert typed("label", "verify", "in", cwd=tmp_path).returncode == 1


@pytest.mark.slow
def test_evidence_of_the_data_directory_says_whether_a_file_is_whole(start: Start, tmp_path: Path) -> None:
    gateway = start()
    answer = gateway.ask("POST", "/v1/images/generations", {"model": "scripted", "prompt": "一只猫"})
    number, made = answer.headers["x-guiju-decision-id"], base64.b64decode(answer.json["data"][0]["b64_json"])
    gateway.entry("closed", number)
    other = labelled(generated(Label("DEVELOPMENT", number)))
    for name, data in (("whole.png", made), ("altered.png", other)):
        (tmp_path / name).write_bytes(data)
    done = typed("label", "verify", "whole.png", "altered.png", "--data", gateway.data, "--json", cwd=tmp_path)
    assert [row["verdict"] for row in json.loads(done.stdout)] == ["whole", "altered"], done.stdout
    assert done.returncode == 1
    done = typed("label", "verify", "altered.png", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["verdict"] == "unbound", "without the evidence nothing binds the label"


@pytest.mark.slow
@pytest.mark.parametrize(("language", "words"), [("zh", "没有标识"), ("en", "No label")])
def test_a_person_reads_it_in_their_language(tmp_path: Path, language: str, words: str) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    assert words in typed("label", "verify", "a.png", cwd=tmp_path, language=language).stdout


@pytest.mark.parametrize("words", [("none.png",), ("a.png", "--trust", "none"), ("a.png", "--trust", "a.png")])
def test_what_is_not_there_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    done = typed("label", "verify", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_child_that_dies_costs_its_own_file_alone(tmp_path: Path) -> None:
    (good := tmp_path / "a.png").write_bytes(labelled(OURS))
    with Reader(seconds=4) as reader:
        assert reader.verified(Request(str(good))).verdict == "unbound"
        assert reader.verified(Request("/dev/zero", "md")).verdict == "unreadable"
        assert reader.verified(Request(str(tmp_path / "none"))).verdict == "unreadable"
        assert reader.verified(Request(str(good))).verdict == "unbound"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_conformance_vector_gets_the_verdict_that_it_was_made_for(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "scripts" / "vectors.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, timeout=240)
    expected = [row for row in json.loads((tmp_path / "expected.json").read_text()) if row["verdict"]]
    known = ((tmp_path / "keys.txt").read_text().strip(),)
    wrong = []
    with Reader() as reader:
        for row in expected:
            file = tmp_path / row["file"]
            found = reader.verified(Request(str(file), file.suffix.removeprefix("."), known))
            if (found.verdict, found.label) != (row["verdict"], row["label"]):
                wrong.append((row["file"], found.verdict))
    assert wrong == []
    assert len({row["file"].partition("/")[0] for row in expected}) == 22
    assert {row["verdict"] for row in expected} == {"whole", "altered", "unbound", "unknown_producer", "none"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hostile_files_break_nothing(tmp_path: Path) -> None:
    verdicts = {}
    with Reader() as reader:
        for name, (ending, made) in FILES.items():
            (file := tmp_path / f"hostile.{ending}").write_bytes(made())
            verdicts[name] = reader.verified(Request(str(file), ending))
            file.unlink()
    assert list(tmp_path.iterdir()) == []
    allowed = {"unreadable", "none", "unknown_producer"}
    assert {name: one for name, one in verdicts.items() if one.verdict not in allowed} == {}
    dead = [name for name, one in verdicts.items() if "more memory" in one.reason]
    assert dead == [], dead
