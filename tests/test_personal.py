# SPDX-License-Identifier: Apache-2.0
"""Personal data and credentials are found as people write them, and nothing that only looks like them."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.detect.personal.kinds import CATEGORIES, KINDS
from guiju.detect.personal.recogniser import Personal, recognise
from guiju.terms import Text
from personal_kit import BENIGN, MAKERS, bank_card, grouped, id_card, in_han, mobile, rows, uscc, wide

SEEDS = st.integers(0, 10**9).map(random.Random)
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow" + "IBAAKCAQEA" * 30 + "\n-----END RSA PRIVATE KEY-----"


def test_nearly_everything_is_found_of_the_kind_it_is_and_where_it_stands() -> None:
    missed = Counter[str]()
    every = list(rows(40, seed=11))
    for row in every:
        found = [(one.kind, one.start, one.end) for one in recognise(row.text)]
        if (row.kind, row.start, row.end) not in found:
            missed[row.kind] += 1
    assert len(every) == 40 * len(MAKERS)
    assert {kind: count for kind, count in missed.items() if count > 2} == {}


@pytest.mark.parametrize("text", BENIGN)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert recognise(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("身份证号110101880101001", "id_card", "110101880101001"),
        ("证件：(010) 6255 1234 电话", "landline", "01062551234"),
        ("call 905-674-3793 now", "phone", "9056743793"),
        ("reach me at (202) 555-0143", "phone", "2025550143"),
        ("SSN 460-89-9847", "ssn", "460899847"),
        ("IBAN gb82 west 1234 5698 7654 32", "iban", "GB82WEST12345698765432"),
        ("香港身份证 A123456(3)", "permit", "A123456(3)"),
        ("身份证A123456789", "permit", "A123456789"),
        ("军字第12345678号", "officer", "军字第12345678号"),
        ("mail li[at]youxiang[dot]zz", "email", "li@youxiang.zz"),
        ("从2400:3200:1:2:3:4:5:6登录", "ip", "2400:3200:1:2:3:4:5:6"),
        ("My name is Jane Quill.", "name", "Jane Quill"),
        ("原告：李明慧，女", "name", "李明慧"),
        ("我叫欧阳明月", "name", "欧阳明月"),
        ("李明慧，女，汉族", "name", "李明慧"),
        ("患者李明慧，45岁", "name", "李明慧"),
        ("Desk: (898)666-3621x0135", "phone", "8986663621"),
        ("Fax 345-899-3560x4587", "phone", "3458993560"),
        ("Mobile: 03.93.92.16.85", "phone", "0393921685"),
        ("12 Rowan Tree Lane, Apt 5", "address", "12 Rowan Tree Lane, Apt 5"),
        ("P.O. Box 1234", "address", "P.O. Box 1234"),
        (PEM, "private_key", PEM),
        ("postgres://app:s3cr3tpw@db/x", "password", "s3cr3tpw"),
        ("Authorization: Bearer abcDEF123456ghiJKL789mno", "token", "abcDEF123456ghiJKL789mno"),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN",
            "token",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN",
        ),
        ("AKIAQ3EGJ7KD2WLMZTPR", "token", "AKIAQ3EGJ7KD2WLMZTPR"),
        ("护照１４１２３４５６７", "passport", "141234567"),
        ("幺三五零零零〇一二三四", "mobile", "13500001234"),
        ("1\u200b3\u200b8\u200b0\u200b0\u200b0\u200b0\u200b1\u200b2\u200b3\u200b4 手机", "mobile", "13800001234"),
    ],
)
def test_kinds_and_plain_values(text: str, kind: str, value: str) -> None:
    assert [(one.kind, one.value) for one in recognise(text)] == [(kind, value)]


@given(SEEDS)
def test_a_number_has_one_value_however_it_is_written(some: random.Random) -> None:
    number = mobile(some)
    ways = (
        number,
        grouped(number, 3, 4, 4),
        grouped(number, 3, 4, 4, by="-"),
        "0086" + number,
        in_han(number),
        wide(number),
    )
    for way in ways:
        assert [(one.kind, one.value) for one in recognise(f"手机{way}。")] == [("mobile", number)]


@settings(max_examples=40)
@given(SEEDS, st.integers(6, 16), st.integers(1, 9))
def test_one_wrong_digit_is_no_identity_number_and_no_card(some: random.Random, at: int, by: int) -> None:
    for kind, number in (("id_card", id_card(some)), ("bank_card", bank_card(some)), ("uscc", uscc(some))):
        if number[at].isdigit():
            wrong = number[:at] + str((int(number[at]) + by) % 10) + number[at + 1 :]
            assert kind not in {one.kind for one in recognise(f"号码 {wrong}")}


@pytest.mark.slow
@given(st.text(st.sampled_from("0123456789 -.+()（）Xx手机号卡A零一二三@:/：,，路街市区栋室我叫王伟。\n"), max_size=80))
def test_spans_lie_in_the_text_in_order_and_apart(text: str) -> None:
    spans = recognise(text)
    assert all(0 <= one.start < one.end <= len(text) for one in spans)
    assert all(one.end <= two.start for one, two in itertools.pairwise(spans))
    assert all(one.kind in KINDS for one in spans)


@settings(max_examples=30)
@given(SEEDS)
def test_full_width_text_is_read_as_plain_text(some: random.Random) -> None:
    row = some.choice(
        [
            one
            for one in rows(1, some.randrange(1000))
            if one.kind in ("mobile", "id_card", "bank_card", "uscc", "email")
        ]
    )
    before = [(one.kind, one.start, one.end, one.value) for one in recognise(row.text)]
    digits = row.text[: row.start] + wide(row.text[row.start : row.end]) + row.text[row.end :]
    assert [(one.kind, one.start, one.end, one.value) for one in recognise(digits)] == before


def test_only_the_kinds_that_are_asked_for() -> None:
    text = "手机13800001234，邮箱li@youxiang.zz"
    assert [one.kind for one in recognise(text)] == ["mobile", "email"]
    assert [one.kind for one in recognise(text, {"email"})] == ["email"]


def test_the_detector_names_kinds_and_places_and_never_values() -> None:
    first, second = (
        Text("messages[0].content[0].text", "手机1380000"),
        Text("messages[0].content[1].text", "1234。", joins=True),
    )
    found = Personal().find((first, second, Text("messages[1].content", "邮箱 li@youxiang.zz")))
    assert [(one.category, one.rule, one.field, one.start, one.end) for one in found] == [
        ("personal.mobile", "mobile", "messages[0].content[0].text", 2, 9),
        ("personal.email", "email", "messages[1].content", 3, 17),
    ]
    assert {one.severity for one in found} == {"signal"}
    assert set(CATEGORIES) == {kind.category for kind in KINDS.values()}


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1 ",
        "1-",
        "a@",
        "@a.",
        "我叫",
        "姓名：王",
        "路1号",
        "市",
        "-----BEGIN PRIVATE KEY-----",
        "eyJ",
        "sk-",
        "零",
        "微信a",
        "://a:",
        "1.",
        "f:",
        "Aa ",
        "Mr. A",
        "护照",
    ],
)
def test_long_texts_of_one_kind_end(unit: str) -> None:
    recognise((unit * 20_000)[:20_000])
