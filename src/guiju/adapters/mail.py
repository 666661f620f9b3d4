# SPDX-License-Identifier: Apache-2.0
"""Mail out, by SMTP (Articles 13, 15; DESIGN §7). What is said in it is public enough for a postcard: numbers, dates,
and where to look; never what somebody wrote, and never a code that opens anything.
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

import msgspec

from guiju.adapters.party import is_loopback
from guiju.config_mail import MailSettings
from guiju.environment import variable
from guiju.errors import ConfigError, Page

ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+\Z")
"""Addresses that a letter goes to: one mailbox, and nothing that a header could be made of."""
_TAKEN: Final = 250
_PAGE: Final = Page("reference/desk.md")


class Letter(msgspec.Struct, frozen=True):
    """One letter.

    Attributes:
        id: the same at each attempt, so that a mailbox can show it once.
        to: one mailbox.
        subject, text: what it says.
    """

    id: str
    to: str
    subject: str
    text: str


def check(settings: MailSettings) -> None:
    """Whether mail can leave through a server as it is set; settings without a host are.

    Raises:
        ConfigError: `config_invalid`: no sender, or mail would cross a network in the open.
    """
    if not settings.host:
        return
    if not ADDRESS.match(settings.sender):
        raise ConfigError("config_invalid", what="mail.sender", hint=_PAGE)
    if settings.security == "none" and not is_loopback(settings.host):
        raise ConfigError("config_invalid", what="mail.security: none", hint=_PAGE)
    if settings.password_env and not settings.user:
        raise ConfigError("config_invalid", what="mail.user", hint=_PAGE)


async def send(settings: MailSettings, letter: Letter) -> str:
    """Send one letter.

    Args:
        settings: the server.
        letter: what to send.

    Returns:
        `250` when the server took it; else its code, or why there was none: `no server`, `address`, `timeout`,
        `password` or `connection`.
    """
    if not settings.host:
        return "no server"
    if not ADDRESS.match(letter.to):
        return "address"

    def act(server: smtplib.SMTP) -> int:
        server.sendmail(settings.sender, [letter.to], _written(settings.sender, letter).as_bytes())
        return _TAKEN

    return await asyncio.to_thread(_said, settings, act)


def ping(settings: MailSettings) -> str:
    """Connect to a server and sign in, without a letter.

    Returns:
        `""` when it went well; else as `send`.
    """
    said = _said(settings, lambda server: server.noop()[0])
    return "" if said == str(_TAKEN) else said


def _said(settings: MailSettings, act: Callable[[smtplib.SMTP], int]) -> str:
    """What a server says to what is done there by somebody who has signed in; see `send`."""
    try:
        password = variable(settings.password_env)
    except ConfigError:
        return "password"
    if settings.password_env and not (password and password.isascii()):  # smtplib sends no other
        return "password"
    try:
        with _connected(settings) as server:
            if settings.user:
                server.login(settings.user, password)
            return str(act(server))
    except smtplib.SMTPRecipientsRefused as refused:
        return str(next(iter(refused.recipients.values()))[0])
    except smtplib.SMTPResponseException as refused:
        return str(refused.smtp_code)
    except TimeoutError:
        return "timeout"
    except (OSError, smtplib.SMTPException):
        return "connection"


def _connected(settings: MailSettings) -> smtplib.SMTP:
    place, wait = (settings.host, settings.port), settings.timeout_s
    if settings.security == "tls":
        return smtplib.SMTP_SSL(*place, timeout=wait, context=ssl.create_default_context())
    server = smtplib.SMTP(*place, timeout=wait)
    if settings.security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:  # cancelled or not, no connection in the open is left behind
            server.close()
            raise
    return server


def _written(sender: str, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<{letter.id}@{sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
    message.set_content(letter.text)
    return message
