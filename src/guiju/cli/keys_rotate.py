# SPDX-License-Identifier: Apache-2.0
"""`guiju keys rotate`: another key or secret while the service runs; the old one holds for a while (robustness K1)."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import typer

from guiju.cli.books import AsJson, Data, now, opened, show
from guiju.cli.tongue import say
from guiju.config import Settings
from guiju.errors import ConfigError, failed
from guiju.records import accounts, recalls, rotation, sessions
from guiju.records.changes import Terms
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.secrets import Secrets

What = Literal["signing", "pepper", "vault", "sessions", "webhook", "upstream", "oidc"]
HELP: Final = say(
    "轮换密钥：signing（证据签名）、pepper（接口密钥的摘要）、vault（保险库主密钥）、sessions（控制台会话）、"
    "webhook（账户回调）、upstream（模型服务）、oidc（身份提供方）。服务不中断，旧密钥按规则继续有效。",
    "Rotate a key: signing (of evidence), pepper (of API keys), vault (key-encryption keys), sessions (of the "
    "console), webhook (of an account), upstream (a model service's), oidc (the identity provider's). The service goes "
    "on, and the old key holds as the docs say.",
)


class Wish(msgspec.Struct, frozen=True):
    """What was asked for: whose key, whether the old one ends, by whom, when, and where."""

    name: str
    finish: bool
    by: str
    at: int
    data: Path
    settings: Settings
    store: Store


Told = tuple[dict[str, Any], str]
"""What a rotation says: as JSON, and to a person."""


def rotate(
    what: Annotated[What, typer.Argument(metavar="WHAT", help=say("轮换哪一种", "which kind"))],
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]", help=say("webhook：账户；upstream：服务名", "webhook: account; upstream: name")
        ),
    ] = "",
    finish: Annotated[
        bool,
        typer.Option(
            "--finish",
            help=say(
                "pepper：销毁旧密钥，此后仍未使用过的接口密钥停用",
                "pepper: destroy the old one; API keys that have not come since are revoked",
            ),
        ),
    ] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Rotate a key or secret."""
    with opened(data) as (settings, store):
        wish = Wish(name, finish, getpass.getuser(), now(), data, settings, store)
        document, text = _KINDS[what](wish)
    show({"rotated": what, **document}, as_json, text)


def _signing(wish: Wish) -> Told:
    ids = rotation.signing(wish.data / "keys")
    rotation.entered(wish.store, "signing", ids, wish.by, wish.at)
    publics = Secrets.open(wish.data / "keys").publics
    return {"before": ids[0], "after": ids[1], "public": publics[0].hex(), "past": len(publics) - 1}, say(
        f"证据签名密钥已轮换；各进程几秒内改用新密钥。新公钥：{publics[0].hex()}\n旧私钥已销毁，旧公钥留作核验。",
        f"The signing key was rotated; every process uses the new one within seconds. Public key: {publics[0].hex()}\n"
        "The old private key is destroyed; its public key stays, to verify.",
    )


def _pepper(wish: Wish) -> Told:
    keys = wish.data / "keys"
    if wish.finish:
        gone = rotation.settled(wish.store, keys, wish.by, wish.at)
        return {"finished": True, "revoked": gone}, say(
            f"旧密钥已销毁；{len(gone)} 个此后从未使用的接口密钥已停用。",
            f"The old one is destroyed; {len(gone)} API keys that had not come since are revoked.",
        )
    ids = rotation.pepper(keys)
    rotation.entered(wish.store, "pepper", ids, wish.by, wish.at)
    left = accounts.under_older(wish.store, Secrets.open(keys))
    return {"before": ids[0], "after": ids[1], "under_older": [one.id for one in left]}, say(
        f"已轮换。{len(left)} 个接口密钥仍在旧密钥之下，各自下次使用时转入新密钥，调用方无须改动。\n"
        "全部转入后：guiju keys rotate pepper --finish",
        f"Rotated. {len(left)} API keys are under the old one still; each moves when it comes next, and its holder "
        "changes nothing.\nWhen all have moved: guiju keys rotate pepper --finish",
    )


def _vault(wish: Wish) -> Told:
    done = DayKeys(wish.data / "keys").rotate(wish.store)
    rotation.entered(wish.store, "vault", ("", str(done)), wish.by, wish.at)
    return {"day_keys": done}, say(
        f"{done} 个主密钥已换新，旧主密钥已销毁；保险库中的内容不变，旧备份仍可恢复。",
        f"{done} day keys were replaced and the old ones destroyed; what is sealed stays, and older backups restore.",
    )


def _sessions(wish: Wish) -> Told:
    ended = sessions.end_all(wish.store)
    rotation.entered(wish.store, "sessions", ("", str(ended)), wish.by, wish.at)
    return {"ended": ended}, say(
        f"{ended} 个控制台会话已结束，成员须重新登录。会话没有签名密钥，令牌本身即凭据。",
        f"{ended} sessions of the console have ended; members sign in again. No key signs a session: its token is all.",
    )


def _webhook(wish: Wish) -> Told:
    owner = accounts.find_account(wish.store, wish.name)
    held = recalls.address_of(wish.store, owner.id) if owner else None
    if owner is None or held is None:
        raise ConfigError("not_found", what=wish.name or "ACCOUNT")
    terms = Terms(False, wish.by, wish.at, 0)
    made = recalls.set_address(wish.store, owner.id, held.url, terms, private=held.private)
    secret = recalls.shown(recalls.secret_of(Secrets.open(wish.data / "keys").digest, made))
    return {"account": owner.name, "secret": secret, "old_until": wish.at + recalls.OVERLAP_S}, say(
        f"{secret}\n新密钥只显示这一次。此后七天，每次送达同时带有新旧两个签名。",
        f"{secret}\nThe new secret is shown this once. For seven days each delivery is signed by both.",
    )


def _upstream(wish: Wish) -> Told:
    found = [one for one in wish.settings.upstream if one.name == wish.name]
    if not found:
        raise ConfigError("not_found", what=f"[[upstream]] {wish.name}")
    return _into(wish, f"upstream {wish.name}", found[0].key_file, "upstream.key_file")


def _oidc(wish: Wish) -> Told:
    return _into(wish, "oidc", wish.settings.console.oidc.secret_file, "console.oidc.secret_file")


def _into(wish: Wish, name: str, file: str, setting: str) -> Told:
    """Put what stands at standard input into the file of a secret, from which processes read it."""
    if not file:
        hint = say(f"请先设置 {setting}：环境变量不能在运行中更换。", f"Set {setting} first: a variable can't change.")
        raise ConfigError("config_invalid", what=setting, hint=hint)
    words = sys.stdin.read().split()
    if len(words) != 1:
        hint = say("请从标准输入给出一个密钥。", "Give one secret at standard input.")
        raise ConfigError("config_invalid", what="stdin", hint=hint)
    try:
        rotation.into_file(Path(file), words[0])
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(file, error), hint="guiju doctor") from error
    rotation.entered(wish.store, name, ("", str(wish.at)), wish.by, wish.at)
    return {"file": file}, say(
        f"已写入 {file}；各进程两秒内改用。请待此后再在对方处停用旧密钥。",
        f"Written to {file}; every process uses it within two seconds. End the old one at its issuer after that.",
    )


_KINDS: Final[dict[str, Callable[[Wish], Told]]] = {
    "signing": _signing,
    "pepper": _pepper,
    "vault": _vault,
    "sessions": _sessions,
    "webhook": _webhook,
    "upstream": _upstream,
    "oidc": _oidc,
}
