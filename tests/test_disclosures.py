# SPDX-License-Identifier: Apache-2.0
"""The register of what was told to authorities: what it refuses, what the ledger keeps, how it is counted (Article 17;
bounds: a legal request, narrow, two persons, fewest fields, counted)."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli_kit import entries, typed
from guiju.dossier import transparency
from guiju.errors import ConfigError
from guiju.records import disclosures, months
from guiju.records.disclosures import Disclosure
from places import BOTH, Place, place

TODAY = datetime.date(2026, 11, 24)
MONTH = "2026-11"
AT = months.span(MONTH)[0] + 86_400
ASKED = Disclosure(
    what="request",
    to="某市公安局",
    basis="网络安全法第二十八条",
    number="公调〔2026〕12号",
    scope="case",
    about="26-000123",
    fields="处理结果",
    day="2026-11-20",
    by="钱二",
    second="吴六",
    hash="ab" * 32,
    at=AT,
)


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"second": ""}, "two_persons"),
        ({"second": " 钱二"}, "two_persons"),
        ({"basis": " "}, "config_invalid"),
        ({"number": ""}, "config_invalid"),
        ({"scope": "person"}, "config_invalid"),
        ({"scope": ""}, "config_invalid"),
        ({"about": ""}, "config_invalid"),
        ({"fields": ""}, "config_invalid"),
        ({"to": "x" * 300}, "config_invalid"),
        ({"to": "a\nb"}, "config_invalid"),
        ({"hash": "none"}, "config_invalid"),
        ({"day": "2026-11-25"}, "config_invalid"),
        ({"day": "soon"}, "config_invalid"),
        ({"what": "gossip"}, "config_invalid"),
    ],
)
def test_what_a_law_asked_for_is_narrow_founded_and_of_two(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(ConfigError, match=code):
        disclosures.checked(msgspec.structs.replace(ASKED, **changed), TODAY)


def test_it_is_kept_and_the_ledger_gets_no_name(here: Place) -> None:
    store = here.open()
    made = disclosures.checked(ASKED, TODAY)
    disclosures.enter(store, made)
    assert disclosures.every(store) == [made]
    assert disclosures.every(store, about="26-000123") == [made]
    assert disclosures.every(store, about="26-000124") == []
    said = json.dumps(disclosures.body(made), ensure_ascii=False)
    assert not any(one in said for one in ("钱二", "吴六", "公安", "26-000123", "处理结果", "第二十八条"))
    store.close()


def test_it_is_counted_each_month_and_few_requests_are_not_told(here: Place) -> None:
    store = here.open()
    none = {one.name: one for one in months.counted(store, str(here.data / "ledger"), MONTH)}
    assert none[f"month.{MONTH}.disclosures.request"].value == 0, "that nothing was asked for is told, too"
    for number in range(3):
        disclosures.enter(store, disclosures.checked(msgspec.structs.replace(ASKED, about=f"26-{number}"), TODAY))
    papers = msgspec.structs.replace(ASKED, what="submission", scope="", about="d" * 64, second="")
    disclosures.enter(store, disclosures.checked(papers, TODAY))
    counted = months.counted(store, str(here.data / "ledger"), MONTH)
    made = {one.name.removeprefix(f"month.{MONTH}."): one for one in counted}
    assert (made["disclosures.request"].value, made["disclosures.submission"].value) == (3, 1)
    assert made["disclosures.submission"].n == 1, "no sum tells how many requests there were"
    cells = {one.name: one for one in transparency.report(MONTH, counted).cells}
    assert cells["disclosures.request"].value is None
    assert cells["disclosures.request"].n is None
    assert cells["disclosures.submission"].value == 1
    assert transparency.written(cells["disclosures.request"], "zh") == "不公布（少数）"
    store.close()


def test_by_hand(tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text("{}", "utf-8")
    typed("keys", "list", "--json", cwd=tmp_path)
    words = ["filing", "tell", "request", "--to", "某市公安局", "--basis", "法", "--number", "1", "--scope", "exchange"]
    words += ["--about", "0" * 26, "--fields", "时间", "--paper", "given.json", "--by", "钱二", "--json"]
    alone = typed(*words, cwd=tmp_path)
    assert json.loads(alone.stdout)["error"]["code"] == "two_persons"
    assert not (tmp_path / "data" / "ledger").exists(), "what was refused is nowhere"
    typed("filing", "add", "service", "--authority", "省网信办", "--json", cwd=tmp_path)
    made = json.loads(typed(*words, "--second", "吴六", cwd=tmp_path).stdout)
    assert made["hash"] == hashlib.sha256(b"{}").hexdigest()
    [kept] = [one["body"] for one in entries(tmp_path / "data") if one["kind"] == "disclosed"]
    assert kept["disclosure"] == made["id"]
    listed = json.loads(typed("filing", "told", "--json", cwd=tmp_path).stdout)
    assert [one["id"] for one in listed["authorities"]] == [made["id"]]
    wrong = typed("filing", "tell", "submission", "--to", "x", "--paper", "given.json", "--json", cwd=tmp_path)
    assert json.loads(wrong.stdout)["error"]["code"] == "config_invalid"
