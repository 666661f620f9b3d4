# SPDX-License-Identifier: Apache-2.0
"""Every tracked source file says its licence in its first lines. Prints those that don't; exit 1 if there are any."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUFFIXES = {".py", ".sh", ".toml", ".c", ".js", ".mjs", ".ts", ".css", ".sql"}
NAMES = {"Makefile", "run"}
WITHOUT = {"pyproject.toml", "zensical.toml"}  # settings of tools; the licence stands in pyproject.toml's own field


def main() -> int:
    """Look at all tracked files."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout.decode().split("\0")
    silent = [
        name
        for name in listed
        if (path := Path(name)).is_file()
        and (path.suffix in SUFFIXES or path.name in NAMES)
        and path.name not in WITHOUT
        and "SPDX-License-Identifier: Apache-2.0" not in path.read_text("utf-8")[:300]
    ]
    for name in silent:
        print(f"{name}: no SPDX-License-Identifier in its first lines")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
