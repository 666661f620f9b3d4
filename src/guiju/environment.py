# SPDX-License-Identifier: Apache-2.0
"""What the environment says. A variable may name a file instead, `NAME_FILE`: then a secret stands neither in the list
of a process's variables nor in a manifest, as with secrets of containers and credentials of systemd."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from guiju.errors import ConfigError, failed

_ENDING: Final = "_FILE"
_OURS: Final = "GUIJU_"


def variable(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """A variable's value, or what the file holds that `NAME_FILE` names, without the end of its line.

    Args:
        name: the variable's; `""` for none.
        environ: where it is looked up.

    Returns:
        The value; `""` where neither is set.

    Raises:
        ConfigError: the file can't be read.
    """
    if not name or environ.get(name):
        return environ.get(name, "")
    path = environ.get(name + _ENDING, "")
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(path, error), hint=f"${name}{_ENDING}") from error
    except UnicodeDecodeError:
        raise ConfigError("config_invalid", what=path, hint=f"${name}{_ENDING}") from None


def overlaid(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Settings that the environment sets as `GUIJU_SECTION__NAME`: section, name and value.

    Raises:
        ConfigError: see `variable`.
    """
    for name in environ:
        if name.startswith(_OURS) and "__" in name:
            wanted = name.removesuffix(_ENDING)
            section, _, key = wanted.removeprefix(_OURS).lower().partition("__")
            yield section, key, variable(wanted, environ)
