# SPDX-License-Identifier: Apache-2.0
"""Another key in the place of one, while processes serve: nobody is refused, and what was made before is still known
(robustness K1)."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from evidence_kit import PUBLIC, SIGNING, START, Clock, address, fill, scribe, unheard
from guiju.adapters.credentials import File
from guiju.adapters.webhooks import signed
from guiju.cli.main import main
from guiju.errors import ConfigError
from guiju.records import accounts, backup, changes, persons, recalls, rights, rotation, vault, writers
from guiju.records.accounts import KeyRecord, Keyring
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.ids import ExchangeIds
from guiju.records.recalls import Webhook
from guiju.records.scribe import encode
from guiju.records.secrets import Secrets
from guiju.records.sources import source_of
from guiju.records.trace import trace
from guiju.records.verify import verify
from guiju.terms import Identity
from places import BOTH, Place, place

NOW = 1_795_000_000
WHO = ("shop", "p" * 32)


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def made(store: Store, secrets: Secrets, *names: str) -> list[str]:
    """API keys of one account."""
    account = accounts.create_account(store, "shop", NOW).id
    records = [KeyRecord(id="", account=account, prefix="", name=name, created_at=NOW) for name in names]
    return [accounts.create_key(store, secrets, one)[0] for one in records]


def test_a_pepper_is_rotated_and_no_key_is_refused_meanwhile(here: Place) -> None:
    path = here.data / "keys"
    with closing(here.open()) as store:
        secrets = Secrets.open(path)
        used, idle = made(store, secrets, "used", "idle")
        one, two = Keyring(secrets), Keyring(Secrets.open(path))
        for ring in (one, two):
            ring.with_static("given", KeyRecord(id="given", account="a", prefix="", name="given"))
            ring.refresh(store)
        before, after = rotation.pepper(path)
        fresh = Secrets.open(path)
        assert fresh.key_ids["pepper"] == after != before
        assert one.find(used, NOW), "before the process has noticed"
        assert len(accounts.under_older(store, fresh)) == 2
        one.refresh(store)
        assert one.find(used, NOW), "it is known under the old pepper"
        one.refresh(store)
        assert [key.name for key in accounts.under_older(store, fresh)] == ["idle"], "it came, so it moved"
        assert two.find(used, NOW), "the other process has not read again"
        two.refresh(store)
        for ring in (one, two):
            assert ring.find(used, NOW)
            assert ring.find(idle, NOW)
            assert ring.find("given", NOW)
            assert ring.find("gj-unknown", NOW) is None
        assert accounts.known_keys(store, fresh, [used, idle, "gj-unknown"]) == [True, True, False]
        two.refresh(store)  # the idle one came, and moves too
        assert accounts.under_older(store, fresh) == []
        rotation.settled(store, path, "me", NOW)
        assert not list(path.glob("*.past"))
        one.refresh(store)
        assert one.find(used, NOW)
        assert one.find(idle, NOW)


def test_keys_that_never_came_end_with_the_old_pepper(here: Place) -> None:
    path = here.data / "keys"
    with closing(here.open()) as store:
        ring = Keyring(Secrets.open(path))
        [idle] = made(store, Secrets.open(path), "idle")
        with pytest.raises(ConfigError, match="not_found"):
            rotation.settled(store, path, "me", NOW)
        rotation.pepper(path)
        [revoked] = rotation.settled(store, path, "me", NOW)
        [record] = accounts.list_keys(store)
        assert (record.id, record.revoked_at) == (revoked, NOW)
        [new] = [
            accounts.create_key(
                store, Secrets.open(path), KeyRecord(id="", account=record.account, prefix="", name="n")
            )[0]
        ]
        ring.refresh(store)
        assert ring.find(idle, NOW) is None
        assert ring.find(new, NOW)


def test_a_ledger_verifies_over_the_rotation_of_its_key(here: Place) -> None:
    path = here.data / "keys"
    secrets, clock = Secrets.open(path), Clock()
    one = scribe(address(here), clock, secrets.signing)
    fill(one, 3, clock)
    one.checkpoint()
    old = secrets.publics[0]
    rotation.signing(path)
    assert secrets.renew()
    assert secrets.publics[1:] == [old]
    assert secrets.publics[0] != old
    one.signing = secrets.signing
    fill(one, 3, clock)
    one.seal()
    fill(one, 1, clock)
    one.checkpoint()
    one.chain.close()
    with closing(source_of(address(here))) as source:
        report = verify(source, secrets.publics)
        assert report.whole, report.first
        first = verify(source, secrets.publics[:1]).first
        assert first is not None, "who forgot the old key can't believe what it signed"
        assert first.what == "signature"
    signed_by = {entry.name: entry.stat().st_mode & 0o777 for entry in path.iterdir() if entry.is_file()}
    assert set(signed_by.values()) == {0o600}


def person(store: Store, keys: DayKeys, who: tuple[str, str] = WHO, day: int = 0) -> str:
    """Something sealed for somebody; its id."""
    at = NOW + day * 86_400
    accounts.ensure_account(store, who[0], at)
    persons.remember(store, who[0], Identity(who[1], "phone", "test", at, at + 10**7, ""), at)
    return vault.put(store, keys, who, "note", b"sealed", (at, at + 10**7))


@pytest.mark.slow
def test_the_keys_of_the_vault_are_rotated_while_it_is_read(here: Place) -> None:
    keys = DayKeys(here.data / "keys")
    with closing(here.open()) as store:
        who = [("shop", f"{number:032}") for number in range(6)]
        items = [person(store, keys, one, day) for day, one in enumerate(who)]
        stop, read, wrong = threading.Event(), [0], []

        def reading() -> None:
            while not stop.is_set():
                for one, item in zip(who, items, strict=True):
                    try:
                        vault.read(store, keys, one, item, NOW)
                        read[0] += 1
                    except Exception as error:  # whatever it is, nobody may be refused
                        wrong.append(error)

        threads = [threading.Thread(target=reading) for _ in range(2)]
        for one in threads:
            one.start()
        before = {file.name for file in (here.data / "keys" / "days").glob("*.key")}
        counts = [keys.rotate(store) for _ in range(5)]
        stop.set()
        for one in threads:
            one.join()
        assert counts == [6] * 5
        assert wrong == []
        assert read[0] > 0
        after = {file.name for file in (here.data / "keys" / "days").glob("*.key")}
        assert len(after) == 6
        assert before.isdisjoint(after), "the old ones are gone from the disk"


@pytest.mark.slow
def test_backups_made_before_a_rotation_restore_and_erased_persons_stay_erased(here: Place, tmp_path: Path) -> None:
    keys = DayKeys(here.data / "keys")
    with closing(here.open()) as store:
        other = ("shop", "q" * 32)
        item, gone = person(store, keys), person(store, keys, other)
        backup.backup(here.url, here.data, tmp_path / "b.db", NOW)
        keys.rotate(store)
        rights.erase(store, keys, other, NOW + 5)
        keys.rotate(store)
        backup.restore(here.url, here.data, tmp_path / "b.db", NOW + 9, force=True)
        assert vault.read(store, keys, WHO, item, NOW) == b"sealed"
        with pytest.raises(ConfigError, match="not_found"):
            vault.read(store, keys, other, gone, NOW)


def test_a_secret_in_a_file_is_taken_up_when_it_changes(tmp_path: Path) -> None:
    now, path = [0.0], tmp_path / "key"
    rotation.into_file(path, "one")
    assert path.stat().st_mode & 0o777 == 0o600
    held = File(str(path), lambda: now[0])
    assert [held.fresh(), held.fresh()] == ["one", ""]
    rotation.into_file(path, "two")
    assert held.fresh() == "", "it is looked at once a second"
    now[0] = 1.0
    assert [held.fresh(), held.fresh()] == ["two", ""]
    path.unlink()
    now[0] = 2.0
    assert held.fresh() == "", "the one before goes on"


def test_deliveries_carry_both_signatures_for_a_week() -> None:
    hook = Webhook(account_id="a", url="https://x.example/", private=False, number=2, set_by="me", set_at=NOW)
    old, new = recalls.secret_of(b"k", msgspec.structs.replace(hook, number=1)), recalls.secret_of(b"k", hook)
    both = recalls.secrets_of(b"k", hook, NOW + 60)
    assert both == [new, old]
    assert recalls.secrets_of(b"k", hook, NOW + recalls.OVERLAP_S) == [new]
    header = signed(both, "e", NOW, b"{}")["webhook-signature"].split()
    assert header[1:] == [signed([old], "e", NOW, b"{}")["webhook-signature"]], "a receiver with the old one knows it"


def test_each_rotation_stands_in_the_book_of_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    with closing(Place("sqlite", data).open()) as store:
        person(store, DayKeys(data / "keys"))
        for what in ("signing", "pepper", "vault", "sessions"):
            assert main(("keys", "rotate", what, "--data", str(data), "--json")) == 0
            assert json.loads(capsys.readouterr().out)["rotated"] == what
        found = changes.history(store, rotation.KIND)
        assert {one.subject for one in found} == {"signing", "pepper", "vault", "sessions"}
        assert all(one.state == "done" for one in found)
    assert main(("keys", "rotate", "upstream", "nobody", "--data", str(data), "--json")) == 2


def test_ledgers_of_two_hosts_verify_together_and_apart_each_sees_its_own(tmp_path: Path) -> None:
    """In files each host has ledgers of its own; copied into one folder they are one piece of evidence."""
    ids: dict[str, str] = {}
    together = tmp_path / "together"
    for host in ("w-aaaaaa-0", "w-bbbbbb-0"):
        chain = writers.take_named(str(tmp_path / host), host)
        assert chain is not None
        with writers.writing(chain, SIGNING, Clock()) as one:
            ids[host] = ExchangeIds(b"i" * 32, host).new(START)
            one.write([(START, b"refused", encode({"x": ids[host], "state": "stopped"}))], unheard)
            one.checkpoint()
        shutil.copytree(tmp_path / host / host, together / host)
    reader = ExchangeIds(b"i" * 32, "")
    with closing(source_of(str(together))) as source:
        report = verify(source, [PUBLIC])
    assert report.whole, report.first
    assert [one.writer for one in report.writers] == sorted(ids)
    for host, id in ids.items():
        other = next(one for one in ids if one != host)
        assert trace(str(together), reader, id).result == trace(str(tmp_path / host), reader, id).result == "found"
        elsewhere = trace(str(tmp_path / other), reader, id)
        assert (elsewhere.result, elsewhere.writer) == ("unrecorded", ""), "no ledger that is seen there gave it out"
