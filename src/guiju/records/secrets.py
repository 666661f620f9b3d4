# SPDX-License-Identifier: Apache-2.0
"""The provider's own secrets, each in a file of its own (DESIGN §8; Articles 11 and 17 ask that records be kept safe).

They stand in `DATA/keys/`, never in the database: whoever holds a copy of the store holds only HMACs and ciphertext.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.errors import ConfigError, failed

NAMES: Final = ("pepper", "digest", "ids", "person", "signing")
PAST_SIGNING: Final = "signing.past"
"""Public keys, in hex and a line each, of signing keys that were rotated."""
_HEAD: Final = "guiju-key 1"
_SIZE: Final = 32


class KeyFile(msgspec.Struct, frozen=True):
    """One secret as it lies on disk.

    Attributes:
        id: eight hex digits, chosen at random when the key was made; records name the key by it.
        key: 32 random bytes.
    """

    id: str
    key: bytes


class Secrets(msgspec.Struct, kw_only=True):
    """The secrets of one installation; `renew` takes up what was rotated since.

    Attributes:
        path: the keys directory.
        pepper: HMAC key under which new API keys are stored.
        peppers: key id → HMAC key under which any API key may be stored, the newest first.
        digest: key of the keyed digests in evidence.
        ids: key of the MAC in exchange ids.
        person: key that turns an issuer's subject into a person's handle (Article 9).
        signing: Ed25519 key that signs checkpoints.
        publics: public keys (32 bytes each) by which what was signed verifies, the newest first.
        key_ids: the key id of each, by name.
    """

    path: Path
    pepper: bytes
    peppers: dict[str, bytes]
    digest: bytes
    ids: bytes
    person: bytes
    signing: Ed25519PrivateKey
    publics: list[bytes]
    key_ids: dict[str, str]
    seen: tuple[tuple[int, int], ...] = ()

    @classmethod
    def open(cls, path: Path) -> Secrets:
        """Read the secrets, making those that are not there yet.

        Args:
            path: the keys directory, usually `DATA/keys`.

        Raises:
            ConfigError: others may read the directory or a file (`keys_exposed`), a file is damaged (`keys_damaged`),
                or the directory can't be made (`config_invalid`).
        """
        make_private(path)
        seen = _stamps(path)
        files = {name: read_or_make(path / f"{name}.key") for name in NAMES}
        return cls(
            path=path,
            pepper=files["pepper"].key,
            peppers={one.id: one.key for one in (files["pepper"], *past_peppers(path))},
            digest=files["digest"].key,
            ids=files["ids"].key,
            person=files["person"].key,
            signing=Ed25519PrivateKey.from_private_bytes(files["signing"].key),
            publics=publics(path),
            key_ids={name: file.id for name, file in files.items()},
            seen=seen,
        )

    def renew(self, *, forced: bool = False) -> bool:
        """Take up what was rotated since; whoever holds these secrets has the new ones then.

        Args:
            forced: read the files though none seems to have changed.

        Returns:
            Whether anything was read.

        Raises:
            ConfigError: see `open`; what was held stays.
        """
        if not forced and _stamps(self.path) == self.seen:
            return False
        fresh = Secrets.open(self.path)
        self.peppers, self.pepper = fresh.peppers, fresh.pepper
        self.publics, self.signing = fresh.publics, fresh.signing
        rotated = {name: fresh.key_ids[name] for name in ("pepper", "signing")}
        self.key_ids, self.seen = self.key_ids | rotated, fresh.seen
        return True

    def __repr__(self) -> str:
        return f"Secrets({self.key_ids})"


def _stamps(path: Path) -> tuple[tuple[int, int], ...]:
    """What tells that a key that may be rotated is another one."""
    made = []
    for name in ("pepper.key", "signing.key", PAST_SIGNING):
        try:
            found = (path / name).stat()
            made.append((found.st_ino, found.st_mtime_ns))
        except FileNotFoundError:
            made.append((0, 0))
    return tuple(made)


def past_peppers(path: Path) -> list[KeyFile]:
    """The peppers before the one in force, under which API keys may be stored still."""
    return [read(one) for one in sorted(path.glob("pepper-*.past"), reverse=True)]


def publics(path: Path) -> list[bytes]:
    """The public keys of the signing key in force and of those before it, which can sign no more.

    Raises:
        ConfigError: `keys_damaged`, `keys_exposed`.
        FileNotFoundError: there is no signing key.
    """
    made = [Ed25519PrivateKey.from_private_bytes(read(path / "signing.key").key).public_key().public_bytes_raw()]
    past = path / PAST_SIGNING
    lines = past.read_text("ascii").split() if past.exists() else []
    try:
        return [*made, *(bytes.fromhex(one) for one in reversed(lines))]
    except ValueError as error:
        raise ConfigError("keys_damaged", path=str(past)) from error


def make_private(path: Path) -> None:
    """Make a directory that only its owner may enter, or check that it is one. It may be a link of the owner's: on
    several machines it lies in one place that all of them reach.

    Raises:
        ConfigError: it is open to others (`keys_exposed`) or can't be made (`config_invalid`).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        own = path.lstat().st_uid in (0, os.geteuid())
        _refuse_wide(path, path.stat().st_mode if own else 0, stat.S_ISDIR, "0700")
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(path, error), hint="guiju doctor") from error


def read_or_make(path: Path) -> KeyFile:
    """Read a key file; make it when it is missing. Two processes that start at once end with the same key.

    Raises:
        ConfigError: see `read`; `config_invalid` when the file can't be written.
    """
    try:
        if not path.exists():
            write_new(path, KeyFile(secrets.token_hex(4), secrets.token_bytes(_SIZE)))
    except FileExistsError:
        pass  # another process was first; its key is the key
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(path, error), hint="guiju doctor") from error
    return read(path)


def read(path: Path) -> KeyFile:
    """Read one key file.

    Raises:
        ConfigError: `keys_exposed` when others may read it or it is a link, `keys_damaged` when it is not a key file.
        FileNotFoundError: there is none.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError("keys_damaged", path=str(path)) from error
    with os.fdopen(handle, "rb") as file:
        _refuse_wide(path, os.fstat(handle).st_mode, stat.S_ISREG, "0600")
        text = file.read(256).decode("ascii", "replace")
    head, _, rest = text.rstrip("\n").rpartition(" ")
    version, _, key_id = head.rpartition(" ")
    try:
        key = bytes.fromhex(rest)
    except ValueError:
        key = b""
    if version != _HEAD or len(key) != _SIZE or len(key_id) != 8:
        raise ConfigError("keys_damaged", path=str(path))
    return KeyFile(key_id, key)


def write_new(path: Path, file: KeyFile) -> None:
    """Write a key file whole or not at all, and on disk before this returns.

    Raises:
        FileExistsError: there is one already; it is left as it is.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(f"{_HEAD} {file.id} {file.key.hex()}\n".encode("ascii"))
            out.flush()
            os.fsync(handle)
        # A link, not a rename: a rename would replace the key of a process that was faster.
        os.link(draft, path)
    finally:
        draft.unlink()
    sync_directory(path.parent)


def destroy(path: Path) -> None:
    """Overwrite a key file as well as the disk allows, unlink it and sync the directory. Missing is fine."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        # In place, without truncating first: a new block would leave the old one behind.
        os.pwrite(handle, secrets.token_bytes(os.fstat(handle).st_size), 0)
        os.fsync(handle)
    finally:
        os.close(handle)
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_wide(path: Path, mode: int, is_kind: Callable[[int], bool], want: str) -> None:
    # Below a folder with set-group-id, as volumes of Kubernetes have it, ours has the bit too; it opens nothing.
    if not is_kind(mode) or stat.S_IMODE(mode) & 0o777 & ~int(want, 8):
        raise ConfigError("keys_exposed", path=str(path), mode=f"{stat.S_IMODE(mode):04o}", want=want)
