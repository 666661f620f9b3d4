# SPDX-License-Identifier: Apache-2.0
"""Logs: one JSON object a line on standard error, with identifiers, enums and counts; never content (DESIGN §8).

An exception shows by its kind alone: its message and its traceback can carry what a person wrote. So can the second
line of what a library says (asyncio tells the words of an error there).
"""

from __future__ import annotations

import logging
import sys
from typing import Final

import msgspec

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Lines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line: time, level, who says it, what, and the facts that came with it."""
        facts: dict[str, object] = {
            "t": int(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.msg.partition("\n")[0] if isinstance(record.msg, str) else type(record.msg).__name__,
        }
        facts |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info and record.exc_info[0]:
            facts["exception"] = record.exc_info[0].__name__
        return msgspec.json.encode(facts, enc_hook=lambda value: type(value).__name__).decode()


def to_stderr(level: int = logging.WARNING) -> None:
    """Send all logs to standard error in this form; called once, by `guiju serve`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
