# SPDX-License-Identifier: Apache-2.0
"""Verify evidence, independently of what wrote it, and name the first bad record (DESIGN §7; RFC 6962).

Own reading, own hashing, own trees. The steps stand in `_Walk` in the order in which they are taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from guiju.records.checkpoints import Checkpoint, genuine, key_id, read
from guiju.records.sources import ExportSource, Source, canonical

MOST: Final = 100
"""How many problems a report lists; the first of them is what counts."""

_DAY_MS: Final = 86_400_000


class Problem(msgspec.Struct, frozen=True):
    """One thing that is not as it must be.

    Attributes:
        writer, segment: where; empty when it concerns the whole.
        seq: number of the bad record, from 0; -1 when it is not about one record.
        what: a word of `WHAT`.
    """

    writer: str
    segment: str
    seq: int
    what: str


WHAT: Final[dict[str, tuple[str, str]]] = {
    "changed": ("记录内容被改动", "the record was changed"),
    "misplaced": ("记录缺失、多出、重复或次序被改动", "a record is missing, added, doubled or out of order here"),
    "unlinked": ("与前一条记录的哈希不衔接", "the record does not continue the one before it"),
    "time": ("时间早于前一条记录，或不属于该月", "its time is before the record ahead of it, or of another month"),
    "begin": (
        "分段首条记录与所属账本或前一分段不符",
        "the segment's first record does not fit its writer or predecessor",
    ),
    "lost_segment": ("缺少前面的分段", "a segment before this one is missing"),
    "unsealed": ("分段未封存却已有后续分段", "the segment was not sealed though another follows"),
    "sealed": ("封存记录之后仍有记录，或封存所载计数不符", "something follows the seal, or the seal counts otherwise"),
    "checkpoint": ("检查点无法读取或内容不符", "a checkpoint can't be read or does not fit"),
    "signature": ("检查点签名无效", "a checkpoint's signature is not valid"),
    "root": ("与已签名的检查点不符：自此条起曾被改写", "from here on the records differ from a signed checkpoint"),
    "truncated": (
        "记录少于检查点所载：自此条起被截去",
        "a signed checkpoint counts more records: cut off from here on",
    ),
    "lost_writer": ("检查点所载的账本不存在", "a checkpoint names a ledger that is not there"),
    "marker": (
        "清理标记与检查点不符，或早于保存期限",
        "the mark of pruning does not fit its checkpoint, or came early",
    ),
    "export": ("导出文件自身的校验和、签名或结构不符", "the export's own digest, signature or structure does not hold"),
}


class WriterReport(msgspec.Struct):
    """What was seen of one writer's ledger.

    Attributes:
        segments, entries: how many were read.
        pruned: names of segments that were pruned by rule.
        kinds: entries of each kind.
        interrupted: exchanges that were opened and never closed: output not fully recorded.
        inside, outside: checkpoints that held, kept here and elsewhere.
        unsigned: entries at the end that no checkpoint covers yet.
        being_written: whether a process holds the ledger now.
        torn: bytes of an unfinished last line; it was never acknowledged.
        not_witnessed: names of witnesses that the ledger says are out of reach, with the Unix milliseconds since when.
    """

    writer: str
    segments: int = 0
    entries: int = 0
    pruned: list[str] = []
    kinds: dict[str, int] = {}
    interrupted: int = 0
    inside: int = 0
    outside: int = 0
    unsigned: int = 0
    being_written: bool = False
    torn: int = 0
    not_witnessed: dict[str, int] = {}


class Report(msgspec.Struct):
    """The result. `whole` is the answer; `first` names the first bad record."""

    whole: bool
    first: Problem | None
    problems: list[Problem]
    witness: str
    writers: list[WriterReport]


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    seq: int
    prev: str
    t: int
    kind: str
    body: dict[str, Any]


class _Peaks:
    """A Merkle tree of our own (RFC 6962, 2.1)."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    def add(self, leaf: bytes) -> None:
        size = self.size
        while size % 2:
            leaf = hashlib.sha256(b"\1" + self._peaks.pop() + leaf).digest()
            size //= 2
        self._peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        root = b""
        for peak in reversed(self._peaks):
            root = hashlib.sha256(b"\1" + peak + root).digest() if root else peak
        return root or hashlib.sha256(b"").digest()


def verify(
    source: Source, keys: Sequence[bytes], outside: Iterable[bytes] = (), retention_days: int | None = None
) -> Report:
    """Verify everything in a source.

    Args:
        source: a directory, a database or an export.
        keys: public keys (32 bytes) whose checkpoints are believed; old keys too.
        outside: checkpoint lines that were kept elsewhere; without them a cut or restored tail may go unseen, and
            the report says `witness: none`.
        retention_days: the term before which nothing may have been pruned.

    Returns:
        The report; it never raises for bad evidence.
    """
    problems: list[Problem] = []
    doubts: list[Problem] = []  # about checkpoints and the file as a whole: named after the records themselves
    witnessed = [_checked(line, keys, doubts, "") for line in outside if _concerns_us(line, keys)]
    writers = source.writers()
    named = {checkpoint.writer for checkpoint in witnessed if checkpoint}
    problems.extend(Problem(name, "", -1, "lost_writer") for name in sorted(named - set(writers)))
    reports = []
    for writer in writers:
        # Checkpoints before entries: a server that writes meanwhile only ever adds entries after what was signed.
        inside = [_checked(line, keys, doubts, writer) for line in source.checkpoints(writer)]
        notes = [(note, False) for note in inside if note]
        notes += [(note, True) for note in witnessed if note and note.writer == writer]
        walk = _Walk(source, writer, notes, keys, retention_days)
        walk.run()
        problems.extend(walk.problems)
        reports.append(walk.report)
    if isinstance(source, ExportSource) and not _export_holds(source, keys):
        doubts.append(Problem("", "", -1, "export"))
    problems.extend(doubts)
    count = sum(report.outside for report in reports)
    witness = f"{count} checkpoints from outside" if count else "none"
    return Report(not problems, problems[0] if problems else None, problems[:MOST], witness, reports)


def _concerns_us(line: bytes, keys: Sequence[bytes]) -> bool:
    """A witness may serve others too: what no key of ours signed is not about us."""
    checkpoint = read(line)
    return checkpoint is None or checkpoint.key in map(key_id, keys)


def _checked(line: bytes, keys: Sequence[bytes], problems: list[Problem], writer: str) -> Checkpoint | None:
    checkpoint = read(line)
    if checkpoint is None or (writer and checkpoint.writer != writer):
        problems.append(Problem(writer, "", -1, "checkpoint"))
        return None
    if not genuine(checkpoint, keys):
        problems.append(Problem(checkpoint.writer, checkpoint.segment, checkpoint.size, "signature"))
        return None
    return checkpoint


class _Walk:
    """One writer's segments, oldest first."""

    def __init__(
        self,
        source: Source,
        writer: str,
        notes: Sequence[tuple[Checkpoint, bool]],
        keys: Sequence[bytes],
        retention_days: int | None,
    ) -> None:
        self.report = WriterReport(writer, being_written=source.being_written(writer))
        self.problems: list[Problem] = []
        self._source = source
        self._writer = writer
        self._keys = keys
        self._retention = retention_days
        self._notes: dict[str, dict[int, list[tuple[Checkpoint, bool]]]] = {}
        for checkpoint, away in notes:
            self._notes.setdefault(checkpoint.segment, {}).setdefault(checkpoint.size, []).append((checkpoint, away))
        self._before: tuple[str, int, str] | None = None  # the segment before: name, size, root in hex
        self._open = False  # whether the segment before lacks its seal
        self._t = 0
        self._opened: set[str] = set()
        self._roots: list[tuple[str, int]] = []  # told after the records: the record's own fault says more

    def run(self) -> None:
        """Every segment that is there or that a checkpoint names."""
        names = sorted({*self._source.segments(self._writer), *self._notes})
        for name in names:
            marker = self._source.marker(self._writer, name)
            if marker is None:
                self._segment(name, name == names[-1])
            else:
                self._marker(name, marker)
        self.report.interrupted = len(self._opened)

    def _bad(self, segment: str, seq: int, what: str) -> None:
        if len(self.problems) < MOST:
            self.problems.append(Problem(self._writer, segment, seq, what))

    def _segment(self, name: str, newest: bool) -> None:
        """Steps: (1) form, (2) number, (3) link, (4) time, (5) what the entry says, (6) checkpoints, (7) the end."""
        tree, covered, sealed = _Peaks(), 0, False
        kinds: dict[str, int] = {}
        previous = self._before[2] if self._before else "0" * 64
        due = self._notes.get(name, {})
        for line, following in _pairs(self._source.lines(self._writer, name)):
            seq = tree.size
            if newest and not following and not line.endswith(b"\n"):
                self.report.torn = len(line)
                break
            leaf = hashlib.sha256(b"\0" + line[:-1]).digest()
            entry = canonical(line, _Entry)  # (1)
            if entry is None or entry.v != 1:
                self._bad(name, seq, "changed")
            else:
                if entry.seq != seq:  # (2)
                    self._bad(name, seq, "misplaced")
                elif entry.prev != previous and seq > 0:  # (3)
                    self._unlinked(name, seq, leaf, following)
                self._time(name, seq, entry.t)  # (4)
                if sealed:
                    self._bad(name, seq, "sealed")
                kinds[entry.kind] = kinds.get(entry.kind, 0) + 1
                sealed = self._says(name, entry, seq, kinds) or sealed  # (5)
            previous = leaf.hex()
            tree.add(leaf)
            if tree.size in due:  # (6)
                covered = self._compare(name, tree, due[tree.size], covered)
        self._end(name, tree, covered, sealed, newest)  # (7)
        for kind, count in kinds.items():
            self.report.kinds[kind] = self.report.kinds.get(kind, 0) + count

    def _unlinked(self, name: str, seq: int, leaf: bytes, following: bytes) -> None:
        """Whose fault a broken link is: when the next record links to this one, the one before was changed."""
        after = canonical(following, _Entry) if following else None
        blame_before = seq > 0 and (after is None or after.prev == leaf.hex())
        self._bad(name, seq - 1 if blame_before else seq, "changed" if blame_before else "unlinked")

    def _time(self, name: str, seq: int, t: int) -> None:
        try:
            month = datetime.fromtimestamp(t / 1000, UTC).strftime("%Y%m")
        except (ValueError, OverflowError, OSError):
            month = ""
        if t < self._t or month != name[:6]:
            self._bad(name, seq, "time")
        self._t = max(t, self._t)

    def _says(self, name: str, entry: _Entry, seq: int, kinds: dict[str, int]) -> bool:
        """What an entry says about its ledger; whether it is the seal."""
        body, kind = entry.body, entry.kind
        if (kind == "segment") != (seq == 0):
            self._bad(name, seq, "begin")
        elif kind == "segment":
            self._begins(name, body, entry.prev)
        elif kind == "sealed":
            if body != {"size": seq + 1, "kinds": kinds}:
                self._bad(name, seq, "sealed")
            return True
        elif kind == "opened":
            self._opened.add(str(body.get("x")))
        elif kind == "closed":
            self._opened.discard(str(body.get("x")))
        elif kind == "witness":
            self._witness(body)
        return False

    def _witness(self, body: dict[str, Any]) -> None:
        name, since = str(body.get("name")), body.get("since")
        self.report.not_witnessed.pop(name, None)
        if body.get("state") == "lost" and isinstance(since, int):
            self.report.not_witnessed[name] = since

    def _begins(self, name: str, body: dict[str, Any], prev: str) -> None:
        before, size, root = self._before or ("", 0, "0" * 64)
        if body.get("writer") != self._writer or body.get("segment") != name or body.get("root") != prev:
            self._bad(name, 0, "begin")
        elif body.get("previous") != before:
            self._bad(name, 0, "lost_segment")
        elif (body.get("size"), body.get("root")) != (size, root):
            self._bad(before or name, size if before else 0, "root" if before else "begin")

    def _compare(self, name: str, tree: _Peaks, notes: list[tuple[Checkpoint, bool]], covered: int) -> int:
        root = tree.root()
        for checkpoint, away in notes:
            if checkpoint.root != root:
                self._roots.append((name, covered))
                return covered
            if away:
                self.report.outside += 1
            else:
                self.report.inside += 1
        return tree.size

    def _end(self, name: str, tree: _Peaks, covered: int, sealed: bool, newest: bool) -> None:
        for segment, seq in self._roots:
            self._bad(segment, seq, "root")
        self._roots.clear()
        if any(size > tree.size for size in self._notes.get(name, {})):
            self._bad(name, tree.size, "truncated")
        if not sealed and not newest:
            self._bad(name, tree.size, "unsealed")
        self._before = (name, tree.size, tree.root().hex())
        self.report.segments += 1
        self.report.entries += tree.size
        self.report.unsigned = tree.size - covered

    def _marker(self, name: str, raw: bytes) -> None:
        """A segment that went by rule: (1) form, (2) signature, (3) the seal under the root, (4) the term."""
        marker = canonical(raw, _Marker)
        checkpoint = read(marker.checkpoint.encode()) if marker else None
        if marker is None or checkpoint is None or not genuine(checkpoint, self._keys):
            self._bad(name, -1, "marker")
            return
        said = (1, 0, self._writer, self._writer, name, name, marker.last + 1, marker.root)
        signed = (marker.v, marker.first, marker.writer, checkpoint.writer, marker.segment, checkpoint.segment)
        term = max(marker.days, self._retention or 0) * _DAY_MS
        others = [note for notes in self._notes.get(name, {}).values() for note, _ in notes]
        if (
            said != (*signed, checkpoint.size, checkpoint.root.hex())
            or not _seal_holds(marker)
            or marker.pruned_at - max(marker.t, checkpoint.t) < term
            or any(note.size > checkpoint.size for note in others)
            or any(note.size == checkpoint.size and note.root != checkpoint.root for note in others)
        ):
            self._bad(name, -1, "marker")
        self._before = (name, checkpoint.size, checkpoint.root.hex())
        self._t = max(self._t, marker.t)
        self.report.pruned.append(name)


class _Marker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    writer: str
    segment: str
    first: int
    last: int
    kinds: dict[str, int]
    root: str
    t: int
    seal: str
    peaks: list[str]
    checkpoint: str
    pruned_at: int
    days: int


def _seal_holds(marker: _Marker) -> bool:
    """Whether the seal is the last entry under the root and counts what the marker says."""
    line = marker.seal.encode()
    seal = canonical(line + b"\n", _Entry)
    try:
        tree = _Peaks(marker.last, map(bytes.fromhex, marker.peaks))
        tree.add(hashlib.sha256(b"\0" + line).digest())
    except (ValueError, IndexError):
        return False
    return (
        seal is not None
        and tree.root().hex() == marker.root
        and (seal.kind, seal.seq, seal.t) == ("sealed", marker.last, marker.t)
        and seal.body == {"size": marker.last + 1, "kinds": marker.kinds}
    )


def _pairs(lines: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each line with the one after it; the last with nothing."""
    held = next(lines, None)
    if held is None:
        return
    for line in lines:
        yield held, line
        held = line
    yield held, b""


def _export_holds(source: ExportSource, keys: Sequence[bytes]) -> bool:
    end = source.end
    if not source.sound or end is None or (end.lines, end.sha256) != (source.count, source.digest):
        return False
    if not end.sig:
        return True
    # The signature has the shape of a checkpoint about the file itself.
    signed = read(end.sig.encode())
    return (
        signed is not None
        and (signed.writer, signed.segment) == ("export", "000000")
        and (signed.size, signed.root.hex()) == (end.lines, end.sha256)
        and genuine(signed, keys)
    )
