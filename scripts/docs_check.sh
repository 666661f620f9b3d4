#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the documentation into site/. Any warning is a failure.
set -eu
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! .venv/bin/zensical build --clean --strict >"$log" 2>&1 || grep -qiE 'warning|error' "$log"; then
    sed 's/\x1b\[[0-9;]*m//g' "$log" >&2
    exit 1
fi
[ -s site/index.html ]
echo "docs → site/"
