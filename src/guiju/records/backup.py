# SPDX-License-Identifier: Apache-2.0
"""Backup, restore, upgrade and copy of the store (robustness B1, B2, R8).

A backup is one SQLite file of the same schema, whichever database it was made of, with a manifest beside it; so it
restores onto either. It never contains the keys directory: a thief of the backup has hashes and ciphertext only, and
the operator keeps a copy of `keys/` elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from guiju.errors import ConfigError
from guiju.records import changes, db, engine, schema, transfer
from guiju.records.daykeys import DayKeys
from guiju.records.migrate import migrate, pending
from guiju.records.rights import forget
from guiju.records.secrets import sync_directory
from guiju.records.transfer import Progress, quiet

_KEPT: Final = "store-"
"""How the names of backups begin that go by number; others, such as those before an upgrade, stay."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a backup, as `FILE.json`.

    Attributes:
        format: 1.
        revision: the schema revision of the rows.
        made_at: Unix seconds.
        source: `sqlite` or `postgresql`.
        counts: rows by table.
        sha256: of the backup file.
    """

    format: int = 1
    revision: str
    made_at: int
    source: str
    counts: dict[str, int]
    sha256: str


class Upgrade(msgspec.Struct, frozen=True):
    """What an upgrade did, or would do.

    Attributes:
        found: the revision before; `""` when there is no store yet.
        revisions: those that ran, or would.
        backup: where the backup made first is; `""` when there was nothing to do.
        goes_on: whether processes of the version before may go on meanwhile, and come back afterwards (ADR 0017).
    """

    found: str
    revisions: tuple[str, ...]
    backup: str
    goes_on: bool = True


def backup(url: str, data: Path, file: Path, now: int, progress: Progress = quiet) -> Manifest:
    """Make a backup while the service runs; it holds every write that was acknowledged before it began.

    Args:
        url, data: the store.
        file: where to; it and `file.json` must not exist.
        now: Unix seconds.
        progress: told while rows are copied.

    Raises:
        ConfigError: `exists_already`; `not_found` when there is no store.
        OutsideError: `store_unavailable`.
    """
    beside = _beside(file)
    if file.exists() or beside.exists():
        raise ConfigError(
            "exists_already", what=str(file), hint_zh="请换一个文件名。", hint_en="Use another file name."
        )
    found = revision_of(url, data)
    if not found:
        raise ConfigError("not_found", what="store")
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with db.outside():
            if url == "sqlite":
                _online(data / engine.FILE, draft)
            else:
                _from_postgres(url, data, draft, found, progress)
            counted = _settle(draft)
        made = Manifest(revision=found, made_at=now, source=url.split(":", 1)[0], counts=counted, sha256=_sha256(draft))
        _write_beside(beside, made)
        os.rename(draft, file)
        sync_directory(file.parent)
    finally:
        for leftover in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm")):
            leftover.unlink(missing_ok=True)
    return made


def kept(url: str, data: Path, keep: int, now: int, progress: Progress = quiet) -> tuple[Path, Manifest, list[Path]]:
    """Make a backup under a name of its own in `DATA/backups`, check it, and let the oldest ones of this kind go.

    Args:
        url, data: the store.
        keep: how many stay, the new one among them; at least 1.
        now: Unix seconds; names the backup.
        progress: told while rows are copied.

    Returns:
        The new backup, its manifest, and the ones that went. While the new one is not whole, none goes.

    Raises:
        ConfigError, OutsideError: see `backup` and `verify`.
    """
    folder = data / "backups"
    file = folder / f"{_KEPT}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}.db"
    backup(url, data, file, now, progress)
    manifest = verify(file)
    old = sorted(folder.glob(f"{_KEPT}*.db"), reverse=True)[max(1, keep) :]
    for one in old:
        one.unlink()
        _beside(one).unlink(missing_ok=True)
    return file, manifest, old


def restore(url: str, data: Path, file: Path, now: int, force: bool = False, progress: Progress = quiet) -> Manifest:
    """Put a backup into a store, in one transaction: all of it or nothing. Persons erased since stay erased.

    Args:
        url, data: the store that receives it; made if there is none.
        file: the backup.
        now: Unix seconds.
        force: replace what the store holds.
        progress: told while rows are copied.

    Raises:
        ConfigError: `backup_broken`, `store_from_the_future`, or `store_not_empty`.
        OutsideError: `store_unavailable`.
    """
    manifest = verify(file)
    with tempfile.TemporaryDirectory(prefix="guiju-restore-") as place, closing(db.Store.open(url, data)) as store:
        draft = Path(place) / "backup.db"
        shutil.copyfile(file, draft)
        source = engine.sqlite_file(draft)
        try:
            migrate(source)
            with db.outside(), source.begin() as rows, store.writer.begin() as target:
                before = db.versions(target)
                _replace(rows, target, force, progress)
                _after_restore(target, before, manifest, now)
        finally:
            source.dispose()
        DayKeys(data / "keys").replay(store, forget)
    return manifest


def copy_to(url: str, data: Path, to: str, force: bool = False, progress: Progress = quiet) -> dict[str, int]:
    """Copy the whole store into another database, SQLite to PostgreSQL or back; the source stays as it is.

    Args:
        url, data: the source.
        to: address of the target; `sqlite` is the file in the same data directory.
        force: replace what the target holds.
        progress: told while rows are copied.

    Returns:
        Rows by table, the same on both sides.

    Raises:
        ConfigError: `config_invalid` when source and target are one, or the counts differ; `store_not_empty`;
            `store_behind`, `store_from_the_future`.
        OutsideError: `store_unavailable`.
    """
    if to == url:
        raise ConfigError("config_invalid", what="--to", hint="guiju store copy --help")
    db.check_revision(revision_of(url, data))
    with closing(db.Store.open(to, data)) as target_store:
        reader = engine.reader(url, data)
        try:
            with db.outside(), reader.begin() as source, target_store.writer.begin() as target:
                return _replace(source, target, force, progress)
        finally:
            reader.dispose()


def upgrade(url: str, data: Path, now: int, dry_run: bool = False) -> Upgrade:
    """Bring a store to the newest schema, after a backup. It may be killed at any moment and run again.

    Args:
        url, data: the store.
        now: Unix seconds; names the backup.
        dry_run: only say what would be done.

    Raises:
        ConfigError: `store_from_the_future`.
        OutsideError: `store_unavailable`.
    """
    found = revision_of(url, data)
    if not found:
        return Upgrade("", (), "")
    ahead = pending(found)
    if not ahead:
        return Upgrade(found, (), "")
    goes_on = int(found) >= int(db.OLDEST)
    file = data / "backups" / f"before-{ahead[-1]}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}.db"
    if dry_run:
        return Upgrade(found, ahead, str(file), goes_on)
    backup(url, data, file, now)
    writer = engine.writer(url, data)
    try:
        for one in ahead:
            migrate(writer, one)
        with db.outside(), writer.begin() as connection:
            db.note_least(connection)
    finally:
        writer.dispose()
    return Upgrade(found, ahead, str(file), goes_on)


def verify(file: Path) -> Manifest:
    """Check a backup against its manifest.

    Raises:
        ConfigError: `not_found`, `backup_broken`, `store_from_the_future`.
    """
    try:
        manifest = msgspec.json.decode(_beside(file).read_bytes(), type=Manifest)
        if _sha256(file) != manifest.sha256:
            raise ConfigError("backup_broken", path=str(file), what="sha256")
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise ConfigError("backup_broken", path=str(file), what="integrity_check")
    except FileNotFoundError as error:
        raise ConfigError("not_found", what=str(error.filename or file)) from error
    except (msgspec.DecodeError, sqlite3.DatabaseError) as error:
        raise ConfigError("backup_broken", path=str(file), what=type(error).__name__) from error
    pending(manifest.revision)
    return manifest


def revision_of(url: str, data: Path) -> str:
    """The revision of a store, or `""` when there is none; nothing is made.

    Raises:
        OutsideError: `store_unavailable`.
    """
    if url == "sqlite" and not (data / engine.FILE).exists():
        return ""
    reader = engine.reader(url, data)  # not the writing engine: looking must not wait for a writer's lock
    try:
        with db.outside(), reader.connect() as connection:
            return db.found_revision(connection)
    finally:
        reader.dispose()


def _replace(source: Connection, target: Connection, force: bool, progress: Progress) -> dict[str, int]:
    if not transfer.is_empty(target) and not force:
        raise ConfigError("store_not_empty")
    transfer.clear(target)
    return transfer.copy(source, target, progress)


def _after_restore(target: Connection, before: dict[str, int], manifest: Manifest, now: int) -> None:
    """Record the restore, and push every counter past what a running process may have seen."""
    restored = db.versions(target)
    for name in before.keys() | restored.keys():
        number = max(before.get(name, 0), restored.get(name, 0)) + 1
        db.upsert(target, schema.version, {"name": name, "number": number}, {"number": number})
    what = changes.Subject("restore", str(manifest.made_at), 0)
    changes.enter(target, what, ("", manifest.sha256), changes.Terms(False, "operator", now, 0))
    db.note_least(target)


def _online(source: Path, target: Path) -> None:
    """SQLite's own online backup, in one step: writers go on, and readers see nothing of it."""
    try:
        with closing(sqlite3.connect(source, timeout=30)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new, pages=-1)
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise OSError("backup") from error


def _from_postgres(url: str, data: Path, target: Path, revision: str, progress: Progress) -> None:
    """Copy one snapshot of PostgreSQL into a SQLite file of the same revision."""
    file = engine.sqlite_file(target)
    reader = engine.reader(url, data)
    try:
        migrate(file, revision)
        with reader.begin() as source, file.begin() as rows:
            transfer.copy(source, rows, progress)
    finally:
        reader.dispose()
        file.dispose()


def _settle(file: Path) -> dict[str, int]:
    """Fold the WAL in, so that the backup is one file; count its rows; sync it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    plain = create_engine(f"sqlite+pysqlite:///{file}", poolclass=NullPool)
    with plain.connect() as connection_:
        counted = transfer.counts(connection_)
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
    return counted


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _write_beside(path: Path, manifest: Manifest) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
