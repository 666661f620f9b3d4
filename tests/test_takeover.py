# SPDX-License-Identifier: Apache-2.0
"""A deploy: the next process takes the listening socket over and the one before ends what is under way; nobody who asks
meanwhile is refused, and no stream breaks (Article 14)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import KEY
from guiju.adapters.scripted import ScriptedModel
from hosts_kit import Load, until
from serving import GUIJU, Served, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SETTINGS = """
[serve]
workers = {workers}
[[upstream]]
name = "scripted"
url = "{url}"
"""
ASKED = {"model": "scripted", "messages": [{"role": "user", "content": "[[say:好]]"}]}
TEXT = "一，二。" * 12
STREAMED = {"model": "scripted", "stream": True, "messages": [{"role": "user", "content": f"[[stream:{TEXT}|2|60]]"}]}


@contextmanager
def serving(folder: Path, workers: int) -> Iterator[Served]:
    """A service, and the model behind it."""
    with ScriptedModel() as model, served(folder, SETTINGS.format(workers=workers, url=model.url)) as made:
        until(lambda: (made.data / "handover.sock").exists())
        yield made


@contextmanager
def following(before: Served, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process that takes over; it is stopped in the end."""
    words = ["--data", "data", "--port", str(before.port), "--key-file", "keys.txt", "--take-over", *more]
    log = before.log.with_name("next.log")
    with log.open("wb") as out, subprocess.Popen(
        [*GUIJU, "serve", *words], cwd=before.log.parent, stdout=out, stderr=out
    ) as child:  # fmt: skip
        try:
            yield child
        finally:
            child.terminate()
            child.wait(120)


@pytest.mark.parametrize("workers", [1, 2])
def test_nobody_is_refused_while_one_follows_the_other(tmp_path: Path, workers: int) -> None:
    with serving(tmp_path, workers) as one:
        target = [("127.0.0.1", one.port)]
        with Load(target, 3, KEY, ASKED) as plain, Load(target, 2, KEY, STREAMED) as streams:
            plain.more(10)
            with following(one, "--lexicon", "words.csv") as child:
                assert one.child.wait(600) == 0, "the one before ends by itself"
                assert child.poll() is None
                plain.more(30)
                streams.more(4)
                assert plain.wrong == [], plain.wrong[:3]
                assert streams.wrong == [], streams.wrong[:3]
                print(f"{workers} workers: {plain.answered} answers and {streams.answered} streams, 0 failed")
                assert (one.data / "guiju.pid").read_text().strip() == str(child.pid)
                plain.end()
                streams.end()
        assert not (one.data / "guiju.pid").exists()
        done = subprocess.run(
            [*GUIJU, "evidence", "verify", "--data", str(one.data)], capture_output=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout


def test_one_that_cannot_serve_changes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, 1) as one:
        (tmp_path / "bad.csv").write_text("nonsense\n", "utf-8")
        with Load([("127.0.0.1", one.port)], 2, KEY, ASKED) as plain:
            with following(one, "--lexicon", "bad.csv") as child:
                assert child.wait(300) == 2
            plain.more(20)
        assert plain.wrong == [], plain.wrong[:3]
        assert one.child.poll() is None
    assert one.child.returncode == 0


def test_there_must_be_one_to_follow(tmp_path: Path) -> None:
    done = subprocess.run(
        [*GUIJU, "serve", "--data", str(tmp_path), "--take-over"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 2
    assert "handover.sock" in done.stderr
