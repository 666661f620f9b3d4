# SPDX-License-Identifier: Apache-2.0
"""`guiju import one-api`: channels become upstreams, and keys that callers hold go on opening the door."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from conftest import Start
from guiju.adapters.scripted import ScriptedModel
from guiju.config import load
from guiju.records import accounts
from guiju.records.accounts import Keyring
from guiju.records.db import Store
from guiju.records.secrets import Secrets
from import_kit import SCHEMAS, Run, database, document, refused, runner
from places import database as postgres

FAR = 4_000_000_000


def key_of(letter: str) -> str:
    return letter * 48


def token(number: int, **more: Any) -> dict[str, Any]:
    """A token that works there, unless more is said."""
    row = {"id": number, "user_id": 7, "key": key_of(chr(96 + number)), "status": 1, "name": f"应用{number}"}
    return {**row, "expired_time": -1, "remain_quota": 0, "unlimited_quota": 1, **more}


USERS = [
    {
        "id": 7,
        "username": "zhang.san",
        "password": "x",
        "status": 1,
        "email": "zhang@example.com",
        "github_id": "gh-zhang",
    },
    {"id": 8, "username": "li.si", "password": "x", "status": 2, "email": "li@example.com"},
]
TOKENS = [
    token(1),
    token(2, expired_time=FAR, unlimited_quota=0, remain_quota=500),
    token(3, status=2),
    token(4, expired_time=1_600_000_000),
    token(5, unlimited_quota=0, remain_quota=0),
    token(6, user_id=8),
    token(7, user_id=9),
    token(8, models="gpt-4o"),
    token(9, subnet="10.0.0.0/8"),
    token(10, key="short"),
    token(11, expired_time="soon"),
]
CHANNELS = [
    {
        "id": 1,
        "type": 1,
        "key": "sk-channel-1",
        "name": "a",
        "base_url": "http://10.0.0.5:3000/",
        "models": "gpt-4o,chat",
        "model_mapping": '{"chat": "gpt-4o"}',
        "weight": 3,
    },
    {"id": 2, "type": 17, "key": "sk-channel-2", "name": "b", "models": "qwen-max", "priority": 9},
    {"id": 3, "type": 36, "key": "sk-channel-3", "name": "c", "models": "deepseek-chat", "status": 2},
    {"id": 4, "type": 18, "key": "a|b|c", "name": "d", "models": "spark"},
    {
        "id": 5,
        "type": 36,
        "key": "sk-channel-5\nsk-channel-6\n",
        "name": "e",
        "models": "deepseek-chat",
        "system_prompt": "Be kind.",
    },
    {"id": 6, "type": 8, "key": "sk-channel-7", "name": "f", "models": "x"},
    {"id": 7, "type": 40, "key": "sk-channel-8", "name": "g", "models": "doubao", "model_mapping": "not json"},
    {"id": 8, "type": 1, "key": "sk-channel-9", "name": "h", "models": ""},
    {"id": 9, "type": 1, "key": "sk-channel-1", "name": "i", "base_url": "http://u:p@h", "models": "y"},
]


@pytest.fixture
def guiju(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("GUIJU_LANG", "en")
    monkeypatch.chdir(tmp_path)
    return runner(tmp_path, capsys.readouterr)


def ring(data: Path) -> Keyring:
    store = Store.open("sqlite", data)
    made = Keyring(Secrets.open(data / "keys"))
    made.refresh(store)
    store.close()
    return made


def test_channels_and_tokens_of_one_api(guiju: Run, tmp_path: Path) -> None:
    path = database(tmp_path / "one.db", "one-api", {"users": USERS, "tokens": TOKENS, "channels": CHANNELS})
    before = path.read_bytes()
    would = document(guiju("import", "one-api", "one.db", "--dry-run", "--json"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.db"], "a dry run makes nothing"
    done = document(guiju("import", "one-api", "one.db", "--json"))
    assert would["kept"] == done["kept"]
    assert would["lost"] == done["lost"]
    assert path.read_bytes() == before
    found = ring(tmp_path / "data")
    now = int(time.time())
    opened = [t["id"] for t in TOKENS if found.find("sk-" + str(t["key"]), now)]
    assert opened == [1, 2]
    second = found.find("sk-" + key_of("b"), now)
    assert second is not None
    assert (second.name, second.expires_at, second.prefix) == ("应用2", FAR, "sk-bbbb")
    assert found.find("sk-" + key_of("b"), FAR) is None
    assert found.find(key_of("a"), now) is None
    lost = {one["from"]: one["why"] for one in done["lost"]}
    assert "not taken over: there it counts prices" in lost["tokens 2"]
    assert {n for n in range(1, 12) if f"tokens {n}" in lost} == set(range(2, 12))
    made = {one.name: one for one in load(tmp_path / "data" / "guiju.toml", environ={}).upstream}
    assert [(one.url, one.models) for one in made.values()] == [
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", {"qwen-max": "qwen-max"}),
        ("http://10.0.0.5:3000/v1", {"gpt-4o": "gpt-4o", "chat": "gpt-4o"}),
        *[("https://api.deepseek.com/v1", {"deepseek-chat": "deepseek-chat"})] * 2,
    ]
    assert len({one.key_env for one in made.values()}) == 4
    assert {n for n in range(1, 10) if f"channels {n}" in lost} == {1, 3, 4, 5, 6, 7, 8, 9}


def test_nothing_personal_and_no_key_is_kept_or_printed(guiju: Run, tmp_path: Path) -> None:
    database(tmp_path / "one.db", "one-api", {"users": USERS, "tokens": TOKENS, "channels": CHANNELS})
    said = guiju("import", "one-api", "one.db")[1] + guiju("import", "one-api", "one.db", "--json")[1]
    kept = b"".join(p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file())
    for secret in ("zhang", "gh-zhang", "li.si", "sk-channel", key_of("a"), key_of("b"), "Be kind", "u:p@h"):
        assert secret not in said
        assert secret.encode() not in kept


def test_a_second_run_finds_all_there_and_a_revoked_key_stays_revoked(guiju: Run, tmp_path: Path) -> None:
    database(tmp_path / "one.db", "one-api", {"users": USERS, "tokens": TOKENS, "channels": CHANNELS})
    assert document(guiju("import", "one-api", "one.db", "--json"))["keys"] == 2
    [mine] = [k for k in json.loads(guiju("keys", "list", "--json")[1]) if k["name"] == "应用1"]
    assert mine["account"] == "one-api-user-7"
    document(guiju("keys", "revoke", mine["id"], "--json"))
    for words in ((), ("--dry-run",)):
        again = document(guiju("import", "one-api", "one.db", "--json", *words))
        assert (again["keys"], again["toml"], again["written"]) == (0, "", "")
        assert not any(one["new"] for one in again["kept"])
    assert ring(tmp_path / "data").find("sk-" + key_of("a"), 1) is None
    assert len(json.loads(guiju("keys", "list", "--json")[1])) == 2


def test_bound_tokens_come_only_when_asked_for(guiju: Run, tmp_path: Path) -> None:
    database(tmp_path / "one.db", "one-api", {"users": USERS, "tokens": TOKENS})
    done = document(guiju("import", "one-api", "one.db", "--widen", "--prefix", "甲", "--json"))
    assert done["keys"] == 4
    assert {one["to"].split(":")[0] for one in done["kept"]} == {"甲-user-7"}
    assert {one["from"] for one in done["lost"] if "bound" in one["why"]} == {"tokens 8", "tokens 9"}


def test_new_api_numbers_its_channels_otherwise_and_deletes_softly(guiju: Run, tmp_path: Path) -> None:
    users = [USERS[0], {"id": 8, "username": "x", "password": "x", "status": 1, "deleted_at": "2026-01-01 00:00:00"}]
    tokens = [
        *(token(1), token(2, deleted_at="2026-01-01 00:00:00"), token(3, user_id=8)),
        *(token(4, model_limits_enabled=1, model_limits="gpt-4o"), token(5, allow_ips="10.0.0.1")),
        token(6, model_limits_enabled=0, model_limits="gpt-4o"),
    ]
    channels = [
        {"id": 1, "type": 43, "key": "k1", "models": "deepseek-chat"},
        {"id": 2, "type": 40, "key": "k2", "models": "qwen", "header_override": '{"a": "b"}'},
        {"id": 3, "type": 4, "key": "", "models": "llama"},
        {"id": 4, "type": 8, "key": "k4", "models": "x", "base_url": "http://h/{model}"},
        {"id": 5, "type": 59, "key": "k5", "models": "x", "base_url": "http://h"},
    ]
    database(tmp_path / "new.db", "new-api", {"users": users, "tokens": tokens, "channels": channels})
    done = document(guiju("import", "one-api", "new.db", "--json"))
    assert (done["product"], done["keys"]) == ("new-api", 2)
    made = load(tmp_path / "data" / "guiju.toml", environ={}).upstream
    assert [(one.url, bool(one.key_env)) for one in made] == [
        ("https://api.deepseek.com/v1", True),
        ("https://api.siliconflow.cn/v1", True),
        ("http://127.0.0.1:11434/v1", False),
    ]
    assert [one["to"] for one in done["kept"][3:]] == ["new-api-user-7: 应用1", "new-api-user-7: 应用6"]


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        (
            "one-api",  # its weights count for nothing
            ["1 ab 1", "2 a 1", "6 d 1", "6 d 1", "5 d 2", "4 c 1", "3 ab 0", "4 ab 0"],
        ),
        (
            "new-api",
            ["1 a 3", "1 b 1", "2 a 2", "6 d 1", "6 d 1", "4 c 1", "3 ab 0", "5 d 0", "4 ab 0"],
        ),
    ],
)
def test_priority_is_rank_and_weight_is_share(product: str, expected: list[str], guiju: Run, tmp_path: Path) -> None:
    rows = [
        (1, "a,b", 9, 30, "k"),
        (2, "a", 9, 20, "k"),
        (3, "a,b", 5, 7, "k"),
        (4, "a,b,c", 0, 0, "k"),
        *((5, "d", 2, 0, "k"), (6, "d", 2, 8, "k\nl"), (7, "a", 99, 9, "k")),
    ]
    channels = [
        {"id": n, "type": 1, "key": key, "models": models, "priority": priority, "weight": weight}
        | {"base_url": f"http://h:{n}", "status": 2 if n == 7 else 1, "group": "vip" if n == 2 else "default"}
        for n, models, priority, weight, key in rows
    ]
    database(tmp_path / "one.db", product, {"users": USERS, "channels": channels})
    done = document(guiju("import", "one-api", "one.db", "--json"))
    made = load(tmp_path / "data" / "guiju.toml", environ={}).upstream
    assert [f"{one.url[9]} {''.join(one.models)} {one.weight}" for one in made] == expected
    lost = [(one["from"], one["why"].split(":")[0]) for one in done["lost"]]
    assert ("channels 2", "its groups are not taken over") in lost
    assert ("channels 1", "One API pays no heed to weights") in lost or product == "new-api"
    assert document(guiju("import", "one-api", "one.db", "--json"))["toml"] == ""


@pytest.mark.slow
def test_a_key_goes_on_working_at_the_gateway(guiju: Run, tmp_path: Path, start: Start, model: ScriptedModel) -> None:
    channel = {
        "id": 1,
        "type": 1,
        "key": "k",
        "base_url": model.url.removesuffix("/v1"),
        "models": "chat",
        "model_mapping": '{"chat": "scripted"}',
    }
    database(tmp_path / "one.db", "one-api", {"users": USERS, "tokens": TOKENS, "channels": [channel]})
    document(guiju("import", "one-api", "one.db", "--json"))
    data = tmp_path / "data"
    gateway = start(data=data, keys=(), overlay=(("upstream", load(data / "guiju.toml", environ={}).upstream),))
    assert gateway.chat("你好", key="sk-" + key_of("a"), model="chat").status == 200
    assert gateway.chat("你好", key="sk-" + key_of("c"), model="chat").status == 401


def test_when_the_store_can_t_be_written_nothing_is(guiju: Run, tmp_path: Path) -> None:
    database(tmp_path / "one.db", "one-api", {"users": USERS, "tokens": TOKENS, "channels": CHANNELS})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "guiju.db").write_bytes(b"no database at all" * 100)
    assert guiju("import", "one-api", "one.db", "--json")[0] == 2
    assert not (tmp_path / "data" / "guiju.toml").exists()
    assert (tmp_path / "data" / "guiju.db").read_bytes().startswith(b"no database")


def test_keys_are_taken_all_or_none(tmp_path: Path) -> None:
    store, secrets = Store.open("sqlite", tmp_path), Secrets.open(tmp_path / "keys")
    good = accounts.KeyRecord(id="", account="", prefix="", name="n", created_at=1)
    keys = [accounts.Foreign("sk-" + key_of("a"), good, "a"), accounts.Foreign("sk-" + key_of("b"), good, "x" * 129)]
    with pytest.raises(Exception, match="config_invalid"):
        accounts.take_keys(store, secrets, keys, "t")
    assert accounts.list_keys(store) == []
    assert accounts.list_accounts(store) == []
    assert accounts.take_keys(store, secrets, [keys[0], keys[0]], "t") == [True, False]
    assert accounts.known_keys(store, secrets, [one.secret for one in keys]) == [True, False]
    assert key_of("a") not in repr(keys)
    store.close()


def broken(path: Path, kind: str) -> None:
    """A file that is no database of One API."""
    if kind == "text":
        path.write_text("not a database")
    elif kind == "torn":
        database(path, "one-api", {"users": USERS, "tokens": TOKENS, "channels": CHANNELS})
        data = bytearray(path.read_bytes())
        data[100:] = bytes(b ^ 0x5A for b in data[100:])
        path.write_bytes(bytes(data))
    else:
        connection = sqlite3.connect(path)
        if kind != "other" and kind != "empty":
            connection.executescript(SCHEMAS["one-api"])
        if kind == "view":
            connection.executescript("DROP TABLE tokens; CREATE VIEW tokens AS SELECT * FROM users;")
        elif kind == "column":
            connection.executescript("ALTER TABLE tokens DROP COLUMN expired_time;")
        elif kind == "bytes":
            connection.executescript("INSERT INTO tokens (id, models) VALUES (1, x'00ff');")
        elif kind == "other":
            connection.execute("CREATE TABLE t (a)")
        elif kind == "latin":
            connection.executescript("INSERT INTO tokens (id, name) VALUES (1, CAST(x'ff41' AS TEXT));")
        connection.commit()
        connection.close()


@pytest.mark.parametrize("kind", ["text", "torn", "view", "column", "bytes", "other", "empty", "latin"])
def test_what_is_no_such_database_is_refused_and_changes_nothing(kind: str, guiju: Run, tmp_path: Path) -> None:
    broken(tmp_path / "x.db", kind)
    assert refused(guiju("import", "one-api", "x.db", "--json")) == "import_invalid"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.db"]


def test_other_addresses_and_missing_files_are_refused(guiju: Run, tmp_path: Path) -> None:
    assert refused(guiju("import", "one-api", "mysql://root:pw@h/one", "--json")) == "import_invalid"
    assert refused(guiju("import", "one-api", "nothing.db", "--json")) == "not_found"
    answer = guiju("import", "one-api", "postgresql://u:geheim@127.0.0.1:1/x", "--json")
    assert refused(answer) == "import_invalid"
    assert "geheim" not in answer[1]
    assert not list(tmp_path.iterdir())


@pytest.mark.postgres
@pytest.mark.slow
def test_a_database_on_postgresql(guiju: Run, tmp_path: Path) -> None:
    with postgres() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in (
                'CREATE TABLE channels (id bigserial PRIMARY KEY, type bigint, key text, status bigint, name text, weight bigint, base_url text, models text, "group" varchar(32), model_mapping varchar(1024), priority bigint)',
                "CREATE TABLE tokens (id bigserial PRIMARY KEY, user_id bigint, key char(48), status bigint, name text, expired_time bigint, remain_quota bigint, unlimited_quota boolean, models text, subnet text)",
                "CREATE TABLE users (id bigserial PRIMARY KEY, username text, status bigint)",
                "INSERT INTO users VALUES (7, 'zhang', 1)",
                f"INSERT INTO tokens VALUES (1, 7, '{key_of('a')}', 1, 'app', -1, 0, true, NULL, ''), (2, 7, '{key_of('b')}', 1, 'app', -1, 0, false, NULL, '')",  # noqa: S608 # values of a test
                "INSERT INTO channels VALUES (1, 36, 'k', 1, 'c', 0, '', 'deepseek-chat', 'default', '', 0)",
            ):
                connection.execute(statement.encode())
        done = document(guiju("import", "one-api", url, "--json"))
    assert (done["keys"], [one["from"] for one in done["kept"]]) == (1, ["channels 1", "tokens 1"])
    assert ring(tmp_path / "data").find("sk-" + key_of("a"), 1) is not None
