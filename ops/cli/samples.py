"""`bursar samples`: sample data to look around in."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from ops.cli.client import Client, client
from ops.cli.imports import EXIT_ERROR, JOB_ENDED, follow, tell
from ops.cli.output import give, say

Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]

samples = typer.Typer(no_args_is_help=True, help="Sample data to look around in.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(samples, name="samples")


@samples.command("load")
def load(tenant: Tenant = None) -> None:
    """Load sample budgets of the present fiscal year; a worker then uses some of them."""
    api = client(tenant)
    run = follow(api, api.post("/samples"))
    tell(api, run)
    if run["state"] != "completed":
        sys.exit(EXIT_ERROR)


@samples.command("remove")
def remove(tenant: Tenant = None) -> None:
    """Remove the sample data, and nothing else; its entries stay in the ledger."""
    api = client(tenant)
    job = _ended(api, api.delete("/samples")["job_id"])
    if job["state"] != "succeeded":
        error = job["error"] or {}
        say(f"{error.get('code', job['state'])}: {error.get('detail', 'Try again.')}")
        sys.exit(EXIT_ERROR)
    give(f"removed {job['result']['removed']:,} sample budgets")


def _ended(api: Client, job_id: str) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = api.get(f"/jobs/{job_id}")
        if job["state"] in JOB_ENDED:
            return job
        time.sleep(0.2)
