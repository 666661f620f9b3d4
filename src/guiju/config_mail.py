# SPDX-License-Identifier: Apache-2.0
"""What is read from guiju.toml about mail: through which server it leaves (Articles 13, 15). Without it none leaves."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class MailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The server that mail leaves through (SMTP).

    Attributes:
        host: its name; empty for none, and then nothing is sent.
        port: 587 for `starttls`, 465 for `tls`.
        security: `none` is for a server on this machine alone.
        user: as whom the gateway signs in; empty for no sign-in.
        password_env: name of the environment variable that holds the password.
        sender: the address that mail comes from.
        pages: scheme, host and port at which people reach the public pages; it stands in letters.
        timeout_s: seconds for one letter.
    """

    host: str = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_env: str = ""
    sender: str = ""
    pages: str = ""
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 20.0
