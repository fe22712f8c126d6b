"""`bursar sources` and `bursar secrets`: where files come from, and the keys of what signs in."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from bursar import secrets as sealing
from bursar.config import settings
from bursar.errors import InvalidInput, NotFound
from bursar.jobs.rows import ENDED
from bursar.jobs.sweep import tenants_with_due
from bursar.proof.signing import reseal_signing_keys
from bursar.resealing import reseal
from ops.cli.client import Client, client, local_database
from ops.cli.output import give, give_json, say
from ops.cli.stack import home_of
from ops.cli.tables import give_table
from ops.stack.processes import secrets_keys

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]
Named = Annotated[str, typer.Argument(help="Id or name of the source.", metavar="SOURCE")]
Maybe = Annotated[str | None, typer.Argument(help="Id or name of the source.", metavar="SOURCE")]
Every = Annotated[bool, typer.Option("--all", help="All sources of the tenant.")]

sources = typer.Typer(no_args_is_help=True, help="Places that files come from by themselves.")
secrets = typer.Typer(no_args_is_help=True, help="The keys that stored secrets are sealed with.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(sources, name="sources")
    app.add_typer(secrets, name="secrets")


@sources.callback()
@secrets.callback()
def group() -> None:
    """Keep the sub-command's name even where there is only one."""


@sources.command("add")
def add_source(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    kind: Annotated[str, typer.Option("--type", help="sftp, s3, sheets or folder.")],
    config: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE of its place, such as host=….")
    ] = None,
    secret_file: Annotated[
        str | None, typer.Option(help="File with its secret as JSON; - reads it from stdin.")
    ] = None,
    schedule: Annotated[str | None, typer.Option(help="HH:MM, or five cron fields.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="The tenant's without it.")] = None,
    expected_by: Annotated[str | None, typer.Option(help="When a file must have come.")] = None,
    drift_policy: Annotated[str, typer.Option(help="ask, evolve or freeze.")] = "ask",
    mode: Annotated[str, typer.Option(help="all_or_nothing or skip_errors.")] = "all_or_nothing",
    default: Annotated[list[str] | None, typer.Option(help="FIELD=VALUE, as for imports.")] = None,
    after: Annotated[str, typer.Option(help="leave, move or tag loaded files.")] = "leave",
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Make a source and print its id."""
    body: dict[str, Any] = {
        "name": name,
        "type": kind,
        "config": _pairs(config, "--config"),
        "secret": _secret(secret_file),
        "drift_policy": drift_policy,
        "mode": mode,
        "after_action": after,
    }
    more = {"schedule": schedule, "time_zone": time_zone, "expected_by": expected_by,
            "defaults": _pairs(default, "--default")}  # fmt: skip
    made = client(tenant).post("/sources", body | {k: v for k, v in more.items() if v})
    give_json(made) if as_json else give(made["id"])


@sources.command("list")
def list_sources(tenant: Tenant = None, as_json: AsJson = False) -> None:
    """List sources with their health."""
    page = client(tenant).get("/sources", limit=200)
    if as_json:
        give_json(page)
        return
    columns = ("id", "name", "type", "schedule", "is_active", "last_success_at", "last_file_at",
               "failures", "held_until")  # fmt: skip
    give_table(page["data"], columns)


@sources.command("test")
def try_source(
    source: Named,
    agree: Annotated[
        bool, typer.Option("--agree", help="Agree to the host key that the server shows.")
    ] = False,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Connect, sign in and look. Exit code 1: something stands in the way, and which it is."""
    api = client(tenant)
    found = _find(api, source)
    seen = api.post(f"/sources/{found['id']}/test")
    if agree and seen["code"] == "host_key_unknown":
        say(f"agreeing to {seen['fingerprint']}")
        change = {"config": {"host_key": seen["host_key"]}}
        api.patch(f"/sources/{found['id']}", change, found["version"])
        seen = api.post(f"/sources/{found['id']}/test")
    give_json(seen) if as_json else give(f"{seen['cause']}: {seen['detail']}")
    if not seen["ok"]:
        raise typer.Exit(1)


@sources.command("sync")
def sync_source(
    source: Named,
    wait: Annotated[bool, typer.Option(help="Wait for the run to end.")] = True,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Look at a source now. Exit code 1: the run failed; 3: single files did."""
    api = client(tenant)
    found = _find(api, source)
    started = api.post(f"/sources/{found['id']}/sync")
    while wait and api.get(f"/jobs/{started['job_id']}")["state"] not in ENDED:
        time.sleep(0.3)
    runs = api.get(f"/sources/{found['id']}/runs", limit=50)["data"]
    run = next((run for run in runs if run["id"] == started["id"]), started)
    if as_json:
        give_json(run)
    elif wait:
        reason = f": {run['error']['detail']}" if run["error"] else ""
        give(
            f"{run['state']}, {run['files_seen']} files seen, {run['files_taken']} taken,"
            f" {run['files_failed']} bad{reason}"
        )
    else:
        give(run["id"])
    if wait and run["state"] in ("failed", "partial"):
        raise typer.Exit(1 if run["state"] == "failed" else 3)


@sources.command("pause")
def pause_source(
    source: Maybe = None, every: Every = False, tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Let a source, or all of the tenant, rest: its schedule starts no runs and no alarms."""
    _rest(source, every, tenant, as_json, active=False)


@sources.command("resume")
def resume_source(
    source: Maybe = None, every: Every = False, tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Let a source, or all of the tenant, go on by its schedule."""
    _rest(source, every, tenant, as_json, active=True)


def _rest(
    source: str | None, every: bool, tenant: str | None, as_json: bool, *, active: bool
) -> None:
    if (source is None) == (not every):
        raise InvalidInput("Name one source, or say --all.")
    api = client(tenant)
    if source is None:
        answer = api.post(f"/sources/{'resume' if active else 'pause'}")
    else:
        found = _find(api, source)
        answer = api.patch(f"/sources/{found['id']}", {"is_active": active}, found["version"])
    if as_json:
        give_json(answer)
    say(f"{source or 'all sources'} {'go on' if every else 'goes on'}" if active else
        f"{source or 'all sources'} {'rest' if every else 'rests'}")  # fmt: skip


@secrets.command("rotate")
def rotate_secrets() -> None:
    """Write every stored secret anew with the first key of BURSAR_SECRETS_KEY."""
    chosen = settings()
    if not chosen.database_url:
        chosen.secrets_key = SecretStr(secrets_keys(home_of(chosen), chosen))
    newest = sealing.newest_key_id()
    database = local_database()
    count = 0
    for tenant_id in tenants_with_due(database, "all"):
        with database.transaction(tenant_id, "shell") as session:
            count += reseal(session, newest)
    with database.transaction(None, "shell") as session:
        count += reseal_signing_keys(session, newest)
    database.close()
    give(f"{count} secrets written anew with key {newest}")


def _find(api: Client, wanted: str) -> dict[str, Any]:
    """A source by id or name. Raises NotFound."""
    cursor: str | None = None
    while True:
        page = api.get("/sources", limit=200, **({"cursor": cursor} if cursor else {}))
        for source in page["data"]:
            if wanted in (source["id"], source["name"]):
                found: dict[str, Any] = source
                return found
        cursor = page["next_cursor"]
        if cursor is None:
            raise NotFound(f"There is no source {wanted!r}.")


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given or ()]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise InvalidInput(f"Write {option} as KEY=VALUE.")
    return {name: value for name, _, value in pairs}


def _secret(file: str | None) -> dict[str, Any] | None:
    """A secret from a file, so that it stands in no process list and no shell history."""
    if file is None:
        return None
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    try:
        secret = json.loads(text)
    except ValueError:
        secret = None
    if not isinstance(secret, dict):
        raise InvalidInput('The secret is no JSON object, such as {"password": "…"}.')
    return secret
