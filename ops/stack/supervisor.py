"""Keeps the whole stack alive on one machine, and stops all of it again whatever happens.

Start: orphans away, servers, roles and schema, processes, ready. Then watch. Stop: in reverse.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import FrameType

from bursar.config import Settings
from bursar.errors import BursarError, Misconfigured
from ops.stack.home import Home
from ops.stack.identity import identify
from ops.stack.migrations import bootstrap_embedded, migrate
from ops.stack.network import any_free_port, is_free, local_address, readiness
from ops.stack.parts import (
    Part,
    application_account,
    prepare_folders,
    process_part,
    server_parts,
)
from ops.stack.processes import Process, embedded, shared_environment
from ops.stack.running import tail
from ops.stack.state import Phase, ProcessState, Recorded, StackState, stop_orphans, write_state
from ops.stack.urls import embeds_postgres, stack_urls

READY_WITHIN = 120.0
LARGEST_LOG = 20 * 1024 * 1024
Progress = Callable[[str], None]
Table = Callable[[Home, Settings, int], Sequence[Process]]


class StackFailed(BursarError):
    """A part of the stack did not start."""

    code = "stack_failed"


class StopRequested(BursarError):
    """Somebody asked the supervisor to stop."""

    code = "stop_requested"


@dataclass(slots=True)
class Supervisor:
    """Runs one home in the foreground until a signal or a failure that it cannot mend."""

    home: Home
    settings: Settings
    progress: Progress
    table: Table = embedded
    parts: list[Part] = field(default_factory=list)
    state: StackState = field(default_factory=StackState)
    stopping: bool = False

    def run(self) -> None:
        """Start, watch, stop. Raises BursarError when it could not start or go on."""
        with self.home.locked():
            self.state = StackState(supervisor=identify(os.getpid()), bind=self.settings.bind)
            before = self._listen_for_signals()
            try:
                with suppress(StopRequested):
                    self._start()
                    self._watch()
            finally:
                self._stop()
                self.home.give_back()
                for number, handler in before.items():
                    signal.signal(number, handler)

    def _listen_for_signals(self) -> dict[signal.Signals, signal._HANDLER]:
        """A signal sets a flag, looked at between steps, so that no child is ever lost track of."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            self.stopping = True

        wanted = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        return {number: signal.signal(number, ask) for number in wanted}

    def _start(self) -> None:
        orphans = stop_orphans(self.home)
        if orphans:
            self.progress(f"stopped what an earlier run left behind: {', '.join(orphans)}")
        self._rotate_logs()
        self._choose_ports()
        self._record("starting")
        for part in server_parts(self.home, self.settings):
            self._begin(part)
        self._prepare_database()
        self._prepare_processes()
        self._wait_until_ready()
        self._record("ready")
        self.progress(f"ready at {self.state.web_url()}")

    def _begin(self, part: Part) -> None:
        self._heed_signals()
        self.progress(f"starting {part.name}")
        self.parts.append(part)
        part.begin()
        self._record("starting")

    def _prepare_database(self) -> None:
        if embeds_postgres(self.settings):
            bootstrap_embedded(self.home)
        owner_url = stack_urls(self.home, self.settings).owner_database_url
        if owner_url:
            self._heed_signals()
            self.progress("bringing the schema up to date")
            migrate(owner_url)

    def _prepare_processes(self) -> None:
        account = application_account(self.home, self.settings)
        prepare_folders(self.home, account)
        environment = shared_environment(
            self.home,
            self.settings,
            stack_urls(self.home, self.settings),
            (self.state.port, self.state.flower_port),
            account,
        )
        for process in self.table(self.home, self.settings, self.state.flower_port):
            self._begin(process_part(self.home, process, account, environment))

    def _wait_until_ready(self) -> None:
        """Wait for `/readyz`; a part that ends before that is a failure of the whole start."""
        address = local_address(self.settings.bind)
        deadline = time.monotonic() + READY_WITHIN
        while True:
            self._heed_signals()
            for part in self.parts:
                if (status := part.ended()) is not None:
                    raise StackFailed(
                        f"{part.name} ended with status {status} while starting.\n"
                        f"{tail(self.home.log(part.name))}"
                    )
            ready, said = readiness(address, self.state.port)
            if ready:
                return
            if time.monotonic() > deadline:
                raise StackFailed(f"Not ready after {READY_WITHIN:.0f} seconds: {said}")
            time.sleep(0.05)

    def _watch(self) -> None:
        """Start again what ends, with growing pauses; a server that cannot start ends it all."""
        while True:
            self._heed_signals()
            for part in self.parts:
                if (status := part.ended()) is not None:
                    pause = part.start_again_at - time.monotonic()
                    self.progress(
                        f"{part.name} ended with status {status}; again in {pause:.1f} seconds"
                    )
                    self._record("ready")
                elif part.due():
                    part.restarts += 1
                    part.begin()
                    self.progress(f"{part.name} runs again")
                    self._record("ready")
            time.sleep(0.2)

    def _stop(self) -> None:
        # An earlier failure has its own message; every part is stopped whatever the others do.
        if self.parts:
            self._record("stopping")
        for part in reversed(self.parts):
            self.progress(f"stopping {part.name}")
            try:
                part.end()
            except OSError as failed:
                self.progress(f"{part.name} could not be stopped: {failed}")
        self._record("stopped")

    def _record(self, phase: Phase) -> None:
        state = replace(self.state, phase=phase, processes=())
        for part in self.parts:
            identity = part.running.identity if part.running else None
            if phase == "stopped":
                seen = Recorded(part.name, "stopped", None, part.restarts)
            elif identity is None:
                seen = Recorded(part.name, "restarting", None, part.restarts)
            else:
                now: ProcessState = "starting" if phase == "starting" else "running"
                seen = Recorded(part.name, now, identity, part.restarts)
            state = state.with_process(seen)
        self.state = state
        write_state(self.home, state)

    def _choose_ports(self) -> None:
        """The web server's port is the one asked for; Flower's may move out of the way."""
        address = local_address(self.settings.bind)
        port = self.settings.port or any_free_port(address)
        if not is_free(address, port):
            raise Misconfigured(
                f"Port {port} on {address} is taken; choose another with --port or BURSAR_PORT."
            )
        flower = self.settings.flower_port
        if "flower_port" in self.settings.model_fields_set:
            if not is_free("127.0.0.1", flower):
                raise Misconfigured(
                    f"Port {flower} is taken; choose another with BURSAR_FLOWER_PORT."
                )
        elif flower == port or not is_free("127.0.0.1", flower):
            flower = any_free_port("127.0.0.1")
        self.state = replace(self.state, port=port, flower_port=flower)

    def _rotate_logs(self) -> None:
        for log in self.home.logs.glob("*.log"):
            # The supervisor's own is open already.
            if log.stem != "supervisor" and log.stat().st_size > LARGEST_LOG:
                log.replace(log.with_suffix(".log.1"))

    def _heed_signals(self) -> None:
        if self.stopping:
            raise StopRequested
