# SPDX-License-Identifier: Apache-2.0
"""The facts that documents ask of a provider: which there are (facts.toml), and what is said of each (org.toml).

All documents take them from here, so that two of them can't disagree (Articles 2, 6 and 17). Of persons a name, a post
and how they are reached are kept; a number of an identity document is refused wherever it stands.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, Literal, cast

import msgspec

from guiju.detect.personal.checks import is_id_card, is_old_id_card, is_uscc
from guiju.errors import Bilingual, ConfigError, Language, failed

FILE: Final = "org.toml"
Form = Literal[
    "text", "long", "number", "date", "choice", "choices", "list", "person", "rows", "uscc", "icp", "phone", "mail"
]
Route = Literal["filing", "registration", "algorithm"]
ROUTES: Final[dict[Route, tuple[str, str]]] = {
    "filing": ("备案", "filing"),
    "registration": ("登记", "registration"),
    "algorithm": ("算法备案", "algorithm filing"),
}
Value = str | int | datetime.date | list[str] | dict[str, str] | list[dict[str, str]]
"""What is said of a fact: `choice` and `choices` as ids, `person` as a mapping, `rows` as a list of mappings."""
PERSON: Final[dict[str, tuple[str, str]]] = {
    "name": ("姓名", "name"),
    "post": ("职务", "post"),
    "phone": ("电话", "phone"),
    "mail": ("邮箱", "mail"),
}
LONGEST: Final[dict[Form, int]] = {"text": 200, "long": 5000}
_LINE: Final = 200
_MOST: Final = 10**12
_PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{4,22}(?:(?:转|ext\.? ?)[0-9]{1,6})?")
_MAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_ICP: Final = re.compile(r"[\u4e00-\u9fff]ICP[备证]\s?\d{6,10}号(?:-\d{1,4}[A-Z]?)?")
_ID: Final = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|\d{15})(?![0-9A-Za-z])")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of facts.toml knows its names."""


class Named(_Row, frozen=True):
    """An id and its name in both languages: a document, a group, a choice, a column."""

    id: str
    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The name in one language."""
        return self.zh if language == "zh" else self.en


class Fact(Named, frozen=True):
    """One fact.

    Attributes:
        form: what it looks like.
        documents: ids of the documents that use it.
        required: routes that need it.
        watched: whether a filing holds it, so that a change has to be filed too (Article 6).
        choices: of `choice` and `choices`; columns: of `rows`.
        hint: how it is written.
    """

    form: Form
    documents: tuple[str, ...]
    required: tuple[Route, ...] = ()
    watched: bool = False
    choices: tuple[Named, ...] = ()
    columns: tuple[Named, ...] = ()
    hint: Bilingual | None = None

    @property
    def group(self) -> str:
        """The id of its group."""
        return self.id.partition(".")[0]


class _File(_Row, frozen=True):
    document: tuple[Named, ...]
    group: tuple[Named, ...]
    fact: tuple[Fact, ...]


def facts() -> tuple[Fact, ...]:
    """All facts, group by group."""
    return _file().fact


def groups() -> tuple[Named, ...]:
    """The groups in which they stand."""
    return _file().group


def documents() -> tuple[Named, ...]:
    """The documents that use them."""
    return _file().document


def fact(id: str) -> Fact:
    """One fact.

    Raises:
        ConfigError: `not_found`.
    """
    for one in facts():
        if one.id == id:
            return one
    raise ConfigError("not_found", what=Bilingual(f"事实 {id[:64]}", f"fact {id[:64]}"))


def place(data: Path) -> Path:
    """Where what is said of the facts lies: in the data directory, or beside guiju.toml in this folder."""
    return next((path for path in (data / FILE, Path(FILE)) if path.is_file()), data / FILE)


def read(path: Path) -> dict[str, Value]:
    """What is said of the facts, by id; a fact of which nothing is said is left out. None where there is no file.

    Args:
        path: of org.toml.

    Raises:
        ConfigError: `config_invalid`: an unknown name, a wrong form, a number of an identity document; it names the
            place.
    """
    try:
        return parsed_file(path.name, path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error


def parsed_file(file: str, content: bytes) -> dict[str, Value]:
    """The same of what a file holds.

    Args:
        file: its name, for errors.
        content: TOML.

    Raises:
        ConfigError: `config_invalid`, see `read`.
    """
    try:
        raw = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(file, Bilingual(f"不是有效的 TOML（{error}）", f"it is not TOML ({error})")) from error
    known = {one.id: one for one in facts()}
    made: dict[str, Value] = {}
    for group, table in raw.items():
        if not isinstance(table, dict):
            raise _bad(file, Bilingual(f"“{group}”应为表", f"{group!r} is no table"))
        for name, value in table.items():
            one = known.get(f"{group}.{name}")
            if one is None:
                raise _bad(file, Bilingual(f"没有名为 {group}.{name} 的事实", f"no fact is named {group}.{name}"))
            if value in ("", [], {}):
                continue
            if why := wrong(one, value):
                raise _bad(file, Bilingual(f"{one.id}：{why.zh}", f"{one.id}: {why.en}"))
            made[one.id] = value
    return {one.id: made[one.id] for one in facts() if one.id in made}


def missing(values: Mapping[str, Value], route: Route | None = None) -> list[Fact]:
    """Facts of which nothing is said and that a route needs; with no route, those that any needs."""
    return [one for one in facts() if one.id not in values and (route in one.required if route else one.required)]


def wrong(one: Fact, value: object) -> Bilingual | None:
    """What is wrong with what is said of a fact; none where it is right."""
    for text in _texts(value):
        if _CONTROL.search(text):
            return Bilingual("含有控制字符", "it has control characters")
        if one.form != "uscc" and any(_identity(one, found) for found in _ID.findall(text)):
            return Bilingual(
                "含有身份证件号码；证件号码不在系统内保存，只写在纸质或上传的表格里",
                "it has a number of an identity document; these are not kept here, write them on the paper form alone",
            )
    return _WRONG[one.form](one, value)


def parsed(one: Fact, text: str) -> Value:
    """What a person typed, in the form of its fact.

    Args:
        one: the fact.
        text: for `choices` and `list` parted by commas or lines; for `person` `name=…` parted so; for `rows` a row a
            line, its columns parted by `|`.

    Raises:
        ConfigError: `config_invalid`.
    """
    value = _typed(one, text.strip())
    if why := wrong(one, value):
        raise _bad(one.id, why)
    return value


def typed(one: Fact, value: Value) -> str:
    """What a person would have typed: the other way round."""
    if one.form == "rows":
        rows = cast("list[dict[str, str]]", value)
        return "\n".join(" | ".join(row.get(column.id, "") for column in one.columns).rstrip(" |") for row in rows)
    if isinstance(value, dict):
        return "\n".join(f"{name}={text}" for name, text in value.items())
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return str(value)


def said(one: Fact, value: Value, language: Language) -> str:
    """What is said of a fact, in words."""
    comma = "，" if language == "zh" else ", "
    names = {choice.id: choice.of(language) for choice in one.choices}
    if one.form == "rows":
        rows = cast("list[dict[str, str]]", value)
        return ("；" if language == "zh" else "; ").join(comma.join(filter(None, row.values())) for row in rows)
    if isinstance(value, dict):
        return comma.join(value.values())
    if isinstance(value, list):
        return ("、" if language == "zh" else ", ").join(names.get(str(text), str(text)) for text in value)
    return names.get(str(value), str(value))


def written(values: Mapping[str, Value]) -> bytes:
    """Org.toml with the name of each fact above it, and those of which nothing is said as comments."""
    lines = [
        "# 事实：各项申报材料与公示页面所用，每项只写一次。Facts that documents and pages use, each said once.",
        "",
    ]
    for group in groups():
        lines += [f"# {group.zh} / {group.en}", f"[{group.id}]"]
        for one in facts():
            if one.group == group.id:
                hint = f"（{one.hint.zh}）" if one.hint else ""
                lines.append(f"# {one.zh}{hint} / {one.en}")
                name = one.id.partition(".")[2]
                lines.append(f"{name} = {_toml(values[one.id])}" if one.id in values else f"# {name} =")
        lines.append("")
    return "\n".join(lines).encode()


def put(path: Path, raw: bytes) -> None:
    """Put org.toml into its place, whole or not at all; nobody but the operator reads it.

    Raises:
        ConfigError: `not_found`: it can't be written.
    """
    beside = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(mode=0o600)
        beside.write_bytes(raw)
        beside.replace(path)
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error


@cache
def _file() -> _File:
    return msgspec.toml.decode(files("guiju.dossier").joinpath("facts.toml").read_bytes(), type=_File)


def _bad(where: str, why: Bilingual) -> ConfigError:
    hint = Bilingual(
        "guiju facts list 列出各项事实及其写法", "guiju facts list shows all facts and how they are written"
    )
    return ConfigError("config_invalid", what=Bilingual(f"{where}：{why.zh}", f"{where}: {why.en}"), hint=hint)


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [str(value)]


def _identity(one: Fact, found: str) -> bool:
    """Whether digits are a number of an identity card. Those of fifteen digits have no check digit and look like many
    other numbers: they count only where a person is named."""
    return is_id_card(found.upper()) if len(found) == 18 else one.form == "person" and is_old_id_card(found)


def _typed(one: Fact, text: str) -> Value:
    if one.form == "number":
        return int(text) if text.isascii() and text.isdigit() else text
    if one.form == "date":
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            return text
    if one.form in ("choices", "list"):
        return _parts(text)
    if one.form == "person":
        pairs = [part.partition("=") for part in _parts(text)]
        return {name.strip(): value.strip() for name, _, value in pairs}
    if one.form == "rows":
        names = [column.id for column in one.columns]
        lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.strip()]
        return [dict(zip(names, cells[: len(names)], strict=False)) for cells in lines]
    return text


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,，、\n]", text) if part.strip()]


def _toml(value: Value | dict[str, str]) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(text)}" for name, text in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _line(value: object, most: int = _LINE) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= most


def _wrong_text(one: Fact, value: object) -> Bilingual | None:
    most = LONGEST[one.form]
    if not _line(value, most):
        return Bilingual(f"应为 1 至 {most} 个字符的文字", f"a text of 1 to {most} characters")
    if one.form == "text" and "\n" in str(value):
        return Bilingual("应写在一行内", "it stands on one line")
    return None


def _wrong_number(_: Fact, value: object) -> Bilingual | None:
    right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    return None if right else Bilingual("应为不小于 0 的整数", "a whole number, not below 0")


def _wrong_date(_: Fact, value: object) -> Bilingual | None:
    right = isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    return None if right else Bilingual("应为日期，如 2026-12-01", "a date such as 2026-12-01")


def _wrong_choices(one: Fact, value: object) -> Bilingual | None:
    known = [choice.id for choice in one.choices]
    many = value if isinstance(value, list) and one.form == "choices" else [value]
    if (one.form == "choices") != isinstance(value, list) or any(part not in known for part in many):
        listed = " | ".join(known)
        return Bilingual(f"只能取 {listed}", f"one of {listed}")
    if len(set(map(str, many))) != len(many):
        return Bilingual("有重复的值", "a value comes twice")
    return None


def _wrong_list(_: Fact, value: object) -> Bilingual | None:
    right = isinstance(value, list) and len(value) <= 50 and all(_line(part) for part in value)
    return None if right else Bilingual("应为文字列表，至多 50 项", "a list of texts, 50 at most")


def _wrong_person(_: Fact, value: object) -> Bilingual | None:
    if not isinstance(value, dict) or not _line(value.get("name")) or not all(_line(text) for text in value.values()):
        return Bilingual("应写明姓名（name=…）", "a name is needed (name=…)")
    if strange := value.keys() - PERSON.keys():
        listed = " | ".join(PERSON)
        found = sorted(map(str, strange))[0][:32]
        return Bilingual(f"不得有 {found}，只保存 {listed}", f"{found} is not kept, only {listed}")
    for name, check in (("phone", _wrong_phone), ("mail", _wrong_mail)):
        if name in value and (why := check(_, value[name])):
            return why
    return None


def _wrong_rows(one: Fact, value: object) -> Bilingual | None:
    names = [column.id for column in one.columns]
    if not isinstance(value, list) or not value or len(value) > 50 or not all(isinstance(row, dict) for row in value):
        return Bilingual("应为 1 至 50 行", "1 to 50 rows")
    for row in value:
        texts = all(isinstance(text, str) and len(text) <= _LINE for text in row.values())
        if not texts or row.keys() - set(names) or not _line(row.get(names[0])):
            listed = " | ".join(names)
            return Bilingual(f"每行的各栏为 {listed}，第一栏必填", f"a row has {listed}, the first of them always")
    return None


def _wrong_code(_: Fact, value: object) -> Bilingual | None:
    right = isinstance(value, str) and len(value) == 18 and value.isascii() and is_uscc(value)
    return (
        None
        if right
        else Bilingual("不是有效的统一社会信用代码（校验位不符）", "no valid code: the check digit differs")
    )


def _like(pattern: re.Pattern[str], zh: str, en: str) -> Callable[[Fact, object], Bilingual | None]:
    def check(_: Fact, value: object) -> Bilingual | None:
        return None if isinstance(value, str) and pattern.fullmatch(value) else Bilingual(zh, en)

    return check


_wrong_phone: Final = _like(_PHONE, "不是电话号码", "no phone number")
_wrong_mail: Final = _like(_MAIL, "不是邮箱地址", "no mail address")
_WRONG: Final[Mapping[Form, Callable[[Fact, object], Bilingual | None]]] = {
    "text": _wrong_text,
    "long": _wrong_text,
    "number": _wrong_number,
    "date": _wrong_date,
    "choice": _wrong_choices,
    "choices": _wrong_choices,
    "list": _wrong_list,
    "person": _wrong_person,
    "rows": _wrong_rows,
    "uscc": _wrong_code,
    "icp": _like(_ICP, "应如“京ICP备12345678号-1”", "such as “京ICP备12345678号-1”"),
    "phone": _wrong_phone,
    "mail": _wrong_mail,
}


def used(ids: Sequence[str], language: Language) -> str:
    """Names of documents."""
    names: dict[str, str] = {one.id: one.of(language) for one in documents()}
    return ("、" if language == "zh" else ", ").join(names[id] for id in ids)


def as_json(one: Fact, values: Mapping[str, Value]) -> dict[str, Any]:
    """A fact and what is said of it, for programs."""
    value = values.get(one.id)
    told = value.isoformat() if isinstance(value, datetime.date) else value
    row: dict[str, Any] = {"id": one.id, "zh": one.zh, "en": one.en, "form": one.form, "value": told}
    return {**row, "documents": list(one.documents), "required": list(one.required), "watched": one.watched}
