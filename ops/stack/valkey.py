"""The embedded Valkey: the broker, on a unix socket with a password, started or adopted.

It rings the doorbell for the workers; what has to last is in PostgreSQL, so one second of its
append-only file is a fair risk.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bursar.errors import Misconfigured
from ops.stack.binaries import reachable_valkey
from ops.stack.home import Home
from ops.stack.identity import Identity, identify, running_in
from ops.stack.running import Launch, Running, launch, tail

SOCKET = "valkey.sock"
READY_WITHIN = 60.0
STEPS = ((signal.SIGTERM, 20.0),)
SETTINGS: Mapping[str, str] = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    # A full broker has to refuse, not forget messages.
    "maxmemory-policy": "noeviction",
    # Keeps the command line as it is, which is part of who the process is.
    "set-proc-title": "no",
}


def start(home: Home, *, when_orphaned: signal.Signals | None = None) -> Running:
    """Start the server of this home, or adopt the one that is running; returns when it answers."""
    orphan = find(home)
    if orphan is not None:
        if _becomes_ready(home, orphan):
            return orphan
        orphan.stop()
    folder = home.place / "valkey"
    home.account.own(folder)
    run = home.private_run()
    _stop_strangers(home)
    password = home.secret("valkey_password")
    lines = {**SETTINGS, "unixsocket": str(run / SOCKET), "requirepass": password}
    server = launch(
        Launch(
            name="valkey",
            # The settings come by its standard input: the password is in no file and no argument.
            argv=[str(reachable_valkey(home)), "-"],
            environment={"PATH": "/usr/bin:/bin", "TZ": "UTC", "BURSAR_HOME": str(home.path)},
            folder=folder,
            log=home.log("valkey"),
            account=home.account,
            steps=STEPS,
            when_orphaned=when_orphaned,
            typed="".join(f"{name} {value}\n" for name, value in lines.items()).encode(),
        )
    )
    if not _becomes_ready(home, server):
        server.stop()
        raise Misconfigured(f"Valkey did not start.\n{tail(home.log('valkey'))}")
    return server


def find(home: Home) -> Running | None:
    """The server that answers on this home's socket with this home's password."""
    pid = _answering(home)
    identity = identify(pid) if pid else None
    return Running("valkey", identity, None, STEPS) if identity else None


def _becomes_ready(home: Home, server: Running) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    while server.alive() and time.monotonic() < deadline:
        if _answering(home, ready=True) == server.pid:
            return True
        time.sleep(0.01)
    return False


def _answering(home: Home, *, ready: bool = False) -> int | None:
    """The number of the process that answers; with `ready`, only once it has read its file."""
    client = redis.Redis(
        unix_socket_path=str(home.run / SOCKET),
        password=home.secret("valkey_password"),
        socket_timeout=2,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        told = client.info("server", "persistence")
    except (redis.RedisError, OSError):
        return None
    finally:
        client.close()
    assert isinstance(told, dict)
    if ready and told["loading"]:
        return None
    return int(told["process_id"])


def _stop_strangers(home: Home) -> None:
    """Stop a server that holds the append-only file but does not take our password."""
    program = reachable_valkey(home).name
    left: list[Identity] = running_in(home.place / "valkey", program)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for stranger in left:
            with suppress(ProcessLookupError):
                os.kill(stranger.pid, number)
        deadline = time.monotonic() + 10
        while any(stranger.alive() for stranger in left) and time.monotonic() < deadline:
            time.sleep(0.02)
        left = [stranger for stranger in left if stranger.alive()]
