"""One running process: a child of ours, or an orphan of an earlier supervisor that we adopted."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ops.stack.account import Account
from ops.stack.identity import Identity, identify

PR_SET_PDEATHSIG = 1
# Signals with the seconds given to each, before the whole session is killed.
StopSteps = Sequence[tuple[signal.Signals, float]]


@dataclass(slots=True)
class Running:
    """A process with the polite way to stop it; `child` is None for an adopted one."""

    name: str
    identity: Identity
    child: subprocess.Popen[bytes] | None
    steps: StopSteps

    @property
    def pid(self) -> int:
        """Its number, which is also the number of its session."""
        return self.identity.pid

    def alive(self) -> bool:
        """Whether it runs. Leaves an ended child unreaped, so that its number stays reserved."""
        if self.child is None:
            return self.identity.alive()
        if self.child.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def stop(self) -> None:
        """Stop it and all that it started, politely first; returns when nothing is left."""
        for number, seconds in self.steps:
            if not self.alive():
                break
            self._signal(number)
            self._wait(seconds)
        self.clear()

    def clear(self) -> int | None:
        """Kill what is left of its session and reap it; gives its exit status, if it has one."""
        if self.child is None:
            if self.identity.alive():
                with suppress(ProcessLookupError):
                    leads = os.getpgid(self.pid) == self.pid
                    (os.killpg if leads else os.kill)(self.pid, signal.SIGKILL)
                self._wait(10)
            return None
        if self.child.returncode is None:
            # Not reaped yet, so the number of the session cannot belong to anybody else.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return self.child.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one process."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    account: Account
    steps: StopSteps
    # Sent by the kernel when the supervisor dies, however it dies.
    when_orphaned: signal.Signals | None = None
    typed: bytes = b""


def launch(plan: Launch) -> Running:
    """Start a process in a session of its own, so that Ctrl-C reaches only the supervisor."""
    with plan.log.open("ab", buffering=0) as log:
        child = subprocess.Popen(
            list(plan.argv),
            env=dict(plan.environment),
            cwd=plan.folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # Safe here: the supervisor has no threads. Runs after the change of account, which
            # would otherwise clear the setting.
            preexec_fn=_die_with_parent(plan.when_orphaned),  # noqa: PLW1509
            **plan.account.arguments(),
        )
    with suppress(BrokenPipeError):
        _type(child, plan.typed)
    return Running(plan.name, _identity(child, plan), child, plan.steps)


def _type(child: subprocess.Popen[bytes], text: bytes) -> None:
    assert child.stdin is not None
    with child.stdin:
        child.stdin.write(text)


def _identity(child: subprocess.Popen[bytes], plan: Launch) -> Identity:
    found = identify(child.pid)
    # It may have ended already; the number is reserved until we reap it.
    return found or Identity(child.pid, 0, "", " ".join(plan.argv))


def _die_with_parent(number: signal.Signals | None) -> Callable[[], None] | None:
    if number is None:
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # It died before the call above.
            os.kill(os.getpid(), number)

    return arrange


def tail(log: Path, lines: int = 20) -> str:
    """The end of a log file, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
