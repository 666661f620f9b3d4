# SPDX-License-Identifier: Apache-2.0
"""What docs/*/how-to/annotation-first.md shows works as it stands there, from the rules to the record of Article 8."""

from __future__ import annotations

import json
import re
import runpy
from contextlib import chdir
from pathlib import Path

import pytest

from cli_kit import typed

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_tutorial_of_annotation_is_walked_to_its_end(language: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / language / "how-to" / "annotation-first.md").read_text("utf-8")
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    [rules] = [code for kind, code in found if kind == "toml"]
    write, play = (code for kind, code in found if kind == "python")
    for name, text in (("rules.toml", rules), ("write.py", write), ("play.py", play)):
        (tmp_path / name).write_text(text, "utf-8")
    said = ""
    for line in "".join(code for kind, code in found if kind == "console").splitlines():
        words = line.removeprefix("$ ").split()
        if words[0] == "mkdir":
            (tmp_path / words[1]).mkdir()
        elif words[0] == "mv":
            (tmp_path / words[1]).rename(tmp_path / words[2] / words[1])
        elif words[0] == "python":
            with chdir(tmp_path):
                runpy.run_path(words[1])
        else:
            done = typed(*words[1:], cwd=tmp_path)
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            said += done.stdout
    assert "Published greetings@1." in said
    assert said.count("4 of 4 right. Passed") == 3
    assert "accepted: 2 looked at, 0 wrong, 0 allowed." in said
    assert {path.suffix for path in (tmp_path / "record").iterdir()} == {".html", ".docx", ".json"}
    assert "greetings@1" in (tmp_path / "record" / "record.zh.html").read_text("utf-8")
    assert json.loads((tmp_path / "record" / "report.json").read_text("utf-8"))
