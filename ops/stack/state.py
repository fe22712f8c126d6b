"""The state file: what the supervisor of a home started, for `status`, `down` and the next `up`."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from ops.stack.home import Home
from ops.stack.identity import Identity, session_members
from ops.stack.running import Running

Phase = Literal["starting", "ready", "stopping", "stopped"]
ProcessState = Literal["starting", "running", "restarting", "stopped"]
SERVERS = ("postgres", "valkey")
# The kernel has already asked them to end when their supervisor died.
ORPHAN_STEPS = ((signal.SIGTERM, 10.0),)
MEMBER_STEPS = ((signal.SIGTERM, 1.0),)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One process as it was last seen by the supervisor."""

    name: str
    state: ProcessState
    identity: Identity | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class StackState:
    """Everything that the supervisor knows and others may ask."""

    phase: Phase = "stopped"
    supervisor: Identity | None = None
    bind: str = ""
    port: int = 0
    flower_port: int = 0
    processes: tuple[Recorded, ...] = field(default=())

    def web_url(self) -> str:
        """The address of the pages and the API on this machine."""
        host = "127.0.0.1" if self.bind in ("", "0.0.0.0", "::") else self.bind  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}"

    def with_process(self, process: Recorded) -> StackState:
        """The same with one process added or replaced."""
        others = tuple(known for known in self.processes if known.name != process.name)
        return replace(self, processes=(*others, process))


def write_state(home: Home, state: StackState) -> None:
    """Replace the file at once, so that a reader never sees half of it."""
    new = home.state_file.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(state), file, indent=2)
    new.replace(home.state_file)


def read_state(home: Home) -> StackState:
    """The last state written; an empty one where there is none or it cannot be understood."""
    try:
        told = json.loads(home.state_file.read_text())
        processes = tuple(
            Recorded(**{**one, "identity": _identity(one["identity"])}) for one in told["processes"]
        )
        return StackState(
            **{**told, "supervisor": _identity(told["supervisor"]), "processes": processes}
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return StackState()


def stop_orphans(home: Home) -> list[str]:
    """Stop what a killed supervisor left of the application; gives the names.

    The database servers are left alone: the next start adopts them.
    """
    stopped = []
    mark = f"BURSAR_HOME={home.path}".encode()
    for known in reversed(read_state(home).processes):
        if known.name in SERVERS or known.identity is None:
            continue
        members = session_members(known.identity.pid, mark)
        if known.identity.alive():
            Running(known.name, known.identity, None, ORPHAN_STEPS).stop()
        for member in members:
            Running(known.name, member, None, MEMBER_STEPS).stop()
        if members:
            stopped.append(known.name)
    return stopped


def _identity(told: dict[str, int | str] | None) -> Identity | None:
    return Identity(**told) if told else None  # type: ignore[arg-type]
