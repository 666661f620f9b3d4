# SPDX-License-Identifier: Apache-2.0
"""`guiju persons export`, `erase`, `hold`, `release` and `guiju privacy`, as a person types them (Articles 11, 13)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import insert

from cli_kit import guiju
from guiju.config import Settings, Upstream
from guiju.errors import ConfigError
from guiju.house import check_production
from guiju.records import cases, schema
from guiju.records.cases import Case
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.papers import Paper, Papers
from guiju.records.persons import remember
from guiju.records.secrets import Secrets
from guiju.terms import Identity

pytestmark = pytest.mark.slow
ACCOUNT, PERSON = "a" * 32, "b" * 32
WHO = (PERSON, "--account", "shop", "--data", "data", "--json")


def run(folder: Path, *words: str) -> Any:
    """What a command says."""
    return json.loads(guiju(*words, cwd=folder).stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store that keeps one person."""
    store = Store.open("sqlite", tmp_path / "data")
    store.do(lambda c: c.execute(insert(schema.account).values(id=ACCOUNT, name="shop", created_at=1)).rowcount)
    now = int(time.time())
    remember(store, ACCOUNT, Identity(PERSON, "phone", "m", now, now + 900, token_hex(16)), now)
    store.close()
    return tmp_path


def test_a_person_sees_is_held_and_is_erased(folder: Path) -> None:
    (folder / "yes.txt").write_text("同意", "utf-8")
    terms = ("--what", "film", "--until", "2099-01-01", "--proof", "yes.txt", "--account", "shop", "--data", "data")
    given = run(folder, "consents", "add", "--kind", "voice", "--who", "李四", *terms, "--json")
    seen = run(folder, "persons", "export", *WHO, "--who", " 李四 ")
    assert (seen["identity"]["level"], [one["id"] for one in seen["consents"]]) == ("phone", [given["id"]])
    terms = ("--law", "Art 54, No. 1", "--scope", "all", "--days", "3")
    alone = run(folder, "persons", "hold", *WHO, *terms, "--by", "li", "--second", "Li")
    assert alone["error"]["code"] == "two_persons"
    held = run(folder, "persons", "hold", *WHO, *terms, "--by", "li", "--second", "wang")
    asked = run(folder, "persons", "erase", *WHO)
    assert asked["outcome"] == "held"
    waiting = run(folder, "privacy", "requests", "--data", "data", "--json")
    assert {one["outcome"] for one in waiting} == {"held", "done"}
    assert asked["due_at"] > asked["received_at"] + 14 * 86_400
    run(folder, "persons", "release", held["id"], "--by", "li", "--second", "wang", "--data", "data", "--json")
    assert run(folder, "persons", "erase", *WHO)["outcome"] == "done"
    gone = guiju("persons", "show", *WHO, cwd=folder)
    assert json.loads(gone.stdout)["error"]["code"] == "not_found"


def test_what_a_person_wrote_in_a_complaint_is_theirs_by_its_code(folder: Path) -> None:
    store, now = Store.open("sqlite", folder / "data"), int(time.time())
    papers = Papers(store, DayKeys(folder / "data" / "keys"), Secrets.open(folder / "data" / "keys"))
    codes = {}
    for number, said in (("26-000001", "他们编造了我的病历"), ("26-000002", "别人的投诉")):
        codes[number] = cases.secret()
        made = Case(id=number, kind="report", state="closed", group_key=number, received_at=now, changed_at=now)
        cases.open_(store, made, cases.hashed(codes[number]))
        papers.put(number, Paper(what="form", by="complainant", at=now, fields={"story": said}), now)
        papers.put(number, Paper(what="grounds", by="li", at=now, fields={"why": "内部意见"}), now)
    mine, other = codes
    wrong = guiju("persons", "export", *WHO, "--case", mine, cwd=folder, said=codes[other] + "\n")
    assert json.loads(wrong.stdout)["error"]["code"] == "not_found"
    seen = guiju("persons", "export", *WHO, "--case", mine, cwd=folder, said=codes[mine] + "\n").stdout
    [case] = json.loads(seen)["cases"]
    assert (case["number"], case["papers"][0]["fields"]["story"]) == (mine, "他们编造了我的病历")
    assert "内部意见" not in seen
    assert run(folder, "persons", "export", *WHO)["cases"] == []
    gone = guiju("persons", "erase", *WHO, "--case", mine, cwd=folder, said=codes[mine] + "\n")
    assert json.loads(gone.stdout)["outcome"] == "done"
    assert papers.all(mine, now) == []
    assert len(papers.all(other, now)) == 2, "what others wrote stays"
    store.close()


def test_terms_and_recipients_are_listed(folder: Path) -> None:
    assert {one["id"] for one in run(folder, "privacy", "retention", "--json")} >= {"use", "identity", "vault"}
    file = folder / "guiju.toml"
    service = '[[upstream]]\nname = "far"\nurl = "https://models.example.zz/v1"\n'
    file.write_text(service, "utf-8")
    ran = guiju("privacy", "egress", "--data", "data", "--json", cwd=folder)
    assert (ran.returncode, json.loads(ran.stdout)[0]["party"]) == (1, "third_party")
    file.write_text(service + 'purpose = "answers"\ncontract = "C-1"\n', "utf-8")
    assert guiju("privacy", "egress", "--data", "data", cwd=folder).returncode == 0
    far = Upstream(name="far", url="https://models.example.zz/v1")
    with pytest.raises(ConfigError) as error:
        check_production(Settings(mode="production", upstream=(far,)))
    assert (error.value.code, error.value.facts["what"]) == ("not_ready_for_production", "purpose, contract: far")
