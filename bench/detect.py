# SPDX-License-Identifier: Apache-2.0
"""What words and the screen cost, beside two peers in the same run. `python bench/detect.py [--json]`

Peers, as no matcher of the kind is at hand to compare with: `re` (one alternation of all terms over the lower-case
text, which finds no disguise and says nothing of holding back) and `loop` (a hold-back loop in pure Python as gateways
write it: `in` for each term, a set of prefixes, over the lower-case text). Texts: 500 characters, half Chinese, half
English, about 1 KB. Times are CPU time of one thread: the median of rounds.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import platform
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from guiju.detect.entry import Entry
from guiju.detect.sounds import spoken
from guiju.detect.table import fold
from guiju.detect.words import Words
from guiju.gateway.screen import Screen

LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
HAN = (
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里"
    "所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从"
)


MIB = 1 << 20
PIECE = 100 << 10
BARS = {"hostile_p99_ms": 50.0, "hostile_linear": 1.5}
"""What may not be exceeded: milliseconds for 100 KiB of a hostile text, and how much dearer a text of ten times the
length may be than ten texts."""


def resident() -> float:
    """MiB of this process that are in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1024 / 1024


def entries(n: int, rng: random.Random) -> list[Entry]:
    """Random terms: four fifths of 3 to 6 Han characters, the rest of 6 to 12 letters."""
    terms: dict[str, None] = {}
    said = {sound for character in HAN for sound in spoken(character)}
    while len(terms) < n:
        if rng.random() < 0.8:
            rare = chr(rng.randrange(0x4E00, 0x9FA0))  # so that the texts, made of common characters, hold no term
            if fold(rare) not in HAN and said.isdisjoint(spoken(fold(rare))):
                terms["".join(rng.choices(HAN, k=rng.randint(2, 5))) + rare] = None
        else:
            terms["".join(rng.choices(LETTERS, k=rng.randint(6, 12)))] = None
    return [Entry(f"w-{i:016x}", term, "own", "block") for i, term in enumerate(terms)]


def texts(n: int, rng: random.Random) -> list[str]:
    """Mixed texts of 500 characters with punctuation."""
    out = []
    for _ in range(n):
        zh = "".join(rng.choice(HAN) if rng.random() < 0.88 else rng.choice("，。、：“”！") for _ in range(250))
        en = ""
        while len(en) < 250:
            en += "".join(rng.choices(LETTERS, weights=range(52, 0, -2), k=rng.randint(1, 9))) + rng.choice("     ,.")
        out.append(zh + en.capitalize()[:250])
    return out


def loop(terms: Sequence[str], pieces: Sequence[str]) -> str:
    """The pure-Python peer: a stream through a hold-back loop."""
    held, out, longest = "", [], max(map(len, terms))
    starts = {term[:i] for term in terms for i in range(1, len(term))}
    for piece in pieces:
        held += piece.lower()
        if any(term in held for term in terms):
            break
        keep = next((k for k in range(min(longest, len(held)), 0, -1) if held[-k:] in starts), 0)
        out.append(held[: len(held) - keep])
        held = held[len(held) - keep :]
    return "".join(out)


def hostile(rng: random.Random) -> dict[str, str]:
    """Texts of 1 MiB that want to be dear to look at, by shape."""
    units = {
        "zero width": "\u200b", "combining": "\u0301", "spaces": " ", "line breaks": "\n", "one letter": "a",
        "one character": "哈", "near misses": HAN[:4], "parted": " ".join(HAN[:9]) + " ", "tags": "\U000e0041",
        "selectors": "规\ufe0f", "overrides": "\u202eabc", "overrides, closed": "\u202ecba\u202c",
        "zalgo": "b\u0301\u0302o\u0303o\u0304t", "eight spaces": "规        矩        ", "one for many": "ﷺ",
        "mathematical": "𝐠𝐮𝐢", "full width": "ＧＵＩ", "runs at the limit": "b" * 64 + "o" * 64,
        "emoji": "👨\u200d👩\u200d👧",
        "percent": "%E8%A7%84", "entities": "&#x89C4;", "escapes": "\\u89c4", "markup": "<p>&nbsp;</p>",
        "table": "|---|---|\n", "leet": "h4x0r5 ", "traditional": "規矩與電腦", "brackets": "((((",
    }  # fmt: skip
    made = {name: unit * (MIB // len(unit.encode())) for name, unit in units.items()}
    nested = rng.randbytes(MIB // 8)
    while len(nested) < MIB:
        nested = base64.b64encode(nested)
    made["nested base64"] = nested[:MIB].decode()
    made["hex"] = rng.randbytes(MIB // 2).hex()
    made["letter soup"] = "".join(rng.choices([*HAN[:9], "a", "b ", "c d"], k=MIB // 2))
    return made


def pieces_of(text: str) -> list[str]:
    """A text in pieces of 100 KiB, the last one left out where it is shorter."""
    share = len(text) * PIECE // len(text.encode())
    return [text[at : at + share] for at in range(0, len(text) - share + 1, share)]


def spent(act: Callable[[], object]) -> float:
    """Milliseconds of CPU of one call."""
    start = time.thread_time()
    act()
    return (time.thread_time() - start) * 1000


def whole(words: Words, text: str) -> None:
    """A look at a long text, in slices, as the gateway looks."""
    for _ in words.look_slices(text):
        pass


def dear(words: Words, rng: random.Random, rounds: int) -> dict[str, float]:
    """Milliseconds for 100 KiB of each hostile shape, the 99th percentile over all of them, and whether ten times as
    much text takes more than ten times as long."""
    figures: dict[str, float] = {}
    took: list[float] = []
    ratios = []
    for name, text in hostile(rng).items():
        parts = pieces_of(text)
        mine = [spent(lambda p=part: whole(words, p)) for _ in range(rounds) for part in parts]  # type: ignore[misc] # mypy can't type a lambda with a default
        alone = statistics.median(spent(lambda t=text: whole(words, t)) for _ in range(rounds))  # type: ignore[misc] # as above
        ratios.append(alone / (statistics.median(mine) * len(text.encode()) / PIECE))
        figures[f"hostile_ms {name}"] = statistics.median(mine)
        took += mine
    took.sort()
    figures["hostile_p99_ms"] = took[int(len(took) * 0.99)]
    figures["hostile_linear"] = max(ratios)
    return figures


def each(act: Callable[[], object], calls: int, rounds: int = 7) -> float:
    """Microseconds of one call: the median of rounds that each make a number of calls."""
    act()
    took = []
    for _ in range(rounds):
        start = time.thread_time()
        act()
        took.append((time.thread_time() - start) / calls * 1e6)
    return statistics.median(took)


def fed(words: Words, reach: str, pieces: Sequence[str]) -> None:
    """One stream."""
    screen = Screen(words, "sentence" if reach == "sentence" else "pattern", "content")
    for piece in pieces:
        screen.feed(piece)
    screen.close()
    if screen.finding:
        raise SystemExit("a text that holds no term whole holds one in pieces")


def run(seed: int, rounds: int) -> dict[str, float | str]:
    """All figures; hostile texts are looked at in so many rounds."""
    rng = random.Random(seed)
    sample = texts(300, rng)
    figures: dict[str, float | str] = {"seed": seed, "python": platform.python_version(), "cpu": cpu()}
    figures["text_bytes"] = sum(len(text.encode()) for text in sample) / len(sample)
    for n in (10_000, 100_000):
        terms = entries(n, rng)
        gc.collect()
        before, start = resident(), time.thread_time()
        words = Words(terms, "v1")
        figures[f"build_s_{n}"] = time.thread_time() - start
        figures[f"build_mib_{n}"] = resident() - before
        # Random letters say a random term now and then, spoken or turned round: such texts are left out.
        clean = [text for text in sample if not words.look(text).findings]
        figures[f"left_out_{n}"] = len(sample) - len(clean)
        pieces = [text[i : i + 8] for text in clean for i in range(0, len(text), 8)]
        figures[f"look_us_{n}"] = each(lambda w=words, t=clean: [w.look(text) for text in t], len(clean))
        if n == 10_000:
            figures |= dear(words, rng, rounds)
        for reach in ("pattern", "sentence"):
            figures[f"feed_us_{reach}_{n}"] = each(lambda w=words, r=reach, p=pieces: fed(w, r, p), len(pieces))
    few = [entry.term for entry in entries(10_000, random.Random(seed))]
    alternation = re.compile("|".join(map(re.escape, few)))
    figures["re_us_10000"] = each(lambda: [alternation.findall(text.lower()) for text in sample[:3]], 3, rounds=3)
    figures["loop_us_10000"] = each(lambda: loop(few, pieces[:200]), 200, rounds=3)
    figures["re_by_look"] = float(figures["re_us_10000"]) / float(figures["look_us_10000"])
    figures["loop_by_feed"] = float(figures["loop_us_10000"]) / float(figures["feed_us_pattern_10000"])
    return figures


def cpu() -> str:
    """The processor's name."""
    with open("/proc/cpuinfo") as file:
        return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "unknown")


def main() -> int:
    """Print the figures; exit 1 when a bar is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--rounds", type=int, default=3, help="of the hostile texts")
    chosen = options.parse_args()
    figures = run(chosen.seed, chosen.rounds)
    missed = [name for name, bar in BARS.items() if float(figures[name]) > bar]
    if chosen.json:
        json.dump(figures, sys.stdout, indent=1)
    else:
        for name, value in figures.items():
            bar = f"  (bar {BARS[name]:g}: {'NO' if name in missed else 'holds'})" if name in BARS else ""
            print(f"{name:32} {value:.2f}{bar}" if isinstance(value, float) else f"{name:32} {value}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
