# SPDX-License-Identifier: Apache-2.0
"""What is read from guiju.toml about the console: where members reach it, and who vouches for them (Articles 5, 13)."""

from __future__ import annotations

import msgspec


class OidcSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The identity provider by which members may sign in to the console.

    Attributes:
        issuer: its address, as its tokens name it; empty for none.
        client: as whom the console comes.
        secret_env: name of the environment variable that holds the client's secret; empty for a public client.
        secret_file: a file that holds it instead, read at each sign-in.
        claim: the claim by which members are known; `email` counts only where it is verified.
        scope: what is asked for.
        name: what members call it.
    """

    issuer: str = ""
    client: str = ""
    secret_env: str = ""
    secret_file: str = ""
    claim: str = "sub"
    scope: str = "openid"
    name: str = ""


class ConsoleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The console, where members work.

    Attributes:
        page: whether it is there.
        url: scheme, host and port at which members reach it; without it, it serves this machine alone.
    """

    page: bool = True
    url: str = ""
    oidc: OidcSettings = OidcSettings()
