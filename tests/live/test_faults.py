"""Processes die and come back; the work is done once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.live.caller import Caller, csv_of
from tests.live.stack import Live


def pid_of(live: Live, name: str) -> int:
    status = json.loads(live.command("status", "--json").stdout)
    return int(next(p["pid"] for p in status["processes"] if p["name"] == name))


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def kill_family(pid: int) -> None:
    for member in family(pid):
        os.kill(member, signal.SIGKILL)


@contextmanager
def halted(pid: int) -> Iterator[None]:
    """A server that accepts connections and never answers: worse than one that is gone."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def many(count: int) -> bytes:
    return csv_of(
        (f"Department {n // 40}", f"Item {n % 40}", f"{n % 977}.25") for n in range(count)
    )


def stage_of(caller: Caller, started: dict[str, Any]) -> str:
    return str(caller.get(f"/jobs/{started['job_id']}")["progress"]["stage"])


def test_a_worker_killed_in_the_middle_of_an_import(live: Live, caller: Caller) -> None:
    rows = 60_000
    worker = pid_of(live, "worker")  # found out before, so that the blow falls at once
    expected = sum(n % 977 + 0.25 for n in range(rows))
    started = caller.start_import(many(rows), "many.csv")
    caller.wait(lambda: stage_of(caller, started) in {"planning", "applying"}, "the plan", 60)
    kill_family(worker)
    assert caller.get(f"/imports/{started['id']}")["state"] not in {"completed", "failed"}
    run = caller.follow(started["id"], seconds=120)
    assert run["state"] == "completed", run["error"]
    assert run["counts"]["created"] == rows
    assert run["amounts"]["after"] == f"{expected:.2f}"
    job = caller.get(f"/jobs/{started['job_id']}")
    assert [attempt["outcome"] for attempt in job["history"]] == ["worker_lost", "succeeded"]
    # Exactly once, also in what follows from it.
    assert live.command("verify", "--tenant", str(caller.tenant_id)).returncode == 0
    totals = caller.get("/budgets", limit=1, sort="-department")["data"]
    entries = caller.get(f"/budgets/{totals[0]['id']}/ledger")["data"]
    assert [entry["kind"] for entry in entries] == ["fund"]


def test_the_broker_is_away_and_comes_back(live: Live, caller: Caller) -> None:
    with halted(pid_of(live, "valkey")):
        began = time.monotonic()
        first = caller.start_import(csv_of([("Ops", "Fuel", "1")]), "a.csv")
        second = caller.start_import(csv_of([("Ops", "Food", "2")]), "b.csv")
        assert time.monotonic() - began < 20
        down = httpx.get(f"{live.url}/readyz", timeout=20)
        assert down.status_code == 503
        assert down.json()["checks"]["broker"].startswith("down")
    for started in (first, second):
        assert caller.follow(started["id"], seconds=60)["state"] == "completed"


def test_the_broker_is_killed_and_everything_goes_on(live: Live, caller: Caller) -> None:
    os.kill(pid_of(live, "valkey"), signal.SIGKILL)
    started = caller.start_import(csv_of([("Ops", "Fuel", "3")]), "c.csv")
    assert caller.follow(started["id"], seconds=90)["state"] == "completed"


def test_a_killed_supervisor_loses_nothing(live: Live, caller: Caller) -> None:
    caller.import_file(csv_of([("Ops", "Fuel", "7")]), "d.csv")
    state = json.loads((live.home / "state.json").read_text())
    os.kill(int(state["supervisor"]["pid"]), signal.SIGKILL)
    port = live.url.rpartition(":")[2]
    again = live.command("up", "--detach", f"--port={port}", timeout=300)
    assert again.returncode == 0, again.stderr
    assert [b["budgeted_amount"] for b in caller.get("/budgets")["data"]] == ["7.00"]
    run = caller.import_file(csv_of([("Ops", "Fuel", "8")]), "e.csv")
    assert run["counts"]["updated"] == 1
