"""`bursar demo`: the whole stack, a tenant, and the main job once, told step by step."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any

import typer

from bursar import tenants
from bursar.config import Settings
from bursar.database import Database
from bursar.errors import BursarError, Misconfigured
from ops.cli.client import Client, find_tenant, local_database
from ops.cli.imports import ENDED
from ops.cli.output import give, say
from ops.cli.stack import home_of, up
from ops.stack.home import Home
from ops.stack.network import any_free_port, is_free, local_address
from ops.stack.state import read_state
from ops.stack.stopping import stop_stack

TENANT = "Harbour City Council"
EMAIL = "analyst@harbour-city.example"
SAMPLE = "harbour_city_budget.csv"


class DemoFailed(BursarError):
    """The demonstration did not come to its end."""

    code = "demo_failed"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option(help="Stop after the main job.")] = False,
    port: Annotated[int | None, typer.Option(help="Port of the web server.", max=65535)] = None,
) -> None:
    """Start everything, import a messy budget file, ask whether money can be spent."""
    settings = Settings()
    home = home_of(settings)
    if read_state(home).phase != "ready":
        # A demonstration moves out of the way; an installation is told.
        if port is None and not is_free(local_address(settings.bind), settings.port):
            port = any_free_port(local_address(settings.bind))
        up(detach=True, port=port)
    try:
        url = read_state(home).web_url()
        password = _tell_story(home, settings, url)
        give("")
        give(f"The pages:  {url}/")
        give(f"Log in as:  {EMAIL}   password: {password}")
        if not once:
            give("Stop with Ctrl-C.")
            _wait_for_signal(home)
    finally:
        stop_stack(home, say)


def _tell_story(home: Home, settings: Settings, url: str) -> str:
    database = local_database(home, settings)
    try:
        key, password = _people(home, database)
    finally:
        database.close()
    api = Client(url, key)
    with as_file(files("ops.sample").joinpath(SAMPLE)) as path:
        run = _import(api, path)
    for line in story(run):
        give(line)
    budgets = api.get("/budgets", limit=200)["data"]
    wanted = next(b for b in budgets if b["sub_category"] == "Software")
    give("")
    for amount in ("1200.00", "99000000"):
        answer = api.post(
            "/budgets/check",
            {
                "department": wanted["department"],
                "sub_category": wanted["sub_category"],
                "fiscal_period": "FY2026",
                "amount": amount,
                "currency": "USD",
            },
        )
        give(
            f"Can {wanted['name']} spend {amount} USD?  {answer['decision']} ({answer['reason']}),"
            f" {answer['budget']['available']} USD available"
        )
    return password


def story(run: dict[str, Any]) -> list[str]:
    """What an import did, for a person."""
    counts = run["counts"]
    outcomes = ("created", "updated", "unchanged", "rejected")
    lines = [
        f"Imported {run['file_name']}: {run['state'].replace('_', ' ')}",
        f"  {counts['total']} rows: {', '.join(f'{counts[n]} {n}' for n in outcomes)}",
    ]
    for currency, sums in run["amounts"]["by_currency"].items():
        lines.append(f"  {currency}: {sums['before']} before, {sums['after']} after")
    lines += [f"  note: {warning}" for warning in run["warnings"]]
    return lines


def _people(home: Home, database: Database) -> tuple[str, str]:
    """The tenant, a key and a person to log in as; made once a home."""
    place = home.path / "demo-login"
    try:
        tenant_id = find_tenant(database, TENANT)
    except Misconfigured:
        tenant_id = tenants.create_tenant(database, TENANT)
    if place.is_file():
        key, password = place.read_text().split()
        return key, password
    password = secrets.token_urlsafe(9)
    with database.transaction(tenant_id, "demo") as session:
        key = tenants.create_key(session, tenant_id, "admin", name="demo")
        tenants.create_member(session, tenant_id, EMAIL, password, "admin", "Ana Analyst")
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{key} {password}\n")
    return key, password


def _import(api: Client, path: Path) -> dict[str, Any]:
    """Through the HTTP API and a worker, skipping rows that cannot be read."""
    with path.open("rb") as handle:
        started = api.post(
            "/imports", data={"mode": "skip_errors"}, files={"file": (path.name, handle)}
        )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        run: dict[str, Any] = api.get(f"/imports/{started['id']}")
        if run["state"] in ENDED:
            if run["state"] not in {"completed", "completed_with_errors"}:
                raise DemoFailed(f"The import ended as {run['state']}: {run['error']}")
            return run
        time.sleep(0.1)
    raise DemoFailed("The import did not end within a minute; see `bursar logs worker`.")


def _wait_for_signal(home: Home) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1.0):
        if read_state(home).phase != "ready":
            raise DemoFailed("The stack has stopped; see its logs.")
