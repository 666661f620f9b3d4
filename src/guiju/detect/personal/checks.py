# SPDX-License-Identifier: Apache-2.0
"""Check digits and shapes of numbers: what tells an identity or card number from any other row of digits."""

from __future__ import annotations

import datetime
from typing import Final

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"
PROVINCES: Final = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
"""First two digits of identity numbers (GB/T 2260; 81–83 on residence permits of Hong Kong, Macao and Taiwan)."""
PUBLISHED: Final = frozenset({"11010519491231002X", "440524188001010014"})
"""The two examples of GB 11643: they stand in every textbook and belong to nobody."""
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_TEST_CARDS: Final = frozenset(
    [
        "4111111111111111",
        "4242424242424242",
        "4012888888881881",
        "4000056655665556",
        "5555555555554444",
        "5105105105105100",
        "5200828282828210",
        "378282246310005",
        "371449635398431",
        "6011111111111117",
        "6011000990139424",
        "30569309025904",
        "38520000023237",
        "3530111333300000",
        "3566002020360505",
        "6200000000000005",
        "4222222222222",
    ]
)
"""Numbers that payment networks publish for tests."""
_USCC: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SSN_NOT: Final = frozenset({"000", "666"})


def is_date(year: int, month: int, day: int) -> bool:
    """Whether there is such a day."""
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def is_id_card(number: str) -> bool:
    """Whether 18 characters are an identity number (GB 11643): place, day of birth, check character. The number of a
    foreigner's permanent residence card begins with 9 and its place."""
    place = number[1:3] if number[0] == "9" else number[:2]
    if place not in PROVINCES or not number[:17].isdigit() or number in PUBLISHED:
        return False
    year = int(number[6:10])
    if not 1880 <= year <= 2100 or not is_date(year, int(number[10:12]), int(number[12:14])):
        return False
    return _ID_CHECKS[sum(int(d) * w for d, w in zip(number, _ID_WEIGHTS, strict=False)) % 11] == number[17]


def is_old_id_card(number: str) -> bool:
    """Whether 15 digits can be an identity number of before 1999, which has no check digit."""
    if number[:2] not in PROVINCES:
        return False
    return is_date(1900 + int(number[6:8]), int(number[8:10]), int(number[10:12]))


def luhn(number: str) -> bool:
    """Whether digits end in their check digit (ISO/IEC 7812-1, Annex B)."""
    digits = [int(d) for d in reversed(number)]
    return (sum(digits[::2]) + sum(_DOUBLED[d] for d in digits[1::2])) % 10 == 0


def is_bank_card(number: str, *, told: bool) -> bool:
    """Whether digits are a card number: the length and first digits of a network, and the check digit.

    Args:
        number: 12 to 19 digits.
        told: the text speaks of a card, so that rarer networks count as well.
    """
    if number in _TEST_CARDS or len(set(number)) < 3 or not luhn(number):
        return False
    return _network(number) or told


def _network(number: str) -> bool:
    size, two, four = len(number), int(number[:2]), int(number[:4])
    if number[0] == "4":
        return size in (13, 16, 19)
    if two == 62:
        return 16 <= size <= 19
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return size == 16
    if two in (34, 37):
        return size == 15
    if 3528 <= four <= 3589:
        return size in (16, 19)
    if four == 9558:
        return size == 19
    if two == 65 or four == 6011 or 6440 <= four <= 6499 or two == 60:
        return size in (16, 19)
    return (300 <= int(number[:3]) <= 305 or two in (36, 38)) and size == 14


def is_uscc(code: str) -> bool:
    """Whether 18 characters are a unified social credit code (GB 32100)."""
    if code[0] not in "159Y" or not code[2:8].isdigit() or len(set(code)) < 4:
        return False
    values = [_USCC.find(c) for c in code]
    if -1 in values:
        return False
    return (31 - sum(v * pow(3, i, 31) for i, v in enumerate(values[:17])) % 31) % 31 == values[17]


def is_iban(code: str) -> bool:
    """Whether a code is an IBAN (ISO 13616): the check digits, modulo 97."""
    if not 15 <= len(code) <= 34 or not code[2:4].isdigit():
        return False
    return int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1


def is_hong_kong_id(letters: str, digits: str, check: str) -> bool:
    """Whether it is a number of a Hong Kong identity card."""
    values = [36] * (2 - len(letters)) + [int(c, 36) for c in letters] + [int(d) for d in digits]
    rest = (11 - sum(v * w for v, w in zip(values, range(9, 1, -1), strict=True)) % 11) % 11
    return check == ("A" if rest == 10 else str(rest))


def is_taiwan_id(code: str) -> bool:
    """Whether it is a number of a Taiwan identity card: a letter, nine digits, the last for the check."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".find(code[0]) + 10
    digits = [letter // 10, letter % 10, *(int(d) for d in code[1:])]
    return sum(d * w for d, w in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def is_ssn(area: str, group: str, serial: str) -> bool:
    """Whether it can be a US social security number."""
    return area not in _SSN_NOT and area[0] != "9" and group != "00" and serial != "0000"
