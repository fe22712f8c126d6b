"""The running stack, as `bursar up` starts it, and who may ask it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from bursar.config import Settings
from bursar.tenants import create_key, create_member, create_tenant
from ops.cli.client import local_database
from ops.stack.home import open_home
from ops.stack.network import any_free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "a password for tests"
# A browser that reads page after page is no attacker.
ROOMY = {"BURSAR_RATE_LIMIT": "1000000 per minute",
         "BURSAR_TOPUP_RATE_LIMIT": "1000000 per minute",
         "BURSAR_LOGIN_RATE_LIMIT": "1000 per minute",
         "BURSAR_ALLOW_PRIVATE_HOSTS": "127.0.0.1"}  # fmt: skip


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
        return with_tenant(self.url, self.home)

    def command(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `bursar` against this stack."""
        return bursar(self.home, *arguments, timeout=timeout)


def bursar(home: Path, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a command against the stack in this folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments],
        env={
            **kept,
            **ROOMY,
            "BURSAR_HOME": str(home),
            "BURSAR_FOLDER_ROOT": f"{home}/drop/{{tenant}}",
            "BURSAR_FLOWER_PORT": str(any_free_port("127.0.0.1")),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def with_tenant(url: str, folder: Path) -> Live:
    """A fresh tenant of the stack in this folder, with a key and a member."""
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
