"""`bursar verify`: whether the counters and the chains of entries hold."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bursar.ledger.reconcile import broken_budgets
from ops.cli.client import find_tenant, local_database
from ops.cli.output import complain, give, give_json

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]
EXIT_BROKEN = 4


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(verify)


def verify(tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Derive every balance from its entries and re-walk every chain. Exit code 4: one is broken."""
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    with database.transaction(tenant_id, "shell") as session:
        broken = broken_budgets(session, tenant_id)
    database.close()
    if as_json:
        give_json({"broken": [{"budget_id": str(b), "detail": d} for b, d in broken]})
    else:
        for budget_id, detail in broken:
            complain(f"budget {budget_id}: {detail}")
        if not broken:
            give("every balance follows from its entries, and every chain is whole")
    if broken:
        sys.exit(EXIT_BROKEN)
