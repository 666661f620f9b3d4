# SPDX-License-Identifier: Apache-2.0
"""Signed webhooks to the addresses of accounts (Article 13), in the form of the Standard Webhooks specification, which
OpenAI's SDKs verify.

An address is looked at when it is set and again at each connection: https, no user, no redirect, no proxy of the
environment, and none of this machine's or a private network's addresses unless the operator says so for that account.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from guiju.errors import ConfigError

SECONDS: Final = 10.0
"""For one delivery."""
_BROKEN: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


class _PrivateError(OSError):
    """The address is none that may be asked."""


def check(url: str, private: bool) -> str:
    """An address in its plain form.

    Args:
        url: as the operator wrote it.
        private: whether it may be one of the provider's own network, and `http`.

    Raises:
        ConfigError: `config_invalid`: it is none that may be asked.
    """
    try:
        made = URL(url)
        host = made.host or ""
        good = made.scheme == "https" or (private and made.scheme == "http")
        good = good and bool(host) and made.user is None and made.password is None and not made.fragment
    except ValueError:
        good, host = False, ""
    if good and not private:
        good = _global(host) if _numeric(host) else "." in host and not host.endswith((".localhost", ".local", "."))
    if not good or len(url) > 1024:
        raise ConfigError("config_invalid", what="webhook", hint="https://…")
    return str(made)


def _numeric(host: str) -> bool:
    """Whether a host is an address, in any way that a resolver would take it for one."""
    try:
        socket.inet_aton(host)
    except OSError:
        return ":" in host
    return True


def _global(host: str) -> bool:
    """Whether an address belongs to the public network; an address in an odd form does not."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (mapped is None or mapped.is_global)


class Public(AbstractResolver):
    """Names, but only where every one of their addresses is of the public network."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC) -> list[ResolveResult]:
        """See `AbstractResolver`."""
        found = await self._inner.resolve(host, port, family)
        if not found or not all(_global(one["host"]) for one in found):
            raise _PrivateError("not public")
        return found

    async def close(self) -> None:
        """Nothing is open."""


def signed(secrets: Sequence[bytes], id: str, now: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery: HMAC-SHA256 over its id, its second and its body.

    Args:
        secrets: of the account; a signature by each, of which one that the receiver knows is enough.
        id: of the event; the same at each attempt, so that it is taken once.
        now: Unix seconds.
        body: as it is sent.
    """
    said = f"{id}.{now}.".encode() + body
    marks = [base64.b64encode(hmac.digest(one, said, "sha256")).decode() for one in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "guiju",
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }


async def deliver(
    url: str, private: bool, secrets: Sequence[bytes], event: tuple[str, dict[str, Any]], now: int
) -> str:
    """Send one event.

    Args:
        url: the account's address.
        private: whether it may be one of the provider's own network.
        secrets: of the account, see `signed`.
        event: its id, and what it says.
        now: Unix seconds.

    Returns:
        The HTTP status, or why there was none: `address`, `timeout` or `connection`.
    """
    body = msgspec.json.encode(event[1])
    try:
        check(url, private)
    except ConfigError:
        return "address"
    connector = aiohttp.TCPConnector(resolver=None if private else Public(), force_close=True)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
            session.post(url, data=body, headers=signed(secrets, event[0], now, body), allow_redirects=False) as answer,
        ):
            return str(answer.status)
    except TimeoutError:
        return "timeout"
    except _BROKEN as error:
        cause = error.__cause__ or getattr(error, "os_error", None)
        return "address" if isinstance(cause, _PrivateError) or isinstance(error, _PrivateError) else "connection"
