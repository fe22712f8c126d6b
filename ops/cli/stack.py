"""`bursar up`, `down`, `status`, `logs`: the whole stack on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from bursar.config import Settings
from bursar.errors import BursarError
from ops.cli.output import give, give_json, say
from ops.stack.home import Home, open_home
from ops.stack.processes import ROOT
from ops.stack.running import tail
from ops.stack.state import StackState, read_state
from ops.stack.stopping import stop_stack
from ops.stack.supervisor import READY_WITHIN, StackFailed, Supervisor
from ops.stack.urls import stack_urls

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(logs)


def home_of(settings: Settings) -> Home:
    """The home that BURSAR_HOME names, made where it is missing."""
    home = open_home(settings.home)
    assert home is not None
    return home


def up(
    detach: Annotated[bool, typer.Option(help="Return once everything is ready.")] = False,
    port: Annotated[int | None, typer.Option(help="Port of the web server.", max=65535)] = None,
) -> None:
    """Start PostgreSQL, Valkey, web, worker, beat and Flower, and keep them running."""
    settings = Settings() if port is None else Settings(port=port)
    home = home_of(settings)
    if detach:
        _up_in_background(home, port)
        return
    Supervisor(home, settings, say).run()


def down() -> None:
    """Stop everything that `up` started in this home."""
    home = open_home(Settings().home, create=False)
    if home is None or not stop_stack(home, say):
        say("nothing was running")


def status(as_json: AsJson = False) -> None:
    """Say what runs, and where."""
    told = stack_status(Settings())
    if as_json:
        give_json(told)
        return
    for name in ("state", "web_url", "flower_url", "home"):
        give(f"{name:<12}{told[name] or '-'}")
    for process in told["processes"]:  # type: ignore[attr-defined]
        give(f"{process['name']:<12}{process['state']:<12}{process['pid'] or '-'}")


def logs(
    name: Annotated[str, typer.Argument(help="postgres, valkey, web, worker, beat, flower …")],
    lines: Annotated[int, typer.Option(help="How many of the last lines.", min=1)] = 100,
) -> None:
    """Print the end of a process's log."""
    home = open_home(Settings().home, create=False)
    known = sorted(log.stem for log in home.logs.glob("*.log")) if home else []
    if home is None or name not in known:
        raise BursarError(
            f"There is no log of {name!r}; there is {', '.join(known) or 'none at all'}."
        )
    give(tail(home.log(name), lines))


def stack_status(settings: Settings) -> dict[str, object]:
    """What `status --json` prints; URLs carry their passwords."""
    home = open_home(settings.home, create=False)
    state = read_state(home) if home else StackState()
    alive = state.supervisor is not None and state.supervisor.alive()
    urls = stack_urls(home, settings) if home else None
    return {
        "state": _condition(state) if alive else "stopped",
        "web_url": state.web_url() if alive else None,
        "flower_url": f"{state.web_url()}/flower/" if alive else None,
        "database_url": urls.database_url if urls else None,
        "owner_database_url": urls.owner_database_url if urls else None,
        "broker_url": urls.broker_url if urls else None,
        "redis_url": urls.redis_url if urls else None,
        "home": str(home.path if home else settings.home),
        "processes": [
            {
                "name": known.name,
                "pid": known.identity.pid if known.identity and known.identity.alive() else None,
                "state": known.state
                if known.identity is None or known.identity.alive()
                else "stopped",
                "restarts": known.restarts,
            }
            for known in state.processes
        ],
    }


def _condition(state: StackState) -> str:
    """The phase, or `degraded` where something that should run does not."""
    down = [one for one in state.processes if one.identity is None or not one.identity.alive()]
    return "degraded" if state.phase == "ready" and down else state.phase


def _up_in_background(home: Home, port: int | None) -> None:
    """Start the supervisor on its own and wait until it says that all is ready."""
    before = read_state(home)
    if before.phase == "ready" and before.supervisor and before.supervisor.alive():
        say(f"already running at {before.web_url()}")
        return
    log = home.log("supervisor")
    argv = [sys.executable, "-m", "ops.cli", "up"] + ([f"--port={port}"] if port else [])
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with log.open("ab") as file:
        start = file.tell()
        child = subprocess.Popen(
            argv,
            env={**os.environ, "BURSAR_HOME": str(home.path), "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    _follow(child, home, log, start)


def _follow(child: subprocess.Popen[bytes], home: Home, log: Path, start: int) -> None:
    """Repeat what the supervisor says until it is ready; its end before that is an error."""
    deadline = time.monotonic() + READY_WITHIN + 240
    with log.open("rb") as said:
        said.seek(start)
        while time.monotonic() < deadline:
            ended = child.poll() is not None
            state = read_state(home)
            for line in said.readlines():
                say(line.decode(errors="replace").rstrip("\n"))
            if ended:
                raise StackFailed(f"The stack did not start; its log is {log}.")
            if state.phase == "ready" and state.supervisor and state.supervisor.pid == child.pid:
                return
            time.sleep(0.05)
    child.terminate()
    raise StackFailed(f"The stack did not start in time; its log is {log}.")
