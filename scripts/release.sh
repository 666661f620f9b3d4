#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a release in dist/:  scripts/release.sh [FOLDER]
#   guiju-VERSION-py3-none-any.whl, guiju-VERSION.tar.gz   the same bytes wherever the same commit is built
#   guiju-VERSION.cdx.json   what is installed with it (CycloneDX), read from a fresh environment made of the lock
#   requirements.txt         the lock, with hashes
#   wheelhouse/              all of it as wheels, for machines without a network; for this Python and processor
#   audit.txt                known vulnerabilities of what is locked; or that the list of them could not be asked
#   SHA256SUMS               of all but the wheelhouse, whose hashes stand in requirements.txt
set -eu
cd "$(dirname "$0")/.."
out=${1:-dist}
tools=.venv-deploy/bin
lock=requirements/serve.txt
scripts/setup.sh run
scripts/setup.sh deploy
export PIP_DISABLE_PIP_VERSION_CHECK=1

rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
# The commit's time; outside of a checkout hatchling takes a fixed day.
if [ -z "${SOURCE_DATE_EPOCH:-}" ] && when=$(git log -1 --format=%ct 2>/dev/null); then
    export SOURCE_DATE_EPOCH="$when"
fi
.venv/bin/python -m hatchling build -d "$out"
wheel=$(ls "$out"/guiju-*.whl)
name=$(basename "$wheel" -py3-none-any.whl)
"$tools/validate-pyproject" pyproject.toml
"$tools/twine" --no-color check --strict "$out"/guiju-*

cp "$lock" "$out/requirements.txt"
.venv/bin/python -m pip download --quiet --no-deps --require-hashes --only-binary :all: -r "$lock" -d "$out/wheelhouse"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$tools/uv" venv --quiet --python .venv/bin/python "$fresh/env"
into="--quiet --no-config --offline --no-index --python $fresh/env/bin/python"
"$tools/uv" pip install $into --find-links "$out/wheelhouse" --require-hashes -r "$lock"
"$tools/uv" pip install $into --no-deps "$wheel"
"$tools/uv" pip check --quiet --python "$fresh/env/bin/python"
"$tools/cyclonedx-py" environment --pyproject pyproject.toml --mc-type application --output-reproducible --spec-version 1.6 \
    --output-file "$out/$name.cdx.json" "$fresh/env/bin/python"

.venv/bin/python scripts/audit.py "$lock" "$out/audit.txt"
(cd "$out" && sha256sum guiju-* requirements.txt audit.txt >SHA256SUMS && cat SHA256SUMS)
