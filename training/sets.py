# SPDX-License-Identifier: Apache-2.0
"""The rows that the classifier learns from: public sets by `manifest.toml`, and our own examples (`training.examples`).

A row says for which heads it is a violation, and for which it is harmless; a head that it says nothing about learns
nothing from it. What is alike in the classifier's own canonical form is one row.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec

from guiju.detect.model.features import canonical, raw
from guiju.detect.model.heads import language
from training import examples

HEADS: Final = examples.HEADS
_HERE: Final = Path(__file__).parent
_PIECE: Final = {"zh": 160, "en": 900}
"""Characters of the pieces into which a long text is cut, as the classifier does it at work by tokens."""
_PIECES: Final = 4
_MEASURED: Final = 1500
"""Rows of a large set, beyond those that are learnt from, that are measured on."""


class Set(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the manifest; what each field means stands at its head."""

    name: str
    licence: str
    rows: int
    sha256: str
    use: Literal["train", "measure", "never"]
    family: str
    benign: bool = False
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    safe: tuple[str, ...] = ()
    fields: tuple[str, ...] = ("text",)
    without: tuple[str, ...] = ()
    most: int = 0
    weight: float = 1.0
    why: str = ""


class _Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    says: tuple[str, ...]
    name: str = msgspec.field(name="is")


class _Categories(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: tuple[_Category, ...]


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    set: list[Set]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One text to learn from or to measure on.

    Attributes:
        text: what it says.
        lang: `zh` or `en`.
        source: set or file of examples.
        family: sources that are left out together.
        group: what is never split between folds.
        yes, no: heads for which it violates, and for which it is harmless.
        weight: how much it counts.
        category: a risk, or "".
        topic: what it is about, for figures.
        use: `train` or `measure`.
        benign: it stands in a set of harmless text.
    """

    text: str
    lang: str
    source: str
    family: str
    group: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    weight: float = 1.0
    category: str = ""
    topic: str = ""
    use: str = "train"
    benign: bool = False


def manifest() -> list[Set]:
    """The sets, as `manifest.toml` names them."""
    return msgspec.convert(tomllib.loads((_HERE / "manifest.toml").read_text("utf-8")), _Manifest).set


@cache
def _risks() -> tuple[_Category, ...]:
    return msgspec.convert(tomllib.loads((_HERE / "categories.toml").read_text("utf-8")), _Categories).category


def risk(topic: str) -> str:
    """The risk that a set's own category is, by `categories.toml`; "" where none is."""
    return next((one.name for one in _risks() if any(piece in topic for piece in one.says)), "")


def public(folder: Path) -> Iterator[Row]:
    """The rows of the public sets.

    Args:
        folder: where the sets lie, as `<name>.jsonl`.

    Raises:
        ValueError: a set is not the one that the manifest names.
    """
    for one in sorted(manifest(), key=lambda one: one.use != "train"):
        if one.use == "never":
            continue
        whole = (folder / f"{one.name}.jsonl").read_bytes()
        if hashlib.sha256(whole).hexdigest() != one.sha256:
            raise ValueError(f"{one.name}.jsonl is not the set that the manifest names")
        made = [row for line in whole.splitlines() for row in _row(one, json.loads(line))]
        ranked = sorted(made, key=_mark)
        most = one.most or len(made)
        yield from ranked[:most]
        yield from (msgspec.structs.replace(row, use="measure") for row in ranked[most : most + _MEASURED])


def _mark(row: Row) -> bytes:
    """What decides which rows of a large set are learnt from: always the same ones."""
    return hashlib.blake2b(row.group.encode(), digest_size=8).digest()


def _row(of: Set, read: dict[str, str]) -> Iterator[Row]:
    unsafe = read["label"] == "unsafe" and not of.benign
    topic = str(read.get("category", ""))
    if topic.startswith(of.without or ("\0",)):
        return
    for field in of.fields:
        text = read.get(field) or ""
        if text.strip():
            yield Row(
                text=text,
                lang=language(text),
                source=of.name,
                family=of.family,
                group=f"{of.family}/{read['id'].removeprefix(of.name)}",
                yes=of.yes if unsafe else (),
                no=of.no if unsafe else of.safe,
                weight=of.weight,
                category=risk(topic) if unsafe else "",
                topic=topic,
                use=of.use,
                benign=of.benign or of.name == "thucnews_titles",
            )


def own() -> Iterator[Row]:
    """Our own examples. A violation is harmless for no other head but those that it can't be; a twin is for all."""
    for one in examples.rows():
        framed = one.head in ("injection", "jailbreak")
        harmless = ("spam",) if framed else ("injection", "jailbreak")
        yield Row(
            text=one.text,
            lang=one.lang,
            source=one.id.split("/")[0],
            family=f"own.{one.id.split('/')[0]}",
            group=one.group,
            yes=(one.head,) if one.unsafe else (),
            no=harmless if one.unsafe else HEADS,
            weight=1.0,
            category=one.category if one.category != "-" else "",
            topic=f"{one.head}.{one.topic}",
            benign=one.topic.startswith("everyday") and not one.unsafe,  # what people ask all day belongs to the pool
            use="train" if one.train else "measure",
        )


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Rows, without those that are alike to an earlier one in canonical form."""
    seen: set[bytes] = set()
    kept = []
    for row in rows:
        mark = hashlib.blake2b(canonical(raw(row.text))[0].tobytes(), digest_size=12).digest()
        if mark not in seen:
            seen.add(mark)
            kept.append(row)
    return kept


def pieces(rows: Sequence[Row]) -> tuple[list[Row], list[int]]:
    """Rows with long texts cut, and the number of the row that each came from.

    Of a harmless text there are up to four pieces, of a violation the first two, and each counts half.
    """
    made: list[Row] = []
    origin: list[int] = []
    for at, row in enumerate(rows):
        size = _PIECE[row.lang]
        if len(row.text) <= size * 3 // 2:
            made.append(row)
            origin.append(at)
            continue
        cut = [row.text[begin : begin + size] for begin in range(0, len(row.text), size)]
        kept = cut[:2] if row.yes else cut[:: max(1, len(cut) // _PIECES)][:_PIECES]
        weight = row.weight / 2 if row.yes else row.weight
        made += [msgspec.structs.replace(row, text=text, weight=weight) for text in kept]
        origin += [at] * len(kept)
    return made, origin
