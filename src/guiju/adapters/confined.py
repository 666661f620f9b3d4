# SPDX-License-Identifier: Apache-2.0
"""Starts a program within limits: `python confined.py BYTES SECONDS FILE_BYTES PROGRAM …`. It knows nothing of Guiju.

BYTES are of memory that the program may write to (RLIMIT_DATA), SECONDS of processor time, FILE_BYTES of a file that it
writes. It dumps no core, and its threads have small stacks. Limits are set here and not in the parent between fork and
exec, where threads forbid it.
"""

from __future__ import annotations

import os
import resource
import sys


def main(arguments: list[str]) -> None:
    """Set the limits, then become the program."""
    memory, seconds, size = map(int, arguments[:3])
    limits = {
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: size,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_STACK: 1 << 20,  # of each thread; counted as memory whether it is used or not
    }
    for which, most in limits.items():
        resource.setrlimit(which, (most, most))
    os.nice(5)
    os.execvp(arguments[3], arguments[3:])  # noqa: S606  # the parent gives the program, from its own list


if __name__ == "__main__":
    main(sys.argv[1:])
