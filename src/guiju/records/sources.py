# SPDX-License-Identifier: Apache-2.0
"""Plain readers of ledgers for those who verify: a directory, a database, an export. They write nothing, lock nothing
for longer than a glance, and share no code with the writer (DESIGN §7).
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Final, Protocol, TypeVar, cast

import msgspec

from guiju.brought import brought
from guiju.config import Settings
from guiju.errors import ConfigError

FORMAT: Final = "guiju-evidence"
_BLOCK: Final = 1 << 20
_MOST_BYTES: Final = 256 << 20
"""How far back in a segment is looked for what is new: minutes of the busiest gateway."""
_TIME: Final = re.compile(rb'"t":(\d{1,19}),')
Shape = TypeVar("Shape", bound=msgspec.Struct)


class Source(Protocol):
    """Where entries are read from."""

    def writers(self) -> list[str]: ...
    def checkpoints(self, writer: str) -> list[bytes]:
        """Whole lines, oldest segment first; read them before the entries when a server may be writing."""
        ...

    def segments(self, writer: str) -> list[str]: ...
    def marker(self, writer: str, segment: str) -> bytes | None:
        """What stands for a pruned segment; none while its entries are there."""
        ...

    def lines(self, writer: str, segment: str) -> Iterator[bytes]:
        """Entries with their line end; a last one without is not finished."""
        ...

    def newest(self, writer: str, segment: str, mark: bytes) -> Iterator[bytes]:
        """Finished entries that hold some bytes, newest first; not to the beginning of a long segment."""
        ...

    def between(self, writer: str, segment: str, since: int, until: int, mark: bytes) -> Iterator[bytes]:
        """Finished entries from one time until before another that hold some bytes, oldest first.

        Where they begin and end is found by a binary search: times never go back within a segment.
        """
        ...

    def size(self) -> int:
        """Bytes of all entries, about."""
        ...

    def being_written(self, writer: str) -> bool: ...
    def close(self) -> None: ...


class DirSource:
    """The files of `DATA/ledger`.

    Args:
        path: that directory.

    Raises:
        ConfigError: `not_found`: it is not there.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise ConfigError("not_found", what=str(path))
        self._path = path

    def writers(self) -> list[str]:
        return sorted(folder.name for folder in self._path.iterdir() if folder.is_dir())

    def checkpoints(self, writer: str) -> list[bytes]:
        found: list[bytes] = []
        for path in sorted((self._path / writer).glob("*.checkpoints"), key=lambda path: path.stem):
            found.extend(path.read_bytes().split(b"\n")[:-1])
        return found

    def segments(self, writer: str) -> list[str]:
        suffixes = (".log", ".pruned", ".checkpoints")
        return sorted({path.stem for path in (self._path / writer).iterdir() if path.suffix in suffixes})

    def marker(self, writer: str, segment: str) -> bytes | None:
        path = self._path / writer / f"{segment}.pruned"
        return path.read_bytes() if path.exists() and not path.with_suffix(".log").exists() else None

    def lines(self, writer: str, segment: str) -> Iterator[bytes]:
        path = self._path / writer / f"{segment}.log"
        if path.exists():
            with path.open("rb") as file:
                yield from file

    def newest(self, writer: str, segment: str, mark: bytes) -> Iterator[bytes]:
        path = self._path / writer / f"{segment}.log"
        return _backwards(path, 0, path.stat().st_size, mark) if path.exists() else iter(())

    def between(self, writer: str, segment: str, since: int, until: int, mark: bytes) -> Iterator[bytes]:
        path = self._path / writer / f"{segment}.log"
        return _between(path, 0, path.stat().st_size, (since, until), mark) if path.exists() else iter(())

    def size(self) -> int:
        return sum(path.stat().st_size for path in self._path.rglob("*.log"))

    def being_written(self, writer: str) -> bool:
        path = self._path / writer / "lock"
        if not path.exists():
            return False
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def close(self) -> None:
        """Nothing stays open."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head of one segment within an export."""

    writer: str
    segment: str
    pruned: str
    checkpoints: list[str]


class ExportHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of an export."""

    format: str
    v: int
    made: int
    keys: list[str]


class ExportEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line of an export: how many lines stand before it, their SHA-256, and a signature over that."""

    lines: int
    sha256: str
    sig: str


class ExportSource:
    """An export file. It is read once to find its sections and its digest.

    Args:
        path: the file.

    Raises:
        ConfigError: `not_found`: no such file.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigError("not_found", what=str(path))
        self._path = path
        self._sections: dict[tuple[str, str], tuple[Section, int, int]] = {}
        self.head: ExportHead | None = None
        self.end: ExportEnd | None = None
        self.digest = ""
        self.count = 0
        self.sound = self._index()

    def _index(self) -> bool:
        """Find the sections; whether every line outside of them is as the format says."""
        sha, place, sound = hashlib.sha256(), 0, True
        current: Section | None = None
        start = 0
        with self._path.open("rb") as file:
            last = b""
            for line in file:
                if last:
                    sha.update(last)
                    self.count += 1
                    if self.count == 1:
                        self.head = canonical(last, ExportHead)
                    elif last.startswith(b'{"writer":'):
                        sound = self._add(current, start, place - len(last)) and sound
                        current, start = canonical(last, Section), place
                        sound = sound and current is not None
                    else:
                        sound = sound and current is not None
                last = line
                place += len(line)
        sound = self._add(current, start, place - len(last)) and sound
        self.end = canonical(last, ExportEnd)
        self.digest = sha.hexdigest()
        head = self.head
        return sound and head is not None and (head.format, head.v) == (FORMAT, 1)

    def _add(self, section: Section | None, start: int, end: int) -> bool:
        if section is None:
            return True
        key = (section.writer, section.segment)
        new = key not in self._sections
        self._sections.setdefault(key, (section, start, end))
        return new

    def writers(self) -> list[str]:
        return sorted({writer for writer, _ in self._sections})

    def checkpoints(self, writer: str) -> list[bytes]:
        return [
            line.encode()
            for (owner, _), (section, _, _) in sorted(self._sections.items(), key=lambda item: item[0])
            if owner == writer
            for line in section.checkpoints
        ]

    def segments(self, writer: str) -> list[str]:
        return sorted(segment for owner, segment in self._sections if owner == writer)

    def marker(self, writer: str, segment: str) -> bytes | None:
        found = self._sections.get((writer, segment))  # a checkpoint may name a segment that is not there
        return found[0].pruned.encode() if found and found[0].pruned else None

    def lines(self, writer: str, segment: str) -> Iterator[bytes]:
        _, place, end = self._sections.get((writer, segment), (None, 0, 0))
        with self._path.open("rb") as file:
            file.seek(place)
            while place < end:
                line = file.readline()
                place += len(line)
                yield line

    def newest(self, writer: str, segment: str, mark: bytes) -> Iterator[bytes]:
        _, start, end = self._sections.get((writer, segment), (None, 0, 0))
        return _backwards(self._path, start, end, mark)

    def between(self, writer: str, segment: str, since: int, until: int, mark: bytes) -> Iterator[bytes]:
        _, start, end = self._sections.get((writer, segment), (None, 0, 0))
        return _between(self._path, start, end, (since, until), mark)

    def size(self) -> int:
        return self._path.stat().st_size

    def being_written(self, writer: str) -> bool:
        return False

    def close(self) -> None:
        """Nothing stays open."""


def _backwards(path: Path, start: int, end: int, mark: bytes) -> Iterator[bytes]:
    """Whole lines that hold the mark within a part of a file, last first, in blocks from its end.

    The file is read and not mapped: its writer may cut it back after a failed write. No entry is as long as a block.
    """
    place, least, rest = end, max(start, end - _MOST_BYTES), b""
    with path.open("rb") as file:
        while place > least:
            size = min(_BLOCK, place - least)
            place -= size
            file.seek(place)
            block = file.read(size) + rest
            begin = 0 if place == start else block.find(b"\n") + 1
            rest, stop = block[:begin], len(block)
            while (hit := block.rfind(mark, begin, stop)) >= 0:
                stop = max(begin, block.rfind(b"\n", begin, hit) + 1)
                if line_end := block.find(b"\n", hit) + 1:
                    yield block[stop:line_end]


def _between(path: Path, start: int, end: int, times: tuple[int, int], mark: bytes) -> Iterator[bytes]:
    """Whole lines of a time window that hold the mark within a part of a file, first first, in blocks."""
    with path.open("rb") as file:
        place = _first_of(file, start, end, times[0])
        end = _first_of(file, place, end, times[1])
        file.seek(place)
        rest = b""
        while data := file.read(min(_BLOCK, end - place)):
            place += len(data)
            block = rest + data
            begin, stop = 0, block.rfind(b"\n") + 1
            while (hit := block.find(mark, begin, stop)) >= 0:
                begin = block.find(b"\n", hit) + 1
                yield block[block.rfind(b"\n", 0, hit) + 1 : begin]
            rest = block[stop:]


def _first_of(file: BinaryIO, low: int, high: int, t: int) -> int:
    """Where the first line of time `t` or later starts, in a part of a file that starts with a line."""
    while low < high:
        middle = (low + high) // 2
        file.seek(max(low, middle - 1))
        if middle > low:
            file.readline()  # what is left of the line in which the middle lies
        begin = file.tell()
        line = file.readline()
        if begin < high and time_of(line) < t:
            low = begin + len(line)
        else:
            high = middle
    return low


def time_of(line: bytes) -> int:
    """The time of an entry without decoding all of it; -1 where none is."""
    match = _TIME.search(line, 0, 256)
    return int(match[1]) if match else -1


def canonical(line: bytes, shape: type[Shape]) -> Shape | None:
    """Decode one line; none unless encoding it again gives the same bytes."""
    try:
        value = msgspec.json.decode(line, type=shape)
        again = msgspec.json.encode(value) + b"\n"
    except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError):
        return None
    return value if again == line else None


def place_of(settings: Settings, data: Path) -> str:
    """Where an installation's ledgers are, as `source_of` takes it: DATA/ledger or the store's address.

    Raises:
        ConfigError: `config_invalid`: they are to be in a store that can't hold them.
    """
    if settings.evidence.ledger == "file":
        return str(data / "ledger")
    if settings.store.url == "sqlite":
        raise ConfigError("config_invalid", what='evidence.ledger = "store"', hint="store.url = postgresql://…")
    return settings.store.url


def in_database(place: str) -> bool:
    """Whether a place is the address of a database, not a path."""
    return place.startswith("postgresql")


def source_of(place: str) -> Source:
    """A reader for a directory, an export file or a `postgresql://` address.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`: the database can't be reached.
    """
    if in_database(place):
        return cast(Source, optional("guiju.records.source_sql").SqlSource(place))
    path = Path(place)
    return DirSource(path) if path.is_dir() else ExportSource(path)


def optional(module: str, package: str = "psycopg", extra: str = "postgres") -> ModuleType:
    """A module that needs a package of an extra; imported by name so that all else works without it.

    Raises:
        ConfigError: `config_invalid`: the extra is not installed.
    """
    try:
        return brought(module)
    except ModuleNotFoundError as error:
        raise ConfigError("config_invalid", what=package, hint=f"pip install 'guiju[{extra}]'") from error
