# SPDX-License-Identifier: Apache-2.0
"""The secrets on disk: made once, owner only, whole or refused (DESIGN §8)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.errors import ConfigError
from guiju.records.secrets import NAMES, KeyFile, Secrets, destroy, read, write_new

RAW = ("pepper", "digest", "ids", "person")


def test_made_on_first_use_and_the_same_ever_after(tmp_path: Path) -> None:
    first, again = Secrets.open(tmp_path / "keys"), Secrets.open(tmp_path / "keys")
    assert [getattr(first, name) for name in RAW] == [getattr(again, name) for name in RAW]
    assert first.signing.private_bytes_raw() == again.signing.private_bytes_raw()
    assert isinstance(first.signing, Ed25519PrivateKey)
    assert first.key_ids == again.key_ids
    values = {getattr(first, name) for name in RAW} | {first.signing.private_bytes_raw()}
    assert len(values) == len(set(first.key_ids.values())) == 5
    assert all(len(value) == 32 for value in values)
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == sorted(f"{name}.key" for name in NAMES)


def test_modes_are_the_owners_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Secrets.open(tmp_path / "keys")
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700, 0o644])
def test_a_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    Secrets.open(tmp_path / "keys")
    (tmp_path / "keys" / "person.key").chmod(mode)
    with pytest.raises(ConfigError) as refused:
        Secrets.open(tmp_path / "keys")
    assert refused.value.code == "keys_exposed"
    assert f"{mode:04o}" in refused.value.sentence("zh")
    assert "chmod 0600" in refused.value.advice("en")


def test_the_bit_of_a_group_s_folder_alone_opens_nothing(tmp_path: Path) -> None:
    """Volumes of Kubernetes have set-group-id, and folders below take it from them."""
    Secrets.open(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o2700)
    assert Secrets.open(tmp_path / "keys")


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777, 0o2770])
def test_a_directory_that_others_may_enter_is_refused(mode: int, tmp_path: Path) -> None:
    Secrets.open(tmp_path / "keys")
    (tmp_path / "keys").chmod(mode)
    with pytest.raises(ConfigError) as refused:
        Secrets.open(tmp_path / "keys")
    assert refused.value.code == "keys_exposed"


def test_every_cut_and_changed_file_is_refused_not_replaced(tmp_path: Path) -> None:
    Secrets.open(tmp_path / "keys")
    path = tmp_path / "keys" / "pepper.key"
    whole = path.read_bytes()
    for broken in (
        *(whole[:n] for n in range(len(whole) - 1)),
        whole + whole,
        b"\0" * 90,
        whole.replace(b" 1 ", b" 2 "),
    ):
        path.write_bytes(broken)
        with pytest.raises(ConfigError) as refused:
            Secrets.open(tmp_path / "keys")
        assert refused.value.code == "keys_damaged"
        assert path.read_bytes() == broken
    path.write_bytes(whole)
    Secrets.open(tmp_path / "keys")


def test_a_link_is_not_a_key_file(tmp_path: Path) -> None:
    Secrets.open(tmp_path / "keys")
    path = tmp_path / "keys" / "ids.key"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError):
        Secrets.open(tmp_path / "keys")


@pytest.mark.slow
def test_processes_that_start_at_once_end_with_the_same_keys(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from guiju.records.secrets import Secrets; sys.stdin.read(1);"
        "print(sorted(Secrets.open(pathlib.Path(sys.argv[1])).key_ids.items()))"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "keys")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"x")
        child.stdin.flush()
    assert len({child.communicate(timeout=20)[0] for child in children}) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 5, "no draft is left behind"


def test_a_key_file_never_replaces_another_and_is_destroyed_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.key"
    write_new(path, KeyFile("01234567", bytes(range(32))))
    with pytest.raises(FileExistsError):
        write_new(path, KeyFile("89abcdef", bytes(32)))
    assert read(path) == KeyFile("01234567", bytes(range(32)))
    with path.open("rb") as held:
        destroy(path)
        assert bytes(range(32)).hex().encode() not in held.read(), "the old bytes were only unlinked"
    assert not path.exists()
    destroy(path)


def test_no_secret_shows_when_it_is_printed(tmp_path: Path) -> None:
    made = Secrets.open(tmp_path / "keys")
    assert made.pepper.hex() not in f"{made!r} {made}"
    assert repr(made.pepper) not in f"{made!r} {made}"
