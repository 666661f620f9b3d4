# SPDX-License-Identifier: Apache-2.0
"""From a complaint to a ban in two workers, and back again (Articles 13, 15, 19): the command line and the gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import KEY
from desk_kit import employ, form
from guiju.desk.cases import Desk
from guiju.records import accounts
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.ids import ExchangeIds
from guiju.records.repeats import repeats
from guiju.records.secrets import Secrets
from guiju.records.trace import trace
from likeness_kit import FALSE
from serving import Served
from test_law import shifted
from test_workers import crew, guiju, many, until

WITHIN_S = 5.0


def desk_of(gateway: Served) -> tuple[Desk, Store]:
    """The desk of a gateway that serves in other processes."""
    keys = gateway.data / "keys"
    secrets, store = Secrets.open(keys), Store.open("sqlite", gateway.data)
    ids = ExchangeIds(secrets.ids, "")
    return Desk(store, DayKeys(keys), secrets, lambda number: trace(str(gateway.data / "ledger"), ids, number)), store


def typed(gateway: Served, *words: str) -> Any:
    """A command, and what it answers."""
    ran = guiju(gateway, "case", *words, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def passes(gateway: Served) -> list[bool]:
    """Whether the text comes through, asked of all workers."""
    return [FALSE in answer.body.decode() for answer in many(gateway, 24, shifted(FALSE))]


@pytest.mark.slow
def test_a_decision_reaches_every_worker_and_an_appeal_takes_it_back(tmp_path: Path) -> None:
    with crew(tmp_path, '[people]\nmode = "two"\n') as gateway:
        first = many(gateway, 1, shifted(FALSE))[0]
        assert FALSE in first.body.decode()
        desk, store = desk_of(gateway)
        employ(store, ("吴", "reviewer"), ("郑", "lead"), ("冯", "compliance"))
        accounts.ensure_account(store, "operator", 1)
        number = first.headers["x-guiju-decision-id"]
        until(lambda: desk.compared(number, FALSE)[0] == "recorded", WITHIN_S)
        assert desk.compared(number, FALSE.replace("三万", "五万"))[0] == "different", "a forged text"
        assert repeats(str(gateway.data / "ledger"), desk.secrets.digest, FALSE, 0) == (1, 1)
        receipt = desk.open(form(text=FALSE, produce_id=number))
        case = receipt.case.id
        assert [one["id"] for one in typed(gateway, "list")] == [case]

        more = [
            {
                "type": "correct",
                "claim": FALSE[:40],
                "correction": "经查没有此事，判决已经更正。",
                "source": "云岭法院",
            },
            {"type": "sanction", "account": "operator", "person": "f" * 32, "rung": "warn", "misuse": "posting"},
        ]
        (tmp_path / "more.json").write_text(json.dumps(more), "utf-8")
        words = ("--outcome", "upheld", "--article", "GAI-2023 art.15", "--reason", "失实", "--facts", "经查失实")
        made = typed(gateway, "decide", case, *words, "--ban", "canonical", "--remedies", "more.json", "--by", "吴")
        took = until(lambda: not any(passes(gateway)), WITHIN_S)
        assert made["proposals"] == []
        assert set(made["statements"][0]["measure"]) == {"output_stopped", "correction_added", "warned"}

        appeal = desk.open(form(kind="appeal", parent=case, text="", produce_id="")).case.id
        refused = guiju(
            gateway, "case", "decide", appeal, *words[2:], "--outcome", "overturned", "--by", "吴", "--json"
        )
        assert json.loads(refused.stdout)["error"]["code"] == "another_person"
        over = typed(gateway, "decide", appeal, *words[2:], "--outcome", "overturned", "--by", "郑")
        [proposal] = over["proposals"]
        assert not any(passes(gateway)), "one person lifts nothing"
        assert guiju(gateway, "case", "approve", proposal["id"], "--by", "郑").returncode == 2
        typed(gateway, "approve", proposal["id"], "--by", "冯")
        back = until(lambda: all(passes(gateway)), WITHIN_S)
        print(f"stopped in both workers after {took:.1f} s, let through again after {back:.1f} s")

        def acts() -> set[str]:
            entries = [line for path in gateway.data.glob("ledger/*/*.log") for line in path.read_text().splitlines()]
            changed = [json.loads(line)["body"] for line in entries if '"kind":"change"' in line]
            return {one["kind"] for one in changed}

        until(lambda: {"case", "ban", "approval", "standing", "rumours", "recall"} <= acts(), 15)
        until(
            lambda: any(one.what == "letter" for one in desk.told(desk.find(case, receipt.secret) or receipt.case)), 60
        )
        store.close()
        assert KEY not in gateway.log.read_text("utf-8")


@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    with crew(tmp_path) as gateway:
        desk, store = desk_of(gateway)
        case = desk.open(form()).case.id
        assert guiju(gateway, "case", "show", case).returncode == 0
        shown = typed(gateway, "show", case)
        assert shown["papers"] == [], "no paper without a purpose"
        shown = typed(gateway, "show", case, "--purpose", "核对", "--by", "吴")
        assert shown["papers"][0]["fields"]["text"]
        assert guiju(gateway, "case", "show", case, "--purpose", "x", "--by", "郑").returncode == 2, "it is leased"
        words = ("--outcome", "not_upheld", "--article", "a", "--reason", "不实", "--facts", "无此事", "--by", "吴")
        assert typed(gateway, "decide", case, *words)["case"]["state"] == "decided"
        assert typed(gateway, "undo", case, "--by", "吴")["state"] == "open"
        out = tmp_path / "case.json"
        assert typed(gateway, "export", case, "--out", str(out), "--purpose", "移交", "--by", "吴")["exported"] == case
        assert json.loads(out.read_bytes())["papers"][0]["what"] == "form"
        again = guiju(gateway, "case", "export", case, "--out", str(out), "--purpose", "移交", "--by", "吴")
        assert again.returncode == 2, "nothing is overwritten"
        opened = typed(gateway, "open", "incident", "--story", "数据库被勒索")
        assert (opened["kind"], opened["basis"]) == ("incident", "law")
        assert guiju(gateway, "case", "open", "rectification", "--story", "x").returncode == 2
        store.close()
