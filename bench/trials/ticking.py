"""Several beats of one stack: who ticked last, killing them and letting them come back."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import redis

from bench.stack import BenchStack
from ops.stack.identity import Identity
from ops.stack.state import read_state

# The sender writes its process id into each message, as `origin`.
_ORIGIN = re.compile(r'"origin": "gen(\d+)@')
OWN = 0  # the stack's own beat, which the supervisor brings back; the others are numbered from 1
PATIENCE = 60.0


class Beats:
    """The stack's own beat, and `others` with the same command, environment and a file each.

    Whoever is killed stays away until `return_all`: the stack's own one is killed again as often
    as its supervisor brings it back, before it can tick.
    """

    def __init__(self, stack: BenchStack, others: int) -> None:
        self._stack = stack
        self.counts: Counter[str] = Counter()
        self._folder = Path(tempfile.mkdtemp(prefix="bursar-beats-"))
        # What `ps` shows of the stack's own one is what the others are started with.
        own = self._own()
        assert own is not None
        process = Path(f"/proc/{own.pid}")
        self._command = process.joinpath("cmdline").read_text().strip("\0").split("\0")
        told = process.joinpath("environ").read_text().strip("\0").split("\0")
        self._environment = dict(entry.split("=", 1) for entry in told)
        self._children: dict[int, subprocess.Popen[bytes] | None] = dict.fromkeys(
            range(1, others + 1)
        )
        self._ticks: list[tuple[float, int]] = []
        self._own_away = False
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._listen, self._keep_away)
        ]

    def __enter__(self) -> Beats:
        """Itself, listening."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the others; the stack's own one goes with the stack."""
        self._over.set()
        self._own_away = False
        for child in self._children.values():
            if child is not None:
                child.kill()
                child.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def now(self) -> datetime:
        """The time, as the database writes it."""
        return datetime.now(UTC)

    def return_all(self) -> None:
        """Start all that are away, and wait until each beat has ticked."""
        self._own_away = False
        for number, child in self._children.items():
            if child is None:
                self._children[number] = self._start(number)
        since = time.time()
        deadline = since + PATIENCE
        while not self._all_tick(since):
            assert time.time() < deadline, f"not all beats tick: {self._alive()}"
            time.sleep(0.1)

    def kill_leader(self) -> None:
        """Kill the one of those alive that ticked last, a random while after it did."""
        alive = self._alive()
        leader = next(pid for _, pid in reversed(self._ticks) if pid in alive)
        self._kill(leader, alive[leader])
        self.counts["leaders_killed"] += 1

    def kill_others(self) -> None:
        """Kill all that are left."""
        for pid, number in self._alive().items():
            self._kill(pid, number)
            self.counts["others_killed"] += 1

    def _all_tick(self, since: float) -> bool:
        alive, heard = self._alive(), {who for at, who in self._ticks if at > since}
        return len(alive) == len(self._children) + 1 and alive.keys() <= heard

    def _alive(self) -> dict[int, int]:
        """Process id → number of each beat that runs and is not on its way out."""
        alive = {child.pid: n for n, child in self._children.items() if child is not None}
        own = None if self._own_away else self._own()
        return alive if own is None else {own.pid: OWN, **alive}

    def _kill(self, pid: int, number: int) -> None:
        if number == OWN:
            self._own_away = True
        os.kill(pid, signal.SIGKILL)
        child = self._children.get(number)
        if child is not None:
            child.wait()
            self._children[number] = None

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        place = self._folder / f"schedule-{number}"
        command = [
            f"--schedule={place}" if word.startswith("--schedule=") else word
            for word in self._command
        ]
        with self._stack.home.log(f"beat-{number}").open("ab") as log:
            return subprocess.Popen(
                command, env=self._environment, cwd=self._folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip

    def _own(self) -> Identity | None:
        """The stack's own beat, as its state says; None while it is about to be started again."""
        found = next(p.identity for p in read_state(self._stack.home).processes if p.name == "beat")
        return found if found is not None and found.alive() else None

    def _keep_away(self) -> None:
        """Kill the stack's own beat whenever it comes back too early: it starts within seconds."""
        while not self._over.wait(0.2):
            own = self._own()
            if self._own_away and own is not None:
                with suppress(ProcessLookupError):
                    os.kill(own.pid, signal.SIGKILL)

    def _listen(self) -> None:
        """Hear every tick that is sent, and who sent it, from the broker itself."""
        with redis.Redis.from_url(self._stack.urls.redis_url).monitor() as monitor:  # type: ignore[no-untyped-call]
            for heard in monitor.listen():
                command = str(heard["command"])
                origin = _ORIGIN.search(command)
                if command.startswith("LPUSH default") and '"task": "tick"' in command and origin:
                    self._ticks.append((time.time(), int(origin[1])))
                    self.counts["ticks"] += 1
                if self._over.is_set():
                    return
