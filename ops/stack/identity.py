"""Who a process is, so that a number that has been given to another process is never signalled."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Identity:
    """A process for good: its number, when it started (ticks after which boot), what it runs."""

    pid: int
    started: int
    boot: str
    command: str

    def alive(self) -> bool:
        """Whether this very process is still running."""
        now = identify(self.pid)
        if now is None or (now.started, now.boot) != (self.started, self.boot):
            return False
        # A process on its way out has lost its command line already, but is not gone.
        return now.command in (self.command, "")

    def as_json(self) -> dict[str, int | str]:
        """For the state file."""
        return asdict(self)


def identify(pid: int) -> Identity | None:
    """Who has this number now; None for nobody, or one that has ended and waits to be reaped."""
    try:
        fields = _status(pid)
        command = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    if fields[0] in ("Z", "X"):
        return None
    boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    text = command.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return Identity(pid, int(fields[19]), boot, text)


def session_members(leader: int, mark: bytes) -> list[Identity]:
    """Living processes of a session whose environment carries the mark `NAME=value`."""
    found = []
    for pid in _pids():
        try:
            member = int(_status(pid)[3]) == leader
            marked = member and mark in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marked and (identity := identify(pid)):
            found.append(identity)
    return found


def running_in(folder: Path, program: str) -> list[Identity]:
    """Processes of a program that work in a folder, as a database server works in its data."""
    found = []
    for pid in _pids():
        try:
            here = (PROC / str(pid) / "cwd").readlink() == folder
            named = (PROC / str(pid) / "comm").read_text().strip() == program
        except OSError:
            continue
        if here and named and (identity := identify(pid)):
            found.append(identity)
    return found


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _status(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold blanks and brackets."""
    text = (PROC / str(pid) / "stat").read_text(errors="replace")
    return text.rpartition(")")[2].split()
