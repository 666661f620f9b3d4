# SPDX-License-Identifier: Apache-2.0
"""Makes guards from settings: which protocol, whose key, and whether a text may go there at all (Article 11)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from yarl import URL

from guiju.adapters.guards.alibaba import Alibaba
from guiju.adapters.guards.asking import Guard
from guiju.adapters.guards.encoder import Encoder
from guiju.adapters.guards.llama_guard import LlamaGuard
from guiju.adapters.guards.openai import OpenAIModeration
from guiju.adapters.guards.qwen3guard import Qwen3Guard
from guiju.adapters.guards.speech import Speaks
from guiju.adapters.guards.tencent import Tencent
from guiju.adapters.party import outside
from guiju.config import Guard as Settings
from guiju.config import Limits
from guiju.environment import variable
from guiju.errors import Bilingual, ConfigError, Page, failed

_HINT: Final = Page("how-to/guards.md")
_ROW: Final = Bilingual(
    "向第三方提供文本须写明 purpose（目的）与 contract（合同或协议）",
    "a third party gets texts only with a `purpose` and a `contract`",
)


def make(
    settings: Settings,
    limits: Limits,
    clock: Callable[[], float] = time.time,
    environ: Mapping[str, str] = os.environ,
) -> Guard:
    """A guard, not yet open.

    Args:
        settings: of this guard.
        limits: of the gateway.
        clock: Unix seconds, for signatures.
        environ: where keys are looked up.

    Raises:
        ConfigError: the address, the model, the key or the row of Article 11 is missing or does not fit.
    """
    url = _address(settings)
    keys = _keys(settings, environ)
    speaks: Speaks
    headers = {"Authorization": f"Bearer {keys[-1]}"} if keys else {}
    if settings.kind == "encoder":
        speaks = Encoder()
    elif settings.kind == "qwen3guard":
        speaks = Qwen3Guard(_needed(settings, "model", settings.model))
    elif settings.kind == "llama_guard":
        speaks = LlamaGuard(_needed(settings, "model", settings.model))
    elif settings.kind == "openai":
        speaks = OpenAIModeration(settings.model)
    else:
        if len(keys) != 2:
            raise _wrong(settings, "access_env + key_env | key_file")
        host = url.host_subcomponent or ""
        host = host if url.is_default_port() else f"{host}:{url.port}"
        headers = {}
        if settings.kind == "alibaba":
            speaks = Alibaba(host, *keys, settings.model)
        else:
            region = _needed(settings, "region", settings.region)
            speaks = Tencent(host, *keys, region, settings.model)
    return Guard(settings, speaks, limits, headers, clock)


def _address(settings: Settings) -> URL:
    try:
        url = URL(settings.url)
    except ValueError:
        raise _wrong(settings, "url") from None
    if url.scheme not in ("http", "https") or not url.host or url.user or url.query_string:
        raise _wrong(settings, "url")
    if outside(settings.url) and url.scheme != "https":
        raise _wrong(settings, "url: https://")
    if outside(settings.url, settings.party) and not (settings.purpose.strip() and settings.contract.strip()):
        raise _wrong(settings, _ROW)
    return url


def _needed(settings: Settings, name: str, value: str) -> str:
    if not value:
        raise _wrong(settings, name)
    return value


def _keys(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The key, or the id and the secret of an access key: from the environment, or a file with a line for each."""
    if settings.key_file:
        try:
            lines = Path(settings.key_file).read_text("utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            told = failed(settings.key_file, error) if isinstance(error, OSError) else settings.key_file
            raise ConfigError("config_invalid", what=told, hint=_HINT) from None
        return tuple(lines[:2])
    made = []
    for name in (settings.access_env, settings.key_env):
        if name:
            value = variable(name, environ)
            if not value:
                raise _wrong(settings, f"${name}")
            made.append(value)
    return tuple(made)


def _wrong(settings: Settings, what: str | Bilingual) -> ConfigError:
    place = f"[[guard]] {settings.id}: "
    said = what if isinstance(what, Bilingual) else Bilingual(what, what)
    return ConfigError("config_invalid", what=Bilingual(place + said.zh, place + said.en), hint=_HINT)
