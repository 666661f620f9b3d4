# SPDX-License-Identifier: Apache-2.0
"""What the tests of `guiju import` share: the command, and databases with the schemas of One API and of New API."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guiju.cli.main import main

Run = Callable[..., tuple[int, str]]

# The columns of One API 0.6 and of New API as their programs make them in SQLite; types are SQLite's own affinities.
SCHEMAS = {
    "one-api": """
CREATE TABLE channels (id integer PRIMARY KEY AUTOINCREMENT, type integer DEFAULT 0, key text, status integer DEFAULT 1,
  name text, weight integer DEFAULT 0, created_time integer, test_time integer, response_time integer,
  base_url text DEFAULT "", other text, balance real, balance_updated_time integer, models text,
  "group" varchar(32) DEFAULT "default", used_quota integer DEFAULT 0, model_mapping varchar(1024) DEFAULT "",
  priority integer DEFAULT 0, config text, system_prompt text);
CREATE TABLE tokens (id integer PRIMARY KEY AUTOINCREMENT, user_id integer, key char(48), status integer DEFAULT 1, name text,
  created_time integer, accessed_time integer, expired_time integer DEFAULT -1, remain_quota integer DEFAULT 0,
  unlimited_quota numeric DEFAULT false, used_quota integer DEFAULT 0, models text, subnet text DEFAULT "");
CREATE TABLE users (id integer PRIMARY KEY AUTOINCREMENT, username text UNIQUE, password text NOT NULL, display_name text,
  role integer DEFAULT 1, status integer DEFAULT 1, email text, github_id text, wechat_id text, access_token char(32),
  quota integer DEFAULT 0, "group" varchar(32) DEFAULT "default");
""",
    "new-api": """
CREATE TABLE channels (id integer PRIMARY KEY AUTOINCREMENT, type integer DEFAULT 0, key text NOT NULL, open_ai_organization text,
  test_model text, status integer DEFAULT 1, name text, weight integer DEFAULT 0, base_url text DEFAULT "", models text,
  "group" varchar(64) DEFAULT "default", model_mapping text, status_code_mapping varchar(1024) DEFAULT "",
  priority integer DEFAULT 0, auto_ban integer DEFAULT 1, tag text, setting text, param_override text, header_override text,
  channel_info json);
CREATE TABLE tokens (id integer PRIMARY KEY AUTOINCREMENT, user_id integer, key char(48), status integer DEFAULT 1, name text,
  created_time integer, accessed_time integer, expired_time integer DEFAULT -1, remain_quota integer DEFAULT 0,
  unlimited_quota numeric, model_limits_enabled numeric, model_limits varchar(1024) DEFAULT "", allow_ips text DEFAULT "",
  used_quota integer DEFAULT 0, "group" text DEFAULT "", deleted_at datetime);
CREATE TABLE users (id integer PRIMARY KEY AUTOINCREMENT, username text UNIQUE, password text NOT NULL, status integer DEFAULT 1,
  email text, github_id text, deleted_at datetime);
""",
}


def database(path: Path, product: str, rows: dict[str, list[dict[str, Any]]]) -> Path:
    """Make a SQLite database of one of the two products."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMAS[product])
        for table, listed in rows.items():
            for row in listed:
                names, marks = ", ".join(f'"{n}"' for n in row), ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))  # noqa: S608 # names of a test
    connection.close()
    return path


def runner(folder: Path, read: Callable[[], Any]) -> Run:
    """Run one command on a data directory of the test's own: exit status, and what was printed."""

    def run(*words: object) -> tuple[int, str]:
        try:
            status = main([*map(str, words), "--data", str(folder / "data")])
        except SystemExit as left:
            status = int(left.code or 0)
        printed = read()
        return status, printed.out + printed.err

    return run


def document(answer: tuple[int, str]) -> dict[str, Any]:
    """What a command printed as JSON; it must have worked."""
    assert answer[0] == 0, answer[1]
    found: dict[str, Any] = json.loads(answer[1])
    return found


def refused(answer: tuple[int, str]) -> str:
    """The code of a command that was refused."""
    assert answer[0] == 2, answer
    return str(json.loads(answer[1])["error"]["code"])
