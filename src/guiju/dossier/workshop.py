# SPDX-License-Identifier: Apache-2.0
"""Packages that are built beside the service, each by a process of its own, one at a time (Articles 6 and 17).

A build composes and typesets for seconds on end; the process that serves must not. The process that builds holds a lock
for as long as it lives, so that every worker, and a service that was started anew, sees whether it still builds. What
it was asked, how far it is and what came of it lie in a folder of its own below the data directory.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, Final, Literal

import msgspec

from guiju.dossier.package import MANIFEST, manifest_of
from guiju.dossier.sources import FOLDER
from guiju.errors import ConfigError, Language, OutsideError, failed

WORKS: Final = "works"
PACKAGE: Final = "package"
State = Literal["runs", "built", "faulty", "failed"]
_MAIN: Final = "import os; os.nice(10); from guiju.cli.main import main; raise SystemExit(main())"
_LOCK, _ASKED, _PROGRESS, _RESULT, _ERRORS = "lock", "asked.json", "progress", "result.json", "errors"
_ID: Final = 16


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be built.

    Attributes:
        kind: of the package.
        on: the date that its documents bear (ISO 8601).
        by: who asked for it.
        at: Unix seconds.
    """

    kind: str
    on: str
    annotated: bool
    draft: bool
    by: str
    at: int


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One build.

    Attributes:
        state: `faulty` where lint found what keeps it from being built, `failed` where an error ended it.
        done, of: how many documents are made, of how many; 0 of 0 before the first.
        said: what the command printed: the package, what lint found, or an error.
    """

    id: str
    asked: Asked
    state: State
    done: int = 0
    of: int = 0
    said: dict[str, Any] = {}  # msgspec copies an empty default

    @property
    def digest(self) -> str:
        """Of the package; "" where there is none."""
        return str(self.said.get("digest", "")) if self.state == "built" else ""


def root(data: Path) -> Path:
    """Where builds lie."""
    return data / FOLDER / WORKS


def begin(data: Path, asked: Asked, language: Language) -> str:
    """Begin a build; gives its id.

    Args:
        data: the data directory.
        asked: what is built.
        language: in which an error is told.

    Raises:
        ConfigError: `build_runs`: another one is under way.
        OutsideError: `cannot_write`.
    """
    id = token_hex(_ID)
    folder = root(data) / id
    words = ["dossier", "build", "--kind", asked.kind, "--on", asked.on, "--out", str(folder / PACKAGE)]
    words += ["--data", str(data), "--progress", str(folder / _PROGRESS), "--json"]
    words += ["--annotated"] * asked.annotated + ["--draft"] * asked.draft
    try:
        root(data).mkdir(parents=True, exist_ok=True)
        with (root(data) / _LOCK).open("a+b") as lock:
            if not _taken(lock):
                raise ConfigError("build_runs")
            folder.mkdir()
            (folder / _ASKED).write_bytes(msgspec.json.encode(asked))
            lock.truncate(0)
            lock.write(id.encode())
            lock.flush()
            with (folder / _RESULT).open("wb") as out, (folder / _ERRORS).open("wb") as errors:
                child = subprocess.Popen(  # the lock is the child's from here on
                    [sys.executable, "-c", _MAIN, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=errors,
                    pass_fds=(lock.fileno(),),
                    start_new_session=True,
                    env={**os.environ, "GUIJU_LANG": language},
                )
    except OSError as error:
        raise OutsideError("cannot_write", what=failed(root(data), error)) from error
    threading.Thread(target=child.wait, daemon=True).start()
    return id


def works(data: Path) -> list[Work]:
    """All builds, newest first."""
    found = [one for path in root(data).glob(f"*/{_ASKED}") if (one := find(data, path.parent.name))]
    return sorted(found, key=lambda one: (-one.asked.at, one.id))


def find(data: Path, id: str) -> Work | None:
    """One build; none where there is none of this id."""
    folder = root(data) / id
    if len(id) != 2 * _ID or not id.isalnum():
        return None
    runs = _running(data) == id  # before its result is read, so that one that ends just now is not called broken off
    try:
        asked = msgspec.json.decode((folder / _ASKED).read_bytes(), type=Asked)
    except (OSError, msgspec.DecodeError):
        return None
    if runs:
        done, of = _progress(folder / _PROGRESS)
        return Work(id=id, asked=asked, state="runs", done=done, of=of)
    said = _said(folder / _RESULT) or _said(folder / _ERRORS)
    state: State = "built" if "digest" in said else "faulty" if "found" in said else "failed"
    return Work(id=id, asked=asked, state=state, said=said)


def place(data: Path, digest: str) -> Path | None:
    """Where the package of a digest lies that was built here; none where it was built elsewhere, or is gone."""
    for one in works(data):
        folder = root(data) / one.id / PACKAGE
        if one.digest == digest and (folder / MANIFEST).is_file():
            return folder
    return None


def files(folder: Path) -> Iterator[tuple[str, int]]:
    """The files of a package that its manifest names, with their sizes in bytes."""
    for one in manifest_of(folder).files:
        yield one.path, one.bytes


def content(folder: Path, path: str) -> bytes:
    """One file that the manifest names.

    Raises:
        ConfigError: `not_found`: it names no such file, or it is gone.
    """
    if path not in {name for name, _ in files(folder)}:
        raise ConfigError("not_found", what=path[:80])
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=path[:80]) from error


def _taken(lock: BinaryIO) -> bool:
    """Whether the lock was free and is ours now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _running(data: Path) -> str:
    """The id of the build that is under way; "" for none."""
    try:
        with (root(data) / _LOCK).open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return os.pread(lock.fileno(), 2 * _ID, 0).decode("ascii", "replace")
    except OSError:
        return ""
    return ""


def _progress(path: Path) -> tuple[int, int]:
    try:
        done, _, of = path.read_text("ascii").partition("/")
        return int(done), int(of)
    except (OSError, ValueError):
        return 0, 0


def _said(path: Path) -> dict[str, Any]:
    """What the command printed, its last line; nothing where that is no document."""
    try:
        lines = path.read_bytes().strip().splitlines()
        return msgspec.json.decode(lines[-1], type=dict[str, Any]) if lines else {}
    except (OSError, msgspec.DecodeError):
        return {}
