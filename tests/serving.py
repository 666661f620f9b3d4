# SPDX-License-Identifier: Apache-2.0
"""`guiju serve` as a process of its own: what it logs, what it keeps and what it weighs are its own."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from conftest import CANARIES, KEY, Answered, free_port

GUIJU = (sys.executable, "-m", "guiju.cli.main")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass
class Served:
    """A gateway in another process.

    Attributes:
        log: the file with all that it printed and logged.
    """

    port: int
    data: Path
    log: Path
    child: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """One request on a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    @property
    def resident_mib(self) -> float:
        """Memory of the process that is in use."""
        return int(Path(f"/proc/{self.child.pid}/statm").read_text().split()[1]) * _PAGE_KIB / 1024


@contextmanager
def served(
    folder: Path,
    settings: str,
    *,
    command: Sequence[str] = GUIJU,
    keys: Sequence[str] = (KEY,),
    env: Mapping[str, str] | None = None,
    lexicon: str = CANARIES,
) -> Iterator[Served]:
    """Serve, and stop in the end.

    Args:
        folder: where everything lies.
        settings: the text of guiju.toml.
        command: what runs `guiju`.
        keys: the operator's own keys; in a file, so that no list of processes shows them.
        env: more of the environment.
        lexicon: the word list.
    """
    port, log = free_port(), folder / "serve.log"
    (folder / "guiju.toml").write_text(settings, "utf-8")
    (folder / "words.csv").write_text(lexicon, "utf-8")
    (folder / "keys.txt").write_text("\n".join(keys) + "\n", "ascii")
    words = ["--data", "data", "--port", str(port), "--lexicon", "words.csv", "--key-file", "keys.txt"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GUIJU_")}
    with log.open("wb") as out, subprocess.Popen(
        [*command, "serve", *words], cwd=folder, stdout=out, stderr=out, env=clean | (env or {})
    ) as child:  # fmt: skip
        made = Served(port, folder / "data", log, child)
        try:
            _until_ready(made)
            yield made
        finally:
            child.terminate()
            child.wait(40)


def _until_ready(made: Served) -> None:
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline and made.child.poll() is None:
        try:
            if made.ask("GET", "/readyz").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError(made.log.read_text("utf-8"))
