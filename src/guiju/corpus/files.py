# SPDX-License-Identifier: Apache-2.0
"""Which files a corpus has, and what form each is of (Article 7). Nothing is left out without being named."""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import io
import lzma
import os
import stat
import zlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

import msgspec

from guiju.brought import brought
from guiju.errors import ConfigError, failed

Form = Literal["jsonl", "json", "csv", "tsv", "text", "parquet", "arrow", "unknown"]
Packing = Literal["", "gz", "bz2", "xz", "zst"]

_FORMS: Final[dict[str, Form]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jl": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
}
_PACKINGS: Final[dict[str, Packing]] = {
    ".gz": "gz",
    ".gzip": "gz",
    ".bz2": "bz2",
    ".xz": "xz",
    ".zst": "zst",
    ".zstd": "zst",
}
_MAGIC: Final[tuple[tuple[bytes, Packing], ...]] = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)
_BESIDE: Final = (
    "readme*",
    "licen[sc]e*",
    "notice*",
    "dataset_info.json",
    "dataset_infos.json",
    "dataset_dict.json",
    "state.json",
    "croissant.json",
)
"""What stands beside the rows in the folders of data sets; a file that is named itself is always read."""
_LOOKED_AT: Final = 4096
_FIRST: Final = 32 << 20
DAMAGED: Final = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What the libraries raise where compressed bytes are damaged or end too early."""


class File(msgspec.Struct, frozen=True):
    """One file with rows.

    Attributes:
        path: where it is.
        name: as reports name it: the argument it was found under, and its place below that.
        form: what its rows are written in.
        packing: what it is compressed with.
        size: in bytes, as it lies on disk.
    """

    path: str
    name: str
    form: Form
    packing: Packing
    size: int


class Found(msgspec.Struct, frozen=True):
    """What lies under the paths that were given.

    Attributes:
        files: with rows, in the order in which they are read.
        beside: names of what describes them, or is hidden.
    """

    files: list[File]
    beside: list[str]


def found(paths: Sequence[Path], without: Sequence[Path] = ()) -> Found:
    """The files of a corpus.

    Args:
        paths: files and folders; a folder is read with all that is below it, in the order of names.
        without: folders that are left out wherever they lie: results of audits, and the data directory.

    Raises:
        ConfigError: `not_found`: one of them is not there.
    """
    files: dict[str, File] = {}
    beside: list[str] = []
    for path in paths:
        try:
            if path.is_dir():
                for inner, name in _below(path, {os.path.realpath(one) for one in without}):
                    if _is_beside(name) or not _is_file(inner):
                        beside.append(name)
                    else:
                        files.setdefault(os.path.realpath(inner), _file(inner, name))
            else:
                files.setdefault(os.path.realpath(path), _file(path, path.name))
        except OSError as error:
            raise ConfigError("not_found", what=failed(error.filename or path, error)) from error
    return Found(list(files.values()), beside)


def _below(folder: Path, without: Collection[str]) -> Iterable[tuple[Path, str]]:
    """Files below a folder; those whose name says their form come first, so that a link is named before what it
    leads to (the caches of some hubs keep files without a suffix and links with one)."""
    every = []
    for inside, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if os.path.realpath(Path(inside, one)) not in without)
        every += [Path(inside, name) for name in names]
    told = [(path, f"{folder.name or folder.resolve().name}/{path.relative_to(folder)}") for path in every]
    return sorted(told, key=lambda one: (_form(one[0].name)[0] == "unknown", one[1]))


def _is_file(path: Path) -> bool:
    """Whether there is something to read: not a pipe or a device, which could be waited at for ever."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True  # a link that leads nowhere: it is counted as a file that can't be read


def _is_beside(name: str) -> bool:
    parts = name.split("/")[1:]
    return any(part.startswith(".") for part in parts) or any(fnmatch.fnmatch(parts[-1].lower(), p) for p in _BESIDE)


def _form(name: str) -> tuple[Form, Packing]:
    """What a name says."""
    stem, dot = os.path.splitext(name.lower())
    packing = _PACKINGS.get(dot, "")
    return _FORMS.get(os.path.splitext(stem)[1] if packing else dot, "unknown"), packing


def _file(path: Path, name: str) -> File:
    """A file, looked into: what its first bytes say outweighs its name."""
    form, _ = _form(path.name)
    try:
        with path.open("rb") as opened:
            head = opened.read(_LOOKED_AT)
            size = os.fstat(opened.fileno()).st_size
    except OSError:
        if not os.path.lexists(path):
            raise
        return File(str(path), name, form if form != "unknown" else "text", "", 0)
    packing: Packing = next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")
    if packing:
        head = _unpacked_head(path, packing)
    if head[:4] == b"PAR1":
        form = "parquet"
    elif head[:6] == b"ARROW1":
        form = "arrow"
    elif form == "unknown":
        form = _guessed(head)
    elif form == "json":
        form = _of_json(path, packing)
    return File(str(path), name, form, packing, size)


def unpacked(path: str | Path, packing: Packing) -> BinaryIO:
    """A file's bytes, whatever it is compressed with, as a stream.

    Raises:
        OSError: it can't be opened; what is damaged is told while it is read.
    """
    if packing == "gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if packing == "bz2":
        return cast(BinaryIO, bz2.open(path, "rb"))
    if packing == "xz":
        return cast(BinaryIO, lzma.open(path, "rb"))
    if packing == "zst":
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, _Zstandard(path)), 1 << 20))
    return Path(path).open("rb", buffering=1 << 20)


class _Zstandard(io.RawIOBase):
    """Frames of Zstandard, one after the other."""

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self._inner = pyarrow().CompressedInputStream(pyarrow().OSFile(str(path)), "zstd")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: Any) -> int:
        """Read what comes next."""
        got = self._inner.read(len(into))
        into[: len(got)] = got
        return len(got)


def pyarrow() -> Any:
    """The library that reads Parquet, Arrow and Zstandard.

    Raises:
        ConfigError: `config_invalid`: it is not installed.
    """
    try:
        brought("pyarrow.parquet")
        return brought("pyarrow")
    except ImportError as error:
        raise ConfigError("config_invalid", what="Parquet, Arrow, zstd", hint="pip install 'guiju[corpus]'") from error


def _unpacked_head(path: Path, packing: Packing) -> bytes:
    try:
        with unpacked(path, packing) as stream:
            return stream.read(_LOOKED_AT)
    except DAMAGED:
        return b""


def _guessed(head: bytes) -> Form:
    """The form of a file whose name says nothing."""
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    if b"\0" in head and not wide:
        return "unknown"
    return "jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "text"


def _of_json(path: Path, packing: Packing) -> Form:
    """`jsonl` where the first line is an object and more follows, else `json`: one document."""
    try:
        with unpacked(path, packing) as stream:
            first, then = stream.readline(_FIRST), stream.read(_LOOKED_AT)
            msgspec.json.decode(first, type=dict)
    except (*DAMAGED, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "json"
    return "jsonl" if then.strip() else "json"
