# SPDX-License-Identifier: Apache-2.0
"""A port for a small server of the command line to listen at."""

from __future__ import annotations

import socket

from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed


def listening(host: str, port: int) -> tuple[socket.socket, str]:
    """A socket that listens, and its address as a URL.

    Raises:
        ConfigError: `config_invalid`: the port is taken, or there is no such address.
    """
    try:
        made = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=1024
        )
    except OSError as error:
        hint = say("请用 --port 换一个端口。", "Choose another port with --port.")
        raise ConfigError("config_invalid", what=failed(f"{host}:{port}", error), hint=hint) from error
    return made, f"http://{f'[{host}]' if ':' in host else host}:{made.getsockname()[1]}"
