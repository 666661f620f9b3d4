# SPDX-License-Identifier: Apache-2.0
"""The facts of documents: each has its form, org.toml is read strictly, and no identity number gets in."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_kit import entries, typed
from guiju.dossier import facts
from guiju.dossier.facts import Fact, Value
from guiju.errors import ConfigError


def code_of(body: str) -> str:
    """A code with its check character (GB 32100)."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # 31 signs
    rest = sum(signs.index(sign) * pow(3, at, 31) for at, sign in enumerate(body)) % 31
    return body + signs[(31 - rest) % 31]


CODE = code_of("91110108MA7XK3Y06")
CARD = "110101199003070038"
ROWS: list[dict[str, str]] = [{"name": "鹿鸣", "form": "网站", "url": "https://luming.example/"}]
SAID: dict[str, Value] = {
    "org.name": "鹿溪科技有限公司",
    "org.code": CODE,
    "org.founded": datetime.date(2021, 3, 9),
    "org.capital": 1000,
    "org.licences": ["增值电信业务经营许可证", "其他"],
    "people.legal": {"name": "李望", "phone": "010-8888 0001"},
    "service.functions": ["dialogue", "text"],
    "service.minors": "mode",
    "service.products": ROWS,
    "algorithm.principle": "第一段\n第二段",
}


def value_of(one: Fact) -> st.SearchStrategy[Any]:
    """What may be said of a fact."""
    line = st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "N", "Z"], exclude_characters=',，、|="'),
        min_size=1,
        max_size=20,
    )
    ids = [choice.id for choice in one.choices]
    return {
        "text": line,
        "long": line,
        "number": st.integers(0, 10**9),
        "date": st.dates(),
        "choice": st.sampled_from(ids or [""]),
        "choices": st.lists(st.sampled_from(ids or [""]), min_size=1, unique=True),
        "list": st.lists(line, min_size=1, max_size=3),
        "person": st.fixed_dictionaries({"name": line}, optional={"post": line, "phone": st.just("+86 10 8888 0001")}),
        "rows": st.lists(st.fixed_dictionaries({column.id: line for column in one.columns}), min_size=1, max_size=3),
        "uscc": st.just(CODE),
        "icp": st.just("京ICP备12345678号-1"),
        "phone": st.just("400-000-0000 转 12".replace(" 转 ", "转")),
        "mail": st.just("a@b.example"),
    }[one.form]


def test_the_table_of_facts_is_sound() -> None:
    every = facts.facts()
    assert len({one.id for one in every}) == len(every) >= 40
    documents, groups = ({one.id for one in many} for many in (facts.documents(), facts.groups()))
    for one in every:
        assert one.group in groups
        assert set(one.documents) <= documents
        assert one.documents
        assert (one.form in ("choice", "choices")) == bool(one.choices)
        assert (one.form == "rows") == bool(one.columns)
    assert documents == {id for one in every for id in one.documents}, "a document that uses nothing"


@given(st.data())
def test_what_is_said_comes_back_from_the_file_and_from_the_form(data: st.DataObject) -> None:
    every = facts.facts()
    chosen = data.draw(st.lists(st.sampled_from(every), unique_by=lambda one: one.id))
    values = {one.id: data.draw(value_of(one)) for one in chosen}
    read = facts.parsed_file("org.toml", facts.written(values))
    assert read == values
    for one in chosen:
        assert facts.parsed(one, facts.typed(one, values[one.id])) == values[one.id]


def test_the_file_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "org.toml"
    assert facts.read(path) == {}
    facts.put(path, facts.written(SAID))
    assert facts.read(path) == SAID
    assert path.stat().st_mode & 0o077 == 0
    lacking = {one.id for one in facts.missing(SAID, "algorithm")}
    assert "algorithm.name" in lacking
    assert "people.security" not in lacking  # only the filing of the service asks for it
    assert not lacking & SAID.keys()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[org]\nnam = "x"', "org.nam"),
        ('nam = "x"', "nam"),
        ("[org", "TOML"),
        (f'[org]\ncode = "{CODE[:-1]}0"', "org.code"),
        ("[org]\ncapital = -1", "org.capital"),
        ("[org]\ncapital = true", "org.capital"),
        ('[org]\nfounded = "2021"', "org.founded"),
        ('[org]\nnature = "club"', "org.nature"),
        ('[service]\nfunctions = ["text", "text"]', "service.functions"),
        ('[people]\nlegal = { phone = "010-88880001" }', "people.legal"),
        ('[people]\nlegal = { name = "李望", id = "x" }', "people.legal"),
        (f'[people]\nlegal = {{ name = "李望 {CARD}" }}', "people.legal"),
        ('[people]\nlegal = { name = "李望", post = "110101900307003" }', "people.legal"),
        (f'[algorithm]\nprinciple = "负责人证件号：{CARD}。"', "algorithm.principle"),
        ('[service]\nproducts = [{ form = "App" }]', "service.products"),
        ('[service]\nproducts = [{ name = "鹿鸣", secret = "x" }]', "service.products"),
    ],
)
def test_what_is_wrong_is_refused_and_named(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "org.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as error:
        facts.read(path)
    for language in ("zh", "en"):
        told = error.value.sentence(language)
        assert where in told
        assert CARD not in told


def test_every_fact_refuses_the_number_of_an_identity_card() -> None:
    """No form lets one in, whichever it stands in."""
    for one in facts.facts():
        column = one.columns[0].id if one.columns else ""
        for value in (CARD, {"name": CARD}, [CARD], [{column: CARD}], f"x {CARD.lower()} y"):
            assert facts.wrong(one, value) is not None, one.id


@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    def run(*words: str, status: int = 0) -> Any:
        done = typed("facts", *words, "--json", cwd=tmp_path)
        assert done.returncode == status, done.stderr + done.stdout
        return json.loads(done.stdout)

    assert run("set", "org.code", CODE)["value"] == CODE
    assert run("set", "people.legal", "name=李望, phone=010-88880001")["value"]["phone"] == "010-88880001"
    assert run("set", "service.products", "鹿鸣 | 网站 | https://luming.example/")["value"] == ROWS
    assert run("set", "people.legal", f"name=李望,post={CARD}", status=2)["error"]["code"] == "config_invalid"
    assert run("set", "org.nothing", "x", status=2)["error"]["code"] == "not_found"
    lacking = {one["id"] for one in run("missing", "--route", "registration", status=1)}
    assert "org.name" in lacking
    assert lacking.isdisjoint({"org.code", "people.legal", "service.products", "people.security"})
    assert set(run("check", "--route", "registration", status=1)["missing"]) == lacking
    assert run("set", "org.code")["value"] is None
    assert "org.code" in run("check", status=1)["missing"]
    told = [one["body"] for one in entries(tmp_path / "data") if one["kind"] == "facts"]
    assert [one["changed"] for one in told] == [["org.code"], ["people.legal"], ["service.products"], ["org.code"]]
    assert "李望" not in json.dumps(told, ensure_ascii=False)
