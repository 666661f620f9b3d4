# SPDX-License-Identifier: Apache-2.0
"""Disguises of views (a) to (e) in stacks: whatever is put on top of whatever, the term is found, whole and streamed."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

import pytest

from guiju.detect.entry import Entry
from guiju.detect.words import Words
from guiju.gateway.screen import Screen

TERMS = ("规矩金丝雀", "guijucanary", "测试敏感短语", "harmless phrase")
DETECTOR = Words([Entry(f"e{i}", term, "own", "block") for i, term in enumerate(TERMS)], "v1")
TRADITIONAL = dict(zip("规丝测试语", "規絲測試語", strict=True))
LOOKALIKE = dict(zip("acehijmnoprsuxy", "асеһіјмոоргѕսху", strict=True)) | {"r": "r", "m": "м", "n": "ո"}
IGNORED = [
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\ufe0f",
    "\U000e0100",
    "\U000e0061",
    "\u034f",
    "\u180e",
    "\u2063",
]
MARKS = ["\u0301", "\u0336", "\u0338", "\u20dd", "\u0489", "\u1ab0", "\u0e47"]
SIGNS = [" ", "  ", "-", "_", "*", "·", "|", "/", "~", "🙂", "\u3000", "\u2800", "】【", "^", "♥", "."]
Layer = Callable[[str, random.Random], str]


def each(change: Callable[[str, random.Random], str]) -> Layer:
    return lambda text, rng: "".join(change(c, rng) for c in text)


def latin(first: int, capital: int = 0) -> Layer:
    """Letters of another Latin alphabet of Unicode."""

    def change(c: str, rng: random.Random) -> str:
        if "a" <= c <= "z":
            return chr(first + ord(c) - 97)
        return chr(capital + ord(c) - 65) if capital and "A" <= c <= "Z" else c

    return each(change)


LETTERS: dict[str, Layer] = {
    "case": each(lambda c, rng: c.upper() if rng.random() < 0.5 else c),
    "full width": each(lambda c, rng: chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c),
    "bold": latin(0x1D41A, 0x1D400),
    "double struck": latin(0x1D552),
    "circled": latin(0x24D0, 0x24B6),
    "monospace": latin(0x1D68A, 0x1D670),
    "lookalike": each(lambda c, rng: LOOKALIKE.get(c, c) if rng.random() < 0.7 else c),
    "accents": each(lambda c, rng: unicodedata.normalize("NFC", c + rng.choice("\u0301\u0300\u0308\u0302"))),
    "traditional": each(lambda c, rng: TRADITIONAL.get(c, c)),
}
SPREAD: dict[str, Layer] = {
    "nothing": lambda text, rng: text,
    "ignored": lambda text, rng: "".join(c + rng.choice(IGNORED) * rng.randint(0, 3) for c in text),
    "marks": each(lambda c, rng: c + rng.choice(MARKS) * rng.randint(0, 4)),
    "one sign": lambda text, rng: rng.choice(SIGNS).join(text.replace(" ", "")) if " " not in text else text,
    "stretched": lambda text, rng: text[:2] + text[2] * rng.randint(3, 12) + text[3:],
}


def variants(seed: int, n: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    out = []
    for _ in range(n):
        term = rng.choice(TERMS)
        name = [
            rng.choice(sorted(SPREAD)),
            *rng.sample(sorted(LETTERS), rng.randint(0, 2)),
            rng.choice(["nothing", "ignored"]),
        ]
        text = term
        for layer in name:
            text = (SPREAD | LETTERS)[layer](text, rng)
        out.append((" > ".join([term, *name]), text))
    return out


def found(text: str, rng: random.Random) -> bool:
    """Found in the middle of a text, whole and in a stream of random pieces."""
    text = f"好的，{text}。"
    look = bool(DETECTOR.look(text).findings)
    screen, out, i = Screen(DETECTOR, "pattern", "f"), "", 0
    while i < len(text):
        n = rng.choice([1, 1, 2, 3, 8])
        out += screen.feed(text[i : i + n])
        i += n
    out += screen.close()
    assert look == (screen.finding is not None)
    assert not look or text.index("，") + 1 >= len(out)
    return look


def missed(seed: int, n: int) -> list[tuple[str, str]]:
    print("seed", seed)
    rng = random.Random(seed)
    return [(name, text) for name, text in variants(seed, n) if not found(text, rng)]


@pytest.mark.slow
def test_stacked_disguises_are_found() -> None:
    assert missed(random.randrange(2**32), 800) == []


@pytest.mark.slow
def test_many_stacked_disguises_are_found() -> None:
    assert missed(random.randrange(2**32), 40_000) == []
