# SPDX-License-Identifier: Apache-2.0
"""A corpus as chunks of rows, in order and in bounded memory: what one process reads and others look at.

Where a chunk ends depends on the files alone, so that a run that was cut off goes on at the same border.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any, BinaryIO, Final

import msgspec

from guiju.corpus.files import DAMAGED, File, Form, pyarrow, unpacked

LARGEST: Final = 32 << 20
"""Bytes of the largest row that is looked at."""
_ROWS: Final = 1024
_BYTES: Final = 1 << 20
"""Rows and bytes at which a chunk ends."""
_DOCUMENT: Final = 256 << 20
"""Bytes of the largest JSON document that is no array."""
_HEADS: Final = frozenset(tomllib.loads(files("guiju.corpus").joinpath("fields.toml").read_text("utf-8"))["heads"])


class Chunk(msgspec.Struct, frozen=True):
    """Some rows of one file.

    Attributes:
        file: its place in the list of files.
        first: the number of the first row within the file, from 1.
        form: what `rows` are: bytes for `jsonl` and `text`, objects for `json`, `csv` and `tsv`; `arrow` for Parquet
            too, where `packed` holds the rows.
        rows: the rows.
        packed: rows as an Arrow stream.
        faults: why a row can't be read, by its place in `rows`, where that is known already.
        share: how much of the file is read with it, from 0 to 1, where that can be told.
    """

    file: int
    first: int
    form: Form
    rows: list[Any]
    packed: bytes = b""
    faults: dict[int, str] = {}
    share: float = 0.0


class _Bad(msgspec.Struct, frozen=True):
    """A row that can't be read, and why."""

    fault: str


def chunks(number: int, file: File) -> Iterator[Chunk]:
    """The rows of one file.

    Args:
        number: its place in the list of files.
        file: the file; one that can't be read is one row with that fault.
    """
    if file.form in ("parquet", "arrow"):
        yield from _columns(number, file)
        return
    rows, size, first, done = [], 0, 1, 0
    form: Form = "json" if file.form in ("csv", "tsv") else file.form
    for row, length in _rows(file):
        rows.append(row)
        size += length
        if len(rows) >= _ROWS or size >= _BYTES:
            done += size
            share = 0.0 if file.packing else min(1.0, done / max(1, file.size))
            yield msgspec.structs.replace(_chunk(number, first, form, rows), share=share)
            first, rows, size = first + len(rows), [], 0
    if rows:
        yield _chunk(number, first, form, rows)


def _chunk(number: int, first: int, form: Form, rows: list[Any]) -> Chunk:
    faults = {place: row.fault for place, row in enumerate(rows) if isinstance(row, _Bad)}
    return Chunk(number, first, form, [None if isinstance(row, _Bad) else row for row in rows], b"", faults)


def _rows(file: File) -> Iterator[tuple[Any, int]]:
    """Each row with about how many bytes it has."""
    if file.form == "unknown":
        yield _Bad("not_text"), 0
        return
    try:
        with unpacked(file.path, file.packing) as stream:
            if file.form in ("csv", "tsv"):
                yield from _records(stream, "\t" if file.form == "tsv" else "")
            elif file.form == "json":
                yield from _elements(stream)
            else:
                yield from _lines(stream)
    except DAMAGED:
        yield _Bad("file_damaged"), 0


def _lines(stream: BinaryIO) -> Iterator[tuple[Any, int]]:
    """Lines that hold something, without their ends."""
    head = _peek(stream)[:4]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head == b"\0\0\xfe\xff":
        encoding = "utf-32" if head in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") else "utf-16"
        with io.TextIOWrapper(stream, encoding, errors="replace", newline="\n") as text:
            yield from _bare(lambda: text.readline(LARGEST // 4).encode("utf-8"), LARGEST // 4)
        return
    if head.startswith(b"\xef\xbb\xbf"):
        stream.read(3)
    yield from _bare(lambda: stream.readline(LARGEST), LARGEST)


def _bare(readline: Callable[[], bytes], largest: int) -> Iterator[tuple[Any, int]]:
    """Lines that hold something; what is left of one that is too large is read past."""
    while line := readline():
        if len(line) >= largest and not line.endswith(b"\n"):
            while (more := readline()) and not more.endswith(b"\n"):
                pass
            yield _Bad("too_large"), largest
        elif bare := line.strip(b" \t\r\n\f\v"):
            yield bare, len(line)


def _peek(stream: BinaryIO) -> bytes:
    peek = getattr(stream, "peek", None)
    return bytes(peek(1 << 16)[: 1 << 16]) if peek else b""


def _records(stream: BinaryIO, delimiter: str) -> Iterator[tuple[Any, int]]:
    """Rows of a table as objects; the first is the head where it looks like one."""
    csv.field_size_limit(LARGEST)
    start = _peek(stream)
    with io.TextIOWrapper(stream, _encoding(start), errors="surrogateescape", newline="") as text:
        yield from _named(csv.reader(text, delimiter=delimiter or _delimiter(start)))


def _named(reader: Iterator[list[str]]) -> Iterator[tuple[Any, int]]:
    names: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            yield _Bad("bad_csv"), 0
            continue
        if cells is None:
            return
        if not any(cells):
            continue
        if names is None:
            names = [cell.strip() for cell in cells] if _is_head(cells) else []
            if names:
                continue
        made = {names[at] if at < len(names) and names[at] else f"column_{at + 1}": c for at, c in enumerate(cells)}
        if len(made) < len(cells):  # two columns of one name: nothing of them may be lost
            made = {f"{names[at] if at < len(names) else 'column'}_{at + 1}": c for at, c in enumerate(cells)}
        yield made, sum(map(len, cells))


def _encoding(start: bytes) -> str:
    """What its mark says, else UTF-8, or GB 18030 where the beginning is no UTF-8 but that."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(start)  # a character that is cut at the end is no fault
        except UnicodeDecodeError:
            continue
        return encoding
    return "utf-8-sig"


def _delimiter(start: bytes) -> str:
    """The sign that the first line has most of."""
    first = start.split(b"\n", 1)[0]
    return max((",", "\t", ";", "|"), key=lambda sign: (first.count(sign.encode()), sign == ","))


def _is_head(cells: list[str]) -> bool:
    """Whether a first row names columns."""
    bare = [cell.strip().lower() for cell in cells]
    if len(set(bare)) < len(bare):
        return False
    if any(cell in _HEADS for cell in bare):
        return True
    return all(cell.isascii() and cell.replace("-", "_").replace(".", "_").isidentifier() for cell in bare) and (
        len(cells) > 1
    )


def _elements(stream: BinaryIO) -> Iterator[tuple[Any, int]]:
    """The elements of a JSON array, one by one; another document is one row, or the rows of the one array in it."""
    with io.TextIOWrapper(stream, _encoding(_peek(stream)), errors="surrogateescape", newline="") as text:
        buffer = text.read(1 << 16).lstrip()
        if buffer.startswith("["):
            yield from _array(text, buffer)
        elif buffer:
            yield from _document(buffer + text.read(_DOCUMENT))


def _array(text: io.TextIOWrapper, buffer: str) -> Iterator[tuple[Any, int]]:
    decoder, at = json.JSONDecoder(), 1
    while True:
        while at < len(buffer) and buffer[at] in " \t\r\n,":
            at += 1
        if at < len(buffer) and buffer[at] == "]":
            return
        # Short of 64 characters a number could go on beyond what was read.
        try:
            if len(buffer) - at < 64 and (more := text.read(1 << 20)):
                buffer, at = buffer[at:] + more, 0
                continue
            made, end = decoder.raw_decode(buffer, at)
        except (ValueError, RecursionError):
            more = text.read(max(1 << 20, len(buffer))) if len(buffer) - at < LARGEST else ""
            if not more:
                if at < len(buffer):
                    yield _Bad("bad_json"), 0  # the rest of the document is one row: where the next begins is unknown
                return
            buffer, at = buffer[at:] + more, 0
            continue
        yield made, end - at
        at = end


def _document(text: str) -> Iterator[tuple[Any, int]]:
    try:
        made = json.loads(text)
    except (ValueError, RecursionError):
        yield _Bad("bad_json"), 0
        return
    lists = [value for value in made.values() if isinstance(value, list)] if isinstance(made, dict) else []
    rows = [one for one in lists if one and all(isinstance(row, dict) for row in one)]
    if len(rows) == 1 and len(lists) == 1 and "messages" not in made and "conversations" not in made:
        for row in rows[0]:
            yield row, len(text) // len(rows[0])
    else:
        yield made, len(text)


def _columns(number: int, file: File) -> Iterator[Chunk]:
    """Rows of a file of columns; where it can't be read on, each row that it says it has is one that can't be read."""
    pa = pyarrow()
    first = 1
    total = 1
    try:
        source = pa.memory_map(file.path) if not file.packing else unpacked(file.path, file.packing)
        if file.form == "parquet":
            opened = pa.parquet.ParquetFile(source)
            total = max(1, opened.metadata.num_rows)
            batches = opened.iter_batches(batch_size=_ROWS)
        else:
            batches = _batches(pa, source)
        for batch in batches:
            for at in range(0, batch.num_rows, _ROWS):
                part = batch.slice(at, _ROWS)
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, part.schema) as out:
                    out.write_batch(part)
                packed = sink.getvalue().to_pybytes()
                share = min(1.0, (first + part.num_rows) / total) if total > 1 else 0.0
                yield Chunk(number, first, "arrow", [None] * part.num_rows, packed, {}, share)
                first += part.num_rows
        if file.form == "arrow" or first > total or opened.metadata.num_rows == 0:
            return
    except (*DAMAGED, pa.ArrowException, ValueError):
        pass
    left = max(1, total - first + 1)
    for at in range(0, left, _ROWS):
        size = min(_ROWS, left - at)
        yield Chunk(number, first + at, "json", [None] * size, b"", dict.fromkeys(range(size), "file_damaged"))


def _batches(pa: Any, source: Any) -> Iterator[Any]:
    """Batches of an Arrow file or stream."""
    try:
        opened = pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        yield from pa.ipc.open_stream(source)
        return
    for at in range(opened.num_record_batches):
        yield opened.get_batch(at)
