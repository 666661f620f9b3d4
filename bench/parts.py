# SPDX-License-Identifier: Apache-2.0
"""The parts of the bench: the command of each, and how what it prints becomes figures of one form."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

Systems = dict[str, dict[str, float]]
"""System → measure → figure of one round."""


@dataclass
class Told:
    """What one command said.

    Attributes:
        systems: the figures.
        failed: system → its message.
        versions: of systems that are not ours.
    """

    systems: Systems = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        commands: words after the interpreter; `{tools}`, `{seed}` and `{out}`, the file that is read instead of what is
            printed, are filled in.
        read: makes figures of the output.
        quick: words that make a run short, for trying.
        peers: of `peers.toml`; each that is set up is told by `--NAME INTERPRETER`.
        pinned: whether the whole command runs on one core; the gateway's pins what it starts itself, and asking a model
            service has the two on different cores.
    """

    commands: tuple[tuple[str, ...], ...]
    read: Callable[[str], Told]
    quick: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    pinned: bool = True


def numbers(table: dict[str, Any]) -> dict[str, float]:
    """What of a table is a number."""
    return {key: float(one) for key, one in table.items() if isinstance(one, int | float) and not isinstance(one, bool)}


def gateway(text: str) -> Told:
    """One round of bench/gateway.py."""
    report = json.loads(text)
    systems = {name: rounds[0] for name, rounds in report["figures"].items() if rounds and rounds[0]}
    return Told(systems, {name: said for _, name, said in report["failed"]}, report["versions"])


def words(text: str) -> Told:
    """bench/detect.py: ours, and two that stand for how others do it."""
    told = numbers(json.loads(text))
    systems: Systems = {"guiju": told}
    for other, key in (("one regular expression", "re_us_10000"), ("a hold-back loop", "loop_us_10000")):
        systems[other] = {"look_us_10000" if key.startswith("re") else "feed_us_pattern_10000": told.pop(key)}
    return Told(systems)


def by_system(text: str) -> Told:
    """A table of systems, each a table of figures, a version, or the message of its failure."""
    told = Told()
    for name, table in json.loads(text).items():
        if "failed" in table:
            told.failed[name] = table["failed"]
        else:
            told.systems[name] = numbers(table)
        if table.get("version"):
            told.versions[name] = str(table["version"])
    return told


def lines(text: str) -> Iterator[dict[str, Any]]:
    """Lines of JSON."""
    return (json.loads(line) for line in text.splitlines() if line.startswith("{"))


def corpus(text: str) -> Told:
    """bench/corpus.py: what a megabyte costs beyond the start follows from two sizes."""
    runs = {(one["chain"], one["corpus"]): one for one in lines(text)}
    told = Told()
    for chain in ("exact", "full"):
        few, many = runs[chain, "long-0.1"], runs[chain, "long-1"]
        beyond = (many["mb"] - few["mb"]) / max(0.1, many["cpu_s"] - few["cpu_s"])
        told.systems[f"guiju {chain}"] = {
            "mb_per_cpu_s": beyond,
            "peak_mb": many["peak_mb"],
            "start_s": few["cpu_s"],
            "rows_per_cpu_s": runs[chain, "short"]["rows_per_cpu_s"],
        }
    return told


def corpus_peers(text: str) -> Told:
    """bench/corpus_peers.py, which says a line a system."""
    return by_system(json.dumps({one["system"]: one for one in lines(text) if "system" in one}))


def marking(text: str) -> Told:
    """bench/marking.py: pictures a second, and the share that keeps each label."""
    report = json.loads(text)
    told = Told({kind: dict(figures) for kind, figures in report["a second"].items()})
    for row in report["survival"]:
        kept = {
            f"share {key}": row[key] / row["of"]
            for key in ("metadata", "credentials", "watermark", "words")
            if row[key] is not None
        }
        told.systems[row["how"]] = kept
    return told


def pages(text: str) -> Told:
    """bench/desk.py: milliseconds a page."""
    return Told({name: {"ms": ms} for name, ms in json.loads(text).items()})


def evaluation(text: str) -> Told:
    """bench/evaluation.py: seconds, the median over its own rounds."""
    return Told({name: {"seconds": statistics.median(took)} for name, took in json.loads(text)["seconds"].items()})


def likeness(text: str) -> Told:
    """bench/likeness.py."""
    report = json.loads(text)
    told = Told(
        {name: {"us": us, "ratio": report["ratio to words"][name]} for name, us in report["µs a sentence"].items()}
    )
    told.systems["10,000 words"] = {"us": report["words, µs"], "ratio": 1.0}
    told.systems |= {f"500 bans, {share}": {"found": found} for share, found in report["found again"].items()}
    told.systems["500 bans"]["hits"] = report["hits"] / report["harmless lines"]
    return told


def personal(text: str) -> Told:
    """bench/personal.py."""
    report = json.loads(text)
    told = Told({kind: {"found": share} for kind, share in report["recall, generated"].items()})
    told.systems["all kinds"] = {"us": report["µs a sentence of 90 characters"]["with data"]}
    told.systems["all kinds"]["found"] = statistics.fmean(report["recall, generated"].values())
    told.systems["mask and restore"] = {"us": report["µs to mask and restore one"]}
    return told


_GATEWAY: Final = ("bench/gateway.py", "--tools", "{tools}", "--rounds", "1", "--seed", "{seed}", "--json", "{out}")

PARTS: Final = {
    "gateway": Part(
        (_GATEWAY, (*_GATEWAY, "--controls", "people"), (*_GATEWAY, "--controls", "all")),
        gateway, ("--quick",), pinned=False,
    ),
    "sync": Part(((*_GATEWAY, "--sync"),), gateway, ("--quick",), pinned=False),
    "gateways": Part(((*_GATEWAY, "--peers"),), gateway, ("--quick",), pinned=False),
    "doors": Part(((*_GATEWAY, "--door", "all"),), gateway, ("--quick",), pinned=False),
    "words": Part((("bench/detect.py", "--json", "--seed", "{seed}"),), words, ("--rounds", "1")),
    "word-peers": Part(
        (("bench/peers.py", "--seed", "{seed}", "--json", "{out}"),),
        by_system, ("--terms", "10", "--disguises", "4", "--lines", "50"), ("litellm", "llm-guard", "presidio"),
    ),
    "corpus": Part((("bench/corpus.py", "--mb", "20"),), corpus, ("--mb", "2")),
    "corpus-peers": Part(
        (("bench/corpus_peers.py", "--mb", "8"),),
        corpus_peers, ("--mb", "2"), ("datatrove", "data-juicer", "presidio"),
    ),
    "marking": Part((("bench/marking.py", "--json"),), marking),
    "desk": Part((("bench/desk.py", "--json"),), pages, ("--cases", "5000", "--rounds", "5")),
    "evaluation": Part(
        (("bench/evaluation.py", "--json", "{out}", "--rounds", "1"),),
        evaluation, ("--questions", "100"), pinned=False,
    ),
    "likeness": Part((("bench/likeness.py", "--json"),), likeness),
    "personal": Part((("bench/personal.py",),), personal, ("--count", "50")),
}  # fmt: skip
"""Name → part, in the order in which the page shows them."""
