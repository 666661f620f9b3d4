# SPDX-License-Identifier: Apache-2.0
"""Rumours: who tells or asks about one is told what is right; who denies or corrects it is left alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.detect.rumour_list import COLUMNS, read
from guiju.detect.rumours import Rumour, Rumours, notice, sentence
from guiju.detect.units import Key
from guiju.errors import ConfigError
from guiju.terms import Text
from likeness_kit import RUMOUR

KEY = Key(bytes(32), "rumours")
ENGLISH = Rumour(
    id="r-radio",
    claim="The Brightwater radio mast makes milk turn sour within a mile",
    verdict="false",
    correction="Measurements by the Brightwater dairy board found no difference in milk near the mast.",
    source="Brightwater dairy board https://dairy.brightwater.example/2",
    date="2026-02-01",
    language="en",
)
RUMOURS = Rumours([RUMOUR, ENGLISH], KEY)
ROW = {"claim": RUMOUR.claim, "verdict": "false", "correction": RUMOUR.correction, "source": "s", "date": "2026-03-01"}


def claims(text: str, rumours: Rumours = RUMOURS) -> list[str]:
    return [one.rule for one in rumours.find((Text("f", text),))]


@pytest.mark.parametrize(
    "text",
    [
        RUMOUR.claim,
        "是的，吃紫皮洋葱可以一夜治好云岭热。",
        "吃紫皮洋葱可以一夜之间治好云岭热吗？",
        "听说吃紫皮的洋葱，一夜之间就可以治好云岭热，是不是真的",
        "吃 紫 皮 洋 葱 可 以 一 夜 之 间 治 好 雲 嶺 熱",
    ],
)
def test_who_tells_it_or_asks_is_found(text: str) -> None:
    assert claims(text) == ["r-onion"]


@pytest.mark.parametrize(
    "text",
    [
        "吃紫皮洋葱不能一夜之间治好云岭热。",
        "“吃紫皮洋葱可以一夜之间治好云岭热”是谣言，请不要相信。",
        f"{RUMOUR.claim}。{RUMOUR.correction}",
        f"{RUMOUR.correction}网上说{RUMOUR.claim}。",
        "紫皮洋葱怎么做好吃？",
        "云岭热一夜之间就好了。",
        "紫皮洋葱可以放多久？",
        "It is a myth that the Brightwater radio mast makes milk turn sour within a mile.",
        "The Brightwater radio mast does not make milk turn sour within a mile.",
        "How tall is the Brightwater radio mast?",
    ],
)
def test_who_denies_or_corrects_it_is_left_alone(text: str) -> None:
    assert claims(text) == []


def test_english_claims() -> None:
    assert claims("People say the Brightwater radio mast makes milk turn sour within one mile") == ["r-radio"]
    assert claims("Is it true that the Brightwater radio mast makes milk turn sour within a mile?") == ["r-radio"]


@given(st.data())
@settings(max_examples=50)
def test_cuts_change_nothing(data: st.DataObject) -> None:
    text = f"前言。{RUMOUR.claim}。后记。{ENGLISH.claim}."
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    along = RUMOURS.begin()
    assert [one.rule for piece in pieces for one in along.find((Text("f", piece),))] == ["r-onion", "r-radio"]


def test_a_question_is_never_refused() -> None:
    strict = Rumours([Rumour(**{**{n: getattr(RUMOUR, n) for n in COLUMNS}, "severity": "block"})], KEY)
    told = strict.find((Text("f", RUMOUR.claim),))
    asked = strict.find((Text("f", RUMOUR.claim + "吗？"),))
    assert [one.severity for one in (*told, *asked)] == ["block", "signal"]


def test_a_notice_says_who_says_so() -> None:
    assert "来源：云岭市卫生健康委员会" in sentence(notice(RUMOUR))
    assert "Source: Brightwater dairy board" in sentence(notice(ENGLISH))


def csv_of(*rows: dict[str, str]) -> bytes:
    head = list(rows[0])
    return "\n".join([",".join(head), *(",".join(row[name] for name in head) for row in rows)]).encode()


def test_a_list_is_read_from_csv_and_toml() -> None:
    toml = "".join(f'{name} = "{value}"\n' for name, value in ROW.items())
    assert read(csv_of(ROW), "a.csv") == read(f"[[rumour]]\n{toml}".encode(), "a.toml")
    [one] = read(csv_of({**ROW, "expires": "2027-01-01", "severity": "block", "language": ""}), "a.CSV")
    assert (one.expires, one.severity, one.language) == ("2027-01-01", "block", "zh")
    assert one.id.startswith("r-")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_example_of_the_docs_is_a_list(language: str) -> None:
    page = Path(__file__).parents[1] / "docs" / language / "reference" / "likeness.md"
    made = read(page.read_text("utf-8").split("```csv\n")[1].split("```")[0].encode(), "a.csv")
    assert [one.language for one in made] == ["zh", "en"]


@pytest.mark.parametrize(
    ("data", "name", "line"),
    [
        (b"", "a.csv", 1),
        (b"claim\n", "a.txt", 0),
        (csv_of({**ROW, "verdict": "maybe"}), "a.csv", 2),
        (csv_of({**ROW, "date": "1.3.2026"}), "a.csv", 2),
        (csv_of({**ROW, "expires": "2026-13-01"}), "a.csv", 2),
        (csv_of({**ROW, "claim": "短"}), "a.csv", 2),
        (csv_of({**ROW, "source": ""}), "a.csv", 2),
        (csv_of({**ROW, "colour": "red"}), "a.csv", 2),
        (csv_of(ROW, ROW), "a.csv", 3),
        (csv_of({**ROW, "id": "a b"}), "a.csv", 2),
        (csv_of(ROW) + b",x,y", "a.csv", 2),
        (b'a,b\n"x', "a.csv", 2),
        (b"[[rumour]", "a.toml", 0),
        (b"[[entry]]\nterm = 1", "a.toml", 1),
        (b"claim\n\xff\xff", "a.csv", 2),
    ],
)
def test_a_bad_list_is_refused_with_its_line(data: bytes, name: str, line: int) -> None:
    with pytest.raises(ConfigError) as raised:
        read(data, name)
    assert raised.value.code == "rumour_invalid"
    assert raised.value.facts["line"] == line


@given(st.binary(max_size=60), st.sampled_from(["a.csv", "a.toml", "a"]))
def test_any_bytes_are_a_list_or_an_error(data: bytes, name: str) -> None:
    with suppress(ConfigError):
        assert all(one.id for one in read(data, name))
