# SPDX-License-Identifier: Apache-2.0
"""Banks of questions: what a row is, how files of them are read, and how a sample is drawn (Articles 4, 6, 12, 15;
TC260-003, on banks of test questions).

A bank is a JSON Lines file, one question a row in Chinese and in English; `banks.toml` beside it says what kind it is,
its version and who answers for it. Everything is parsed strictly: what can't be read is named with its place.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from guiju.errors import Bilingual, ConfigError, Language, failed
from guiju.law import book

Kind = Literal["content", "refuse", "answer", "truth", "fairness", "self", "injection", "over"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
Form = Literal[
    "question", "instruction", "completion", "rewrite", "roleplay", "list", "translate", "dialogue", "judgement"
]
FORMS: Final[tuple[Form, ...]] = get_args(Form)
Modality = Literal["text", "image", "audio", "video"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
INDEX: Final = "banks.toml"
SUFFIX: Final = ".jsonl"
_SAID: Final = (re.compile(r'"id"\s*:\s*"([^"\\]+)"'), re.compile(r'"class"\s*:\s*"([^"\\]+)"'))
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class and its names."""

    id: str
    zh: str
    en: str


class Both(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence in both languages."""

    zh: str = ""
    en: str = ""

    def of(self, language: Language) -> str:
        """The sentence in one language."""
        return self.zh if language == "zh" else self.en


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of the answer to a question of truth, in one language.

    Attributes:
        accept: short answers that are right; one of them stands in a right reply.
        false: short answers that are wrong and are often given.
    """

    accept: tuple[str, ...]
    false: tuple[str, ...] = ()


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Known answers in both languages."""

    zh: Answers | None = None
    en: Answers | None = None

    def of(self, language: Language) -> Answers | None:
        """Those of one language."""
        return self.zh if language == "zh" else self.en


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One question.

    Attributes:
        id: within its bank, such as `content-A.1d-007`.
        category: a risk id, an aspect of what must be answered, or a class of the bank's own; in files `class`.
        form: how it is put.
        zh, en: what is asked; `""` where there is no such twin.
        modality: what is given with the question.
        added: ISO date on which it came in; `""` for the bank's own.
        reference: known answers.
        pair: id of the pair that it is half of, and `side` which half.
        ground: what the halves differ in, such as `gender`.
        goal: what a reply holds when an injection has worked: a harmless word, in each language.
    """

    id: str
    category: str = msgspec.field(name="class")
    form: Form = "question"
    zh: str = ""
    en: str = ""
    modality: Modality = "text"
    added: str = ""
    reference: Reference | None = None
    pair: str = ""
    side: str = ""
    ground: str = ""
    goal: Both | None = None

    def text(self, language: Language) -> str:
        """What is asked in one language; `""` where there is no such twin."""
        return self.zh if language == "zh" else self.en


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a bank without its questions: a row of `banks.toml`.

    Attributes:
        version: grows with each change.
        updated: ISO date of the last change; `""` where nobody says.
        owner: who answers for it.
        zh, en: its title.
        note: what an operator must add to it.
        classes: classes of its own; none where they are the law's (risks or aspects). In the file `class`.
    """

    id: str
    kind: Kind
    version: int = 1
    updated: str = ""
    owner: str = ""
    zh: str = ""
    en: str = ""
    note: Both = Both()
    classes: tuple[Named, ...] = msgspec.field(name="class", default=())


class Bank(msgspec.Struct, frozen=True):
    """A bank: what is known of it, and its questions in their order."""

    about: About
    items: tuple[Item, ...]

    @property
    def id(self) -> str:
        """Its id."""
        return self.about.id

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return self.about.kind

    @property
    def version(self) -> int:
        """Its version."""
        return self.about.version

    @property
    def hash(self) -> str:
        """SHA-256 of the questions as they are written; names them in evidence."""
        return hashlib.sha256(written(self.items)).hexdigest()

    def classes(self) -> dict[str, int]:
        """Class → how many questions it has, in the order in which the law or the bank names the classes."""
        counted: dict[str, int] = dict.fromkeys(names(self.about), 0)
        for item in self.items:
            counted[item.category] = counted.get(item.category, 0) + 1
        return {name: number for name, number in counted.items() if number}


class Fault(msgspec.Struct, frozen=True):
    """What is wrong at one place of a file.

    Attributes:
        code: such as `bad_json`.
        bank: id of the bank.
        place: line, or sheet and row, or the question's id.
        what: in words; never the question itself.
    """

    code: str
    bank: str
    place: str
    what: Bilingual


class Reading(msgspec.Struct, frozen=True):
    """A file that was read: the bank with what could be understood, and what could not."""

    bank: Bank
    faults: tuple[Fault, ...] = ()


def names(about: About) -> dict[str, Bilingual]:
    """The classes that a bank may have, by id, with their names."""
    if about.classes:
        return {one.id: Bilingual(one.zh, one.en) for one in about.classes}
    said: Sequence[book.Aspect | book.Risk] = book.aspects() if about.kind == "answer" else book.risks()
    return {one.id: Bilingual(one.zh, one.en) for one in said}


def shipped() -> dict[str, Bank]:
    """The banks that Guiju ships, by id, in the order of `banks.toml`.

    Raises:
        ConfigError: `bank_invalid`: one of them can't be read.
    """
    return dict(_shipped())


@cache
def _shipped() -> Mapping[str, Bank]:
    folder = files("guiju.evaluation").joinpath("banks")
    index = indexed(folder.joinpath(INDEX).read_bytes(), INDEX)
    return {id: whole(parsed(folder.joinpath(id + SUFFIX).read_bytes(), about)) for id, about in index.items()}


def load(path: Path, kind: Kind | None = None) -> Bank:
    """Read a bank from a JSON Lines file; all of it must be understood.

    Args:
        path: the file.
        kind: of the bank, where no `banks.toml` beside it says so and its name is no bank's id.

    Raises:
        ConfigError: `bank_invalid`: something in it can't be read, and where; `not_found`.
    """
    return whole(read(path, kind))


def read(path: Path, kind: Kind | None = None) -> Reading:
    """Read a bank from a JSON Lines file, with all faults of its form. See `load`.

    Raises:
        ConfigError: `bank_invalid`: nobody says what kind of bank it is; `not_found`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    return parsed(data, about_of(path, kind, *(pattern.findall(data.decode("utf-8", "replace")) for pattern in _SAID)))


def about_of(path: Path, kind: Kind | None = None, ids: Sequence[str] = (), classes: Sequence[str] = ()) -> About:
    """What is known of the bank in a file: from `banks.toml` beside it, else from its name, else from its questions.

    Raises:
        ConfigError: `bank_invalid`: the index can't be read, or nobody says what kind of bank it is.
    """
    id, beside = path.name.partition(".")[0], path.with_name(INDEX)
    if beside.is_file():
        try:
            index = indexed(beside.read_bytes(), str(beside))
        except OSError as error:
            raise ConfigError("not_found", what=failed(beside, error)) from error
        if id in index:
            return msgspec.structs.replace(index[id], kind=kind or index[id].kind)
    kind = kind or _like(id) or _guessed(ids, classes)
    return named(id if _NAME.fullmatch(id) else kind or "", kind, str(path))


def named(id: str, kind: Kind | None, where: str) -> About:
    """What is known of a bank of which there is only a name: that of a shipped one says its kind and its classes.

    Raises:
        ConfigError: `bank_invalid`: the name is none, or says no kind.
    """
    if (kind := kind or _like(id)) is None:
        known = " | ".join(KINDS)
        raise invalid(where, Bilingual(f"不知道是哪类题库，请用 --kind 指明：{known}", f"say its --kind: {known}"))
    if not _NAME.fullmatch(id):
        raise invalid(where, Bilingual("题库编号只能用字母、数字、点与连字符", "an id has letters, digits, . and -"))
    own = next((one.classes for one in _index().values() if one.kind == kind), ())
    return About(id=id, kind=kind, classes=own)


def _like(name: str) -> Kind | None:
    return next((one for one in KINDS if name == one or name.startswith(f"{one}-")), None)


def _guessed(ids: Sequence[str], classes: Sequence[str]) -> Kind | None:
    """The kind that most ids name; else one that has such classes."""
    votes = Counter(kind for kind in map(_like, ids) if kind)
    if votes:
        return votes.most_common(1)[0][0]
    kinds: tuple[Kind, ...] = ("content", "answer")
    return next((kind for kind in kinds if set(classes) & names(About(id="", kind=kind)).keys()), None)


@cache
def _index() -> Mapping[str, About]:
    return indexed(files("guiju.evaluation").joinpath("banks", INDEX).read_bytes(), INDEX)


def indexed(data: bytes, where: str) -> dict[str, About]:
    """The rows of a `banks.toml`, by id.

    Raises:
        ConfigError: `bank_invalid`.
    """
    try:
        rows = msgspec.convert(tomllib.loads(data.decode("utf-8")).get("bank", []), list[About])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise invalid(where, str(error)) from error
    if len({one.id for one in rows}) < len(rows) or any(not _NAME.fullmatch(one.id) for one in rows):
        raise invalid(where, Bilingual("题库编号重复或不合要求", "an id stands twice or is not valid"))
    if bad := next((one for one in rows if one.updated and not _is_day(one.updated)), None):
        raise invalid(where, f"{bad.id}: updated {bad.updated!r}")
    return {one.id: one for one in rows}


def parsed(data: bytes, about: About) -> Reading:
    """Read JSON Lines.

    Args:
        data: the file's bytes, in UTF-8; blank lines are passed over.
        about: what is known of the bank.
    """
    raw: list[tuple[str, Any]] = []
    faults: list[Fault] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        place = f"{number}"
        if not line.strip():
            continue
        try:
            raw.append((place, _object(line)))
        except (ValueError, RecursionError) as error:
            code = "bad_encoding" if isinstance(error, UnicodeDecodeError) else "bad_json"
            faults.append(Fault(code, about.id, place, _BAD_LINE[code]))
    if data.startswith(b"\xef\xbb\xbf"):
        faults.append(Fault("byte_order_mark", about.id, "1", _BAD_LINE["byte_order_mark"]))
    return gathered(raw, about, faults)


def gathered(raw: Iterable[tuple[str, Any]], about: About, faults: Iterable[Fault] = ()) -> Reading:
    """Make a bank of rows, each with its place; rows that are none are left out and named.

    Args:
        raw: places, and what stands there, as JSON has it.
        about: what is known of the bank.
        faults: what was found before.
    """
    found, items, seen = list(faults), [], dict[str, str]()
    known = names(about)
    for place, value in raw:
        try:
            item = msgspec.convert(value, Item)
        except msgspec.ValidationError as error:
            found.append(
                Fault("bad_row", about.id, place, Bilingual(f"该行有误：{error}", f"the row is wrong: {error}"))
            )
            continue
        found += [Fault(code, about.id, place, what) for code, what in _strange(item, known, seen)]
        if _is_text(item) and item.id not in seen:
            seen[item.id] = place
            items.append(item)
    if not items and not found:
        found.append(Fault("empty", about.id, "1", Bilingual("没有题目", "there is no question")))
    return Reading(Bank(about, tuple(items)), tuple(found))


def _strange(item: Item, known: Mapping[str, Bilingual], seen: Mapping[str, str]) -> Iterator[tuple[str, Bilingual]]:
    """What is wrong with a row by itself, beyond its form."""
    if not _NAME.fullmatch(item.id):
        yield "bad_id", Bilingual("题目编号不合要求", "the id of the question is not valid")
    if item.id in seen:
        where = seen[item.id]
        yield "id_twice", Bilingual(f"编号 {item.id} 已见于 {where}", f"the id {item.id} stands at {where} already")
    if item.category not in known:
        yield "unknown_class", Bilingual(f"没有类别 {item.category[:40]}", f"there is no class {item.category[:40]}")
    if not _is_text(item):
        yield "bad_encoding", Bilingual("含有不成字符的编码", "it holds what is no character")
    if not item.zh.strip() and not item.en.strip():
        yield "no_text", Bilingual("没有题面", "nothing is asked")
    if item.added and not _is_day(item.added):
        yield "bad_date", Bilingual("added 不是日期", "added is no date")
    if bool(item.pair) != bool(item.side):
        yield "bad_pair", Bilingual("pair 与 side 须同时写明", "pair and side stand together")


def _is_text(item: Item) -> bool:
    """Whether all of a row can be written: half of a surrogate pair can't."""
    try:
        msgspec.json.encode(item)
    except UnicodeEncodeError:
        return False
    return True


def written(items: Iterable[Item]) -> bytes:
    """Questions as JSON Lines."""
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)


def whole(reading: Reading) -> Bank:
    """The bank of a file in which nothing is wrong.

    Raises:
        ConfigError: `bank_invalid`: the first fault, with its place, and how many more there are.
    """
    if not reading.faults:
        return reading.bank
    first, more = reading.faults[0], len(reading.faults) - 1
    zh, en = f"第 {first.place} 行：{first.what.zh}", f"line {first.place}: {first.what.en}"
    if more:
        zh, en = f"{zh}（另有 {more} 处）", f"{en} (and {more} more)"
    raise invalid(reading.bank.id, Bilingual(zh, en))


def invalid(name: str, what: object) -> ConfigError:
    """The error for a bank that can't be read."""
    return ConfigError("bank_invalid", name=name, what=what)


def draw(bank: Bank, size: int, seed: int) -> list[Item]:
    """Draw questions at random, by class: each class gives its share, and at least one while the sample allows.

    The two halves of a pair are drawn together, so that a sample of pairs may have one question more or less than was
    asked for. Which questions are drawn depends on their ids and the seed alone, not on their order in the file; a
    question that is added changes little.

    Args:
        bank: the bank.
        size: how many questions; all of them where there are no more.
        seed: the same seed draws the same questions.

    Returns:
        The questions, in an order that the seed gives.
    """
    strata: dict[str, dict[str, list[Item]]] = {}
    for item in bank.items:
        strata.setdefault(item.category, {}).setdefault(item.pair or item.id, []).append(item)
    shares = _shares({name: sum(map(len, units.values())) for name, units in strata.items()}, size)
    drawn: list[Item] = []
    for name, units in strata.items():
        taken: list[Item] = []
        for unit in sorted(units, key=lambda id: _rank(seed, id)):
            if len(taken) >= shares[name]:
                break
            taken += units[unit]
        drawn += taken
    return sorted(drawn, key=lambda item: (_rank(seed, item.pair or item.id), item.side))


def _shares(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """How many of each class: by its size, the largest remainders first, at least one while there is room."""
    total = sum(counts.values())
    size = max(0, min(size, total))
    exact = {name: size * number / total for name, number in counts.items()} if total else {}
    shares = {name: math.floor(share) for name, share in exact.items()}
    order = sorted(exact, key=lambda name: (shares[name] - exact[name], name))
    for name in order[: size - sum(shares.values())]:
        shares[name] += 1
    for name in sorted(shares):
        richest = max(shares, key=lambda one: (shares[one], one))
        if not shares[name] and shares[richest] > 1:
            shares[name], shares[richest] = 1, shares[richest] - 1
    return shares


def _rank(seed: int, id: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{id}".encode()).digest()


def _object(line: bytes) -> Any:
    """One line; a key that stands twice is wrong, as nobody can say which of the two is meant."""
    return json.loads(line.decode("utf-8"), object_pairs_hook=_once)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice")
    return made


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_BAD_LINE: Final[Mapping[str, Bilingual]] = {
    "bad_encoding": Bilingual("不是 UTF-8", "it is not UTF-8"),
    "bad_json": Bilingual("不是一个 JSON 对象，或有重复的键", "it is no JSON object, or a key stands twice"),
    "byte_order_mark": Bilingual("文件以字节顺序标记（BOM）开头", "the file begins with a byte order mark"),
}
