# SPDX-License-Identifier: Apache-2.0
"""Whether somebody outside can be reached, for `guiju doctor`: one connection, nothing is asked of a model, nothing is
left behind."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from guiju import config
from guiju.adapters.upstream import ANTHROPIC_VERSION
from guiju.environment import variable
from guiju.errors import OutsideError

WAIT_S: Final = 5.0


class Answer(msgspec.Struct, frozen=True):
    """What an HTTP server said.

    Attributes:
        status: of HTTP.
        body: the first bytes of it.
        apart: seconds by which its clock is ahead of ours; 0 where it tells no time. It counts whole seconds.
    """

    status: int
    body: bytes
    apart: float


def get(url: str, headers: Mapping[str, str], *, own: bool = False) -> Answer:
    """Ask once.

    Args:
        url: what to ask for.
        headers: of the request.
        own: whether it is this machine's own service, whose certificate names another host.

    Raises:
        OutsideError: `upstream_failed`; it says why.
    """
    parts = urlsplit(url)
    host, context = parts.hostname or "", ssl.create_default_context()
    if own:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=WAIT_S, context=context)
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=WAIT_S)
    )
    try:
        connection.request("GET", parts.path or "/", headers=dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(65_536), _apart(answer.getheader("Date") or ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise OutsideError("upstream_failed", what=_why(error)) from error
    finally:
        connection.close()


def models(service: config.Upstream, environ: Mapping[str, str] = os.environ) -> Answer:
    """Ask a model service for its list of models: the one request that costs nothing.

    Raises:
        OutsideError: `upstream_failed`; it says why.
    """
    key = variable(service.key_env, environ)
    if service.kind == "anthropic":
        headers = {"anthropic-version": ANTHROPIC_VERSION, **({"x-api-key": key} if key else {})}
    else:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
    return get(service.url.rstrip("/") + "/models", headers)


def connects(url: str) -> str:
    """Why nobody can connect to an address, with TLS where it is https; `""` when one can."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=WAIT_S) as plain:
            if parts.scheme == "https":
                with ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname):
                    pass
    except (OSError, ValueError) as error:
        return _why(error)
    return ""


def witness(one: config.Witness) -> str:
    """Why a witness can't take a checkpoint, as far as that shows without sending one; `""` when nothing is against it.

    A mailbox is reached through the mail server, and syslog gives no receipt.
    """
    if one.kind == "file":
        path = Path(one.path)
        place = path if path.exists() else path.parent
        return "" if os.access(place, os.W_OK) else f"{place}: not writable"
    address = one.address or one.path
    if one.kind == "syslog":
        try:
            if address.startswith("/"):
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
                    local.connect(address)
            else:
                host, _, port = address.rpartition(":")
                socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
        except (OSError, ValueError) as error:
            return _why(error)
        return ""
    return connects(one.url) if one.kind == "https" else ""


def _apart(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time() if date else 0.0
    except ValueError:
        return 0.0


def _why(error: Exception) -> str:
    """A failure in a few words; never what a server said."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
