"""A whole running stack, as `bursar up` starts it, for tests that need every process at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bursar.config import Settings
from bursar.tenants import create_key, create_member, create_tenant
from ops.cli.client import local_database
from ops.stack.home import open_home
from ops.stack.network import any_free_port
from tests.live.caller import Caller

ROOT = Path(__file__).parents[2]
PASSWORD = "a password for tests"
# A browser that reads page after page is no attacker.
ROOMY = {"BURSAR_RATE_LIMIT": "1000000 per minute", "BURSAR_LOGIN_RATE_LIMIT": "1000 per minute"}


@dataclass(frozen=True, slots=True)
class Live:
    """Where the stack answers, and who may ask: an admin's key, and a member who is an admin."""

    url: str
    key: str
    tenant_id: UUID
    email: str
    password: str
    home: Path

    def another(self) -> Live:
        """The same stack with a fresh tenant, for a test that wants to be alone."""
        return _with_tenant(self.url, self.home)

    def command(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `bursar` against this stack."""
        return _bursar(self.home, *arguments, timeout=timeout)


def _bursar(home: Path, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments],
        env={
            **kept,
            **ROOMY,
            "BURSAR_HOME": str(home),
            "BURSAR_FLOWER_PORT": str(any_free_port("127.0.0.1")),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    """The stack on a free port with a tenant of its own; stopped and removed whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="bursar-live-"))
    try:
        port = any_free_port("127.0.0.1")
        started = _bursar(folder, "up", "--detach", f"--port={port}", timeout=300)
        assert started.returncode == 0, started.stderr
        yield _with_tenant(f"http://127.0.0.1:{port}", folder)
    finally:
        stopped = _bursar(folder, "down", timeout=120)
        shutil.rmtree(folder, ignore_errors=True)
        assert stopped.returncode == 0, stopped.stderr


def _with_tenant(url: str, folder: Path) -> Live:
    email = f"admin-{uuid4().hex[:8]}@live.example"
    database = local_database(open_home(folder), Settings(database_url="", home=folder))
    try:
        tenant_id = create_tenant(database, "Live Tenant")
        with database.transaction(tenant_id, "test") as session:
            key = create_key(session, tenant_id, "admin", name="tests")
            create_member(session, tenant_id, email, PASSWORD, "admin", "Ada Admin")
    finally:
        database.close()
    return Live(url, key, tenant_id, email, PASSWORD, folder)


@pytest.fixture
def caller(live: Live) -> Caller:
    """A key of a tenant of the test's own."""
    own = live.another()
    return Caller(own.url, own.key, own.tenant_id)
