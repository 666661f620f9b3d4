# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: `guiju` as a person starts it, by name, in a folder, in a language."""

from __future__ import annotations

import http.client
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from conftest import CANARIES, KEY, Answered, free_port
from guiju.cli.main import main
from serving import Served

GUIJU = Path(sys.executable).with_name("guiju")
LOCALES = {"zh": "zh_CN.UTF-8", "en": "en_GB.UTF-8"}
LANGUAGES = tuple(LOCALES)
FLAGS = ("--data", "data", "--lexicon", "words.csv", "--key", KEY)

_BOUND = (
    sys.executable,
    "-c",
    # PR_CAPBSET_DROP of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH; whoever is not root has neither.
    "import ctypes, os, sys\n"
    "[ctypes.CDLL(None).prctl(24, right, 0, 0, 0) for right in (1, 2)]\n"
    "os.execv(sys.argv[1], sys.argv[1:])",
)


def environment(language: str) -> dict[str, str]:
    """This process's environment with one language, and nothing that would change the settings."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("GUIJU_", "LC_", "LANG"))}
    return kept | {"LANG": LOCALES[language], "COLUMNS": "100", "NO_COLOR": "1"}


def guiju(
    *words: object, cwd: Path, language: str = "en", bound: bool = False, said: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end.

    Args:
        words: what stands after `guiju`.
        cwd: the folder in which it is typed.
        language: of the person who types it.
        bound: whether the modes of files bind it, even where root runs the tests.
        said: what is typed into it.
    """
    return subprocess.run(
        [*(_BOUND if bound else ()), str(GUIJU), *map(str, words)],
        cwd=cwd,
        env=environment(language),
        capture_output=True,
        input=said,
        text=True,
        timeout=60,
        check=False,
    )


def typed(*words: object, cwd: Path, language: str = "en") -> subprocess.CompletedProcess[str]:
    """The same within this process, which takes a tenth of the time: no module is brought in anew. The sentences that a
    noun brings in with itself, its help above all, stay in the language of the tests."""
    told, failed = io.StringIO(), io.StringIO()
    before = os.environ.copy()
    with chdir(cwd), redirect_stdout(told), redirect_stderr(failed):
        os.environ.clear()
        os.environ.update(environment(language))
        try:
            status = main([str(word) for word in words])
        finally:
            os.environ.clear()
            os.environ.update(before)
    return subprocess.CompletedProcess(list(map(str, words)), status, told.getvalue(), failed.getvalue())


class Gateway(Served):
    """A gateway that was started by flags, and what its callers do."""

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def chat(self, text: str, *, key: str = KEY, **more: Any) -> Answered:
        """One chat completion, to its end."""
        return self.ask("POST", "/v1/chat/completions", body_of(text, **more), {"Authorization": f"Bearer {key}"})

    @contextmanager
    def stream(self, text: str, **more: Any) -> Iterator[http.client.HTTPResponse]:
        """A streamed chat completion whose beginning has arrived."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {KEY}"}
        connection.request("POST", "/v1/chat/completions", body_of(text, stream=True, **more), headers)
        try:
            yield connection.getresponse()
        finally:
            connection.close()

    def stop(self, number: int, wait_s: float = 60.0) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        self.child.send_signal(number)
        return self.child.wait(wait_s)

    def said(self) -> str:
        """All that it printed and logged so far."""
        return self.log.read_text("utf-8")


def body_of(text: str, **more: Any) -> bytes:
    """The body of a chat request."""
    return json.dumps({"model": "scripted", "messages": [{"role": "user", "content": text}], **more}).encode()


def begin(
    folder: Path,
    upstream: str,
    *flags: str,
    language: str = "en",
    lexicon: str = CANARIES,
    given: tuple[str, ...] = FLAGS,
) -> Gateway:
    """Start `guiju serve` by flags alone; it may not listen yet, and whoever calls stops it.

    Args:
        folder: where it is typed; the word list is put there.
        upstream: the model service.
        flags: more of them.
        language: of the person who starts it.
        lexicon: the word list.
        given: data directory, word list and key.
    """
    port, log = free_port(), folder / "serve.log"
    (folder / "words.csv").write_text(lexicon, "utf-8")
    command = [str(GUIJU), "serve", "--port", str(port), "--upstream", upstream, *given, *flags]
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, env=environment(language))
    return Gateway(port, folder / "data", log, child)


def until_ready(made: Gateway, path: str = "/readyz") -> None:
    """Wait until a path answers 200."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and made.child.poll() is None:
        try:
            if made.ask("GET", path).status == 200:
                return
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.01)
    raise AssertionError(made.said())


@contextmanager
def serving(folder: Path, upstream: str, *flags: str, **more: Any) -> Iterator[Gateway]:
    """`begin`, wait until it is ready, and stop in the end."""
    made = begin(folder, upstream, *flags, **more)
    try:
        until_ready(made)
        yield made
    finally:
        ended(made)


def ended(made: Gateway) -> None:
    """End a gateway, whatever its state."""
    if made.child.poll() is None:
        made.child.terminate()
        try:
            made.child.wait(40)
        finally:
            made.child.kill()


def verified(folder: Path, *words: str) -> dict[str, Any]:
    """What `guiju evidence verify` says of the ledger of a folder's data; it must be whole."""
    ran = guiju("evidence", "verify", "--data", "data", "--json", *words, cwd=folder)
    report: dict[str, Any] = json.loads(ran.stdout)
    assert ran.returncode == 0, report
    assert report["whole"]
    return report


def entries(data: Path) -> list[dict[str, Any]]:
    """All ledger entries in a data directory; a line that is not finished is left out."""
    logs = sorted(data.glob("ledger/*/*.log"))
    return [json.loads(line) for path in logs for line in path.read_bytes().split(b"\n")[:-1]]
