# SPDX-License-Identifier: Apache-2.0
"""Secrets of others that lie in a variable of the environment or in a file: of model services, of an identity provider.

A file can be replaced while the service runs, a variable can't.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from guiju.environment import variable
from guiju.errors import ConfigError, failed

_LOOK_S: Final = 1.0


class File:
    """A secret in a file.

    Args:
        path: the file; its first word is the secret.
        clock: monotonic seconds; a test passes its own.

    Raises:
        ConfigError: `config_invalid`: it can't be read, or holds nothing.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = Path(path)
        self._clock = clock
        self._stamp = self._stamped()
        self._looked = clock()
        self._fresh = _word(self._path)

    def fresh(self) -> str:
        """The secret, if it is another one than at the last call, or this is the first; else `""`. A file that is just
        being replaced, or is gone, changes nothing."""
        if self._clock() - self._looked >= _LOOK_S:
            self._looked = self._clock()
            try:
                if (stamp := self._stamped()) != self._stamp:
                    self._fresh, self._stamp = _word(self._path), stamp
            except ConfigError:
                pass  # the next look sees it
        fresh, self._fresh = self._fresh, ""
        return fresh

    def _stamped(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise ConfigError("config_invalid", what=failed(self._path, error), hint="guiju doctor") from error
        return found.st_ino, found.st_mtime_ns


def secret(name: str, file: str) -> str:
    """A secret as it is now; `""` where neither is named.

    Args:
        name: of a variable of the environment.
        file: outranks it.

    Raises:
        ConfigError: `config_invalid`: the file can't be read, or holds nothing.
    """
    return _word(Path(file)) if file else variable(name)


def _word(path: Path) -> str:
    try:
        words = path.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        what = failed(path, error) if isinstance(error, OSError) else str(path)
        raise ConfigError("config_invalid", what=what, hint="guiju doctor") from error
    if len(words) != 1:
        raise ConfigError("config_invalid", what=str(path), hint="guiju keys rotate")
    return words[0]
