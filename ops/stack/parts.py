"""The parts of a stack that the supervisor keeps alive: servers first, then Bursar's processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bursar.config import Settings
from ops.stack import postgres, valkey
from ops.stack.account import Account, current_account
from ops.stack.home import Home
from ops.stack.processes import Process
from ops.stack.running import Launch, Running, launch
from ops.stack.urls import embeds_postgres, embeds_valkey

LONGEST_PAUSE = 30.0
# Everything waits for a server, and it counts as started only when it was ready.
LONGEST_PAUSE_OF_A_SERVER = 4.0
# A process that ran this long has recovered; its next failure counts as the first again.
RECOVERED_AFTER = 60.0


@dataclass(slots=True)
class Part:
    """Something that has to run, how it is started, and how it has done so far."""

    name: str
    start: Callable[[], Running]
    longest_pause: float = LONGEST_PAUSE
    running: Running | None = None
    started_at: float = 0.0
    failures: int = 0
    restarts: int = 0
    start_again_at: float = field(default=0.0)

    def begin(self) -> None:
        """Start it; a server is ready when this returns, a process has merely begun."""
        self.running = self.start()
        self.started_at = time.monotonic()

    def ended(self) -> int | None:
        """Clear up after it if it has just ended; gives the exit status (-1 where unknown)."""
        if self.running is None or self.running.alive():
            return None
        status = self.running.clear()
        self.running = None
        now = time.monotonic()
        self.failures = 1 if now - self.started_at > RECOVERED_AFTER else self.failures + 1
        self.start_again_at = now + min(self.longest_pause, 0.5 * 2 ** (self.failures - 1))
        return -1 if status is None else status

    def due(self) -> bool:
        """Whether its pause after a failure is over."""
        return self.running is None and time.monotonic() >= self.start_again_at

    def end(self) -> None:
        """Stop it, with all that it started."""
        if self.running is not None:
            self.running.stop()
            self.running = None


def server_parts(home: Home, settings: Settings) -> list[Part]:
    """The embedded servers; none of those that the settings replace by an outside one."""
    parts = []
    if embeds_postgres(settings):
        parts.append(Part("postgres", lambda: postgres.start(home), LONGEST_PAUSE_OF_A_SERVER))
    if embeds_valkey(settings):
        parts.append(Part("valkey", lambda: valkey.start(home), LONGEST_PAUSE_OF_A_SERVER))
    return parts


def process_part(
    home: Home, process: Process, account: Account, environment: Mapping[str, str]
) -> Part:
    """One of Bursar's processes; it ends when the supervisor does, however that ends."""
    plan = Launch(
        name=process.name,
        argv=process.argv,
        environment={**environment, **process.environment},
        folder=home.path,
        log=home.log(process.name),
        account=account,
        steps=process.steps,
        when_orphaned=signal.SIGTERM,
    )
    return Part(process.name, lambda: launch(plan))


def application_account(home: Home, settings: Settings) -> Account:
    """Who Bursar's processes run as: never root, unless nobody else can reach what they need."""
    if not home.account.switch:
        return home.account
    store = settings.file_store
    possible = (
        home.account.reaches(home.path)
        and (store is None or home.account.writes(store))
        and _can_run_bursar(home.account)
    )
    return home.account if possible else current_account()


def prepare_folders(home: Home, account: Account) -> None:
    """Make the folders that the processes write to, and theirs even if root ran them before."""
    for folder in (home.path / "files", home.path / "beat"):
        account.own(folder)
        if account.switch:
            account.take_from_root(folder)


def _can_run_bursar(account: Account) -> bool:
    """Whether the account can enter the environment and the code; a 0700 /root is often above."""
    root = str(Path(__file__).resolve().parents[2])
    try:
        tried = subprocess.run(
            [sys.executable, "-c", "import bursar, celery"],
            env={"PYTHONPATH": root, "PATH": "/usr/bin:/bin"},
            cwd="/",
            check=False,
            capture_output=True,
            **account.arguments(),
        )
    except OSError:
        return False
    return tried.returncode == 0
