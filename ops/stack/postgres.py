"""The embedded PostgreSQL: made once, started, adopted after a crash of its supervisor, stopped.

It listens on a unix socket only, in a private folder, and asks for a password even there.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from psycopg.conninfo import make_conninfo

from bursar.errors import Misconfigured
from ops.stack.account import Account
from ops.stack.binaries import reachable_postgres
from ops.stack.home import Home, make_passable
from ops.stack.identity import Identity, identify, running_in
from ops.stack.running import Launch, Running, launch, tail

ADMIN = "bursar_admin"
PORT = 5432  # Only names the socket; nothing listens on the network.
READY_WITHIN = 180.0  # Recovery after a crash may have a lot of log to replay.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "shared_buffers": "256MB",
    "max_connections": "200",
    # No replicas and no archive here: backups are dumps.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
}
# What a test may give up: its data does not outlive it.
CARELESS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}
# Fast shutdown, then immediate; killing PostgreSQL is the very last resort.
STEPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))


def admin_conninfo(home: Home) -> str:
    """How the embedded server's superuser connects."""
    return make_conninfo(
        host=str(home.run),
        port=PORT,
        user=ADMIN,
        dbname="postgres",
        password=home.secret("admin_password"),
    )


def start(
    home: Home,
    *,
    settings: Mapping[str, str] = {},
    when_orphaned: signal.Signals | None = None,
) -> Running:
    """Start the server of this home, or adopt the one that is running; returns when it is ready."""
    programs = reachable_postgres(home)
    folder = home.place / "postgres" / "data"
    run = home.private_run()
    _make_cluster(home, programs, folder)
    orphan = find(home)
    if orphan is not None and _becomes_ready(orphan, folder):
        return orphan
    options = {**SETTINGS, "unix_socket_directories": str(run), **settings}
    plan = Launch(
        name="postgres",
        argv=[
            *(str(programs / "postgres"), "-D", str(folder), "-p", str(PORT)),
            *(part for item in options.items() for part in ("-c", "=".join(item))),
        ],
        environment=_environment(home),
        folder=Path("/"),
        log=home.log("postgres"),
        account=home.account,
        steps=STEPS,
        when_orphaned=when_orphaned,
    )
    deadline = time.monotonic() + 15
    while True:
        _clear_stale_files(folder, run)
        server = launch(plan)
        if _becomes_ready(server, folder):
            return server
        server.stop()
        said = tail(plan.log)
        # Children of a killed server hold its shared memory for some milliseconds more.
        if "shared memory" not in said or time.monotonic() > deadline:
            raise Misconfigured(f"PostgreSQL did not start.\n{said}")
        time.sleep(0.2)


def find(home: Home) -> Running | None:
    """The server that runs on this home's data, whoever started it."""
    folder = home.place / "postgres" / "data"
    pid, _ = _pid_file(folder)
    identity = identify(pid) if pid else None
    if identity is None or not _is_server_of(identity, folder):
        return None
    return Running("postgres", identity, None, STEPS)


def _make_cluster(home: Home, programs: Path, folder: Path) -> None:
    """Make the cluster where there is none; a crash half way leaves nothing that counts."""
    environment = _environment(home)
    text = subprocess.check_output([programs / "postgres", "-V"], text=True, env=environment)
    major = text.split()[2].split(".")[0].removesuffix("devel")
    if (folder / "PG_VERSION").exists():
        made_by = (folder / "PG_VERSION").read_text().strip()
        if made_by != major:
            raise Misconfigured(
                f"{folder} was made by PostgreSQL {made_by}, but the programs are {major}. "
                f"Set BURSAR_PG_BIN to those of {made_by}, dump with pg_dump, and load it anew."
            )
        return
    make_passable(folder.parent)
    new = folder.with_name("data.new")
    shutil.rmtree(new, ignore_errors=True)
    home.account.own(new)
    locale = ["--locale=C"]
    if int(major) >= 17:  # Older servers have no locale that is fast and knows Unicode.
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _initdb(
        home.account,
        [
            *(str(programs / "initdb"), "-D", str(new), "-U", ADMIN, "-A", "scram-sha-256"),
            *("-E", "UTF8", "--data-checksums", "--no-instructions", *locale),
        ],
        home.secret("admin_password"),
        environment,
    )
    new.rename(folder)


def _initdb(
    account: Account, argv: list[str], password: str, environment: Mapping[str, str]
) -> None:
    """Run initdb; the password goes in through a pipe, so that no other user ever sees it."""
    read, write = os.pipe()
    try:
        os.write(write, password.encode())
        os.close(write)
        if account.switch:
            os.fchown(read, account.uid, -1)  # Else it may not open /dev/fd/N again.
        done = subprocess.run(
            [*argv, f"--pwfile=/dev/fd/{read}"],
            env=dict(environment),
            cwd="/",
            pass_fds=(read,),
            capture_output=True,
            text=True,
            check=False,
            **account.arguments(),
        )
    finally:
        os.close(read)
    if done.returncode != 0:
        raise Misconfigured(f"PostgreSQL could not make its database folder.\n{done.stderr}")


def _becomes_ready(server: Running, folder: Path) -> bool:
    """Wait until the server says in its pid file that it is ready; False if it ends instead."""
    deadline = time.monotonic() + READY_WITHIN
    while server.alive():
        # The number has to be its own: a file that a crash left behind says ready too.
        if _pid_file(folder) == (server.pid, "ready"):
            return True
        if time.monotonic() > deadline:
            raise Misconfigured(f"PostgreSQL (process {server.pid}) does not become ready.")
        time.sleep(0.01)
    return False


def _clear_stale_files(folder: Path, run: Path) -> None:
    """Remove a crashed server's pid file once its number belongs to some other program.

    PostgreSQL clears it by itself as long as nobody has the number, and then also checks that no
    orphan is left in its shared memory; that check goes with the file, so it is made here.
    """
    pid, _ = _pid_file(folder)
    if pid is None or identify(pid) is None:
        return
    deadline = time.monotonic() + 10
    while left := running_in(folder, "postgres"):
        if time.monotonic() > deadline:
            for orphan in left:
                with suppress(ProcessLookupError):
                    os.kill(orphan.pid, signal.SIGQUIT)
        time.sleep(0.05)
    (folder / "postmaster.pid").unlink(missing_ok=True)
    for socket in run.glob(f".s.PGSQL.{PORT}*"):
        socket.unlink()


def _pid_file(folder: Path) -> tuple[int | None, str]:
    """The number and the status in the pid file of a data folder."""
    try:
        lines = (folder / "postmaster.pid").read_text().split("\n")
        return abs(int(lines[0])), lines[7].strip() if len(lines) > 7 else ""
    except (OSError, ValueError):
        return None, ""


def _is_server_of(identity: Identity, folder: Path) -> bool:
    program, _, rest = identity.command.partition(" ")
    return Path(program).name == "postgres" and f"-D {folder} " in f"{rest} "


def _environment(home: Home) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C",
        "TZ": "UTC",
        "HOME": str(home.place),
        "BURSAR_HOME": str(home.path),
    }
