"""A whole running stack, as `bursar up` starts it, for tests that need every process at once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from ops.stack.network import any_free_port
from tests.live.browser import WIDE, Watched
from tests.live.caller import Caller
from tests.live.stack import Live, bursar, with_tenant

QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    """The stack on a free port with a tenant of its own; stopped and removed whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="bursar-live-"))
    try:
        port = any_free_port("127.0.0.1")
        started = bursar(folder, "up", "--detach", f"--port={port}", timeout=300)
        assert started.returncode == 0, started.stderr
        yield with_tenant(f"http://127.0.0.1:{port}", folder)
    finally:
        stopped = bursar(folder, "down", timeout=120)
        shutil.rmtree(folder, ignore_errors=True)
        assert stopped.returncode == 0, stopped.stderr


@pytest.fixture
def caller(live: Live) -> Caller:
    """A key of a tenant of the test's own."""
    own = live.another()
    return Caller(own.url, own.key, own.tenant_id)


@pytest.fixture
def mine(live: Live) -> Live:
    """A tenant of the test's own."""
    return live.another()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, offline but for the stack."""
    program = os.environ.get("BURSAR_TEST_BROWSER") or "/usr/bin/chromium"
    # A failure, not a skip: without a browser nothing of the pages would be checked.
    assert Path(program).exists(), "no Chromium here; `make browser` installs one"
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=[*QUIET, *root])
        yield opened
        opened.close()


@pytest.fixture
def watched(browser: Browser, mine: Live) -> Iterator[Watched]:
    """A fresh browser window; each check looks at the page on a phone too."""
    with browser.new_context(viewport=WIDE, accept_downloads=True) as context:
        yield Watched(context, mine)
