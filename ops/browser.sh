#!/bin/sh
# See to it that the tests find a Chromium: the system's, else installed by apt-get as root, else
# Playwright's own. Prints the path of the program on stdout, what it does on stderr.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

# A browser counts only if it runs: Ubuntu's `chromium-browser` may be a stub for a snap.
system_browser() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null 2>&1 && "$name" --version >/dev/null 2>&1; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

own_browser() {
    .venv/bin/python -c '
import os, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    path = p.chromium.executable_path
    if not os.path.exists(path):
        sys.exit(1)
    print(path)' 2>/dev/null
}

if system_browser || own_browser; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "browser: installing chromium with apt-get"
    if apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends chromium >&2 && system_browser
    then
        exit 0
    fi
    say "browser: apt-get did not give a Chromium; trying Playwright's own"
fi
if .venv/bin/python -m playwright install chromium >&2 && own_browser; then
    exit 0
fi
say "No Chromium could be found or installed. Install the package chromium and run this again;"
say "the tests of the pages are the only ones that need it (pytest --ignore=tests/pages)."
exit 1
