#!/bin/sh
# Work out the exact versions and hashes anew. No address of a registry may get into the files.
set -eu
cd "$(dirname "$0")/.."

uv=${UV:-uv}
if ! command -v "$uv" >/dev/null 2>&1; then
    echo "Locking needs uv (https://docs.astral.sh/uv/), or its path: make lock UV=…" >&2
    exit 1
fi

lock() {
    file=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header "$@" -o "$file" pyproject.toml
    if grep -n '://' "$file" >&2; then
        echo "$file names an address; it must not." >&2
        exit 1
    fi
}

lock requirements/run.txt --group build
lock requirements/dev.txt --group dev
