# SPDX-License-Identifier: Apache-2.0
"""Known vulnerabilities of what a lock names, by pip-audit:  audit.py LOCK OUT. What nobody was able to look up is said
to be so: an empty answer is not a clean one. Exit 1 when something is known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TOOL = Path(__file__).resolve().parents[1] / ".venv-deploy" / "bin" / "pip-audit"


def told(answer: str) -> tuple[list[str], bool]:
    """What an answer of pip-audit in JSON says, as lines, and whether a vulnerability is known."""
    try:
        found: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        return ["Not audited: the list of known vulnerabilities could not be asked."], False
    looked = [one for one in found if "skip_reason" not in one]
    lines = [
        f"{one['name']} {one['version']}: {fault['id']}, fixed in {', '.join(fault['fix_versions']) or '-'}"
        for one in looked
        for fault in one["vulns"]
    ]
    known = bool(lines)
    lines.append(f"{len(looked)} of {len(found)} looked up, {len(lines)} known vulnerabilities.")
    if len(looked) < len(found):
        names = ", ".join(one["name"] for one in found if "skip_reason" in one)
        lines.append(f"Not audited, since nobody answered: {names}.")
    return lines, known


def main(lock: str, out: str) -> int:
    """Ask, write the answer down, and say whether anything is known."""
    command = [str(TOOL), "--requirement", lock, "--no-deps", "--disable-pip", "--format", "json"]
    asked = subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True, check=False)
    lines, known = told(asked.stdout)
    Path(out).write_text("\n".join(lines) + "\n", "utf-8")
    sys.stderr.write("\n".join(lines) + "\n")
    return int(known)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
