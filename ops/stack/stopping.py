"""Stop a stack from outside: ask its supervisor, or clear up where that was killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from bursar.errors import Misconfigured
from ops.stack import postgres, valkey
from ops.stack.home import Home
from ops.stack.state import Recorded, read_state, stop_orphans, write_state

STOPPED_WITHIN = 180.0


def stop_stack(home: Home, progress: Callable[[str], None]) -> bool:
    """Stop all that runs in this home; False if nothing did. Returns when nothing is left."""
    supervisor = read_state(home).supervisor
    asked = supervisor is not None and supervisor.alive()
    if supervisor is not None and asked:
        progress("stopping")
        with suppress(ProcessLookupError):
            os.kill(supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOPPED_WITHIN
        while supervisor.alive():
            if time.monotonic() > deadline:
                raise Misconfigured(f"The supervisor (process {supervisor.pid}) does not stop.")
            time.sleep(0.05)
    with home.locked():
        left = _clear_up(home, progress)
        home.give_back()
    return asked or left


def _clear_up(home: Home, progress: Callable[[str], None]) -> bool:
    """Stop what a killed supervisor has left, servers last."""
    found = stop_orphans(home)
    for server in (valkey.find(home), postgres.find(home)):
        if server is not None:
            found.append(server.name)
            server.stop()
    if found:
        progress(f"stopped what an earlier run left behind: {', '.join(found)}")
    state = read_state(home)
    gone = tuple(Recorded(known.name, "stopped", None, known.restarts) for known in state.processes)
    write_state(home, replace(state, phase="stopped", processes=gone))
    return bool(found)
