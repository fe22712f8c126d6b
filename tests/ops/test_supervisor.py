"""The supervisor: starts in order, mends, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bursar.config import Settings
from ops.stack.home import Home, open_home
from ops.stack.identity import Identity, session_members
from ops.stack.parts import server_parts
from ops.stack.running import Running
from ops.stack.state import StackState, read_state
from ops.stack.stopping import stop_stack

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="bursar-test-"))
    made = open_home(folder)
    assert made is not None
    yield made
    stop_stack(made, lambda _text: None)
    shutil.rmtree(folder, ignore_errors=True)


def start(home: Home, kind: str = "sound") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "tests/ops/stand_in_stack.py", str(home.path), kind],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def until(home: Home, holds: Callable[[StackState], bool], seconds: float = 30) -> StackState:
    deadline = time.monotonic() + seconds
    while not holds(state := read_state(home)):
        assert time.monotonic() < deadline, state
        time.sleep(0.02)
    return state


def ready(state: StackState) -> bool:
    return state.phase == "ready"


def identities(state: StackState) -> dict[str, Identity]:
    return {known.name: known.identity for known in state.processes if known.identity}


def everything_of(home: Home, state: StackState) -> list[Identity]:
    """All living processes of the stack, with those that its processes have started."""
    mark = f"BURSAR_HOME={home.path}".encode()
    leaders = [known.pid for known in identities(state).values()]
    return [member for leader in leaders for member in session_members(leader, mark)]


def test_it_starts_everything_and_stops_everything(home: Home) -> None:
    with start(home) as supervisor:
        state = until(home, ready)
        assert list(identities(state)) == ["valkey", "web", "worker"]
        assert len(everything_of(home, state)) == 4
        supervisor.terminate()
        assert supervisor.wait(30) == 0
    assert everything_of(home, state) == []
    assert read_state(home).phase == "stopped"


def test_a_process_that_dies_runs_again_with_none_of_its_children_left(home: Home) -> None:
    with start(home) as supervisor:
        first = until(home, ready)
        old = identities(first)["worker"]
        os.kill(old.pid, signal.SIGKILL)
        state = until(
            home, lambda now: ready(now) and identities(now).get("worker") not in (None, old)
        )
        assert [known.restarts for known in state.processes] == [0, 0, 1]
        assert everything_of(home, first) != []
        assert session_members(old.pid, f"BURSAR_HOME={home.path}".encode()) == []
        supervisor.terminate()
        supervisor.wait(30)


def test_the_database_is_started_again_after_a_crash(home: Home) -> None:
    with start(home, "database") as supervisor:
        old = identities(until(home, ready))["postgres"]
        os.kill(old.pid, signal.SIGKILL)
        until(home, lambda now: identities(now).get("postgres") not in (None, old))
        supervisor.terminate()
        assert supervisor.wait(30) == 0


def test_a_server_that_crashes_often_is_back_soon(home: Home) -> None:
    for part in server_parts(home, Settings(database_url="", broker_url="", redis_url="")):
        for _ in range(10):
            part.running = Running(part.name, Identity(0, 0, "", ""), None, ())
            part.started_at = time.monotonic()
            assert part.ended() == -1
            assert part.start_again_at - time.monotonic() <= 4


def test_a_part_that_crashes_at_start_stops_the_whole_start(home: Home) -> None:
    with start(home, "broken") as supervisor:
        _, said = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 1
    assert "worker ended with status 1" in said
    assert "no such queue" in said
    assert everything_of(home, read_state(home)) == []


def test_after_a_kill_the_next_start_adopts_the_servers_and_replaces_the_rest(home: Home) -> None:
    with start(home, "database") as supervisor:
        first = until(home, ready)
        supervisor.kill()
    with start(home, "database") as supervisor:
        second = until(home, lambda now: ready(now) and now.supervisor != first.supervisor)
        before, after = identities(first), identities(second)
        assert (before["postgres"], before["valkey"]) == (after["postgres"], after["valkey"])
        assert not before["web"].alive()
        assert not before["worker"].alive()
        supervisor.terminate()
        supervisor.wait(30)
    assert everything_of(home, second) == everything_of(home, first) == []


def test_down_clears_up_after_a_killed_supervisor(home: Home) -> None:
    with start(home) as supervisor:
        state = until(home, ready)
        supervisor.kill()
    assert stop_stack(home, lambda _text: None)
    assert everything_of(home, state) == []
    assert not stop_stack(home, lambda _text: None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works in the homes of others")
def test_what_root_does_in_a_users_home_stays_the_users(home: Home) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(home.path, user.pw_uid, user.pw_gid)
    with start(home) as supervisor:
        state = until(home, ready)
        owners = {Path(f"/proc/{one.pid}").stat().st_uid for one in identities(state).values()}
        assert user.pw_uid in owners
        supervisor.terminate()
        assert supervisor.wait(30) == 0
    assert {file.lstat().st_uid for file in home.path.rglob("*")} == {user.pw_uid}


def test_two_supervisors_never_share_a_home(home: Home) -> None:
    with start(home) as supervisor:
        until(home, ready)
        with start(home) as second:
            _, said = second.communicate(timeout=30)
        assert second.returncode == 1
        assert "already running" in said
        assert ready(read_state(home))
        supervisor.terminate()
        assert supervisor.wait(30) == 0
