"""A stack of its own for a measurement: fresh home, real fsync, stopped afterwards."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import httpx
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bursar.config import Settings
from bursar.database import Database
from bursar.tenants import create_key, create_tenant
from ops.stack import postgres
from ops.stack.home import Home, open_home
from ops.stack.migrations import bootstrap_embedded, migrate
from ops.stack.state import read_state
from ops.stack.urls import StackUrls, stack_urls


@dataclass
class BenchStack:
    """A running stack and a tenant in it."""

    home: Home
    url: str
    urls: StackUrls
    database: Database

    def tenant(
        self, name: str = "Bench", currencies: tuple[str, ...] = ("USD",)
    ) -> tuple[UUID, httpx.Client]:
        tenant_id = create_tenant(self.database, name, allowed_currencies=currencies)
        with self.database.transaction(tenant_id, "bench") as session:
            key = create_key(session, tenant_id, "admin")
        headers = {"Authorization": f"Bearer {key}"}
        return tenant_id, httpx.Client(base_url=self.url, headers=headers, timeout=600)

    @property
    def admin(self) -> str:
        return make_conninfo(postgres.admin_conninfo(self.home), dbname="bursar")

    @property
    def admin_url(self) -> str:
        """The same as a URL, for tools that want one; the folder of the socket is its host."""
        parts = conninfo_to_dict(self.admin)
        host, password = quote(str(parts["host"]), safe=""), quote(str(parts["password"]), safe="")
        return f"postgresql://{parts['user']}:{password}@{host}:{parts['port']}/bursar"

    def pids(self, name: str) -> list[int]:
        """The processes of one part, children included."""
        main = next(p.identity.pid for p in read_state(self.home).processes
                    if p.name == name and p.identity)  # fmt: skip
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    def processor_seconds(self) -> float:
        """What all processes of the stack, and the commands that this one has run, have computed.

        On a busy machine this says more than a clock does.
        """
        ticks = 0
        waiting = [p.identity.pid for p in read_state(self.home).processes if p.identity]
        while waiting:
            pid = waiting.pop()
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))  # its own, and those of children that ended
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                waiting += map(int, children)
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ticks / os.sysconf("SC_CLK_TCK") + own.ru_utime + own.ru_stime

    def peak_megabytes(self, name: str) -> float:
        """The largest resident size that any process of a part has had."""
        return max(
            int(line.split()[1]) / 1024
            for pid in self.pids(name)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )


@contextmanager
def database_only() -> Iterator[BenchStack]:
    """The server and the schema alone, for what needs no other process."""
    folder = Path(tempfile.mkdtemp(prefix="bursar-bench-"))
    home = open_home(folder)
    assert home is not None
    server = postgres.start(home)
    try:
        bootstrap_embedded(home)
        urls = stack_urls(home, Settings(database_url="", broker_url="", redis_url=""))
        migrate(urls.owner_database_url)
        database = Database(urls.database_url, 4)
        yield BenchStack(home, "", urls, database)
        database.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(**settings: str) -> Iterator[BenchStack]:
    """Start a stack and stop it."""
    folder = Path(tempfile.mkdtemp(prefix="bursar-bench-"))
    more = {
        "BURSAR_HOME": str(folder),
        "BURSAR_UPLOAD_LIMIT_BYTES": str(4 << 30),
        "BURSAR_ROW_LIMIT": "20000000",
        "BURSAR_RATE_LIMIT": "100000000 per minute",
        "BURSAR_TOPUP_RATE_LIMIT": "100000000 per minute",
        "BURSAR_LOG_LEVEL": "WARNING",
    }
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | more | settings
    command = [sys.executable, "-m", "ops.cli"]
    try:
        port = str(_free_port())
        subprocess.run([*command, "up", "--detach", "--port", port], env=env, check=True)
        home = open_home(folder)
        assert home is not None
        urls = stack_urls(home, Settings(database_url="", broker_url="", redis_url=""))
        database = Database(urls.database_url, 4)
        yield BenchStack(home, read_state(home).web_url(), urls, database)
        database.close()
    finally:
        subprocess.run([*command, "down"], env=env, check=False)
        shutil.rmtree(folder, ignore_errors=True)
