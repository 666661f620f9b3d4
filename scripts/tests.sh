#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pytest as `make test` and `make tests-all` run it:  scripts/tests.sh [what pytest is told]
#   The tests' files lie in memory where there is room for them: a gateway syncs 40 times in a test, 4 ms each on a disk.
#   All tests are compiled once and kept, whatever the environment says: 7 s of each worker's time at each start.
set -eu
cd "$(dirname "$0")/.."

memory=/dev/shm
needed=2000000 # KiB; containers often have 64 MiB
free=$(df -Pk "$memory" 2>/dev/null | awk 'NR == 2 { print $4 }')
unset PYTHONDONTWRITEBYTECODE
if [ -w "$memory" ] && [ "${free:-0}" -ge "$needed" ]; then
    folder=$(mktemp -d "$memory/guiju-tests-XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 130' INT TERM
    .venv/bin/python -m pytest --basetemp="$folder/made" "$@"
else
    exec .venv/bin/python -m pytest "$@"
fi
