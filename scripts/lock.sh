#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the hashed locks anew from pyproject.toml. They hold for Python 3.11 to 3.13 on Linux.
# What is locked already stays as it is; `UPGRADE=1 make lock` takes the newest.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
[ -x .venv-lock/bin/uv ] || { "$python" -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv; }
lock() {
    out=$1
    shift
    .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links ${UPGRADE:+--upgrade} --output-file "$out" "$@"
    echo "$out"
}
lock requirements/setup.txt --group pyproject.toml:setup
lock requirements/run.txt pyproject.toml --extra media --extra corpus --group build
lock requirements/dev.txt pyproject.toml --group build --group dev --constraint requirements/run.txt
lock requirements/build.txt --group pyproject.toml:build --constraint requirements/run.txt
lock requirements/serve.txt pyproject.toml --extra postgres --extra media --extra corpus --extra dossier \
    --constraint requirements/run.txt --constraint requirements/dev.txt
lock requirements/deploy.txt --group pyproject.toml:deploy
lock requirements/local.txt --group pyproject.toml:local
lock requirements/pictures.txt pyproject.toml --extra pictures --constraint requirements/dev.txt
lock requirements/encoder.txt pyproject.toml --extra encoder --constraint requirements/dev.txt
lock requirements/clients.txt --group pyproject.toml:clients
lock requirements/annotators.txt --group pyproject.toml:annotators
lock requirements/exchange.txt --group pyproject.toml:exchange
