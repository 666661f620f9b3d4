# SPDX-License-Identifier: Apache-2.0
"""The database of One API or New API: channels become upstreams, tokens become API keys.

Of users only the id and the status are read; no name, address, mail or login of theirs. A token's key is read to make
its HMAC and is kept nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from guiju.config import Upstream
from guiju.errors import Bilingual
from guiju.origins.oneapi_types import NEW_API, ONE_API, Kind
from guiju.origins.plan import NO_ADDRESS, NOT_SHOWN, Lost, Plan, address, planned, shown
from guiju.origins.service import Service

PREFIX: Final = "sk-"
"""What clients send before a token's key."""

_WORKS: Final = 1
"""The status of what is in use: channels, tokens and users alike."""
_GATEWAY: Final = "https://gateway.ai.cloudflare.com"  # takes OpenAI's paths without /v1
_STOPPED: Final = Bilingual("在原系统中未启用", "it is not in use there")
_EXPIRED: Final = Bilingual("已过期", "it has expired")
_SPENT: Final = Bilingual("额度已用完", "its quota is used up")
_DELETED: Final = Bilingual("已删除", "it was deleted")
_NO_OWNER: Final = Bilingual("所属用户已停用或不存在", "its user is not active or not there")
_STRANGE_KEY: Final = Bilingual("密钥不是 32 至 128 位字母和数字", "its key is not 32 to 128 letters and digits")
_BOUND: Final = Bilingual(
    "限定了模型或来源地址，规矩的密钥尚无此项；放开限制请加 --widen",
    "it is bound to models or addresses, which our keys are not; --widen takes it without the bound",
)
_WIDENED: Final = Bilingual("模型或来源地址的限定已放开", "its bound to models or addresses is gone")
_QUOTA: Final = Bilingual(
    "剩余额度不带走：原额度按价格折算，此处的 --tokens-per-day 按每天的 token 计；导入后不限额度",
    "its quota is not taken over: there it counts prices, here tokens a day (--tokens-per-day); it has none now",
)
_OWN_PROTOCOL: Final = Bilingual(
    "该类渠道使用自己的协议；请改用其 OpenAI 兼容地址，手工写入 [[upstream]]",
    "a channel of this type speaks a protocol of its own; enter its OpenAI-compatible address by hand, if it has one",
)
_NEEDS_ADDRESS: Final = Bilingual("缺少 base_url", "it has no base_url")
_NO_MODELS: Final = Bilingual("没有列出模型", "it lists no models")
_MAPPING: Final = Bilingual("model_mapping 不是 JSON 对象", "its model_mapping is not a JSON object")
_WEIGHT: Final = Bilingual(
    "One API 不看权重，同一优先级的渠道机会均等，此处也是",
    "One API pays no heed to weights: channels of one priority get equal shares, here as well",
)
_GROUP: Final = Bilingual(
    "分组不带走：此处每个密钥都可用此服务；请核对 weight",
    "its groups are not taken over: every key may use it here; look the weights over",
)
_OVERRIDE: Final = Bilingual("参数与请求头的改写不带走", "changes of parameters and headers are not taken over")
_USERS: Final = Bilingual(
    "只读取编号与状态：用户名、邮箱、第三方账号、额度与分组均不读取",
    "only ids and states are read: no names, mails, logins, quotas or groups",
)
_OVERRIDES: Final = ("param_override", "header_override", "system_prompt", "status_code_mapping")


class Row(msgspec.Struct, frozen=True):
    """A row of somebody else's table; what is not what it should be reads as 0 or `""`."""

    cells: Mapping[str, Any]

    def number(self, name: str) -> int:
        """A whole number."""
        value = self.cells.get(name)
        return int(value) if isinstance(value, int) else 0

    def text(self, name: str) -> str:
        """A text, without blanks at its ends."""
        value = self.cells.get(name)
        return value.strip() if isinstance(value, str) else ""


class Tables(msgspec.Struct, frozen=True):
    """What was read of a database.

    Attributes:
        product: `one-api` or `new-api`, told by the columns.
        channels, tokens: their rows.
        users: id → whether the user is active.
    """

    product: str
    channels: list[Row]
    tokens: list[Row]
    users: dict[int, bool]


class Token(msgspec.Struct, frozen=True):
    """A key to take over.

    Attributes:
        place: where it stands, by its id.
        account: the account that is to own it.
        name: its name.
        secret: what clients send.
        expires_at: Unix seconds; 0 is never.
    """

    place: str
    account: str
    name: str
    secret: str
    expires_at: int

    def __repr__(self) -> str:
        return f"Token({self.place})"  # never the key


def upstreams(tables: Tables, there: Sequence[Upstream]) -> Plan:
    """Channels as upstreams, the most preferred first.

    Args:
        tables: what was read.
        there: the upstreams that guiju.toml has.
    """
    kinds = NEW_API if tables.product == "new-api" else ONE_API
    services: list[Service] = []
    lost: list[Lost] = []
    order = sorted(tables.channels, key=lambda r: (-r.number("priority"), -r.number("weight"), r.number("id")))
    for row in order:
        place = f"channels {row.number('id')}"
        found = _services(row, place, kinds)
        if isinstance(found, Lost):
            lost.append(found)
            continue
        weight = Fraction(max(row.number("weight"), 0) if tables.product == "new-api" else 1)
        # A channel's keys have its share together; only the best priority of a name gets requests.
        share, rank = weight / len(found), -row.number("priority")
        services += (msgspec.structs.replace(one, share=share, rank=rank) for one in found)
        if row.number("weight") and tables.product != "new-api":
            lost.append(Lost(place, _WEIGHT))
        if row.text("group") not in ("", "default"):
            lost.append(Lost(place, _GROUP))
        if any(row.text(name) not in ("", "{}") for name in _OVERRIDES):
            lost.append(Lost(place, _OVERRIDE))
    return planned(services, there, lost, join=False)


def keys(tables: Tables, now: int, prefix: str, widen: bool) -> tuple[list[Token], list[Lost]]:
    """Tokens that go on working, and those that do not.

    Args:
        tables: what was read.
        now: Unix seconds.
        prefix: what names of accounts begin with; the user's id follows.
        widen: whether keys that are bound to models or addresses are taken without the bound.
    """
    tokens: list[Token] = []
    lost = [Lost("users", _USERS)] if tables.users else []
    for row in tables.tokens:
        place = f"tokens {row.number('id')}"
        if why := _shut(row, tables, now):
            lost.append(Lost(place, why))
            continue
        bound = _is_bound(row)
        if bound and not widen:
            lost.append(Lost(place, _BOUND))
            continue
        if bound:
            lost.append(Lost(place, _WIDENED))
        if not row.number("unlimited_quota"):
            lost.append(Lost(place, _QUOTA))
        expires = row.number("expired_time")
        name = row.text("name")
        tokens.append(
            Token(
                place,
                f"{prefix}-user-{row.number('user_id')}",
                name if shown(name) and len(name) <= 128 else f"token-{row.number('id')}",
                PREFIX + row.text("key"),
                expires if expires > 0 else 0,
            )
        )
    return tokens, lost


def _shut(row: Row, tables: Tables, now: int) -> Bilingual | None:
    """Why a token opens no door there, so that it opens none here."""
    key = row.text("key")
    if row.cells.get("deleted_at") is not None:
        return _DELETED
    if row.number("status") != _WORKS:
        return _STOPPED
    if not tables.users.get(row.number("user_id"), False):
        return _NO_OWNER
    expires = row.cells.get("expired_time")
    if not isinstance(expires, int) or (expires != -1 and expires <= now):
        return _EXPIRED
    if not row.number("unlimited_quota") and row.number("remain_quota") <= 0:
        return _SPENT
    if not (32 <= len(key) <= 128 and key.isascii() and key.isalnum()):
        return _STRANGE_KEY
    return None


def _is_bound(row: Row) -> bool:
    return bool(row.text("models") or row.number("model_limits_enabled") or row.text("subnet") or row.text("allow_ips"))


def _services(row: Row, place: str, kinds: Mapping[int, Kind]) -> list[Service] | Lost:
    """A channel as a service for each of its keys, or why it can't be one."""
    kind = kinds.get(row.number("type"))
    if row.number("status") != _WORKS:
        return Lost(place, _STOPPED)
    if kind is None:
        return Lost(place, _OWN_PROTOCOL)
    given = row.text("base_url") or kind.url
    if not given:
        return Lost(place, _NEEDS_ADDRESS)
    url = address(given)
    if not url:
        return Lost(place, NO_ADDRESS)
    if not url.endswith(kind.path) and not url.startswith(_GATEWAY):
        url += kind.path
    models = _models(row)
    if isinstance(models, Bilingual):
        return Lost(place, models)
    # One channel may hold several keys, one a line.
    secrets = list(dict.fromkeys(line.strip() for line in row.text("key").splitlines() if line.strip())) or [""]
    return [
        Service(
            place if len(secrets) == 1 else f"{place} ({n})",
            kind.label,
            url,
            secret=secret,
            secret_place=f"{place}.key" + (f" ({n})" if len(secrets) > 1 else ""),
            models=models,
            kind=kind.speaks,
        )
        for n, secret in enumerate(secrets, 1)
    ]


def _models(row: Row) -> dict[str, str] | Bilingual:
    names = [name.strip() for name in row.text("models").split(",") if name.strip()]
    if not names:
        return _NO_MODELS
    try:
        mapping = json.loads(row.text("model_mapping") or "{}")
    except (ValueError, RecursionError):
        return _MAPPING
    if not isinstance(mapping, dict):
        return _MAPPING
    models = {name: mapping.get(name) or name for name in names}
    if not all(isinstance(own, str) and shown(own) and shown(name) for name, own in models.items()):
        return NOT_SHOWN
    return {name: name if name == "*" else own for name, own in models.items()}
