#!/bin/sh
# Make .venv and install the locked requirements given as the argument, and Bursar itself.
set -eu
cd "$(dirname "$0")/.."
requirements=$1

say() { printf '%s\n' "$*" >&2; }

# Whether a command is a Python new enough that really runs (a shim may exist without one behind
# it) and can reach a registry (one built without OpenSSL cannot).
suits() {
    "$1" -c 'import ssl, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Python's own libraries must not be shadowed by a setting of the user's.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX || true
# Outranks a `user = true` in a configuration file, which no environment can do.
PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
export PIP_USER PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT

if ! { [ -x .venv/bin/python ] && suits .venv/bin/python; }; then
    found=
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3.14 python3; do
        if command -v "$name" >/dev/null 2>&1 && suits "$name"; then
            found=$name
            break
        fi
    done
    if [ -z "$found" ]; then
        say "Bursar needs Python 3.11 or newer, with its ssl module, and none was found."
        say "Install one (Debian, Ubuntu: apt-get install python3 python3-venv; Fedora:"
        say "dnf install python3) or name one: make PYTHON=/path/to/python3.13 …"
        exit 1
    fi
    if ! "$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        say "$found cannot make environments; on Debian and Ubuntu: apt-get install python3-venv"
        exit 1
    fi
    say "making .venv with $("$found" --version)"
    rm -rf .venv
    "$found" -m venv .venv
fi

say "installing $requirements"
.venv/bin/python -m pip install --quiet --require-hashes -r "$requirements" || {
    say "The packages could not be installed; the reason is above. Behind a proxy, set"
    say "HTTPS_PROXY; with a mirror, PIP_INDEX_URL."
    exit 1
}
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
say "ready: .venv/bin/bursar"
