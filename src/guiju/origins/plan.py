# SPDX-License-Identifier: Apache-2.0
"""What an import takes over, what it leaves and why, and the `[[upstream]]` sections that come of it.

A key that stands in somebody else's file is never copied into guiju.toml: the section names an environment variable,
and the operator is told where its value is now. A place names where something stood, never what it was.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from guiju.config import Settings, Upstream, parse
from guiju.errors import Bilingual, ConfigError, failed
from guiju.origins.service import Service
from guiju.origins.weights import weighed

_PLAIN: Final = re.compile(r"[^a-z0-9]+")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
NO_ADDRESS: Final = Bilingual(
    "地址须为 http:// 或 https://，且不含密码、查询参数",
    "the address must be http:// or https://, without a password or a query",
)
NOT_SHOWN: Final = Bilingual("名称含有不可显示的字符或过长", "a name holds what can't be shown, or is too long")


class Lost(msgspec.Struct, frozen=True):
    """Something that is not taken over: where it stood, and why."""

    place: str
    why: Bilingual


class Kept(msgspec.Struct, frozen=True):
    """Something that is taken over: where it stood, what it becomes, and whether it is new here."""

    place: str
    to: str
    new: bool


class Variable(msgspec.Struct, frozen=True):
    """An environment variable to set before the start: its name, and where its value stands now."""

    name: str
    place: str


class Plan(msgspec.Struct, frozen=True):
    """What becomes of an import.

    Attributes:
        kept, lost: one by one.
        upstreams: the sections that are new.
        variables: what to set before the start.
    """

    kept: tuple[Kept, ...]
    lost: tuple[Lost, ...]
    upstreams: tuple[Upstream, ...] = ()
    variables: tuple[Variable, ...] = ()

    @property
    def toml(self) -> str:
        """The new sections as they stand in guiju.toml; `""` when there are none."""
        return "\n".join(section(one) for one in self.upstreams)


def invalid(name: object, zh: str, en: str) -> ConfigError:
    """The error of a file that can't be taken at all."""
    return ConfigError("import_invalid", name=str(name), what=Bilingual(zh, en))


def read_bounded(path: Path, most: int) -> bytes:
    """A file's bytes.

    Raises:
        ConfigError: `not_found` when it can't be read; `import_invalid` when it is larger than `most`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    if len(data) > most:
        raise invalid(path.name, f"超过 {most >> 20} MiB", f"it is larger than {most >> 20} MiB")
    return data


def address(url: str) -> str:
    """A base address without a slash at its end; `""` for one that is not to be taken."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.password)
        _ = parts.port
    except ValueError:
        return ""
    if not good or parts.query or parts.fragment or len(url) > 512 or not shown(url) or " " in url:
        return ""
    return url.rstrip("/")


def shown(name: str) -> bool:
    """Whether a name may stand in a table and in guiju.toml."""
    return 0 < len(name) <= 200 and name.isprintable()


def variable(name: str) -> bool:
    """Whether a name can be one of an environment variable."""
    return bool(_VARIABLE.fullmatch(name))


def joined(services: Sequence[Service]) -> list[Service]:
    """Services put together that differ in their models only, as long as no public name would mean two things."""
    made: list[Service] = []
    for one in services:
        for n, other in enumerate(made):
            same = _kind(other) == _kind(one)
            if same and all(other.models.get(name, own) == own for name, own in one.models.items()):
                models = {**other.models, **one.models}
                also = (*other.also, *(place for place in (one.place, *one.also) if place not in other.places))
                made[n] = msgspec.structs.replace(other, models=models, also=also)
                break
        else:
            made.append(one)
    return made


def _kind(one: Service) -> tuple[object, ...]:
    """What services have in common that may share a section; those on standby keep their order."""
    return one.url, one.kind, one.completions, one.key_env, one.secret, one.weight, 0 if one.weight else one.rank


def planned(services: Sequence[Service], there: Sequence[Upstream], lost: Sequence[Lost], join: bool = True) -> Plan:
    """Give each service its sections, unless they are there already.

    Args:
        services: what was found.
        there: the sections that guiju.toml has.
        lost: what is left, as far as it is known.
        join: put services together that differ in their models only.
    """
    owners: dict[str, object] = {}  # a section that is there → the one service whose it is
    taken = {one.name for one in there}
    kept: list[Kept] = []
    new: list[Upstream] = []
    unset: dict[str, Variable] = {}  # literal key → the variable it is to stand in
    told = list(lost)
    names = {name for one in there for name in one.models}
    variables = {one.key_env for one in there} | {one.key_env for one in services}
    for service in joined(weighed(services)) if join else weighed(services):
        me = (service.key_env, service.secret)
        mine = [one for one in there if _same(one, service) and owners.get(one.name, me) == me]
        found = min(mine, key=lambda one: one.weight != service.weight, default=None)
        if found:
            owners[found.name] = me
            kept += (Kept(place, found.name, new=False) for place in service.places)
            told += [] if found.weight == service.weight else [_other_weight(service, found)]
            continue
        name = _name(service.label, taken)
        taken.add(name)
        if service.secret and service.secret not in unset:
            known = variables | {one.name for one in unset.values()}
            unset[service.secret] = Variable(_env(name, known), service.secret_place)
        key_env = unset[service.secret].name if service.secret else service.key_env
        if shared := [model for model in service.models if model in names]:
            told.append(_shared(service.place, shared))
        made = Upstream(name, service.url, key_env, service.models, service.weight, kind=service.kind)
        new.append(msgspec.structs.replace(made, completions=service.completions))
        kept += (Kept(place, name, new=True) for place in service.places)
    wanted = {v.name: v for v in unset.values()}
    for one in new:
        if one.key_env and one.key_env not in wanted:
            wanted[one.key_env] = Variable(one.key_env, "")
    return Plan(tuple(kept), tuple(told), tuple(new), tuple(wanted.values()))


def section(one: Upstream) -> str:
    """A section of guiju.toml; what it says is read back and compared."""
    models = ", ".join(f"{_quoted(name)} = {_quoted(own)}" for name, own in one.models.items())
    lines = ["[[upstream]]", f"name = {_quoted(one.name)}", f"url = {_quoted(one.url)}"]
    lines += [f"kind = {_quoted(one.kind)}"] if one.kind != "openai" else []
    lines += [f"completions = {_quoted(one.completions)}"] if one.completions != "chat" else []
    lines += [f"key_env = {_quoted(one.key_env)}"] if one.key_env else []
    lines += [f"models = {{ {models} }}"] + ([f"weight = {one.weight}"] if one.weight != 1 else [])
    text = "\n".join([*lines, ""])
    read: Settings = parse(tomllib.loads(text))
    assert read.upstream == (one,)
    return text


def _quoted(text: str) -> str:
    """A basic string of TOML; names are printable, so JSON's rules do."""
    return json.dumps(text, ensure_ascii=False)


def _same(one: Upstream, service: Service) -> bool:
    key = one.key_env != "" if service.secret else one.key_env == service.key_env
    same = one.url.rstrip("/") == service.url and (one.kind, one.completions) == (service.kind, service.completions)
    return key and same and service.models.items() <= one.models.items()


def _name(label: str, taken: set[str]) -> str:
    plain = _PLAIN.sub("-", label.lower()).strip("-")[:48] or "upstream"
    return next(n for n in (plain, *(f"{plain}-{i}" for i in range(2, len(taken) + 3))) if n not in taken)


def _env(name: str, known: set[str]) -> str:
    """A variable of our own: under a well-known name somebody's other key might stand, and go to the wrong service."""
    plain = "UPSTREAM_KEY_" + name.upper().replace("-", "_")
    return next(n for n in (plain, *(f"{plain}_{i}" for i in range(2, len(known) + 3))) if n not in known)


def _shared(place: str, models: Sequence[str]) -> Lost:
    shown_here = "、".join(models[:3]) + ("…" if len(models) > 3 else "")
    return Lost(
        place,
        Bilingual(
            f"guiju.toml 中已有服务提供这些名称，今后按 weight 与其分配，请核对：{shown_here}",
            "guiju.toml has a service of these names, which shares them by weight from now on; look the weights over: "
            + shown_here.replace("、", ", "),
        ),
    )


def _other_weight(service: Service, found: Upstream) -> Lost:
    return Lost(
        service.place,
        Bilingual(
            f"guiju.toml 中 {found.name} 的 weight 是 {found.weight}，不改为 {service.weight}",
            f"{found.name} in guiju.toml has weight {found.weight}, which is not changed to {service.weight}",
        ),
    )
